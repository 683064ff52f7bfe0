//! A client's end of a wire: carries out what `ois-client`'s link machine decides.

use std::io;

use ois_client::{Config, Credential, Event as Told, Keep, LinkAction, LinkMachine, Lost, Outbox};
use ois_protocol::{Chat, ClientFrame, ErrorCode, EventId, Nonce, ServerFrame, Timestamp, Topic};

use crate::{
    network::{Line, Packet},
    scene::{Event, Life, Scene},
};

/// A client's end of a wire.
#[derive(Debug)]
pub(crate) struct Link<K> {
    peer: usize,
    life: Life,
    name: String,
    machine: LinkMachine<K>,
    line: Option<Line>,
    /// When the machine is woken next.
    planned: Option<Timestamp>,
}

/// Who signs in over a link, and what it asks for.
pub(crate) enum Member {
    /// A person.
    Person,
    /// An agent, without a monitor.
    Agent,
    /// An agent's monitor of this instance, which subscribes to these and goes on after this message.
    Monitor(String, Vec<Topic>, Option<EventId>),
}

impl<K: Keep> Link<K> {
    /// A link that connects at the first call of [`drive`](Self::drive). The name of a member is
    /// its token as well.
    pub(crate) fn new(peer: usize, life: Life, name: &str, member: Member, keep: K) -> Self {
        let address = "ws://127.0.0.1:8800".parse().expect("an address");
        let mut config = match member {
            Member::Person => Config::new(address, Credential::session(name)),
            Member::Agent => Config::new(address, Credential::agent(name)),
            Member::Monitor(instance, subscribe, after) => Config {
                instance: Some(instance),
                subscribe,
                after,
                ..Config::new(address, Credential::agent(name))
            },
        };
        // Pings are rare, so that a silent hour costs few events.
        config.ping = PING;
        let outbox = Outbox::open(keep).expect("a simulated disk is read");
        let machine = LinkMachine::new(&config, outbox);
        Self { peer, life, name: name.to_owned(), machine, line: None, planned: None }
    }

    /// Does what the machine wants now, and plans when it is woken.
    pub(crate) fn drive(&mut self, scene: &mut Scene) {
        while let Some(action) = self.machine.next_action(scene.now.ms()) {
            match action {
                LinkAction::Dial => self.dial(scene),
                LinkAction::Send(frame) => {
                    if let Some(line) = self.line {
                        scene.send_up(line, *frame);
                    }
                }
                LinkAction::Ping => {
                    if self.line.is_some_and(|line| scene.is_whole(line)) {
                        self.machine.heard(scene.now.ms());
                    }
                }
                LinkAction::Close(why) => {
                    if let Some(line) = self.line {
                        scene.client_leaves(line);
                    }
                    self.lose(why, scene);
                }
                other => scene.ledger.wrong(format!("nobody carries out {other:?}")),
            }
        }
        let at = self.machine.next_wake().map(Timestamp::from_ms);
        let Some(at) = at.map(|at| at.max(scene.now)) else { return };
        if self.planned.is_none_or(|planned| at < planned) {
            self.planned = Some(at);
            scene.at(at, Event::LinkWakes(self.peer, self.life));
        }
    }

    fn dial(&mut self, scene: &mut Scene) {
        match scene.open(self.peer) {
            Some(line) => {
                self.line = Some(line);
                scene.ledger.watches(self.peer, line, self.machine.cursor());
                self.machine.opened(scene.now.ms());
            }
            None => self.lose(Lost::Gone("nobody listens".to_owned()), scene),
        }
    }

    /// The time has come that was planned.
    pub(crate) fn wakes(&mut self, scene: &mut Scene) {
        if self.planned == Some(scene.now) {
            self.planned = None;
            self.machine.wake(scene.now.ms());
            self.drive(scene);
        }
    }

    /// Takes what arrives over this wire.
    pub(crate) fn hears(&mut self, line: Line, packet: Packet<ServerFrame>, scene: &mut Scene) {
        if self.line != Some(line) {
            return;
        }
        match packet {
            Packet::Frame(frame) => self.takes(line, frame, scene),
            Packet::Hangup => self.lose(Lost::Gone("the wire is cut".to_owned()), scene),
        }
        self.drive(scene);
    }

    /// Gives a frame to the machine, and notes what the client saw.
    fn takes(&mut self, line: Line, frame: ServerFrame, scene: &mut Scene) {
        let mut refused = None;
        match &frame {
            ServerFrame::History(history) if self.machine.cursor().is_none() => {
                let last = history.messages.last().map_or(EventId::ZERO, |last| last.id);
                scene.ledger.begins_after(self.peer, line, last);
            }
            ServerFrame::Message { message } => scene.ledger.sees(self.peer, line, message.id),
            ServerFrame::Ack(ack) => scene.ledger.confirmed(&self.name, ack),
            ServerFrame::Error(error) => {
                if error.code == ErrorCode::CursorAhead {
                    scene.ledger.wrong("a cursor was ahead of the log".to_owned());
                }
                refused.clone_from(&error.nonce);
            }
            _ => {}
        }
        let before = self.unconfirmed();
        self.machine.frame(frame, scene.now.ms());
        if let Some(nonce) = refused.filter(|_| self.unconfirmed() < before) {
            scene.ledger.kept.remove(&(self.name.clone(), nonce));
        }
    }

    /// Keeps a draft and sends it as soon as it may.
    pub(crate) fn say(&mut self, nonce: Nonce, chat: Chat, scene: &mut Scene) -> io::Result<()> {
        let kept = self.machine.say(nonce.clone(), chat);
        if kept.is_ok() {
            scene.ledger.kept.insert((self.name.clone(), nonce));
        }
        self.drive(scene);
        kept
    }

    /// Sends a frame, or loses it.
    pub(crate) fn tell(&mut self, frame: ClientFrame, scene: &mut Scene) {
        self.machine.tell(frame);
        self.drive(scene);
    }

    /// The next thing that the link tells its owner.
    pub(crate) fn next_event(&mut self) -> Option<Told> {
        self.machine.next_event()
    }

    /// Whether the link has something to tell.
    pub(crate) fn has_events(&self) -> bool {
        !self.machine.is_drained()
    }

    pub(crate) fn is_online(&self) -> bool {
        self.machine.is_online()
    }

    /// Whether everything that was said is confirmed.
    pub(crate) fn is_done(&self) -> bool {
        self.unconfirmed() == 0
    }

    fn unconfirmed(&self) -> usize {
        self.machine.unconfirmed().drafts.len()
    }

    /// The process ends.
    pub(crate) fn leave(self, scene: &mut Scene) {
        if let Some(line) = self.line {
            scene.client_leaves(line);
        }
    }

    fn lose(&mut self, why: Lost, scene: &mut Scene) {
        self.line = None;
        let dice = scene.random.dice();
        self.machine.lost(why, scene.now.ms(), dice);
    }
}

/// How often a server is pinged.
const PING: std::time::Duration = std::time::Duration::from_secs(600);
