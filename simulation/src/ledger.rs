//! What truly happened, noted by those whom it happened to; nobody in the story reads it.

use std::collections::{BTreeMap, BTreeSet};

use ois_protocol::{Ack, EventId, Nonce};

use crate::network::Line;

/// What truly happened.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Turns that began, in order.
    pub(crate) turns: Vec<Turn>,
    /// Keys that a runtime has accepted: agent and key.
    pub(crate) accepted: BTreeSet<(usize, String)>,
    /// What a client has kept, to be sent until it is confirmed.
    pub(crate) kept: BTreeSet<(String, Nonce)>,
    /// What was confirmed to whoever said it.
    pub(crate) acks: Vec<(String, Nonce, EventId)>,
    /// What each client saw over each of its wires.
    pub(crate) views: BTreeMap<(usize, Line), View>,
    /// Runs that went on with another: agent and run, and the first run.
    pub(crate) continued: BTreeMap<(usize, String), String>,
    /// What was found wrong while it happened.
    pub(crate) wrong: Vec<String>,
}

/// A turn that began.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) agent: usize,
    pub(crate) message: EventId,
    pub(crate) key: String,
    pub(crate) attempt: u32,
    /// Whether the agent was told that another may have begun as well.
    pub(crate) is_marked: bool,
    pub(crate) end: Option<End>,
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Answered,
    Silent,
    Failed,
    Stopped,
    /// The runtime's process ended, and nobody went on.
    Died,
}

/// What a client saw over one wire.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    /// From where on; `None` before it was told.
    pub(crate) after: Option<EventId>,
    pub(crate) ids: Vec<EventId>,
}

impl Ledger {
    pub(crate) fn wrong(&mut self, what: String) {
        self.wrong.push(what);
    }

    pub(crate) fn watches(&mut self, peer: usize, line: Line, after: Option<EventId>) {
        self.views.insert((peer, line), View { after, ids: Vec::new() });
    }

    pub(crate) fn begins_after(&mut self, peer: usize, line: Line, last: EventId) {
        self.views.entry((peer, line)).or_default().after = Some(last);
    }

    pub(crate) fn sees(&mut self, peer: usize, line: Line, id: EventId) {
        self.views.entry((peer, line)).or_default().ids.push(id);
    }

    pub(crate) fn confirmed(&mut self, name: &str, ack: &Ack) {
        self.acks.push((name.to_owned(), ack.nonce.clone(), ack.id));
    }

    /// The turn that this run belongs to.
    pub(crate) fn turn(&self, agent: usize, run: &str) -> Option<&Turn> {
        let key = self.key(agent, run);
        self.turns.iter().find(|turn| turn.agent == agent && turn.key == key)
    }

    pub(crate) fn ends(&mut self, agent: usize, run: &str, end: End) {
        let key = self.key(agent, run).to_owned();
        let mut turns = self.turns.iter_mut();
        if let Some(turn) = turns.find(|turn| turn.agent == agent && turn.key == key) {
            turn.end = Some(end);
        }
    }

    /// The key under which a run began that others may have gone on with.
    pub(crate) fn key<'a>(&'a self, agent: usize, run: &'a str) -> &'a str {
        self.continued.get(&(agent, run.to_owned())).map_or(run, String::as_str)
    }
}
