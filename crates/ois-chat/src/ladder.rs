//! How far each mention came: one delivery for each message and each agent that it calls.
//!
//! A [`Ladder`] is a fold over the log: [`Ladder::apply_message`] puts the deliveries of a stored
//! message on their first rung, [`Ladder::apply_delivery`] moves them. What a monitor reports is
//! checked by [`Ladder::report`] against what the log says; only what climbs becomes an event.
//! An answer is a message by the agent that the log has; everything else that a monitor says of its
//! runtime cannot be verified here and is bounded by [`Limits`]: [`Ladder::overdue`] names what has
//! not gone on for too long, by the log and the time alone. A restart of the server resets nothing.
//!
//! ```text
//! stored ─▶ received ─▶ admitted ─▶ ended ─▶ replied | silent | failed | dead
//!    ▲                                                          │        │
//!    └────────────── the next attempt: the monitor's ───────────┘        │
//!    └────────────── or a person's ──────────────────────────────────────┘
//! ```

mod pending;
mod report;

use std::collections::{BTreeMap, BTreeSet};

use ois_protocol::{
    Delivery, DeliveryId, EventId, Message, Notice, Offer, Reason, RoomName, Run, Rung, ShortName,
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
    /// The last messages by agents, with their authors: what can be an answer.
    spoken: BTreeMap<EventId, ShortName>,
    /// The agents of which a monitor has reported something.
    monitored: BTreeSet<ShortName>,
    /// The agents that have answered a call of which no monitor had reported anything.
    unmonitored: BTreeSet<ShortName>,
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
    /// When the turn of an agent's attempt was first admitted, by agent.
    admitted: BTreeMap<ShortName, (u32, Timestamp)>,
    /// The last attempt of which a run ended well, by agent.
    finished: BTreeMap<ShortName, u32>,
    /// How many reports of runs were stored, by agent.
    run_reports: BTreeMap<ShortName, u32>,
}

/// An agent's message that answers a call, and that no monitor has reported as its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Answer {
    call: DeliveryId,
    by: EventId,
    at: Timestamp,
}

/// For how long a delivery may stay as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// After this many milliseconds in which nothing was reported a delivery is given up, unless a turn
    /// is going on.
    pub deadline_ms: u64,
    /// A turn that has gone on for this many milliseconds is stopped; 0 for no limit.
    pub turn_ms: u64,
}

