//! How far each mention came: one delivery for each message and each agent that it calls.
//!
//! A [`Ladder`] is a fold over the log: [`Ladder::apply_message`] puts the deliveries of a stored
//! message on their first rung, [`Ladder::apply_delivery`] moves them. What a monitor reports is
//! checked by [`Ladder::report`] against what the log says; only what climbs becomes an event.
//! Nothing here believes more than it was told, and nothing stays open for ever:
//! [`Ladder::overdue`] names what nobody will hear of any more.
//!
//! ```text
//! stored ─▶ received ─▶ admitted ─▶ ended ─▶ replied | silent | failed | dead
//!    ▲                                                          │        │
//!    └────────────── the next attempt: the monitor's ───────────┘        │
//!    └────────────── or a person's ──────────────────────────────────────┘
//! ```

mod pending;
mod report;

use std::collections::BTreeMap;

use ois_protocol::{
    Delivery, DeliveryId, EventId, Message, Notice, Offer, Reason, RoomName, Rung, ShortName,
    Timestamp,
};
use serde::{Deserialize, Serialize};

use self::pending::Pending;
pub use self::report::{Report, ReportError};

/// Every delivery that is not over, and the last of those that are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ladder {
    messages: BTreeMap<EventId, Calls>,
    answers: Vec<Answer>,
    /// What was decided in the batch that is not in the log yet.
    #[serde(skip)]
    pending: Pending,
}

/// What one message asks of agents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Calls {
    room: RoomName,
    time: Timestamp,
    deliveries: Vec<Delivery>,
    /// Of whom nobody has claimed it yet.
    offers: Vec<Offer>,
    /// Of whom somebody has.
    taken: Vec<Offer>,
}

/// An agent's message that answers a call of which no monitor has reported anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Answer {
    call: DeliveryId,
    by: EventId,
}

/// Something that nobody will hear of any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overdue {
    /// A delivery of which nothing was reported for too long.
    Delivery {
        /// Where its message was said.
        room: RoomName,
        /// Which.
        id: DeliveryId,
        /// Why.
        reason: Reason,
    },
    /// An offer that nobody claimed.
    Offer {
        /// Where its message was said.
        room: RoomName,
        /// The message.
        message: EventId,
        /// To whom it was offered.
        duty: ShortName,
    },
}

/// When an agent was here last, and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastHere {
    /// Until when; `None` if it is here.
    pub until: Option<Timestamp>,
    /// Whether what it was here with tells how far deliveries come.
    pub reports: bool,
}

/// Which deliveries are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Of messages after this one.
    pub after: Option<EventId>,
    /// Of messages before this one.
    pub before: Option<EventId>,
    /// In this state.
    pub state: Option<Rung>,
    /// Of this agent.
    pub agent: Option<ShortName>,
    /// From the newest message back.
    pub newest_first: bool,
}

/// Messages whose deliveries are all over and of which so many are still known.
const KEPT: usize = 4096;

impl Ladder {
    /// Takes a stored message.
    pub fn apply_message(&mut self, message: &Message, author: &ShortName) {
        self.note_answer(message, author);
        if let (Some(Notice::Unclaimed { duty }), Some(to)) = (&message.notice, message.reply_to)
            && let Some(calls) = self.messages.get_mut(&to)
        {
            calls.offers.retain(|offer| offer.duty != *duty);
        }
        if message.calls.is_empty() && message.offers.is_empty() {
            return;
        }
        let stored = |agent: &ShortName| Delivery::stored(message.id, agent.clone(), message.time);
        let calls = Calls {
            room: message.room.clone(),
            time: message.time,
            deliveries: message.calls.iter().map(stored).collect(),
            offers: message.offers.clone(),
            taken: Vec::new(),
        };
        self.messages.insert(message.id, calls);
        self.forget_the_oldest();
    }

    /// Takes a stored state of a delivery.
    pub fn apply_delivery(&mut self, delivery: &Delivery) {
        self.answers.retain(|answer| answer.call != delivery.id());
        let Some(calls) = self.messages.get_mut(&delivery.message) else { return };
        match calls.deliveries.iter_mut().find(|known| known.agent == delivery.agent) {
            Some(known) => *known = delivery.clone(),
            None => {
                let claimed =
                    calls.offers.iter().position(|it| it.agents.contains(&delivery.agent));
                if let Some(at) = claimed {
                    calls.taken.push(calls.offers.remove(at));
                }
                calls.deliveries.push(delivery.clone());
            }
        }
    }

