//! Stopping an agent's turn: the agent's monitor is asked, and its word is the answer.

use ois_protocol::{ErrorCode, ErrorFrame, Member, ServerFrame, ShortName, Stop, Stopped};

use super::{
    Team,
    output::{Answer, ConnId, Output, RequestId},
};
use crate::roster::Client;

/// A request that waits for a monitor's word about a turn.
#[derive(Debug)]
pub(super) struct PendingStop {
    request: RequestId,
    run: String,
    agent: ShortName,
}

impl Team {
    /// A person has a turn stopped. The answer is the monitor's word, if one comes:
    /// [`Team::forget`] ends the waiting for it.
    pub fn stop_run(&mut self, request: RequestId, run: &str, by: ShortName) {
        if let Err(error) = self.ask_to_stop(request, run, by) {
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
        by: ShortName,
    ) -> Result<(), ErrorFrame> {
        let error = |code, words: &str| Err(ErrorFrame::new(code, words));
        let Some(known) = self.desk.runs().get(run) else {
            return error(ErrorCode::NotFound, "there is no such run");
        };
        if known.end.is_some() {
            return error(ErrorCode::Conflict, "the run is over");
        }
        let agent = known.agent.clone();
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
