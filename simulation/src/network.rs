//! Wires between clients and the server: in order on each, late, and lost at any point.

use std::collections::{BTreeMap, VecDeque};

use ois_protocol::{ClientFrame, ServerFrame, Timestamp};

use crate::scene::{Event, Scene};

/// Names a connection.
pub(crate) type Line = u32;

/// What comes out of a wire.
#[derive(Debug)]
pub(crate) enum Packet<F> {
    Frame(F),
    /// The other end is gone.
    Hangup,
}

/// Every wire that is or was.
#[derive(Debug)]
pub(crate) struct Network {
    wires: BTreeMap<Line, Wire>,
    last: Line,
    /// Whether each server takes connections.
    pub(crate) listens: Vec<bool>,
}

#[derive(Debug)]
struct Wire {
    peer: usize,
    /// The number of the server at its other end.
    server: usize,
    up: Way<ClientFrame>,
    down: Way<ServerFrame>,
    /// Neither end hears anything more, and they learn of it sooner or later.
    is_cut: bool,
}

/// One direction.
#[derive(Debug)]
struct Way<F> {
    /// Each with the time of its arrival.
    packets: VecDeque<(Timestamp, Packet<F>)>,
    /// When the last of them arrives.
    last: Timestamp,
    /// Nobody listens there any more.
    is_deaf: bool,
}

impl<F> Way<F> {
    fn new(now: Timestamp) -> Self {
        Self { packets: VecDeque::new(), last: now, is_deaf: false }
    }

    fn push(&mut self, packet: Packet<F>, at: Timestamp) -> Timestamp {
        self.last = self.last.max(at);
        self.packets.push_back((self.last, packet));
        self.last
    }

    /// What was on it is lost. Answers with how much.
    fn cut(&mut self) -> usize {
        std::mem::take(&mut self.packets).len()
    }

    /// All of it comes so much later. Answers with when.
    fn delay(&mut self, ms: u64) -> Vec<Timestamp> {
        self.last = self.last.after_ms(ms);
        self.packets.iter_mut().for_each(|(at, _)| *at = at.after_ms(ms));
        self.packets.iter().map(|(at, _)| *at).collect()
    }

    fn pop(&mut self, now: Timestamp) -> Option<Packet<F>> {
        self.packets.front().filter(|(at, _)| *at <= now)?;
        let (_, packet) = self.packets.pop_front()?;
        Some(packet).filter(|_| !self.is_deaf)
    }
}

impl Network {
    /// No wire yet, and so many servers of which none listens.
    pub(crate) fn of(servers: usize) -> Self {
        Self { wires: BTreeMap::new(), last: 0, listens: vec![false; servers] }
    }
}

impl Scene {
    /// A new wire from this client to a server that listens; `None` if none does.
    pub(crate) fn open(&mut self, peer: usize) -> Option<Line> {
        let servers = 0..self.network.listens.len();
        let listening: Vec<usize> = servers.filter(|at| self.network.listens[*at]).collect();
        if listening.is_empty() || self.random.chance(self.weather.cut) {
            return None;
        }
        let server = if listening.len() > 1 { *self.random.pick(&listening) } else { listening[0] };
        self.network.last += 1;
        let (up, down) = (Way::new(self.now), Way::new(self.now));
        self.network
            .wires
            .insert(self.network.last, Wire { peer, server, up, down, is_cut: false });
        Some(self.network.last)
    }

    /// Whether both ends of a wire still hear each other.
    pub(crate) fn is_whole(&self, line: Line) -> bool {
        let wire = self.network.wires.get(&line);
        wire.is_some_and(|wire| !wire.is_cut && !wire.up.is_deaf && !wire.down.is_deaf)
    }

    pub(crate) fn send_up(&mut self, line: Line, frame: ClientFrame) {
        let at = self.arrival();
        let Some(wire) = self.network.wires.get_mut(&line).filter(|wire| !wire.is_cut) else {
            return;
        };
        let at = wire.up.push(Packet::Frame(frame), at);
        self.at(at, Event::Up(line));
        self.may_be_cut(line);
    }

    pub(crate) fn send_down(&mut self, line: Line, frame: ServerFrame) {
        let at = self.arrival();
        let Some(wire) = self.network.wires.get_mut(&line).filter(|wire| !wire.is_cut) else {
            return;
        };
        let at = wire.down.push(Packet::Frame(frame), at);
        self.at(at, Event::Down(line));
        self.may_be_cut(line);
    }

    /// What arrives at a server, and at which.
    pub(crate) fn arrived_up(&mut self, line: Line) -> Option<(usize, Packet<ClientFrame>)> {
        let wire = self.network.wires.get_mut(&line)?;
        Some((wire.server, wire.up.pop(self.now)?))
    }

    /// What arrives at a client, and at which.
    pub(crate) fn arrived_down(&mut self, line: Line) -> Option<(usize, Packet<ServerFrame>)> {
        let wire = self.network.wires.get_mut(&line)?;
        Some((wire.peer, wire.down.pop(self.now)?))
    }

    /// The client's process ends or closes: what it sent before may still arrive.
    pub(crate) fn client_leaves(&mut self, line: Line) {
        let (at, all_arrives) = (self.arrival(), self.random.chance(5000));
        let Some(wire) = self.network.wires.get_mut(&line) else { return };
        wire.down.is_deaf = true;
        if !all_arrives {
            wire.up.cut();
        }
        let at = wire.up.push(Packet::Hangup, at);
        self.at(at, Event::Up(line));
    }

    /// The same at the other end, on every wire to this server.
    pub(crate) fn server_leaves(&mut self, server: usize) {
        let its = self.network.wires.iter().filter(|(_, wire)| wire.server == server);
        let lines: Vec<Line> = its.map(|(line, _)| *line).collect();
        for line in lines {
            let (at, all_arrives) = (self.arrival(), self.random.chance(5000));
            let Some(wire) = self.network.wires.get_mut(&line) else { return };
            if wire.up.is_deaf {
                continue;
            }
            wire.up.is_deaf = true;
            if !all_arrives {
                wire.down.cut();
            }
            let at = wire.down.push(Packet::Hangup, at);
            self.at(at, Event::Down(line));
        }
        self.network.listens[server] = false;
    }

    fn arrival(&mut self) -> Timestamp {
        let slow = self.random.chance(self.weather.slow);
        let ms = if slow { self.random.between(50, 25_000) } else { self.random.between(0, 20) };
        self.now.after_ms(ms)
    }

    /// What is on the wire is lost, or only the way back; each end learns of it in its own time, so that for a while
    /// one may be back over another wire while the server still believes in this one.
    fn may_be_cut(&mut self, line: Line) {
        if !self.random.chance(self.weather.cut) {
            return;
        }
        let (here, there) = (self.random.below(3000), self.random.below(60_000));
        let arrives_later = self.random.chance(4000).then(|| self.random.below(15_000));
        let Some(wire) = self.network.wires.get_mut(&line) else { return };
        wire.is_cut = true;
        let later = arrives_later.map_or_else(Vec::new, |ms| wire.up.delay(ms));
        let lost = wire.down.cut() + arrives_later.map_or_else(|| wire.up.cut(), |_| 0);
        let up = wire.up.push(Packet::Hangup, self.now.after_ms(there));
        let down = wire.down.push(Packet::Hangup, self.now.after_ms(here));
        for at in later.into_iter().chain([up]) {
            self.at(at, Event::Up(line));
        }
        self.at(down, Event::Down(line));
        self.note(format_args!("wire {line} is cut, {lost} frames are lost"));
    }
}
