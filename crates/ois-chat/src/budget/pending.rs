//! Calls that are decided and not in the log yet.

use std::collections::BTreeMap;

use ois_protocol::{Budget, RoomName, ShortName};

/// Calls that are decided and not in the log yet, so that a batch does not use up what one alone
/// may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending(BTreeMap<ShortName, BTreeMap<RoomName, u64>>);

impl Pending {
    /// So many calls of one agent in one room.
    pub fn of(agent: &ShortName, room: &RoomName, calls: u64) -> Self {
        let rooms = BTreeMap::from([(room.clone(), calls)]);
        Self(BTreeMap::from([(agent.clone(), rooms)]))
    }

    /// A call was decided.
    pub fn add(&mut self, agent: &ShortName, room: &RoomName) {
        *self.0.entry(agent.clone()).or_default().entry(room.clone()).or_default() += 1;
    }

    /// How many of them count against this budget.
    pub(super) fn count(&self, budget: &Budget) -> u64 {
        let agents =
            self.0.iter().filter(|(agent, _)| budget.agent.as_ref().is_none_or(|it| it == *agent));
        let rooms = agents.flat_map(|(_, rooms)| rooms);
        let here = rooms.filter(|(room, _)| budget.room.as_ref().is_none_or(|it| it == *room));
        here.map(|(_, calls)| calls).sum()
    }
}
