//! One connection: what is its own to be sent, its place in the log, and a socket that may block.

use std::collections::VecDeque;

use ois_chat::{
    Class, Credential, Visibility,
    team::{ConnId, Output, Reading, Start},
};
use ois_protocol::{ClientFrame, History, ServerFrame, SignIn, Timestamp};

use super::Server;
use crate::{
    log::Log,
    network::{Line, Packet},
    scene::{Event, Life, Scene},
};

/// One connection.
#[derive(Debug)]
pub(crate) struct Conn {
    line: Line,
    own: VecDeque<ServerFrame>,
    /// How much of the log it has been sent; `None` if it does not follow.
    place: Option<usize>,
    visibility: Visibility,
    is_resuming: bool,
    /// Its socket takes nothing before this.
    blocked_until: Timestamp,
    /// What has come and is not read yet.
    unread: VecDeque<ClientFrame>,
    /// Nothing is read from it before this.
    paused_until: Timestamp,
}

/// How long a connection waits before it looks again whether the queue has room.
const DRAIN_MS: u64 = 5;

impl Conn {
    fn new(line: Line, now: Timestamp) -> Self {
        Self {
            line,
            own: VecDeque::new(),
            place: None,
            visibility: Visibility::default(),
            is_resuming: false,
            blocked_until: now,
            unread: VecDeque::new(),
            paused_until: now,
        }
    }
}

/// The number of the connection over this wire.
fn conn(line: Line) -> ConnId {
    ConnId(u64::from(line))
}

impl Server {
    /// Something arrives from a client.
    pub(crate) fn hears(&mut self, line: Line, packet: Packet<ClientFrame>, scene: &mut Scene) {
        if self.may_die(scene) {
            return;
        }
        let Some(process) = &mut self.process else { return };
        let id = conn(line);
        match packet {
            Packet::Frame(frame) => {
                if !process.conns.contains_key(&id) {
                    process.team.opened(id);
                    process.conns.insert(id, Conn::new(line, scene.now));
                }
                if let Some(conn) = process.conns.get_mut(&id) {
                    conn.unread.push_back(frame);
                }
                self.reads(line, scene);
            }
            Packet::Hangup => {
                if process.conns.remove(&id).is_some() {
                    process.team.closed(id, scene.now);
                    self.carry_out(scene);
                }
            }
        }
    }

    /// A connection that was paused is read from again.
    pub(crate) fn reads_on(&mut self, life: Life, line: Line, scene: &mut Scene) {
        if life == self.life {
            self.reads(line, scene);
        }
    }

    /// Reads what has come, as long as the team wants to hear it.
    fn reads(&mut self, line: Line, scene: &mut Scene) {
        let id = conn(line);
        while let Some(process) = &mut self.process
            && let Some(conn) = process.conns.get_mut(&id)
            && scene.now >= conn.paused_until
            && let Some(frame) = conn.unread.pop_front()
        {
            let reading = process.team.receive(id, Ok(frame), scene.now);
            self.carry_out(scene);
            match reading {
                Reading::Continue => {}
                Reading::Pause(ms) => self.pause(line, ms, scene),
                Reading::Drain => self.pause(line, DRAIN_MS, scene),
                Reading::SignIn(credential, asked) => self.sign_in(line, credential, asked, scene),
            }
        }
    }

    fn pause(&mut self, line: Line, ms: u64, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        if let Some(conn) = process.conns.get_mut(&conn(line)) {
            conn.paused_until = scene.now.after_ms(ms);
            scene.after(ms, Event::ReadsOn(self.number, self.life, line));
        }
    }

    fn sign_in(&mut self, line: Line, credential: Credential, asked: SignIn, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        let token = asked.token.clone().unwrap_or_default();
        let member = self.members.iter().find(|member| member.name.as_str() == token).cloned();
        let Some(member) = member else { return process.team.sign_in_refused(conn(line)) };
        let head = scene.log.head();
        process.team.signed_in(conn(line), member, credential, asked, head, scene.now);
        scene.note(format_args!("server {}: {token} signs in over wire {line}", self.number));
        self.carry_out(scene);
    }

