//! What agents may use in a day, and what waits once it is used up.
//!
//! [`Budgets`] is a fold over the log: it counts turns, tokens and money of the day, in the team's
//! zone, and remembers what was held. [`Budgets::judge`] says whether an agent may be woken,
//! [`Budgets::due`] what time alone brings. It wakes nobody and writes nothing: `desk` does.
//!
//! A turn is used from the call or the claim on, on that day of the server's clock: five mentions at
//! once against a budget of five are five, and the sixth is held. A call gives its turn back only if
//! its monitor says that the runtime was not reached or took nothing, and nothing shows that a turn
//! began: no admission, no run, no answer. So a client that reports little uses no less. Each attempt
//! is a turn, and so is each further run of an attempt. Tokens and money count on the day on which
//! they are reported.
//!
//! Several budgets may match. The strictest policy of those that are used up holds: `stop` before
//! `ask` before `digest`; of two with the same policy, the one that is listed first.
//!
//! | policy | what was held |
//! |---|---|
//! | `stop` | is not woken later: the next day forgets it |
//! | `digest` | is handed over together, at the most once per interval, and at once when the budget allows it again; that one turn goes beyond the budget |
//! | `ask` | waits for a person's word; `/allow` wakes the agent once, for all of it; no, or no word in time, forgets it |

mod day;
mod pending;
mod wait;

use ois_protocol::{
    Budget, Delivery, EventId, Measure, Message, Notice, Policy, Reason, RoomName, Run, Rung,
    ShortName, Spent, Timestamp, UtcOffset,
};
use serde::{Deserialize, Serialize};

use self::{
    day::{Day, Tally},
    wait::Waits,
};
pub use self::{pending::Pending, wait::Waiting};

/// What agents may use, what they have used, and what waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budgets {
    #[serde(skip)]
    offset: UtcOffset,
    #[serde(skip)]
    budgets: Vec<Budget>,
    day: Day,
    waits: Waits,
}

/// Whether an agent may be woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It may.
    Go {
        /// Set if that uses four fifths of a budget, and the log has no warning of it today.
        warn: Option<Spent>,
    },
    /// It may not: a budget is used up.
    Hold {
        /// Of what.
        spent: Spent,
        /// What happens now.
        policy: Policy,
        /// Whether the log has a notice of it today.
        told: bool,
    },
}

/// What time alone brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// What an agent was not woken for is to be handed over.
    Digest {
        /// To whom.
        agent: ShortName,
        /// Where.
        room: RoomName,
        /// The messages, oldest first.
        messages: Vec<EventId>,
    },
    /// Nobody answered the question in time.
    Expired {
        /// The agent that was not woken.
        agent: ShortName,
        /// Where.
        room: RoomName,
        /// The question.
        asked: EventId,
    },
}

impl Budgets {
    /// Nothing may be used up yet, since nobody has set a budget.
    pub fn new(offset: UtcOffset) -> Self {
        Self { offset, ..Self::default() }
    }

    /// From now on days begin by this zone. Budgets that were read back know UTC until then.
    pub fn set_offset(&mut self, offset: UtcOffset) {
        self.offset = offset;
    }

    /// Replaces what may be used. It is not kept with the rest.
    pub fn set(&mut self, budgets: Vec<Budget>) {
        self.budgets = budgets;
    }

    /// What may be used.
    pub fn list(&self) -> &[Budget] {
        &self.budgets
    }

    /// How often mentions are handed over, or how long an answer is waited for, once this is used.
    pub fn minutes(&self, spent: &Spent) -> u32 {
        let is_it = |budget: &&Budget| {
            (&budget.agent, &budget.room) == (&spent.agent, &spent.room)
                && limit(budget, spent.measure) == Some(spent.limit)
        };
        self.budgets.iter().find(is_it).map_or(Budget::MINUTES, |budget| budget.minutes)
    }

