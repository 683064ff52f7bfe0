//! Carrying out what the machine decides, in its order.

use std::sync::Arc;

use ois_client::Closed;
use ois_inbox::{Assignment, Record};
use ois_protocol::{Chat, ClientFrame, EventId};

use super::{
    Agent, End, activity, fetch, log,
    machine::{AgentAction, NotSaid, RuntimeReport, Said},
};
use crate::{
    clock,
    runtime::{Evidence, Step},
};

impl Agent {
    /// Does everything that can be done now.
    pub(super) async fn carry_out(&mut self) -> Option<End> {
        while let Some(action) = self.machine.next_action(clock::now()) {
            match action {
                AgentAction::Write(records) => self.write(&records),
                AgentAction::Say(chat) => {
                    if let Some(end) = self.say(*chat).await {
                        return Some(end);
                    }
                }
                AgentAction::Send(frame) => self.send(*frame).await,
                AgentAction::Deliver(assignment) => self.deliver(*assignment),
                AgentAction::Stop(assignment) => self.stop_turn(*assignment),
                AgentAction::Fetch(id) => self.fetch(id),
                AgentAction::Probe => self.probe(),
                AgentAction::Begin(ticket) => self.begin(ticket),
                AgentAction::DoNotBegin(ticket) => drop(self.permits.remove(&ticket)),
                AgentAction::Answer(caller, answer) => self.answer(caller, answer),
                AgentAction::Ended { id, ending } => log::ended(&self.label, id, &ending),
                AgentAction::Deaf { why } => {
                    tracing::warn!(agent = %self.label, why, "the runtime does not answer: the agent is deaf");
                }
                AgentAction::Mismatch(mismatch) => return Some(End::Mismatch(mismatch)),
            }
        }
        None
    }

    fn write(&mut self, records: &[Record]) {
        match self.journal.append(records, self.machine.inbox_state()) {
            Ok(()) => self.machine.written(),
            Err(error) => {
                tracing::error!(agent = %self.label, %error, "cannot write to the state folder; waiting");
                self.machine.not_written(error.to_string(), clock::now());
            }
        }
    }

    async fn say(&mut self, chat: Chat) -> Option<End> {
        match self.link.say(chat).await {
            Ok(_) => self.machine.written(),
            Err(error @ Closed::Keep(_)) => {
                tracing::error!(agent = %self.label, %error, "the outbox takes nothing");
                self.machine.not_written(error.to_string(), clock::now());
            }
            Err(_) => return Some(End::Stopped),
        }
        None
    }

    /// Sends a frame that the server is sent again, if it matters, after the next sign-in.
    async fn send(&self, frame: ClientFrame) {
        if let Err(error) = self.link.speaker().tell(frame).await {
            tracing::debug!(agent = %self.label, %error, "a frame was not sent");
        }
    }

    fn begin(&mut self, ticket: u64) {
        let permit = self.permits.remove(&ticket);
        if permit.is_none_or(|permit| permit.send(()).is_err()) {
            tracing::debug!(agent = %self.label, "the runtime does not wait any more");
        }
    }

    fn answer(&mut self, caller: u64, answer: Result<Said, NotSaid>) {
        if let Some(reply) = self.callers.remove(&caller) {
            // A caller that does not wait any more gets no answer.
            drop(reply.send(answer));
        }
    }

    /// Hands a call to the runtime, in a task of its own, and shows what the agent does meanwhile.
    fn deliver(&mut self, assignment: Assignment) {
        let id = assignment.message.id;
        tracing::info!(agent = %self.label, call = %id, attempt = assignment.attempt, "waking the agent");
        let (evidence, doing) = Evidence::new(id, self.steps.0.clone());
        let native = assignment.identity.native;
        if native {
            let (speaker, room) = (self.link.speaker(), assignment.message.room.clone());
            self.tasks.spawn(|stop| activity::show(speaker, room, doing, stop));
        }
        let (runtime, rest) = (Arc::clone(&self.runtime), self.rest.clone());
        // Stopping does not wait for it: what the turn does goes on in the runtime anyway.
        self.tasks.spawn(|stop| async move {
            let working = async {
                let assignment = if native && !assignment.missing.is_nothing() {
                    fetch::surroundings(rest, assignment).await
                } else {
                    assignment
                };
                runtime.deliver(assignment, evidence.clone()).await
            };
            tokio::select! {
                done = working => evidence.settled(done).await,
                () = stop.cancelled() => {}
            }
        });
    }

    fn fetch(&self, id: EventId) {
        let rest = self.rest.clone();
        self.report_later(async move {
            RuntimeReport::Fetched { id, fetched: fetch::message(rest, id).await }
        });
    }

    /// Asks the runtime whether it lives.
    fn probe(&self) {
        let probing = self.runtime.probe();
        self.report_later(async move { RuntimeReport::Probed(probing.await) });
    }

    /// Has the runtime stop a turn.
    fn stop_turn(&self, assignment: Assignment) {
        let id: EventId = assignment.message.id;
        let run = assignment.under_way.as_ref().and_then(|it| it.run.clone()).unwrap_or_default();
        tracing::info!(agent = %self.label, call = %id, %run, "stopping the turn");
        let stopping = self.runtime.stop(assignment);
        self.report_later(
            async move { RuntimeReport::Stopped { id, run, stopped: stopping.await } },
        );
    }

    /// Waits for a report in a task of its own. A loop that has ended asks again after its restart,
    /// if it still wants to know.
    fn report_later(&self, report: impl Future<Output = RuntimeReport> + Send + 'static) {
        let steps = self.steps.0.clone();
        self.tasks.spawn(|stop| async move {
            tokio::select! {
                report = report => drop(steps.send(Step::Reported(report)).await),
                () = stop.cancelled() => {}
            }
        });
    }
}