    /// Lets a connection follow the log from here.
    fn starts(&mut self, id: ConnId, start: Start, scene: &Scene) {
        let Some(process) = &mut self.process else { return };
        let Some(conn) = process.conns.get_mut(&id) else { return };
        match start {
            Start::Resume { after, visibility } => {
                conn.own.push_back(ServerFrame::History(History::default()));
                conn.place = Some(Log::len_through(after));
                (conn.visibility, conn.is_resuming) = (visibility, true);
            }
            Start::History { count, visibility } => {
                let shown = scene.log.entries()[..process.shown].iter();
                let messages = shown.filter_map(|it| match &it.frame {
                    ServerFrame::Message { message } => Some(message.clone()),
                    _ => None,
                });
                let mut messages: Vec<_> = messages.collect();
                let last = messages.len().saturating_sub(count);
                let history = History { messages: messages.split_off(last), ..History::default() };
                conn.own.push_back(ServerFrame::History(history));
                conn.place = Some(process.shown);
                (conn.visibility, conn.is_resuming) = (visibility, false);
            }
        }
    }

    /// Does what the team has its driver do.
    pub(super) fn carry_out(&mut self, scene: &mut Scene) {
        for line in self.line_up_outputs(scene) {
            self.flush(line, scene);
        }
        self.plan(scene);
    }

    /// Puts frames in line for their connections, and answers requests. Answers with the wires that
    /// have something to send.
    pub(super) fn line_up_outputs(&mut self, scene: &mut Scene) -> Vec<Line> {
        let mut lines = Vec::new();
        while let Some(process) = &mut self.process
            && let Some(output) = process.team.output()
        {
            let (to, frame) = match output {
                Output::Send(to, frame) => (vec![to], frame),
                Output::SendAll(to, frame) => (to, frame),
                Output::Start(id, start) => {
                    lines.extend(process.conns.get(&id).map(|conn| conn.line));
                    self.starts(id, start, scene);
                    continue;
                }
                Output::Answer(request, _) => {
                    if !process.asked.remove(&request) {
                        scene.ledger.wrong(format!("{request:?} is answered twice"));
                    }
                    continue;
                }
            };
            if scene.is_faultless && matches!(&frame, ServerFrame::Ack(ack) if ack.duplicate) {
                scene.ledger.wrong(format!("nothing failed, and {to:?} had to say it twice"));
            }
            for to in to {
                if let Some(conn) = process.conns.get_mut(&to) {
                    conn.own.push_back(frame.clone());
                    lines.push(conn.line);
                }
            }
        }
        lines
    }

    /// One walk over all connections; the process may die on the way. Answers whether it lives.
    pub(super) fn sweep(&mut self, scene: &mut Scene) -> bool {
        let conns = self.process.iter().flat_map(|process| process.conns.values());
        for line in conns.map(|conn| conn.line).collect::<Vec<_>>() {
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
        let Some(conn) = process.conns.get_mut(&conn(line)) else { return };
        if scene.now < conn.blocked_until {
            return;
        }
        while let Some(frame) = conn.own.pop_front() {
            scene.send_down(line, frame);
        }
        let Some(place) = conn.place else { return };
        for at in place..process.shown {
            if scene.random.chance(scene.weather.blocked) {
                conn.place = Some(at);
                conn.blocked_until = scene.now.after_ms(scene.random.between(1, 20_000));
                return scene.at(conn.blocked_until, Event::Unblocks(self.number, self.life, line));
            }
            let stored = &scene.log.entries()[at];
            if Class::of(&stored.record).is_some_and(|class| conn.visibility.sees(class)) {
                let frame = stored.frame.clone();
                scene.send_down(line, frame);
            }
        }
        conn.place = Some(process.shown);
        if std::mem::take(&mut conn.is_resuming) {
            let id = process.team.head();
            scene.send_down(line, ServerFrame::CaughtUp { id });
        }
    }
}
