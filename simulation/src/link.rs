//! A client's end of a wire, as `ois-client`'s link drives it: signs in, resumes after what it has
//! handed out, sends drafts until they are confirmed.

use ois_client::{Keep, Outbox};
use ois_protocol::{
    Ack, AuthOk, Chat, ClientFrame, ErrorCode, ErrorFrame, EventId, Message, Nonce, ServerFrame,
    SignIn, Timestamp, Topic,
};

use crate::{
    network::{Line, Packet},
    scene::{Event, Life, Scene},
};

/// What a link tells its owner, in order.
#[derive(Debug)]
pub(crate) enum Told {
    Connected(AuthOk),
    History(Vec<Message>),
    Message(Message),
    Ack(Ack),
    Refused(ErrorFrame),
    Error(ErrorFrame),
    CaughtUp,
    Other(ServerFrame),
}

/// A client's end.
#[derive(Debug)]
pub(crate) struct Link<K> {
    peer: usize,
    life: Life,
    token: String,
    is_agent: bool,
    subscribe: Vec<Topic>,
    line: Option<Line>,
    is_signed_in: bool,
    cursor: Option<EventId>,
    outbox: Outbox<K>,
    failures: u32,
}

impl<K: Keep> Link<K> {
    pub(crate) fn new(peer: usize, life: Life, token: &str, outbox: Outbox<K>) -> Self {
        Self {
            peer,
            life,
            token: token.to_owned(),
            is_agent: false,
            subscribe: Vec::new(),
            line: None,
            is_signed_in: false,
            cursor: None,
            outbox,
            failures: 0,
        }
    }

    /// An agent's, which asks for these and goes on after this message.
    pub(crate) fn of_agent(self, subscribe: Vec<Topic>, after: Option<EventId>) -> Self {
        Self { is_agent: true, subscribe, cursor: after, ..self }
    }

    /// Tries to connect.
    pub(crate) fn dial(&mut self, scene: &mut Scene) {
        if self.line.is_some() {
            return;
        }
        let Some(line) = scene.open(self.peer) else { return self.again(scene) };
        self.line = Some(line);
        self.outbox.connected();
        let sign_in = SignIn {
            token: Some(self.token.clone()),
            after: self.cursor,
            subscribe: self.subscribe.clone(),
        };
        let frame = if self.is_agent { ClientFrame::AgentAuth } else { ClientFrame::Auth };
        scene.ledger.watches(self.peer, line, self.cursor);
        scene.send_up(line, frame(sign_in));
    }

    /// Takes what arrives over this wire.
    pub(crate) fn hears(
        &mut self,
        line: Line,
        packet: Packet<ServerFrame>,
        scene: &mut Scene,
    ) -> Vec<Told> {
        if self.line != Some(line) {
            return Vec::new();
        }
        let Packet::Frame(frame) = packet else {
            self.line = None;
            self.is_signed_in = false;
            self.again(scene);
            return Vec::new();
        };
        let told = self.understand(line, frame, scene);
        self.flush(scene);
        told
    }

    fn understand(&mut self, line: Line, frame: ServerFrame, scene: &mut Scene) -> Vec<Told> {
        match frame {
            ServerFrame::AuthOk(auth) => {
                self.is_signed_in = true;
                self.failures = 0;
                vec![Told::Connected(auth)]
            }
            ServerFrame::History(history) if self.cursor.is_none() => {
                let last = history.messages.last().map_or(EventId::ZERO, |last| last.id);
                self.cursor = Some(last);
                scene.ledger.begins_after(self.peer, line, last);
                vec![Told::History(history.messages)]
            }
            ServerFrame::Message { message } => {
                scene.ledger.sees(self.peer, line, message.id);
                if message.id <= self.cursor.unwrap_or_default() {
                    return Vec::new();
                }
                self.cursor = Some(message.id);
                vec![Told::Message(message)]
            }
            ServerFrame::CaughtUp { id } => {
                self.cursor = self.cursor.max(Some(id));
                vec![Told::CaughtUp]
            }
            ServerFrame::Ack(ack) => {
                scene.ledger.confirmed(&self.token, &ack);
                if self.outbox.acked(&ack.nonce).is_err() {
                    self.lose(scene);
                }
                vec![Told::Ack(ack)]
            }
            ServerFrame::Error(error) => {
                if error.code == ErrorCode::CursorAhead {
                    scene.ledger.wrong("a cursor was ahead of the log".to_owned());
                }
                let is_final = self.outbox.refused(&error, scene.now.ms());
                if is_final.is_err() {
                    self.lose(scene);
                }
                let is_final = is_final.unwrap_or(true);
                if let Some(nonce) = error.nonce.as_ref().filter(|_| is_final) {
                    scene.ledger.kept.remove(&(self.token.clone(), nonce.clone()));
                }
                vec![if is_final { Told::Refused(error) } else { Told::Error(error) }]
            }
            ServerFrame::History(_) | ServerFrame::Pong | ServerFrame::AuthFail => Vec::new(),
            other => vec![Told::Other(other)],
        }
    }

    /// Keeps a draft and sends it as soon as it may.
    pub(crate) fn say(&mut self, nonce: Nonce, chat: Chat, scene: &mut Scene) -> bool {
        let kept = self.outbox.add(nonce.clone(), chat, self.cursor.unwrap_or_default()).is_ok();
        if kept {
            scene.ledger.kept.insert((self.token.clone(), nonce));
        }
        self.flush(scene);
        kept
    }

    /// Sends a frame, or loses it.
    pub(crate) fn tell(&self, frame: ClientFrame, scene: &mut Scene) {
        if let Some(line) = self.line.filter(|_| self.is_signed_in) {
            scene.send_up(line, frame);
        }
    }

    pub(crate) fn flush(&mut self, scene: &mut Scene) {
        let Some(line) = self.line.filter(|_| self.is_signed_in) else { return };
        for chat in self.outbox.due(scene.now.ms(), true) {
            scene.send_up(line, ClientFrame::Chat(chat));
        }
    }

    /// When there is something to send again.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let due = self.outbox.next_due(true).filter(|_| self.is_signed_in);
        due.map(Timestamp::from_ms)
    }

    pub(crate) fn is_online(&self) -> bool {
        self.is_signed_in
    }

    /// Whether everything that was said is confirmed.
    pub(crate) fn is_done(&self) -> bool {
        self.outbox.is_empty()
    }

    /// The process ends.
    pub(crate) fn leave(self, scene: &mut Scene) {
        if let Some(line) = self.line {
            scene.client_leaves(line);
        }
    }

    /// The disk did not note what the server has taken: the connection ends, what it told stands.
    fn lose(&mut self, scene: &mut Scene) {
        if let Some(line) = self.line.take() {
            scene.client_leaves(line);
        }
        self.is_signed_in = false;
        self.again(scene);
    }

    fn again(&mut self, scene: &mut Scene) {
        self.failures = (self.failures + 1).min(6);
        let most = (500_u64 << self.failures).min(30_000);
        let pause = scene.random.between(most / 2, most);
        scene.after(pause, Event::Dials(self.peer, self.life));
    }
}
