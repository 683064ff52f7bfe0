//! What was decided and is not in the log yet: between the two, others report as well.

use std::collections::BTreeMap;

use ois_protocol::{Delivery, DeliveryId, EventId, Rung, ShortName};

/// What was decided and is not in the log yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pending {
    /// In which attempt and how far deliveries will be.
    states: BTreeMap<DeliveryId, (u32, Rung)>,
    /// Offers that somebody has claimed, by message and duty, and how often.
    claims: BTreeMap<(EventId, ShortName), (ShortName, u32)>,
}

impl Pending {
    /// In which attempt and how far this delivery will be, if that is on its way into the log.
    pub(super) fn get(&self, id: &DeliveryId) -> Option<(u32, Rung)> {
        self.states.get(id).copied()
    }

    /// This is on its way into the log.
    pub(super) fn expect(&mut self, delivery: &Delivery) {
        self.states.insert(delivery.id(), (delivery.attempt, delivery.state));
    }

    /// Who has claimed an offer.
    pub(super) fn claimed(&self, message: EventId, duty: &ShortName) -> Option<&ShortName> {
        self.claims.get(&(message, duty.clone())).map(|(agent, _)| agent)
    }

    /// An agent claims an offer.
    pub(super) fn claim(&mut self, message: EventId, duty: &ShortName, agent: &ShortName) {
        let claim = self.claims.entry((message, duty.clone())).or_insert((agent.clone(), 0));
        claim.1 += 1;
    }

    /// This is in the log, or never will be.
    pub(super) fn settle(&mut self, delivery: &Delivery) {
        let id = delivery.id();
        if self.states.get(&id) == Some(&(delivery.attempt, delivery.state)) {
            self.states.remove(&id);
        }
        self.claims.retain(|(message, _), (agent, times)| {
            let is_it = (*message, &*agent) == (delivery.message, &delivery.agent);
            *times -= u32::from(is_it);
            *times > 0
        });
    }
}