    /// Takes a stored message.
    pub fn apply_message(&mut self, message: &Message) {
        self.roll(message.time);
        for agent in &message.calls {
            self.day.call(message.id, agent, &message.room, 1);
        }
        if let (true, Some(cause), Some(author)) =
            (message.agent, message.cause, crate::desk::author(message))
        {
            self.day.begin(cause, &author);
        }
        match &message.notice {
            Some(Notice::BudgetWarning { spent }) => self.day.tell(spent, None),
            Some(Notice::BudgetReached { spent, policy }) => self.day.tell(spent, Some(*policy)),
            _ => {}
        }
        self.waits.apply(message);
    }

    /// Takes a stored state of a delivery.
    pub fn apply_delivery(&mut self, delivery: &Delivery, room: &RoomName) {
        self.roll(delivery.at);
        let Delivery { message, agent, attempt, state, .. } = delivery;
        if !matches!(state, Rung::Failed | Rung::Dead) {
            self.day.call(*message, agent, room, *attempt);
        }
        if matches!(state, Rung::Admitted | Rung::Ended | Rung::Replied | Rung::Silent) {
            self.day.begin(*message, agent);
        }
        if let (Rung::Admitted, Some(run)) = (state, &delivery.run) {
            self.day.run(*message, agent, room, run);
        }
        if state.is_final() {
            let is_given_back = delivery.reason.is_some_and(began_nothing);
            self.day.end_call(*message, agent, *attempt, is_given_back);
        }
    }

    /// Takes a turn that began or ended, and that the log has from this time on. What the monitor's
    /// clock says of it does not matter.
    pub fn apply_run(&mut self, run: &Run, at: Timestamp) {
        self.roll(at);
        self.day.run(run.cause, &run.agent, &run.room, &run.run);
        if run.end.is_some() {
            self.day.end_run(run);
        }
    }

    /// Whether this agent may be woken in this room now, if `pending` calls of this agent there are
    /// decided and not in the log yet, and none of others.
    pub fn judge(
        &self,
        agent: &ShortName,
        room: &RoomName,
        pending: u64,
        now: Timestamp,
    ) -> Judgement {
        self.judge_among(agent, room, &Pending::of(agent, room, pending), now)
    }

    /// Whether this agent may be woken in this room now, if these calls are decided and not in the
    /// log yet: several agents may share a budget.
    pub fn judge_among(
        &self,
        agent: &ShortName,
        room: &RoomName,
        pending: &Pending,
        now: Timestamp,
    ) -> Judgement {
        let day = self.today(now);
        let (mut warn, mut held): (Option<Spent>, Option<(Spent, Policy)>) = (None, None);
        for budget in self.matching(agent, room) {
            let used = day.map(|day| day.used(budget)).unwrap_or_default();
            for gauge in gauges(budget, &used, pending.count(budget)) {
                let told =
                    |as_reached| day.is_some_and(|day| day.is_told(&gauge.before, as_reached));
                if gauge.is_over {
                    let stricter =
                        held.as_ref().is_none_or(|it| rigour(budget.policy) > rigour(it.1));
                    held = if stricter { Some((gauge.before, budget.policy)) } else { held };
                } else if gauge.is_near && warn.is_none() && !told(false) {
                    warn = Some(gauge.after);
                }
            }
        }
        let Some((spent, policy)) = held else { return Judgement::Go { warn } };
        let told = day.is_some_and(|day| day.is_told(&spent, true));
        Judgement::Hold { spent, policy, told }
    }

    /// Whether the log has a notice of today that this is used up.
    pub fn is_told(&self, spent: &Spent, now: Timestamp) -> bool {
        self.today(now).is_some_and(|day| day.is_told(spent, true))
    }

    /// What time alone brings. Named again until the log has it.
    pub fn due(&self, now: Timestamp) -> Vec<Due> {
        self.waits
            .iter()
            .filter_map(|(agent, room, wait)| self.due_of(agent, room, wait, now))
            .collect()
    }

    /// What waits for a person's word about this agent in this room, if one is asked for.
    pub fn asked(&self, agent: &ShortName, room: &RoomName, now: Timestamp) -> Option<Waiting> {
        self.waits.get(agent, room)?.asked(now)
    }

