//! The counters of one server. `api::metrics` shows them; this file only counts.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use hyper::StatusCode;
use ois_chat::Fact;
use ois_protocol::{EventKind, Rung};
use ois_store::Record;

/// The counters of one server. All of them begin at zero when the server starts.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// When the server started.
    pub(crate) started: Instant,
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    /// Deliveries that reached a state, in the order of [`Rung::ALL`].
    pub(crate) deliveries: [Counter; Rung::ALL.len()],
    notices: Mutex<BTreeMap<&'static str, u64>>,
    /// WebSockets that are open.
    pub(crate) connections: Level,
    /// Messages that were stored.
    pub(crate) messages: Counter,
    /// Batches that this server stored.
    pub(crate) batches: Counter,
    /// Batches that the store did not take.
    pub(crate) append_errors: Counter,
    /// Bytes that came in over WebSockets.
    pub(crate) bytes_in: Counter,
    /// Bytes that went out over WebSockets.
    pub(crate) bytes_out: Counter,
}

/// What is open at a moment, as the hot loop counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Deliveries that are not over.
    pub(crate) open: u64,
    /// Turns of agents that are under way.
    pub(crate) active: u64,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

/// A number that rises and falls.
#[derive(Debug, Default)]
pub(crate) struct Level(AtomicU64);

impl Counter {
    /// Adds this number.
    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Relaxed);
    }

    /// The number as it is now.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Level {
    /// Adds one.
    pub(crate) fn rise(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// Takes one away.
    pub(crate) fn fall(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    /// The number as it is now.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Metrics {
    /// Counters of a server that starts now.
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            requests: Mutex::default(),
            deliveries: Default::default(),
            notices: Mutex::default(),
            connections: Level::default(),
            messages: Counter::default(),
            batches: Counter::default(),
            append_errors: Counter::default(),
            bytes_in: Counter::default(),
            bytes_out: Counter::default(),
        }
    }

    /// Counts an answer to a request, by the name of its route.
    pub(crate) fn answered(&self, route: &'static str, status: StatusCode) {
        // Counters stay sound wherever a panic struck.
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((route, status.as_u16())).or_default() += 1;
    }

    /// How many requests were answered, by route and status.
    pub(crate) fn requests(&self) -> BTreeMap<(&'static str, u16), u64> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts the messages among records that were stored, by whatever server.
    pub(crate) fn stored(&self, records: &[Record]) {
        let messages = records.iter().filter(|record| record.kind == Some(EventKind::Message));
        self.messages.add(messages.count() as u64);
    }

    /// Counts what follows for agents from a stored event.
    pub(crate) fn saw(&self, fact: &Fact) {
        match fact {
            Fact::Message(message) => {
                self.deliveries[Rung::Stored as usize].add(message.calls.len() as u64);
                if let Some(notice) = &message.notice {
                    let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
                    *notices.entry(notice.kind()).or_default() += 1;
                }
            }
            Fact::Delivery { delivery, .. } => self.deliveries[delivery.state as usize].add(1),
            Fact::Run { .. } => {}
        }
    }

    /// How many notices the server gave, by their kind.
    pub(crate) fn notices(&self) -> BTreeMap<&'static str, u64> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
