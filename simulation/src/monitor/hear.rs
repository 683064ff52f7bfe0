//! What the link and the runtime tell, and what an agent wants to say: to the inbox, one after the
//! other.

use ois_inbox::Effect;
use ois_protocol::{Chat, ClientFrame, ErrorCode, ServerFrame, Stopped};

use super::{Process, Step, Then};
use crate::{link::Told, scene::Scene};

impl Process {
    /// As `ois-bridge/agent/hear.rs`.
    pub(super) fn understand(&mut self, told: Told, scene: &mut Scene) -> Vec<Effect> {
        let now = scene.now;
        match told {
            Told::Connected(auth) => {
                self.inbox.signed_in(&auth, "0badcafe", now).unwrap_or_else(|stranger| {
                    scene.ledger.wrong(stranger.to_string());
                    Vec::new()
                })
            }
            Told::History(messages) => self.inbox.look_back(&messages, now),
            Told::Message(message) => self.inbox.receive(&message, now),
            Told::Ack(ack) => self.inbox.acked(&ack.nonce, ack.id, now),
            Told::Refused(error) => {
                let nonce = error.nonce.as_ref();
                nonce.map_or_else(Vec::new, |it| self.inbox.refused(it, &error.message, now))
            }
            Told::Error(error) if error.code == ErrorCode::CursorAhead => self.inbox.rewind(),
            Told::Error(error) => self.inbox.not_taken(&error, now),
            Told::CaughtUp => self.inbox.caught_up(now),
            Told::Other(ServerFrame::Delivery(said)) => self.inbox.reconcile(&said, now),
            Told::Other(ServerFrame::Run(run)) => self.inbox.reconcile_run(&run),
            Told::Other(ServerFrame::Stop(stop)) => self.inbox.stop(&stop),
            Told::Other(_) => Vec::new(),
        }
    }

    /// As `ois-bridge/agent/steps.rs`.
    pub(super) fn follow(&mut self, step: Step, scene: &mut Scene) -> Vec<Effect> {
        let now = scene.now;
        match step {
            Step::Begun(turn, id, epoch) => {
                self.then = Some(Then::Begin(turn));
                if self.inbox.may_begin(id) {
                    self.inbox.begun(id, Some(epoch))
                } else {
                    Vec::new()
                }
            }
            Step::Admitted(id, run) => self.inbox.admitted(id, run, now),
            Step::Settled(id, outcome) => {
                let dice = u32::try_from(scene.random.below(1 << 32)).unwrap_or_default();
                self.inbox.settle(id, outcome, now, dice)
            }
            Step::Stopped(id, run, stopped) => {
                let effects = self.inbox.stopped(id, stopped);
                let stopped = stopped == Some(true);
                let frame = ClientFrame::Stopped(Stopped { run, stopped, detail: None });
                self.link.tell(frame, scene);
                effects
            }
            Step::Fetched(id, fetched) => self.inbox.fetched(id, fetched, now),
        }
    }

    /// As `Agent::say_for_agent`.
    pub(super) fn speak(&mut self, chat: Chat, scene: &mut Scene) -> Vec<Effect> {
        if !self.link.is_online() {
            scene.note(format_args!("what an agent said by itself is not kept: offline"));
            return Vec::new();
        }
        let chat = Chat { cause: self.inbox.cause(), ..chat };
        let effects = self.inbox.spoke(&chat);
        self.then = Some(Then::Say(chat));
        effects
    }
}