    fn due_of(
        &self,
        agent: &ShortName,
        room: &RoomName,
        wait: &wait::Wait,
        now: Timestamp,
    ) -> Option<Due> {
        let (agent_, room_) = (agent.clone(), room.clone());
        if let Some(ask) = wait.ask {
            let expired = Due::Expired { agent: agent_, room: room_, asked: ask.notice };
            return (ask.until <= now).then_some(expired);
        }
        let gathers = self.matching(agent, room).any(|budget| budget.policy == Policy::Digest);
        let is_dropped = self.today(now).is_none() && self.day.was_stopped(agent, room);
        if wait.messages.is_empty() || !gathers || is_dropped {
            return None;
        }
        let is_due = match self.judge(agent, room, 0, now) {
            Judgement::Go { .. } => true,
            Judgement::Hold { spent, policy: Policy::Digest, .. } => {
                now >= wait.since()?.after_ms(u64::from(self.minutes(&spent)) * 60_000)
            }
            Judgement::Hold { .. } => false,
        };
        let messages = wait.messages.iter().copied().collect();
        is_due.then_some(Due::Digest { agent: agent_, room: room_, messages })
    }

    fn matching(&self, agent: &ShortName, room: &RoomName) -> impl Iterator<Item = &Budget> {
        self.budgets.iter().filter(move |budget| {
            budget.agent.as_ref().is_none_or(|it| it == agent)
                && budget.room.as_ref().is_none_or(|it| it == room)
        })
    }

    /// What was used today, if this is still the day of the last event.
    fn today(&self, now: Timestamp) -> Option<&Day> {
        (!self.day.is_over(now, self.offset)).then_some(&self.day)
    }

    fn roll(&mut self, at: Timestamp) {
        if self.day.is_over(at, self.offset) {
            let day = &self.day;
            self.waits.forget(at, |agent, room| day.was_stopped(agent, room));
            let before = std::mem::take(&mut self.day);
            self.day = Day::after(before, at, self.offset);
        }
    }
}

/// One measure of one budget, before and after one more turn.
struct Gauge {
    before: Spent,
    after: Spent,
    is_near: bool,
    is_over: bool,
}

fn gauges(budget: &Budget, used: &Tally, pending: u64) -> impl Iterator<Item = Gauge> {
    let turns = used.turns + pending;
    let measures = [
        (Measure::Turns, turns, 1),
        (Measure::InputTokens, used.input_tokens, 0),
        (Measure::OutputTokens, used.output_tokens, 0),
        (Measure::MicroUsd, used.micro_usd, 0),
    ];
    measures.into_iter().filter_map(move |(measure, used, more)| {
        let limit = limit(budget, measure)?;
        let (agent, room) = (budget.agent.clone(), budget.room.clone());
        let before = Spent { agent, room, measure, used, limit };
        let after = Spent { used: used + more, ..before.clone() };
        let is_near = after.used.saturating_mul(5) >= limit.saturating_mul(4);
        // What a turn will cost in tokens is known only afterwards: the last one may go beyond.
        Some(Gauge { before, after, is_near, is_over: used >= limit })
    })
}

/// Whether a failure for this reason says that the runtime began no turn.
fn began_nothing(reason: Reason) -> bool {
    use Reason::{Busy, Dropped, Rejected, Unauthorized, Unreachable};
    matches!(reason, Unreachable | Unauthorized | Busy | Rejected | Dropped)
}

fn limit(budget: &Budget, measure: Measure) -> Option<u64> {
    match measure {
        Measure::Turns => budget.turns,
        Measure::InputTokens => budget.input_tokens,
        Measure::OutputTokens => budget.output_tokens,
        Measure::MicroUsd => budget.micro_usd,
    }
}

fn rigour(policy: Policy) -> u8 {
    match policy {
        Policy::Digest => 0,
        Policy::Ask => 1,
        Policy::Stop => 2,
    }
}

#[cfg(test)]
mod tests;
