//! What was decided in a batch that is not in the log yet: later requests of the same batch are
//! decided on it.

use std::collections::BTreeMap;

use ois_protocol::{Delivery, DeliveryId, EventId, Rung, ShortName};

/// What was decided in a batch that is not in the log yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pending {
    /// The attempt and the rung that deliveries will have.
    states: BTreeMap<DeliveryId, (u32, Rung)>,
    /// Offers that an agent has claimed, by message and duty.
    claims: BTreeMap<(EventId, ShortName), ShortName>,
    /// How many reports of runs were decided, by delivery.
    runs: BTreeMap<DeliveryId, u32>,
}

impl Pending {
    /// The attempt and the rung that this delivery will have, if it is among what was decided.
    pub(super) fn get(&self, id: &DeliveryId) -> Option<(u32, Rung)> {
        self.states.get(id).copied()
    }

    /// This delivery will be in this state.
    pub(super) fn expect(&mut self, delivery: &Delivery) {
        self.states.insert(delivery.id(), (delivery.attempt, delivery.state));
    }

    /// A run of this delivery is reported. Answers with how many were, this one included.
    pub(super) fn count_run(&mut self, id: &DeliveryId) -> u32 {
        let count = self.runs.entry(id.clone()).or_default();
        *count += 1;
        *count
    }

    /// The agent that has claimed an offer.
    pub(super) fn claimed(&self, message: EventId, duty: &ShortName) -> Option<&ShortName> {
        self.claims.get(&(message, duty.clone()))
    }

    /// An agent claims an offer. The first keeps it.
    pub(super) fn claim(&mut self, message: EventId, duty: &ShortName, agent: &ShortName) {
        self.claims.entry((message, duty.clone())).or_insert_with(|| agent.clone());
    }
}
