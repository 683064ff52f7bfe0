//! Stopping an agent's turn: the agent's monitor is asked, and its word is the answer.

use ois_protocol::{
    ErrorCode, ErrorFrame, Member, Reason, Run, ServerFrame, ShortName, Stop, Stopped,
    notice::AUTHOR,
};

use super::{
    Team,
    output::{Answer, ConnId, Output, RequestId},
};
use crate::{Fact, roster::Client};

/// A request that waits for a monitor's word about a turn.
#[derive(Debug)]
pub(super) struct PendingStop {
    request: RequestId,
    run: String,
    agent: ShortName,
}

impl Team {
    /// A person has a turn stopped: the one of this name, and of this agent if one is named. The answer is the monitor's word, if one comes:
    /// [`Team::forget`] ends the waiting for it.
    pub fn stop_run(
        &mut self,
        request: RequestId,
        run: &str,
        of: Option<&ShortName>,
        by: ShortName,
    ) {
        if let Err(error) = self.ask_to_stop(request, run, of, by) {
            self.outputs.push_back(Output::Answer(request, Err(error)));
        }
    }

    /// Nobody waits for this request's answer any more.
    pub fn forget(&mut self, request: RequestId) {
        self.stops.retain(|stop| stop.request != request);
    }

    fn ask_to_stop(
        &mut self,
        request: RequestId,
        run: &str,
        of: Option<&ShortName>,
        by: ShortName,
    ) -> Result<(), ErrorFrame> {
        let error = |code, words: &str| Err(ErrorFrame::new(code, words));
        let agent = match self.agent_of(run, of) {
            Ok(agent) => agent,
            Err((code, words)) => return error(code, words),
        };
        let monitors = self.monitors(&agent);
        if monitors.is_empty() {
            return error(ErrorCode::Conflict, "the agent's monitor is not connected");
        }
        for monitor in monitors {
            let stop = Stop { run: run.to_owned(), agent: agent.clone(), by: by.clone() };
            self.send(monitor, ServerFrame::Stop(stop));
        }
        self.stops.push(PendingStop { request, run: run.to_owned(), agent });
        Ok(())
    }

    /// The agent whose turn of this name is under way; of this one only, if one is given.
    fn agent_of(
        &self,
        run: &str,
        of: Option<&ShortName>,
    ) -> Result<ShortName, (ErrorCode, &'static str)> {
        let is_its = |it: &&Run| of.is_none_or(|of| it.agent == *of);
        let named: Vec<&Run> = self.desk.runs().named(run).filter(is_its).collect();
        let mut active = named.iter().filter(|it| it.end.is_none());
        match (active.next(), active.next()) {
            (Some(run), None) => Ok(run.agent.clone()),
            (Some(_), Some(_)) => Err((ErrorCode::Conflict, "several agents have such a run")),
            (None, _) if named.is_empty() => Err((ErrorCode::NotFound, "there is no such run")),
            (None, _) => Err((ErrorCode::Conflict, "the run is over")),
        }
    }

    /// The turns of a delivery that is over by the server's word are stopped, if they have gone on for
    /// as long as a turn may. This is asked before the desk takes the fact.
    pub(super) fn stop_what_is_over(&mut self, fact: &Fact) {
        let Fact::Delivery { delivery, .. } = fact else { return };
        if !delivery.state.is_final() {
            return;
        }
        let is_its = |run: &&Run| run.cause == delivery.message && run.agent == delivery.agent;
        let is_long = |run: &&Run| self.desk.is_too_long(run.start, delivery.at);
        let active = self.desk.runs().active();
        let mut runs: Vec<String> =
            active.filter(is_its).filter(is_long).map(|run| run.run.clone()).collect();
        if delivery.reason == Some(Reason::Timeout) {
            runs.extend(delivery.run.clone().filter(|run| !runs.contains(run)));
        }
        let by: ShortName = AUTHOR.parse().expect("the server's name is a name");
        for run in runs {
            for monitor in self.monitors(&delivery.agent) {
                let stop = Stop { run: run.clone(), agent: delivery.agent.clone(), by: by.clone() };
                self.send(monitor, ServerFrame::Stop(stop));
            }
        }
    }

    fn monitors(&self, agent: &ShortName) -> Vec<ConnId> {
        let is_its = |member: &Member| member.name == *agent;
        let monitors = self.sessions.iter().filter(|(_, session)| {
            session.client() == Client::Monitor && session.member().is_some_and(is_its)
        });
        monitors.map(|(conn, _)| *conn).collect()
    }

    /// An agent's monitor has said what its runtime made of a stop.
    pub(super) fn stopped(&mut self, agent: &Member, said: &Stopped) {
        let is_it = |stop: &mut PendingStop| stop.run == said.run && stop.agent == agent.name;
        for stop in self.stops.extract_if(.., is_it) {
            let answer = Answer::Stopped(said.clone());
            self.outputs.push_back(Output::Answer(stop.request, Ok(answer)));
        }
    }
}