/// Something that has stayed as it is for too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overdue {
    /// A delivery; its next state is the end.
    Delivery {
        /// Where its message was said.
        room: RoomName,
        /// The state that it has now.
        delivery: Delivery,
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
/// So many of the last messages by agents are known as possible answers.
const SPOKEN: usize = 8192;
/// How many more runs than attempts one delivery may have.
const RUNS: u32 = 16;
/// For how long, in milliseconds, a monitor may still report the answer that the log has already.
const REPORT_MS: u64 = 60_000;

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
            admitted: BTreeMap::new(),
            finished: BTreeMap::new(),
            run_reports: BTreeMap::new(),
        };
        self.messages.insert(message.id, calls);
        self.forget_the_oldest();
    }

    /// Takes a stored state of a delivery.
    pub fn apply_delivery(&mut self, delivery: &Delivery) {
        let Some(calls) = self.messages.get_mut(&delivery.message) else { return };
        let agent = &delivery.agent;
        if !matches!(delivery.state, Rung::Stored | Rung::Replied | Rung::Dead) {
            self.monitored.insert(agent.clone());
        }
        let known = calls.deliveries.iter_mut().find(|known| known.agent == *agent);
        let is_next = known.as_ref().is_some_and(|known| known.attempt != delivery.attempt);
        match known {
            Some(known) => *known = delivery.clone(),
            None => {
                // An agent that has several of the duties takes the message for all of them.
                let claimed = calls.offers.extract_if(.., |it| it.agents.contains(agent));
                calls.taken.extend(claimed);
                calls.deliveries.push(delivery.clone());
            }
        }
        if delivery.state == Rung::Admitted {
            let first = (delivery.attempt, delivery.at);
            let admitted = calls.admitted.entry(agent.clone()).or_insert(first);
            if admitted.0 != delivery.attempt {
                *admitted = first;
            }
        }
        if is_next || delivery.state.is_final() {
            self.answers.retain(|answer| answer.call != delivery.id());
        }
    }

    /// Takes a stored turn.
    pub fn apply_run(&mut self, run: &Run) {
        let Some(calls) = self.messages.get_mut(&run.cause) else { return };
        *calls.run_reports.entry(run.agent.clone()).or_default() += 1;
        let ended_well = matches!(run.outcome, None | Some(Rung::Replied | Rung::Silent));
        if run.end.is_some() && ended_well {
            calls.finished.insert(run.agent.clone(), run.attempt);
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

    /// The attempt and the state that a delivery has, or will have once what was decided is stored.
    pub fn stands(&self, id: &DeliveryId) -> Option<(u32, Rung)> {
        let known = || self.get(id).map(|known| (known.attempt, known.state));
        self.pending.get(id).or_else(known)
    }

    /// Whether one more report of a run of this delivery is taken. There are as many as its attempts
    /// and some restarts of a runtime explain.
    pub fn takes_run(&mut self, id: &DeliveryId) -> bool {
        let Some(calls) = self.messages.get(&id.message) else { return false };
        let attempt = self.stands(id).map_or(1, |(attempt, _)| attempt);
        let stored = calls.run_reports.get(&id.agent).copied().unwrap_or(0);
        self.pending.count_run(id) + stored <= 2 * (RUNS + attempt)
    }

    /// When a message was said whose deliveries are known.
    pub fn said_at(&self, message: EventId) -> Option<Timestamp> {
        self.messages.get(&message).map(|calls| calls.time)
    }

    /// The states of a message's deliveries; `None` if nothing is known of it (any more).
    pub fn of(&self, message: EventId) -> Option<&[Delivery]> {
        self.messages.get(&message).map(|calls| calls.deliveries.as_slice())
    }

    /// Where a message was said whose deliveries are known.
    pub fn room(&self, message: EventId) -> Option<&RoomName> {
        self.messages.get(&message).map(|calls| &calls.room)
    }

    /// Whether an offer is open: no agent has claimed it, and it is not told yet that none will.
    pub fn has_open_offers(&self) -> bool {
        self.messages.values().any(|calls| !calls.offers.is_empty())
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

    /// What has stayed as it is for longer than these limits allow.
    pub fn overdue(&self, now: Timestamp, limits: Limits) -> impl Iterator<Item = Overdue> {
        let late = move |since: Timestamp| now.since_ms(since) >= limits.deadline_ms;
        self.messages.iter().flat_map(move |(message, calls)| {
            let is_overdue = |it: &&Delivery| match it.state {
                Rung::Admitted => {
                    let since = calls.admitted.get(&it.agent).map_or(it.at, |(_, at)| *at);
                    limits.turn_ms > 0 && now.since_ms(since) >= limits.turn_ms
                }
                Rung::Failed => !is_ended_by_others(it) && late(it.at),
                Rung::Stored | Rung::Received | Rung::Ended => late(it.at),
                Rung::Replied | Rung::Silent | Rung::Dead => false,
            };
            let settled = |it: &&Delivery| self.pending.get(&it.id()).is_none();
            let deliveries = calls.deliveries.iter().filter(is_overdue).filter(settled);
            let deliveries = deliveries.map(|it| Overdue::Delivery {
                room: calls.room.clone(),
                delivery: self.given_up(it),
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

    /// The deliveries whose answer stands in the log although no monitor has reported it: of agents
    /// without a monitor at once, also of those that were given up; of others once their run has
    /// ended and some time has passed.
    pub fn answered(&self, now: Timestamp) -> impl Iterator<Item = (&RoomName, Delivery)> {
        self.answers.iter().filter_map(move |answer| {
            let known = self.get(&answer.call)?;
            let calls = self.messages.get(&known.message)?;
            let is_it = match known.state {
                Rung::Stored | Rung::Dead => true,
                Rung::Failed => is_ended_by_others(known),
                Rung::Received | Rung::Admitted | Rung::Ended => {
                    let since = answer.at.max(known.at);
                    calls.finished.get(&known.agent) == Some(&known.attempt)
                        && now.since_ms(since) >= REPORT_MS
                }
                Rung::Replied | Rung::Silent => false,
            };
            let is_free = self.pending.get(&answer.call).is_none();
            (is_it && is_free).then(|| (&calls.room, answered_by(known, answer.by)))
        })
    }

    /// The last state of a delivery that has stayed as it is for too long.
    fn given_up(&self, known: &Delivery) -> Delivery {
        if let Some(answer) = self.answers.iter().find(|answer| answer.call == known.id()) {
            return answered_by(known, answer.by);
        }
        let is_unmonitored =
            self.unmonitored.contains(&known.agent) && !self.monitored.contains(&known.agent);
        let (state, reason) = match known.state {
            Rung::Admitted => (Rung::Failed, Reason::Timeout),
            Rung::Stored if is_unmonitored => (Rung::Dead, Reason::NoMonitor),
            Rung::Failed => (Rung::Dead, known.reason.unwrap_or(Reason::Deadline)),
            _ => (Rung::Dead, Reason::Deadline),
        };
        let detail = known.detail.clone().filter(|_| known.state == Rung::Failed);
        Delivery { state, reason: Some(reason), detail, ..known.clone() }
    }

    fn note_answer(&mut self, message: &Message, author: &ShortName) {
        if !message.agent || message.notice.is_some() {
            return;
        }
        self.spoken.insert(message.id, author.clone());
        if self.spoken.len() > SPOKEN {
            self.spoken.pop_first();
        }
        let Some(cause) = message.cause else { return };
        let call = DeliveryId { message: cause, agent: author.clone() };
        let Some(known) = self.get(&call) else { return };
        let is_answer = match known.state {
            Rung::Stored => true,
            Rung::Replied | Rung::Silent => false,
            // What an agent says during a turn is its answer only if it says so.
            _ => message.reply_to == Some(cause),
        };
        if !is_answer {
            return;
        }
        if known.state == Rung::Stored {
            self.unmonitored.insert(author.clone());
        }
        if !self.answers.iter().any(|answer| answer.call == call) {
            self.answers.push(Answer { call, by: message.id, at: message.time });
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
        let is_over = |it: &Delivery| match it.state {
            Rung::Failed => is_ended_by_others(it),
            state => state.is_final(),
        };
        self.offers.is_empty() && self.deliveries.iter().all(is_over)
    }
}

/// Whether a failed attempt was ended by a person or by the server: no monitor will begin another one.
fn is_ended_by_others(delivery: &Delivery) -> bool {
    delivery.state == Rung::Failed
        && matches!(delivery.reason, Some(Reason::Stopped | Reason::Timeout))
}

/// The delivery as this message answers it.
fn answered_by(known: &Delivery, answer: EventId) -> Delivery {
    Delivery {
        state: Rung::Replied,
        answer: Some(answer),
        late: matches!(known.state, Rung::Dead | Rung::Failed),
        reason: None,
        detail: None,
        ..known.clone()
    }
}

#[cfg(test)]
mod tests;
