//! What was used on one day of the team's zone.

use std::collections::BTreeMap;

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
    /// The calls of today, and older ones of which a turn may still be heard.
    calls: BTreeMap<EventId, Calls>,
    /// How many they are.
    known: usize,
    /// Runs by their names, and whether what they cost was counted.
    runs: BTreeMap<ShortName, BTreeMap<String, bool>>,
    /// Notices of today.
    told: Vec<Told>,
}

/// What one agent used in one room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    /// Calls, each of which is a turn until it is known that none began.
    pub(super) turns: u64,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) micro_usd: u64,
}

/// The calls of one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Calls {
    room: RoomName,
    agents: BTreeMap<ShortName, Turn>,
}

/// A call that counts as a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Turn {
    attempt: u32,
    /// Whether it was counted today, and not on a day before.
    is_todays: bool,
    /// Whether anything shows that a turn began.
    has_begun: bool,
    /// Whether the attempt is over.
    is_over: bool,
    /// How many runs were told of.
    runs: u32,
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
    /// The day of this moment. What is still open of the day before is known there too, and counts
    /// no more.
    pub(super) fn after(before: Self, at: Timestamp, offset: UtcOffset) -> Self {
        let mut day = Self {
            number: number(at, offset),
            calls: before.calls,
            runs: before.runs,
            ..Self::default()
        };
        for calls in day.calls.values_mut() {
            calls.agents.retain(|_, turn| !turn.is_over);
            calls.agents.values_mut().for_each(|turn| turn.is_todays = false);
        }
        day.calls.retain(|_, calls| !calls.agents.is_empty());
        day.known = day.calls.values().map(|calls| calls.agents.len()).sum();
        for runs in day.runs.values_mut() {
            runs.retain(|_, is_counted| !*is_counted);
        }
        day.runs.retain(|_, runs| !runs.is_empty());
        day
    }

    /// Whether this moment is of another day. The one before is none: around midnight events may
    /// come a little late. Older ones are, since then a clock was wrong and was put right.
    pub(super) fn is_over(&self, at: Timestamp, offset: UtcOffset) -> bool {
        let number = number(at, offset);
        number > self.number || number + 1 < self.number
    }

    /// An attempt at a call counts as a turn from now on.
    pub(super) fn call(
        &mut self,
        message: EventId,
        agent: &ShortName,
        room: &RoomName,
        attempt: u32,
    ) {
        let empty = || Calls { room: room.clone(), agents: BTreeMap::new() };
        let calls = self.calls.entry(message).or_insert_with(empty);
        let next = Turn { attempt, is_todays: true, has_begun: false, is_over: false, runs: 0 };
        match calls.agents.get_mut(agent) {
            Some(known) if known.attempt >= attempt => return,
            Some(known) => *known = next,
            None => {
                calls.agents.insert(agent.clone(), next);
                self.known += 1;
            }
        }
        self.tally(agent, room).turns += 1;
        while self.known > CALLS && self.calls.len() > 1 {
            let Some((_, oldest)) = self.calls.pop_first() else { return };
            self.known -= oldest.agents.len();
        }
    }

    /// Something shows that a turn began.
    pub(super) fn begin(&mut self, message: EventId, agent: &ShortName) {
        if let Some(turn) = self.turn(message, agent) {
            turn.has_begun = true;
        }
    }

    /// A run of a call is told of. The first of an attempt is the turn that was counted with the call;
    /// others, and one of a call that was given back, are turns of their own. Told again, it is the
    /// same one.
    pub(super) fn run(&mut self, message: EventId, agent: &ShortName, room: &RoomName, run: &str) {
        let runs = self.runs.entry(agent.clone()).or_default();
        if runs.contains_key(run) {
            return;
        }
        if runs.len() >= RUNS {
            runs.pop_first();
        }
        runs.insert(run.to_owned(), false);
        let is_more = self.turn(message, agent).is_none_or(|turn| {
            turn.has_begun = true;
            turn.runs += 1;
            turn.runs > 1
        });
        if is_more {
            self.tally(agent, room).turns += 1;
        }
    }

    /// An attempt at a call is over. If no turn began, it is given back.
    pub(super) fn end_call(
        &mut self,
        message: EventId,
        agent: &ShortName,
        attempt: u32,
        is_given_back: bool,
    ) {
        let turn = self.turn(message, agent).filter(|turn| turn.attempt == attempt);
        let Some(turn) = turn else { return };
        turn.is_over = true;
        let Turn { has_begun, is_todays, .. } = *turn;
        if has_begun || !is_given_back {
            return;
        }
        let Some(calls) = self.calls.get_mut(&message) else { return };
        calls.agents.remove(agent);
        let room = calls.room.clone();
        if calls.agents.is_empty() {
            self.calls.remove(&message);
        }
        self.known -= 1;
        if is_todays {
            let tally = self.tally(agent, &room);
            tally.turns = tally.turns.saturating_sub(1);
        }
    }

    /// A run that was told of ended. Told again, it costs nothing more.
    pub(super) fn end_run(&mut self, run: &Run) {
        let usage = run.usage.unwrap_or_default();
        let known = self.runs.get_mut(&run.agent).and_then(|runs| runs.get_mut(&run.run));
        if known.is_none_or(|counted| std::mem::replace(counted, true)) {
            return;
        }
        let tally = self.tally(&run.agent, &run.room);
        let add = |sum: &mut u64, more: Option<u64>| *sum = sum.saturating_add(more.unwrap_or(0));
        add(&mut tally.input_tokens, usage.input_tokens);
        add(&mut tally.output_tokens, usage.output_tokens);
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
            output_tokens: sum.output_tokens.saturating_add(tally.output_tokens),
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
    pub(super) fn known_calls(&self) -> (usize, usize) {
        (self.known, self.calls.values().map(|calls| calls.agents.len()).sum())
    }

    fn turn(&mut self, message: EventId, agent: &ShortName) -> Option<&mut Turn> {
        self.calls.get_mut(&message)?.agents.get_mut(agent)
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

/// The most calls of one day that are known; beyond, the oldest count whatever becomes of them.
const CALLS: usize = 1 << 16;

/// The most turns of one agent and day that are known by name: beyond, one that is told again may
/// count twice.
const RUNS: usize = 10_000;

/// The most notices of one day that are known.
const NOTICES: usize = 10_000;
