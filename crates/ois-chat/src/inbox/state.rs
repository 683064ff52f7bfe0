//! What an inbox knows, and the records that its journal is made of.

use std::collections::BTreeMap;

use ois_protocol::{EventId, ShortName};
use serde::{Deserialize, Serialize};

use super::{Call, Ending};

/// Whose inbox it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The team's id; of an old server, a hash of its address.
    pub team: String,
    /// Whether the server itself told the team's id.
    pub native: bool,
    /// The agent's short name.
    pub me: ShortName,
}

/// One step of an inbox, as its journal keeps it. The state is what all records so far make of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// Whose inbox it is.
    Identity(Identity),
    /// Everything up to here was received.
    Cursor {
        /// The last message.
        id: EventId,
        /// The last message that called.
        looked: EventId,
    },
    /// A call as it is from now on.
    Call(Box<Call>),
    /// A call is over.
    Closed {
        /// Which.
        id: EventId,
        /// How.
        #[serde(flatten)]
        ending: Ending,
    },
    /// A call was given up some time ago.
    GivenUp(GivenUp),
    /// The server's log was set back: ids begin anew.
    Rewound,
}

/// A call that ended without an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenUp {
    /// The message that called.
    pub id: EventId,
    /// Why.
    pub reason: String,
}

/// Everything that must outlive a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Whose inbox it is; `None` before the first sign-in.
    pub identity: Option<Identity>,
    /// Everything up to here was received.
    pub cursor: EventId,
    /// The last message that called.
    pub looked: EventId,
    /// The calls that are not over, by the message that calls.
    pub calls: BTreeMap<EventId, Call>,
    /// The last of those that ended without an answer, oldest first.
    pub given_up: Vec<GivenUp>,
}

impl State {
    /// Takes one step.
    pub fn apply(&mut self, record: Record) {
        match record {
            Record::Identity(identity) => self.identity = Some(identity),
            Record::Cursor { id, looked } => {
                self.cursor = self.cursor.max(id);
                self.looked = self.looked.max(looked);
            }
            Record::Call(call) => {
                self.cursor = self.cursor.max(call.message.id);
                self.looked = self.looked.max(call.message.id);
                self.calls.insert(call.message.id, *call);
            }
            Record::Closed { id, ending } => {
                self.calls.remove(&id);
                if let Ending::Failed { reason } = ending {
                    self.give_up(GivenUp { id, reason });
                }
            }
            Record::GivenUp(given_up) => self.give_up(given_up),
            Record::Rewound => {
                self.cursor = EventId::ZERO;
                self.looked = EventId::ZERO;
            }
        }
    }

    /// The fewest records that make this state.
    pub fn records(&self) -> Vec<Record> {
        let mut records: Vec<Record> =
            self.identity.iter().cloned().map(Record::Identity).collect();
        records.extend(self.given_up.iter().cloned().map(Record::GivenUp));
        records.extend(self.calls.values().cloned().map(Box::new).map(Record::Call));
        if self.calls.keys().next_back().is_some_and(|last| *last > self.cursor) {
            records.push(Record::Rewound);
        }
        records.push(Record::Cursor { id: self.cursor, looked: self.looked });
        records
    }

    fn give_up(&mut self, given_up: GivenUp) {
        self.given_up.push(given_up);
        if self.given_up.len() > GIVEN_UP_KEPT {
            self.given_up.remove(0);
        }
    }
}

const GIVEN_UP_KEPT: usize = 50;
