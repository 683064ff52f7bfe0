//! The gateway: turns in its process's memory, their history on its disk.

use std::collections::BTreeMap;

/// A turn in the gateway's process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    Running,
    Answered,
    Silent,
    Failed,
    Stopped,
}

#[derive(Default)]
pub(crate) struct Gateway {
    pub(crate) up: bool,
    pub(crate) boot: u64,
    /// Forgotten when the process dies.
    pub(crate) turns: BTreeMap<String, Turn>,
    /// Kept on disk: the keys begun, and how they ended.
    pub(crate) history: BTreeMap<String, Option<Turn>>,
}

impl Gateway {
    pub(crate) fn begin(&mut self, key: &str) {
        self.turns.insert(key.to_owned(), Turn::Running);
        self.history.insert(key.to_owned(), None);
    }

    /// Ends the first turn that runs.
    pub(crate) fn works(&mut self, end: Turn) {
        let running = self.turns.iter().find(|(_, turn)| **turn == Turn::Running);
        if let Some(key) = running.map(|(key, _)| key.clone()).filter(|_| self.up) {
            self.turns.insert(key.clone(), end);
            self.history.insert(key, Some(end));
        }
    }

    /// A stopped turn leaves nothing in the history.
    pub(crate) fn stop(&mut self, key: &str) -> Option<bool> {
        if !self.up {
            return None;
        }
        let running = self.turns.get(key) == Some(&Turn::Running);
        if running {
            self.turns.insert(key.to_owned(), Turn::Stopped);
            self.history.remove(key);
        }
        Some(running)
    }

    pub(crate) fn dies_or_starts(&mut self) {
        self.up = !self.up;
        self.turns.clear();
        self.boot += u64::from(self.up);
    }
}
