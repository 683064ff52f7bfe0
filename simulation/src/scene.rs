//! What everybody stands on: the clock, the dice, what is to happen, the wires, and what happened.

use std::{cmp::Reverse, collections::BinaryHeap, fmt};

use ois_inbox::Fetched;
use ois_protocol::{Chat, EventId, Timestamp};

use crate::{
    gateway::{Answer, Request},
    ledger::Ledger,
    log::Log,
    network::{Line, Network},
    random::Random,
    trace::Trace,
    weather::Weather,
};

/// How often a process has been started: what was meant for an earlier one does not reach it.
pub(crate) type Life = u32;

/// Something that happens at its time. Whoever has to do with another says so by one of these.
#[derive(Debug)]
pub(crate) enum Event {
    Calm,
    /// What servers do, each by its number.
    ServerStarts(usize),
    ServerWrites(usize, Life),
    ServerSyncs(usize, Life),
    ServerBeats(usize, Life),
    /// The other server has appended to the log of this one.
    LogMoves(usize),
    /// A socket takes bytes again.
    Unblocks(usize, Life, Line),
    /// The server reads on from a connection that it had paused.
    ReadsOn(usize, Life, Line),
    /// Something arrives at the server's end of a wire, or at the client's.
    Up(Line),
    Down(Line),
    /// A client's link has something to do.
    LinkWakes(usize, Life),
    MonitorStarts(usize),
    /// A monitor does the next thing that it has to.
    Monitor(usize, Life),
    /// A monitor wants a message, over HTTP, and gets it.
    Fetches(usize, Life, EventId),
    Fetched(usize, Life, EventId, Box<Fetched>),
    /// Something at a monitor asks its gateway, and hears from it.
    Asks(usize, Call, Request),
    Answers(usize, Call, Answer),
    /// An agent speaks by itself, by its monitor's local port.
    Speaks(usize, Box<Chat>),
    GatewayStarts(usize),
    TurnSpeaks(usize, Life, String),
    TurnEnds(usize, Life, String),
    TakesUp(usize, Life),
    WaitEnds(usize, Life, u64),
    /// A person does something.
    Acts(usize),
}

/// What asks a gateway: a work of one life of a monitor, over a connection to one life of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) life: Life,
    pub(crate) work: u32,
    /// The gateway's life that the connection was made to; `None` if this makes it.
    pub(crate) boot: Option<Life>,
}

/// The clock, the dice, what is to happen, the wires, and what happened.
pub(crate) struct Scene {
    pub(crate) now: Timestamp,
    pub(crate) random: Random,
    pub(crate) weather: Weather,
    /// Whether nothing has failed from the first event on.
    pub(crate) is_faultless: bool,
    pub(crate) network: Network,
    /// The team's log.
    pub(crate) log: Log,
    pub(crate) ledger: Ledger,
    pub(crate) trace: Trace,
    agenda: BinaryHeap<Reverse<Entry>>,
    planned: u64,
}

struct Entry {
    at: Timestamp,
    number: u64,
    event: Event,
}

impl Scene {
    pub(crate) fn new(
        random: Random,
        weather: Weather,
        began: Timestamp,
        keep: bool,
        servers: usize,
    ) -> Self {
        Self {
            now: began,
            random,
            is_faultless: weather.is_faultless(),
            weather,
            network: Network::of(servers),
            log: Log::new(),
            ledger: Ledger::default(),
            trace: Trace::new(began, keep),
            agenda: BinaryHeap::new(),
            planned: 0,
        }
    }

    /// The server that a request over HTTP comes to.
    pub(crate) fn any_server(&mut self) -> usize {
        let servers = self.network.listens.len();
        if servers > 1 { self.random.index(servers) } else { 0 }
    }

    /// Whether two servers have one log.
    pub(crate) fn has_two_servers(&self) -> bool {
        self.network.listens.len() > 1
    }

    /// Plans something.
    pub(crate) fn after(&mut self, ms: u64, event: Event) {
        self.at(self.now.after_ms(ms), event);
    }

    pub(crate) fn at(&mut self, at: Timestamp, event: Event) {
        self.planned += 1;
        self.agenda.push(Reverse(Entry { at, number: self.planned, event }));
    }

    /// What happens next; the clock goes there.
    pub(crate) fn next(&mut self) -> Option<Event> {
        let Reverse(entry) = self.agenda.pop()?;
        self.now = self.now.max(entry.at);
        Some(entry.event)
    }

    pub(crate) fn note(&mut self, words: fmt::Arguments<'_>) {
        self.trace.note(self.now, words);
    }

    /// How long a process is away that has died.
    pub(crate) fn absence_ms(&mut self) -> u64 {
        if self.random.chance(self.weather.stays_away) {
            return self.random.between(600_000, 7_200_000);
        }
        self.random.between(100, 60_000)
    }

    /// Until when a disk is full that has just become so; `None` if it has not.
    pub(crate) fn full_until(&mut self) -> Option<Timestamp> {
        let full = self.random.chance(self.weather.full);
        full.then(|| self.now.after_ms(self.random.between(1000, 120_000)))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}