    /// What was decided since the last batch was stored is void, or is in the log by now.
    pub fn forget_pending(&mut self) {
        self.pending = Pending::default();
    }

    /// The state of one delivery.
    pub fn get(&self, id: &DeliveryId) -> Option<&Delivery> {
        self.of(id.message)?.iter().find(|known| known.agent == id.agent)
    }

    /// The states of a message's deliveries; `None` if nothing is known of it (any more).
    pub fn of(&self, message: EventId) -> Option<&[Delivery]> {
        self.messages.get(&message).map(|calls| calls.deliveries.as_slice())
    }

    /// Where a message was said whose deliveries are known.
    pub fn room(&self, message: EventId) -> Option<&RoomName> {
        self.messages.get(&message).map(|calls| &calls.room)
    }

    /// The deliveries that are asked for, in the order of their messages or against it.
    pub fn find<'a>(&'a self, query: &'a Query) -> impl Iterator<Item = &'a Delivery> {
        let after = query.after.unwrap_or(EventId::ZERO).next();
        let before = query.before.unwrap_or(EventId::MAX.next()).max(after);
        let deliveries =
            self.messages.range(after..before).flat_map(|(_, calls)| &calls.deliveries);
        deliveries
            .filter(|it| query.state.is_none_or(|state| it.state == state))
            .filter(|it| query.agent.as_ref().is_none_or(|agent| it.agent == *agent))
    }

    /// What nobody will hear of any more: what no monitor took within `deadline_ms`, and what an
    /// agent took that has not been here for so long.
    pub fn overdue<'a>(
        &'a self,
        now: Timestamp,
        deadline_ms: u64,
        last_here: impl Fn(&ShortName) -> LastHere + 'a,
    ) -> impl Iterator<Item = Overdue> + 'a {
        let late = move |since: Timestamp| now.since_ms(since) >= deadline_ms;
        self.messages.iter().flat_map(move |(message, calls)| {
            let lost = |it: &&Delivery| match it.state {
                Rung::Stored => late(it.at),
                Rung::Received | Rung::Admitted | Rung::Ended => {
                    late(it.at) && last_here(&it.agent).until.is_some_and(late)
                }
                Rung::Replied | Rung::Silent | Rung::Failed | Rung::Dead => false,
            };
            let reason = |it: &Delivery| match it.state {
                Rung::Stored if !last_here(&it.agent).reports => Reason::NoMonitor,
                _ => Reason::Deadline,
            };
            let settled = |it: &&Delivery| self.pending.get(&it.id()).is_none();
            let deliveries = calls.deliveries.iter().filter(lost).filter(settled).map(|it| {
                Overdue::Delivery { room: calls.room.clone(), id: it.id(), reason: reason(it) }
            });
            let offers = calls.offers.iter().filter(|_| late(calls.time));
            let offers = offers.map(|offer| Overdue::Offer {
                room: calls.room.clone(),
                message: *message,
                duty: offer.duty.clone(),
            });
            deliveries.chain(offers).collect::<Vec<_>>()
        })
    }

    /// The deliveries of agents without a monitor that reports, which have answered: the message
    /// that answers is the evidence.
    pub fn answered(&self) -> impl Iterator<Item = (&RoomName, Delivery)> {
        self.answers.iter().filter_map(|Answer { call, by }| {
            let known = self.get(call)?.clone();
            let replied = Delivery { state: Rung::Replied, answer: Some(*by), ..known };
            Some((self.room(call.message)?, replied))
        })
    }

    fn note_answer(&mut self, message: &Message, author: &ShortName) {
        let Some(cause) = message.cause else { return };
        let call = DeliveryId { message: cause, agent: author.clone() };
        let unreported = self.get(&call).is_some_and(|known| known.state == Rung::Stored);
        if unreported && !self.answers.iter().any(|answer| answer.call == call) {
            self.answers.push(Answer { call, by: message.id });
        }
    }

    fn forget_the_oldest(&mut self) {
        if self.messages.len() < KEPT + KEPT / 8 {
            return;
        }
        let over = self.messages.len() - KEPT;
        let settled = self.messages.iter().filter(|(_, calls)| calls.is_over());
        let old: Vec<EventId> = settled.map(|(id, _)| *id).take(over).collect();
        for id in old {
            self.messages.remove(&id);
        }
    }
}

impl Calls {
    fn is_over(&self) -> bool {
        self.offers.is_empty() && self.deliveries.iter().all(|it| it.state.is_final())
    }
}

#[cfg(test)]
mod tests;
