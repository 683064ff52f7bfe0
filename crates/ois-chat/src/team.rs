//! The core of the server: everything that is decided about one team, without I/O.
//!
//! A [`Team`] owns the roster, the desk, the sessions of all connections, the queue of requests and
//! the batch that is on its way into the log. Frames, requests and the time go in; [`Output`]s come
//! out, and [`Team::take_batch`] gives what is to be appended. The driver owns sockets, disk and
//! clock: `ois-http` is one, the simulation is the other, and neither decides anything.
//!
//! ```text
//!  receive, post, retry ─▶ queue ─▶ close_batch ─▶ take_batch ─▶ the driver appends it to the log
//!                                                               │ appended │ append_failed │ moved
//!  output ◀─ acks, answers, notices ◀─ stored(record), for every record that is read from the log
//! ```
//!
//! A request is decided when its batch is taken, on what the log says up to there and on what was
//! decided earlier in the same batch. Nothing that was decided outlives a batch that was not stored.

mod batch;
mod output;
mod presence;
mod queue;
mod receive;
mod runs;

use std::collections::{BTreeMap, VecDeque};

use ois_protocol::{Budget, EventId, Limits, Member, ServerFrame};

use self::{
    batch::InFlight,
    queue::{Queue, Request},
    receive::AheadOfUs,
    runs::PendingStop,
};
pub use self::{
    batch::{Batch, Key, KnownNonces, NonceState},
    output::{Answer, ConnId, Output, RequestId, Sent, Start},
    queue::{BatchLimits, Waiting},
    receive::Reading,
};
use crate::{Desk, Roster, Session};

/// The core of the server. See the module.
#[derive(Debug)]
pub struct Team {
    id: String,
    roster: Roster,
    desk: Desk,
    sessions: BTreeMap<ConnId, Session>,
    ahead: Vec<AheadOfUs>,
    queue: Queue,
    /// The requests of the batch that is closed and not decided.
    closed: Vec<Request>,
    in_flight: Option<InFlight>,
    /// The last event that was read from the log.
    head: EventId,
    /// The desk may have something to append: a notice, or what time alone brings.
    is_desk_due: bool,
    /// Requests that wait for a monitor's word about a turn that is to be stopped.
    stops: Vec<PendingStop>,
    outputs: VecDeque<Output>,
}

impl Team {
    /// A team without connections. `id` is the team's id (8 hex digits), `desk` has read the log up to
    /// the event `head`.
    pub fn new(
        id: impl Into<String>,
        limits: Limits,
        batch: BatchLimits,
        desk: Desk,
        head: EventId,
    ) -> Self {
        Self {
            id: id.into(),
            roster: Roster::new(limits),
            desk,
            sessions: BTreeMap::new(),
            ahead: Vec::new(),
            queue: Queue::new(batch),
            closed: Vec::new(),
            in_flight: None,
            head,
            is_desk_due: true,
            stops: Vec::new(),
            outputs: VecDeque::new(),
        }
    }

    /// The next thing for the driver to do; to be taken until there is none, after every call.
    pub fn output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The last event that was read from the log.
    pub fn head(&self) -> EventId {
        self.head
    }

    /// Who belongs to the team, and who is there.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// What follows for agents from what stands in the log.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// A connection's session; `None` if there is no such connection.
    pub fn session(&self, conn: ConnId) -> Option<&Session> {
        self.sessions.get(&conn)
    }

    /// Replaces the register: everybody who can be mentioned.
    pub fn register(&mut self, members: Vec<Member>) {
        self.roster.register(members);
    }

    /// Replaces what agents' turns may cost in a day.
    pub fn set_budgets(&mut self, budgets: Vec<Budget>) {
        self.desk.set_budgets(budgets);
    }

    /// Time has passed: to be called about every half ping interval. What is due then is in the next
    /// batch.
    pub fn tick(&mut self) {
        self.is_desk_due = true;
    }

    /// Whether [`Team::take_batch`] may have something to give.
    pub fn has_work(&self) -> bool {
        self.in_flight.is_none() && (self.is_desk_due || !self.queue.is_empty())
    }

    /// The requests that wait for the log.
    pub fn waiting(&self) -> Waiting {
        self.queue.waiting()
    }

    /// Puts a frame for one connection on its way.
    fn send(&mut self, conn: ConnId, frame: ServerFrame) {
        self.outputs.push_back(Output::Send(conn, frame));
    }
}

#[cfg(test)]
mod tests;
