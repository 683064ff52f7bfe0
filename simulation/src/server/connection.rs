//! One connection: a session, what is its own to be sent, and its place in the log.

use std::collections::VecDeque;

use ois_chat::{Client, Credential, Effect, Session};
use ois_protocol::{
    Chat, ClientFrame, EventId, History, Member, ServerFrame, ShortName, SignIn, Timestamp, Topic,
};

use super::{FIRST, Server, Stored};
use crate::{
    network::{Line, Packet},
    scene::{Event, Life, Scene},
};

/// Who is to hear what became of a draft.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    Conn(Line),
    Post,
    Report(Line, String),
    Server,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(super) session: Session,
    own: VecDeque<ServerFrame>,
    /// How much of the log it has been sent; `None` if it does not follow.
    place: Option<usize>,
    is_resuming: bool,
    /// Its socket takes nothing before this.
    blocked_until: Timestamp,
}

impl Conn {
    /// What it is.
    pub(super) fn client(&self) -> Client {
        let is_agent = self.session.member().is_some_and(Member::is_agent);
        if is_agent && self.session.follows(Topic::Deliveries) {
            Client::Monitor
        } else {
            Client::Plain
        }
    }

    fn sees(&self, stored: &Stored) -> bool {
        let own = self.session.member().filter(|member| member.is_agent());
        let is_own = |agent: &ShortName| own.is_none_or(|own| own.name == *agent);
        match &stored.frame {
            ServerFrame::Message { .. } => true,
            ServerFrame::Delivery(it) => {
                self.session.follows(Topic::Deliveries) && is_own(&it.agent)
            }
            ServerFrame::Run(it) => self.session.follows(Topic::Runs) && is_own(&it.agent),
            _ => false,
        }
    }
}

impl Server {
    /// Something arrives from a client.
    pub(crate) fn hears(&mut self, line: Line, packet: Packet<ClientFrame>, scene: &mut Scene) {
        if self.may_die(scene) {
            return;
        }
        let Some(process) = &mut self.process else { return };
        let Packet::Frame(frame) = packet else {
            if let Some(conn) = process.conns.remove(&line) {
                process.leave(&conn, scene.now);
            }
            return;
        };
        let new = || Conn {
            session: Session::open(scene.now),
            own: VecDeque::new(),
            place: None,
            is_resuming: false,
            blocked_until: scene.now,
        };
        let conn = process.conns.entry(line).or_insert_with(new);
        match conn.session.receive(Ok(frame)) {
            Effect::Send(frame) => self.say(line, frame, scene),
            Effect::SignIn(credential, sign_in) => self.sign_in(line, credential, sign_in, scene),
            Effect::Say(chat) => self.queue(line, chat, scene),
            Effect::Report(report) => self.report(line, report, scene),
        }
    }

    fn sign_in(&mut self, line: Line, credential: Credential, sign_in: SignIn, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        let token = sign_in.token.unwrap_or_default();
        let member = self.members.iter().find(|member| member.name.as_str() == token).cloned();
        let (Some(member), Some(conn)) = (member, process.conns.get_mut(&line)) else { return };
        let shown = process.shown;
        let head = shown.checked_sub(1).and_then(|last| self.log.entries().get(last));
        let head = head.map_or(EventId::ZERO, |last| last.id);
        let (subscribe, number) = (sign_in.subscribe, u64::from(line));
        let answer = conn.session.admit(member.clone(), subscribe, "00c0ffee", head, number);
        conn.own.push_back(answer);
        process.room.join(&member, conn.client(), scene.now);
        let place = sign_in.after.map(|after| {
            usize::try_from(after.get().saturating_sub(FIRST - 1)).unwrap_or_default()
        });
        if let Some(place) = place.filter(|place| *place <= shown) {
            conn.own.push_back(ServerFrame::History(History::default()));
            (conn.place, conn.is_resuming) = (Some(place), true);
        } else {
            if place.is_some() {
                scene.ledger.wrong(format!("{token} has seen what the log does not have"));
            }
            let messages = self.log.entries()[..shown].iter().filter_map(|it| match &it.frame {
                ServerFrame::Message { message } => Some(message.clone()),
                _ => None,
            });
            let mut messages: Vec<_> = messages.collect();
            let last = messages.len().saturating_sub(Session::history_limit(credential));
            let history = History { messages: messages.split_off(last), ..History::default() };
            conn.own.push_back(ServerFrame::History(history));
            (conn.place, conn.is_resuming) = (Some(shown), false);
        }
        scene.note(format_args!("server: {token} signs in over wire {line}"));
        self.flush(line, scene);
    }

    fn queue(&mut self, line: Line, chat: Chat, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        let author = process.conns.get(&line).and_then(|conn| conn.session.member().cloned());
        let Some(author) = author else { return };
        let nonce = chat.nonce.clone();
        let head = EventId::new(FIRST - 1 + process.shown as u64).unwrap_or_default();
        match process.room.say(&author, chat, head) {
            Ok((draft, called)) => {
                let draft = process.desk.say(draft, called, scene.now);
                let event = ois_protocol::NewEvent::Message(draft);
                self.line_up(event, Origin::Conn(line), scene);
            }
            Err(error) => self.say(line, ServerFrame::Error(error.frame(nonce)), scene),
        }
    }

    /// A frame of the connection's own: before anything else of the log.
    pub(super) fn say(&mut self, line: Line, frame: ServerFrame, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        if let Some(conn) = process.conns.get_mut(&line) {
            conn.own.push_back(frame);
            self.flush(line, scene);
        }
    }

    /// One walk over all connections; the process may die on the way. Answers whether it lives.
    pub(super) fn sweep(&mut self, scene: &mut Scene) -> bool {
        let lines = self.process.iter().flat_map(|process| process.conns.keys().copied());
        for line in lines.collect::<Vec<_>>() {
            if self.may_die(scene) {
                return false;
            }
            self.flush(line, scene);
        }
        true
    }

    pub(crate) fn unblocks(&mut self, life: Life, line: Line, scene: &mut Scene) {
        if life == self.life {
            self.flush(line, scene);
        }
    }

    /// Sends what there is, as long as the socket takes it.
    fn flush(&mut self, line: Line, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        let Some(conn) = process.conns.get_mut(&line) else { return };
        if scene.now < conn.blocked_until {
            return;
        }
        while let Some(frame) = conn.own.pop_front() {
            scene.send_down(line, frame);
        }
        let Some(place) = conn.place else { return };
        for (at, stored) in self.log.entries()[..process.shown].iter().enumerate().skip(place) {
            if scene.random.chance(scene.weather.blocked) {
                conn.place = Some(at);
                conn.blocked_until = scene.now.after_ms(scene.random.between(1, 20_000));
                return scene.at(conn.blocked_until, Event::Unblocks(self.life, line));
            }
            if conn.sees(stored) {
                scene.send_down(line, stored.frame.clone());
            }
        }
        conn.place = Some(process.shown);
        if std::mem::take(&mut conn.is_resuming) {
            let head = EventId::new(FIRST - 1 + process.shown as u64).unwrap_or_default();
            scene.send_down(line, ServerFrame::CaughtUp { id: head });
        }
    }
}

impl super::Process {
    fn leave(&mut self, conn: &Conn, now: Timestamp) {
        if let Some(member) = conn.session.member() {
            self.room.leave(&member.name, conn.client(), now);
        }
    }
}
