//! What an inbox knows, and the records that its journal is made of.

use std::collections::BTreeMap;

use ois_protocol::{Delivery, EventId, Reason, Run, ShortName, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Call, Ending};

/// The agent that an inbox belongs to, and its team.
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
    /// The agent and the team that the inbox belongs to.
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
        /// The message that called.
        id: EventId,
        /// How the call ended.
        #[serde(flatten)]
        ending: Ending,
        /// The report that the server is to have of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        report: Option<Box<Delivery>>,
    },
    /// The server knows how a call ended, or will not hear of it.
    Confirmed {
        /// The message that called.
        id: EventId,
    },
    /// A turn is over; the server is to know of it.
    Ran(Box<Run>),
    /// The server knows that a turn is over, or will not hear of it.
    RunConfirmed {
        /// The runtime's name for it.
        run: String,
    },
    /// A person drives a delivery again whose message is not in memory.
    Wanted {
        /// The message.
        id: EventId,
        /// In what state the server has it.
        #[serde(flatten)]
        wanted: Wanted,
    },
    /// It is not wanted any more, or there is no such message.
    NotWanted {
        /// The message.
        id: EventId,
    },
    /// A call was given up some time ago.
    GivenUp(GivenUp),
    /// The server's log was set back: ids begin anew.
    Rewound,
}

/// A message that is to be fetched, since a person drives its delivery again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wanted {
    /// The number of the attempt that the person asked for.
    pub attempt: u32,
    /// Whether an earlier attempt may have begun a turn.
    pub possible_duplicate: bool,
    /// When the person's wish was received.
    pub since: Timestamp,
}

/// A call that ended without an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenUp {
    /// The message that called.
    pub id: EventId,
    /// The reason, for programs.
    pub reason: Reason,
    /// The reason in words, for people.
    pub detail: String,
}

/// Everything that must outlive a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxState {
    /// The agent and the team; `None` before the first sign-in.
    pub identity: Option<Identity>,
    /// Everything up to here was received.
    pub cursor: EventId,
    /// The last message that called.
    pub looked: EventId,
    /// The calls that are not over, by the message that calls.
    pub calls: BTreeMap<EventId, Call>,
    /// How calls ended of whose end the server is not known to know.
    pub closings: BTreeMap<EventId, Delivery>,
    /// Turns that are over, of which the server is not known to know.
    pub runs: BTreeMap<String, Run>,
    /// Messages that are to be fetched.
    pub wanted: BTreeMap<EventId, Wanted>,
    /// The last of those that ended without an answer, oldest first.
    pub given_up: Vec<GivenUp>,
}

impl InboxState {
    /// Applies one record, as it was written or read again.
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
                self.closings.remove(&call.message.id);
                self.calls.insert(call.message.id, *call);
            }
            Record::Closed { id, ending, report } => {
                self.calls.remove(&id);
                if let Ending::Failed { reason, detail } = ending {
                    self.give_up(GivenUp { id, reason, detail });
                }
                if let Some(report) = report {
                    self.closings.insert(id, *report);
                    keep_last(&mut self.closings);
                }
            }
            Record::Confirmed { id } => drop(self.closings.remove(&id)),
            Record::Ran(run) => {
                self.runs.insert(run.run.clone(), *run);
                while self.runs.len() > REPORTS_KEPT {
                    let oldest = self.runs.values().min_by_key(|run| run.start);
                    let Some(oldest) = oldest.map(|run| run.run.clone()) else { break };
                    self.runs.remove(&oldest);
                }
            }
            Record::RunConfirmed { run } => drop(self.runs.remove(&run)),
            Record::Wanted { id, wanted } => {
                self.wanted.insert(id, wanted);
                keep_last(&mut self.wanted);
            }
            Record::NotWanted { id } => drop(self.wanted.remove(&id)),
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
        records.extend(self.closings.iter().map(|(id, report)| Record::Closed {
            id: *id,
            ending: Ending::Withdrawn,
            report: Some(Box::new(report.clone())),
        }));
        records.extend(self.runs.values().cloned().map(Box::new).map(Record::Ran));
        records.extend(self.wanted.iter().map(|(id, it)| Record::Wanted { id: *id, wanted: *it }));
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

fn keep_last<T>(kept: &mut BTreeMap<EventId, T>) {
    while kept.len() > REPORTS_KEPT {
        kept.pop_first();
    }
}

const GIVEN_UP_KEPT: usize = 50;
/// Of so many calls, turns and messages each it is remembered that the server does not know yet; a
/// monitor that has been without its server for longer leaves the oldest to the server's deadline.
const REPORTS_KEPT: usize = 1000;
