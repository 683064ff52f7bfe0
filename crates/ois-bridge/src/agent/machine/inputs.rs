//! What comes in: from the link, the runtime, the agent itself, and the clock.

use ois_client::Event;
use ois_inbox::Outcome;
use ois_protocol::{
    Chat, ClientFrame, ErrorCode, EventId, Nonce, Reason, ServerFrame, Stopped, Timestamp,
};

use super::{AgentAction, AgentMachine, NotSaid, RuntimeReport, Said, Step};
use crate::runtime::RuntimeError;

impl AgentMachine {
    /// What an earlier process left undone; to be called once, first.
    pub fn start(&mut self, now: Timestamp) {
        let effects = self.inbox.start(now);
        self.follow(effects);
        self.watch_work(now);
    }

    /// The link tells something.
    pub fn link_event(&mut self, event: Event, now: Timestamp) {
        let effects = match event {
            Event::Connected(auth) => {
                match self.inbox.signed_in(&auth, &self.settings.address_hash, now) {
                    Ok(effects) => {
                        self.send_presence();
                        effects
                    }
                    Err(mismatch) => return self.act(AgentAction::Mismatch(mismatch)),
                }
            }
            Event::History(messages) => self.inbox.look_back(&messages, now),
            Event::Message(message) => {
                self.messages_received += 1;
                self.inbox.receive(&message, now)
            }
            Event::Ack(ack) => {
                self.answer(&ack.nonce, Ok(Said { id: ack.id }));
                self.inbox.acked(&ack.nonce, ack.id, now)
            }
            Event::Refused(error) => match &error.nonce {
                Some(nonce) => {
                    self.answer(nonce, Err(NotSaid::Refused(error.message.clone())));
                    self.inbox.refused(&error, now)
                }
                None => Vec::new(),
            },
            Event::Error(error) if error.code == ErrorCode::CursorAhead => self.inbox.rewind(),
            Event::Error(error) => self.inbox.not_taken(&error, now),
            Event::CaughtUp(_) => self.inbox.caught_up(now),
            Event::Told(ServerFrame::Delivery(said)) => self.inbox.reconcile(&said, now),
            Event::Told(ServerFrame::Run(run)) => self.inbox.reconcile_run(&run),
            Event::Told(ServerFrame::Stop(stop)) => self.inbox.stop(&stop),
            Event::Told(ServerFrame::Standby(standby)) => {
                let is_this = standby.awake == self.settings.instance;
                let effects = self.inbox.awake(&standby.agent, is_this, now);
                self.send_presence();
                effects
            }
            _ => Vec::new(),
        };
        self.follow(effects);
        self.watch_work(now);
    }

    /// The runtime asks whether a turn may begin, and waits for [`AgentAction::Begin`] or
    /// [`AgentAction::DoNotBegin`] with this ticket. `epoch` names the runtime's process, if it has
    /// a name.
    pub fn ask_to_begin(
        &mut self,
        id: EventId,
        epoch: Option<String>,
        ticket: u64,
        now: Timestamp,
    ) {
        if !self.inbox.may_begin(id) {
            return self.act(AgentAction::DoNotBegin(ticket));
        }
        let effects = self.inbox.begun(id, epoch, now);
        self.follow(effects);
        self.act(AgentAction::Begin(ticket));
        self.watch_work(now);
    }

    /// The runtime reports something. `dice` is any number.
    pub fn report(&mut self, report: RuntimeReport, now: Timestamp, dice: u32) {
        let effects = match report {
            RuntimeReport::Admitted { id, run } => {
                self.proved(now);
                self.inbox.admitted(id, run, now)
            }
            RuntimeReport::Settled { id, done } => {
                if let Outcome::NotBegun { reason, why, .. } = &done.outcome
                    && matches!(reason, Reason::Unreachable | Reason::Unauthorized)
                {
                    self.unproved(why.clone(), now);
                }
                self.inbox.settle(id, done, now, dice)
            }
            RuntimeReport::Stopped { id, run, stopped } => {
                let effects = self.inbox.stopped(id, stopped.clone().ok());
                self.send(stopped_frame(run, stopped));
                effects
            }
            RuntimeReport::Probed(probed) => {
                self.probe_at = Some(now.after_ms(self.settings.probe_every_ms));
                match probed {
                    Ok(()) => self.proved(now),
                    Err(RuntimeError(why)) => self.unproved(why, now),
                }
                Vec::new()
            }
            RuntimeReport::Fetched { id, fetched } => self.inbox.fetched(id, fetched, now),
        };
        self.follow(effects);
        self.watch_work(now);
    }

    /// The agent wants to say something by itself; the caller with this number is told by
    /// [`AgentAction::Answer`] what became of it. `online` is whether the link is signed in.
    pub fn say(&mut self, caller: u64, nonce: Nonce, chat: Chat, online: bool) {
        if !online {
            return self.act(AgentAction::Answer(caller, Err(NotSaid::Offline)));
        }
        let chat = Chat { cause: self.inbox.cause(), nonce: Some(nonce), ..chat };
        let effects = self.inbox.spoke(&chat);
        self.follow(effects);
        self.queue.push_back(Step::SayFor(caller, Box::new(chat)));
    }

    /// Time has passed.
    pub fn wake(&mut self, now: Timestamp) {
        if self.probe_at.is_some_and(|at| at <= now) {
            self.probe_at = None;
            self.act(AgentAction::Probe);
        }
        let effects = self.inbox.wake(now);
        self.follow(effects);
        self.watch_work(now);
    }

    /// The runtime has answered.
    fn proved(&mut self, now: Timestamp) {
        self.wake_path.proved(now);
        self.send_presence();
    }

    /// The runtime was asked and has not answered.
    fn unproved(&mut self, why: String, now: Timestamp) {
        if self.wake_path.failed(now) {
            self.act(AgentAction::Deaf { why });
            self.send_presence();
        }
    }

    fn answer(&mut self, nonce: &Nonce, answer: Result<Said, NotSaid>) {
        if let Some(caller) = self.waiting.remove(nonce) {
            self.act(AgentAction::Answer(caller, answer));
        }
    }
}

fn stopped_frame(run: String, stopped: Result<bool, RuntimeError>) -> ClientFrame {
    let (stopped, detail) = match stopped {
        Ok(true) => (true, None),
        Ok(false) => (false, Some("it was not running any more".to_owned())),
        Err(RuntimeError(why)) => (false, Some(why)),
    };
    ClientFrame::Stopped(Stopped { run, stopped, detail })
}
