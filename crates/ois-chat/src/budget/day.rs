//! What was used on one day of the team's zone.

use std::collections::{BTreeMap, BTreeSet};

use ois_protocol::{
    Budget, Civil, EventId, Measure, Policy, RoomName, Run, ShortName, Spent, Timestamp, UtcOffset,
};
use serde::{Deserialize, Serialize};

use super::rigour;

/// What was used on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Day {
    /// Days since the epoch, by the team's calendar; 0 before the first event.
    number: u64,
    used: BTreeMap<ShortName, BTreeMap<RoomName, Tally>>,
    /// Calls of which no turn is known yet, by their message.
    open: BTreeMap<EventId, Open>,
    /// How many they are.
    calls: usize,
    /// Turns that were counted, and whether what they cost was.
    runs: BTreeMap<ShortName, BTreeMap<String, bool>>,
    /// Notices of today.
    told: Vec<Told>,
}

/// What one agent used in one room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    /// Turns that began.
    pub(super) turns: u64,
    /// Calls that may still become one.
    pub(super) open: u64,
    pub(super) input_tokens: u64,
    pub(super) micro_usd: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    room: RoomName,
    agents: BTreeSet<ShortName>,
}

/// A notice about a budget. One with another limit is another budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    agent: Option<ShortName>,
    room: Option<RoomName>,
    measure: Measure,
    limit: u64,
    /// What happens now; `None` if it was a warning.
    reached: Option<Policy>,
}

impl Day {
    pub(super) fn new(at: Timestamp, offset: UtcOffset) -> Self {
        Self { number: number(at, offset), ..Self::default() }
    }

    /// Whether there was no event yet.
    pub(super) fn is_first(&self) -> bool {
        self.number == 0
    }

    /// Whether this moment is of another day. The one before is none: around midnight events may
    /// come a little late. Older ones are, since then a clock was wrong and was put right.
    pub(super) fn is_over(&self, at: Timestamp, offset: UtcOffset) -> bool {
        let number = number(at, offset);
        number > self.number || number + 1 < self.number
    }

    /// Whether it began after this moment.
    pub(super) fn is_after(&self, at: Timestamp, offset: UtcOffset) -> bool {
        number(at, offset) < self.number
    }

    pub(super) fn call(&mut self, message: EventId, agent: &ShortName, room: &RoomName) {
        let empty = || Open { room: room.clone(), agents: BTreeSet::new() };
        let open = self.open.entry(message).or_insert_with(empty);
        if open.agents.insert(agent.clone()) {
            self.calls += 1;
            self.tally(agent, room).open += 1;
        }
        while self.calls > CALLS && self.open.len() > 1 {
            let Some((message, oldest)) = self.open.first_key_value() else { return };
            let (message, agents) = (*message, oldest.agents.clone());
            agents.iter().for_each(|agent| self.settle(message, agent));
        }
    }

    /// A call has become a turn, or never will.
    pub(super) fn settle(&mut self, message: EventId, agent: &ShortName) {
        let Some(open) = self.open.get_mut(&message) else { return };
        if !open.agents.remove(agent) {
            return;
        }
        let (room, is_last) = (open.room.clone(), open.agents.is_empty());
        if is_last {
            self.open.remove(&message);
        }
        self.calls -= 1;
        let tally = self.tally(agent, &room);
        tally.open = tally.open.saturating_sub(1);
    }

    pub(super) fn has_run(&self, agent: &ShortName, run: &str) -> bool {
        self.runs.get(agent).is_some_and(|runs| runs.contains_key(run))
    }

    /// A turn began. Told again, it is the same turn.
    pub(super) fn begin(&mut self, agent: &ShortName, room: &RoomName, run: &str) {
        if self.has_run(agent, run) {
            return;
        }
        let runs = self.runs.entry(agent.clone()).or_default();
        if runs.len() >= RUNS {
            runs.pop_first();
        }
        runs.insert(run.to_owned(), false);
        self.tally(agent, room).turns += 1;
    }

    /// A turn that began ended. Told again, it costs nothing more.
    pub(super) fn end(&mut self, run: &Run) {
        let usage = run.usage.unwrap_or_default();
        let known = self.runs.get_mut(&run.agent).and_then(|runs| runs.get_mut(&run.run));
        if known.is_none_or(|counted| std::mem::replace(counted, true)) {
            return;
        }
        let tally = self.tally(&run.agent, &run.room);
        let add = |sum: &mut u64, more: Option<u64>| *sum = sum.saturating_add(more.unwrap_or(0));
        add(&mut tally.input_tokens, usage.input_tokens);
        add(&mut tally.micro_usd, usage.micro_usd);
    }

    /// What counts against this budget.
    pub(super) fn used(&self, budget: &Budget) -> Tally {
        let agents = self
            .used
            .iter()
            .filter(|(agent, _)| budget.agent.as_ref().is_none_or(|it| it == *agent));
        let rooms = agents.flat_map(|(_, rooms)| rooms);
        let here = rooms.filter(|(room, _)| budget.room.as_ref().is_none_or(|it| it == *room));
        here.fold(Tally::default(), |sum, (_, tally)| Tally {
            turns: sum.turns + tally.turns,
            open: sum.open + tally.open,
            input_tokens: sum.input_tokens.saturating_add(tally.input_tokens),
            micro_usd: sum.micro_usd.saturating_add(tally.micro_usd),
        })
    }

    pub(super) fn tell(&mut self, spent: &Spent, reached: Option<Policy>) {
        let (agent, room) = (spent.agent.clone(), spent.room.clone());
        let told = Told { agent, room, measure: spent.measure, limit: spent.limit, reached };
        if self.told.len() < NOTICES && !self.told.contains(&told) {
            self.told.push(told);
        }
    }

    pub(super) fn is_told(&self, spent: &Spent, as_reached: bool) -> bool {
        self.told.iter().any(|told| {
            told.reached.is_some() == as_reached
                && (told.measure, told.limit) == (spent.measure, spent.limit)
                && (&told.agent, &told.room) == (&spent.agent, &spent.room)
        })
    }

    /// Whether this agent's mentions in this room were stopped until tomorrow.
    pub(super) fn was_stopped(&self, agent: &ShortName, room: &RoomName) -> bool {
        let here = self.told.iter().filter(|told| {
            told.agent.as_ref().is_none_or(|it| it == agent)
                && told.room.as_ref().is_none_or(|it| it == room)
        });
        here.filter_map(|told| told.reached).max_by_key(|policy| rigour(*policy))
            == Some(Policy::Stop)
    }

    #[cfg(test)]
    pub(super) fn open_calls(&self) -> u64 {
        self.open.values().map(|open| open.agents.len() as u64).sum()
    }

    fn tally(&mut self, agent: &ShortName, room: &RoomName) -> &mut Tally {
        self.used.entry(agent.clone()).or_default().entry(room.clone()).or_default()
    }
}

fn number(at: Timestamp, offset: UtcOffset) -> u64 {
    let midnight = Civil { hour: 0, minute: 0, second: 0, ms: 0, ..at.civil(offset) };
    Timestamp::from_civil(midnight, UtcOffset::UTC).map_or(0, |midnight| midnight.ms() / DAY_MS)
}

const DAY_MS: u64 = 86_400_000;

/// The most calls of one day that may be open; beyond, the oldest give their turns back.
const CALLS: usize = 1 << 16;

/// The most turns of one agent and day that are known by name: beyond, one that is told again may
/// count twice.
const RUNS: usize = 10_000;

/// The most notices of one day that are known.
const NOTICES: usize = 10_000;
