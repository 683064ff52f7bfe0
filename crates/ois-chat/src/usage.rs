//! Agents' turns and what they cost.
//!
//! [`Runs`] is a fold over the log. A turn is told twice, when it begins and when it ends; told
//! again, it changes nothing. One that nobody ends is over, as `dead`, when its delivery is
//! ([`Runs::close`]), and if its end is told after all, that stands. A turn is known by its agent and
//! its name: no agent can take the name of another's. It is counted on the day on
//! which it began, in the team's zone, by the time that its event says.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ois_protocol::{
    EventId, RoomName, Run, Rung, ShortName, Timestamp, Usage, UtcOffset,
    http::{UsageBy, UsageRow},
};
use serde::{Deserialize, Serialize};

/// Turns under way, the last ones that are over, and what all cost, day by day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runs {
    #[serde(skip)]
    offset: UtcOffset,
    /// In the order in which they began.
    active: Vec<Run>,
    /// In the order in which they ended.
    over: VecDeque<Run>,
    /// Of those that are over, the ones whose end nobody has told: agent and name.
    closed: BTreeSet<(ShortName, String)>,
    /// By day, agent and room.
    days: BTreeMap<String, BTreeMap<ShortName, BTreeMap<RoomName, Cost>>>,
}

/// What turns cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Cost {
    turns: u64,
    input_tokens: u64,
    output_tokens: u64,
    micro_usd: u64,
}

impl Runs {
    /// How many turns that are over are known.
    pub const RECENT: usize = 1000;

    /// How many turns may be under way; beyond, the oldest counts as dead.
    pub const ACTIVE: usize = 4096;

    /// For how many days with turns it is known what they cost.
    pub const DAYS: usize = 400;

    /// Nobody has done anything yet.
    pub fn new(offset: UtcOffset) -> Self {
        Self { offset, ..Self::default() }
    }

    /// From now on days begin by this zone. What was counted stays where it is.
    pub fn set_offset(&mut self, offset: UtcOffset) {
        self.offset = offset;
    }

    /// Takes a turn that began or ended.
    pub fn apply(&mut self, run: &Run) {
        let known = self.active.iter().position(|it| is_same(it, run));
        if let Some(over) = self.over.iter_mut().find(|it| is_same(it, run)) {
            if run.end.is_some() && self.closed.remove(&key(run)) {
                *over = Run { start: over.start, ..run.clone() };
                let run = over.clone();
                self.count(&run, 0, run.usage);
            }
            return;
        }
        match (known, run.end) {
            (None, None) => self.begin(run),
            (Some(_), None) => {}
            (None, Some(_)) => {
                self.count(run, 1, run.usage);
                self.finish(run.clone());
            }
            (Some(at), Some(_)) => {
                let start = self.active.remove(at).start;
                let run = Run { start, ..run.clone() };
                self.count(&run, 0, run.usage);
                self.finish(run);
            }
        }
    }

    /// An attempt at a delivery is over, and all before it: so are their turns.
    pub fn close(&mut self, message: EventId, agent: &ShortName, through: u32, at: Timestamp) {
        let is_its =
            |run: &mut Run| run.cause == message && run.agent == *agent && run.attempt <= through;
        let dead: Vec<Run> = self.active.extract_if(.., is_its).collect();
        dead.into_iter().for_each(|run| self.finish_untold(run, at));
    }

    /// The turn of this agent with this name.
    pub fn get(&self, agent: &ShortName, run: &str) -> Option<&Run> {
        self.named(run).find(|it| it.agent == *agent)
    }

    /// The turns with this name, which several agents may have given.
    pub fn named(&self, run: &str) -> impl Iterator<Item = &Run> {
        self.active().chain(self.recent()).filter(move |it| it.run == run)
    }

    /// Whether the end of this turn was told.
    pub fn is_told(&self, run: &Run) -> bool {
        run.end.is_some() && !self.closed.contains(&key(run))
    }

    /// Turns under way, in the order in which they began.
    pub fn active(&self) -> impl Iterator<Item = &Run> {
        self.active.iter()
    }

    /// The last turns that are over, newest first.
    pub fn recent(&self) -> impl Iterator<Item = &Run> {
        self.over.iter().rev()
    }

    /// What turns cost that began on `from_day` (`YYYY-MM-DD`) or later, by ascending key.
    pub fn usage(&self, by: UsageBy, from_day: Option<&str>) -> Vec<UsageRow> {
        let mut rows: BTreeMap<&str, Cost> = BTreeMap::new();
        let days =
            self.days.iter().filter(|(day, _)| from_day.is_none_or(|from| day.as_str() >= from));
        for (day, agents) in days {
            for (agent, rooms) in agents {
                for (room, cost) in rooms {
                    let key = match by {
                        UsageBy::Agent => agent.as_str(),
                        UsageBy::Room => room.as_str(),
                        UsageBy::Day => day,
                    };
                    rows.entry(key).or_default().add(*cost);
                }
            }
        }
        rows.into_iter().map(|(key, cost)| cost.row(key)).collect()
    }

    fn begin(&mut self, run: &Run) {
        if self.active.len() >= Self::ACTIVE {
            let oldest = self.active.remove(0);
            self.finish_untold(oldest, run.start);
        }
        self.count(run, 1, None);
        self.active.push(run.clone());
    }

    fn finish(&mut self, run: Run) {
        if self.over.len() >= Self::RECENT
            && let Some(oldest) = self.over.pop_front()
        {
            self.closed.remove(&key(&oldest));
        }
        self.over.push_back(run);
    }

    /// A turn is over whose end nobody has told.
    fn finish_untold(&mut self, run: Run, at: Timestamp) {
        self.closed.insert(key(&run));
        self.finish(Run { end: Some(at), outcome: Some(Rung::Dead), ..run });
    }

    fn count(&mut self, run: &Run, turns: u64, usage: Option<Usage>) {
        let usage = usage.unwrap_or_default();
        let cost = Cost {
            turns,
            input_tokens: usage.input_tokens.unwrap_or(0),
            output_tokens: usage.output_tokens.unwrap_or(0),
            micro_usd: usage.micro_usd.unwrap_or(0),
        };
        let agents = self.days.entry(run.start.civil(self.offset).date()).or_default();
        let rooms = agents.entry(run.agent.clone()).or_default();
        rooms.entry(run.room.clone()).or_default().add(cost);
        while self.days.len() > Self::DAYS {
            self.days.pop_first();
        }
    }
}

impl Cost {
    fn add(&mut self, more: Self) {
        self.turns = self.turns.saturating_add(more.turns);
        self.input_tokens = self.input_tokens.saturating_add(more.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(more.output_tokens);
        self.micro_usd = self.micro_usd.saturating_add(more.micro_usd);
    }

    fn row(self, key: &str) -> UsageRow {
        let Self { turns, input_tokens, output_tokens, micro_usd } = self;
        UsageRow { key: key.to_owned(), turns, input_tokens, output_tokens, micro_usd }
    }
}

/// Two agents' runtimes may give the same name.
fn is_same(one: &Run, other: &Run) -> bool {
    one.run == other.run && one.agent == other.agent
}

fn key(run: &Run) -> (ShortName, String) {
    (run.agent.clone(), run.run.clone())
}

#[cfg(test)]
mod tests;
