//! Carrying out what the agent machine decides, one thing at a time, on a disk and a wire that fail.

use ois_bridge::{AgentAction, RuntimeReport};
use ois_inbox::{Assignment, Record};
use ois_protocol::{Chat, ClientFrame};

use super::{Monitor, work::Work};
use crate::{
    gateway::Request,
    scene::{Call, Event, Scene},
};

impl Monitor {
    /// Does this one thing.
    pub(super) fn carry_out(&mut self, action: AgentAction, scene: &mut Scene) {
        let agent = self.at;
        match action {
            AgentAction::Write(records) => self.write(records, scene),
            AgentAction::Say(chat) => self.say(*chat, scene),
            AgentAction::Send(frame) => self.send(*frame, scene),
            AgentAction::Deliver(assignment) => {
                scene.note(format_args!("monitor {agent} delivers {}", assignment.key));
                self.begin(Work::connecting(*assignment), Request::Hello, scene);
            }
            AgentAction::Stop(assignment) => self.stop(&assignment, scene),
            AgentAction::Fetch(id) => scene.after(20, Event::Fetches(agent, self.life, id)),
            AgentAction::Probe => self.begin(Work::probing(), Request::Hello, scene),
            AgentAction::Begin(ticket) => self.may_begin(ticket, true, scene),
            AgentAction::DoNotBegin(ticket) => self.may_begin(ticket, false, scene),
            AgentAction::Answer(_, answer) => {
                scene.note(format_args!("monitor {agent} answers its agent: {answer:?}"));
            }
            AgentAction::Ended { id, ending } => {
                scene.note(format_args!("monitor {agent}: {id} ends: {ending:?}"));
            }
            AgentAction::Deaf { .. } => scene.note(format_args!("agent {agent} is deaf")),
            AgentAction::Mismatch(mismatch) => scene.ledger.wrong(mismatch.to_string()),
            other => scene.ledger.wrong(format!("nobody carries out {other:?}")),
        }
    }

    /// Writes to the journal. It is durable, and the machine told so, only one step later.
    fn write(&mut self, records: Vec<Record>, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        if !self.journal.is_full(scene.now)
            && let Some(until) = scene.full_until()
        {
            self.journal.fill(until);
            self.drafts.disk().fill(until);
        }
        match self.journal.write(records, scene.now) {
            Ok(()) => process.is_writing = true,
            Err(_) => process.machine.not_written("the disk is full".to_owned(), scene.now),
        }
    }

    fn say(&mut self, chat: Chat, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        let Some(nonce) = chat.nonce.clone() else { return };
        match process.link.say(nonce, chat, scene) {
            Ok(()) => process.machine.written(),
            Err(error) => process.machine.not_written(error.to_string(), scene.now),
        }
    }

    fn send(&mut self, frame: ClientFrame, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        if let ClientFrame::Delivery(report) = &frame {
            let (id, attempt, state) = (report.message, report.attempt, report.state.word());
            scene.note(format_args!("monitor {} reports {id}/{attempt} {state}", self.at));
        }
        for frame in process.misdeeds.change(frame, scene) {
            process.link.tell(frame, scene);
        }
    }

    /// Stops a turn over the connection that stands, whichever gateway that is.
    fn stop(&mut self, assignment: &Assignment, scene: &mut Scene) {
        let Some(process) = &self.process else { return };
        let boot = process.works.values().filter_map(|work| work.boot).max().unwrap_or_default();
        let (work, request) = Work::stopping(assignment, boot);
        self.begin(work, request, scene);
    }

    /// Begins something at the gateway.
    fn begin(&mut self, work: Work, request: Request, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        process.last_work += 1;
        let number = process.last_work;
        process.works.insert(number, work);
        self.ask(number, request, scene);
    }

    pub(super) fn ask(&mut self, work: u32, request: Request, scene: &mut Scene) {
        let Some(process) = &self.process else { return };
        let boot = process.works.get(&work).and_then(|work| work.boot);
        let ms = scene.random.between(1, 40);
        scene.after(ms, Event::Asks(self.at, Call { life: self.life, work, boot }, request));
    }

    pub(super) fn report(&mut self, report: RuntimeReport) {
        if let Some(process) = &mut self.process {
            process.words.push_back(super::Word::Report(report));
        }
    }
}
