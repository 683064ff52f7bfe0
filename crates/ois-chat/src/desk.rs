//! What follows for agents from what stands in the log: whom a message wakes, how far each call
//! came, which chains go round in circles, what is used up, and what the server itself has to say.
//!
//! A [`Desk`] is a fold over the log: [`Desk::apply`] takes every event that matters, live and when
//! the log is read again at the start. [`Desk::say`] decides about a draft before it is stored,
//! [`Desk::report`] about what a monitor tells. What the desk itself wants to have stored (notices,
//! the deaths of deliveries) is pending until the log has it: [`Desk::due`] gives it again and again,
//! so that a crash between a cause and its notice loses nothing and doubles nothing.

mod command;
mod due;
mod fact;
mod notice;
mod pending_notice;

use std::collections::BTreeSet;

use ois_protocol::{
    Budget, Delivery, DeliveryId, Draft, EventId, Held, Member, Message, NewEvent, Policy,
    RoomName, Run, ShortName, Timestamp, Usage, UtcOffset,
};
use serde::{Deserialize, Serialize};

pub use self::fact::Fact;
pub(crate) use self::fact::author;
use self::{
    command::{Command, Obeyed},
    pending_notice::PendingNotice,
};
use crate::{
    budget::{Budgets, Judgement, Pending},
    guard::{Guard, GuardSettings},
    ladder::{Ladder, Limits, Report, ReportError},
    roster::Called,
    usage::Runs,
};

/// How a desk decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeskSettings {
    /// For how long a delivery may stay as it is, and a turn go on.
    pub limits: Limits,
    /// The most tokens, read and written each, that are believed of one turn.
    pub turn_tokens_max: u64,
    /// When a chain goes round in circles.
    pub guard: GuardSettings,
    /// The zone whose midnight ends a day.
    pub offset: UtcOffset,
}

impl Default for DeskSettings {
    /// 24 hours, turns of 6 hours and 20 million tokens, days in UTC.
    fn default() -> Self {
        Self {
            limits: Limits { deadline_ms: 24 * 3600 * 1000, turn_ms: 6 * 3600 * 1000 },
            turn_tokens_max: 20_000_000,
            guard: GuardSettings::default(),
            offset: UtcOffset::UTC,
        }
    }
}

/// Everything that follows for agents from what stands in the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Desk {
    #[serde(skip)]
    settings: DeskSettings,
    ladder: Ladder,
    guard: Guard,
    budgets: Budgets,
    runs: Runs,
    /// Notices that the log does not have yet.
    #[serde(alias = "owed")]
    pending_notices: Vec<PendingNotice>,
    /// Calls that were decided and are not in the log yet.
    #[serde(skip)]
    pending: Pending,
    /// What a person's order of the batch that is not in the log yet takes up: open questions, and
    /// messages that the guard held. A second order about the same wakes nobody.
    #[serde(skip)]
    obeyed: BTreeSet<EventId>,
}

impl Desk {
    /// A desk that knows nothing yet.
    pub fn new(settings: DeskSettings) -> Self {
        Self {
            settings,
            ladder: Ladder::default(),
            guard: Guard::new(settings.guard),
            budgets: Budgets::new(settings.offset),
            runs: Runs::new(settings.offset),
            pending_notices: Vec::new(),
            pending: Pending::default(),
            obeyed: BTreeSet::new(),
        }
    }

    /// The same knowledge under these settings, for one that was kept.
    pub fn with(mut self, settings: DeskSettings) -> Self {
        self.settings = settings;
        self.guard.set_settings(settings.guard);
        self.budgets.set_offset(settings.offset);
        self.runs.set_offset(settings.offset);
        self
    }

    /// How far mentions came.
    pub fn ladder(&self) -> &Ladder {
        &self.ladder
    }

    /// Agents' turns and what they cost.
    pub fn runs(&self) -> &Runs {
        &self.runs
    }

    /// What may be used in a day.
    pub fn budgets(&self) -> &[Budget] {
        self.budgets.list()
    }

    /// Replaces what may be used in a day. To be known before the log is read: what was held is judged
    /// again, in case nobody was told.
    pub fn set_budgets(&mut self, budgets: Vec<Budget>) {
        self.budgets.set(budgets);
    }

    /// Decides whom a draft wakes. It counts for what is decided
    /// after it until [`Desk::forget_pending`].
    pub fn say(&mut self, mut draft: Draft, mut called: Called, now: Timestamp) -> Draft {
        let mut allowed = false;
        let mut named = called.agents.clone();
        let everybody = called.everybody.clone();
        if draft.author.is_agent() {
            let named = draft.cause.or(draft.reply_to);
            draft.cause = self.guard.cause(&draft.author.name, named, now);
        } else if let Some(command) = Command::of(&draft) {
            allowed = self.obey(&command, &mut draft, &mut called, now) == Obeyed::Allowed;
            named.extend(called.agents.iter().cloned());
        }
        let verdict = self.guard.judge(&draft.author, draft.cause, &draft.text);
        draft.hop = verdict.hop;
        if verdict.stop.is_some() {
            hold_all(&mut draft, called);
        } else {
            self.within_budgets(&mut draft, called, allowed, now);
        }
        // Old clients wake by `mentions`: an agent that is named and not called must not stand there.
        named.retain(|agent| !draft.calls.contains(agent));
        unmention(&mut draft.mentions, &named, everybody);
        draft
    }

    /// Decides what becomes of what an agent's monitor tells of a delivery. What climbs is to be
    /// stored. To take an offer is a turn, so a budget may forbid it.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn report(
        &mut self,
        agent: &Member,
        said: Delivery,
        now: Timestamp,
    ) -> Result<Report, ReportError> {
        let said = Delivery { agent: agent.name.clone(), ..said };
        let is_claim = self.ladder.stands(&said.id()).is_none();
        let room = self.ladder.room(said.message).filter(|_| is_claim).cloned();
        if let Some(room) = &room
            && !self.may_claim(&agent.name, room, now)
        {
            return Err(ReportError::OverBudget);
        }
        let report = self.ladder.report(said)?;
        if let (Some(room), Report::Climbs(_)) = (&room, &report) {
            self.pending.add(&agent.name, room);
        }
        Ok(report)
    }

    /// Decides what becomes of what an agent's monitor tells of a turn: the event to be stored, or
    /// `None` if it is known, or says that a turn begins for an attempt that is over.
    ///
    /// A monitor's clock is believed only as far as it fits the call and the server's clock, and what
    /// a turn has cost only up to [`DeskSettings::turn_tokens_max`].
    ///
    /// # Errors
    /// [`ReportError::NotFound`] if the agent was not called by the turn's cause,
    /// [`ReportError::TooMany`] if the delivery has more runs than anything explains.
    pub fn report_run(
        &mut self,
        agent: &Member,
        said: Run,
        now: Timestamp,
    ) -> Result<Option<NewEvent>, ReportError> {
        if said.run.len() > RUN_BYTES {
            return Err(ReportError::TooLong);
        }
        let id = DeliveryId { message: said.cause, agent: agent.name.clone() };
        let room = self.ladder.get(&id).and_then(|_| self.ladder.room(said.cause)).cloned();
        let room = room.filter(|_| !said.run.is_empty()).ok_or(ReportError::NotFound)?;
        let known = self.runs.get(&agent.name, &said.run);
        let is_over = self.ladder.stands(&id).is_some_and(|(attempt, state)| {
            said.attempt < attempt || said.attempt == attempt && state.is_final()
        });
        let is_news = match (known, said.end) {
            (Some(known), Some(_)) => !self.runs.is_told(known),
            (Some(_), None) => false,
            (None, Some(_)) => true,
            (None, None) => !is_over,
        };
        if !is_news {
            return Ok(None);
        }
        let called = self.ladder.said_at(said.cause).unwrap_or(now).min(now);
        let start = known.map_or(said.start, |known| known.start).clamp(called, now);
        if !self.ladder.takes_run(&id) {
            return Err(ReportError::TooMany);
        }
        let said = Run { agent: id.agent, room, start, ..said };
        let Some(end) = said.end.map(|end| end.clamp(start, now)) else {
            return Ok(Some(NewEvent::Run(Run {
                outcome: None,
                reason: None,
                usage: None,
                ..said
            })));
        };
        let usage = said.usage.map(|usage| self.believed(usage));
        let capped = usage != said.usage;
        let outcome = said.outcome.filter(|outcome| outcome.is_final());
        Ok(Some(NewEvent::Run(Run { end: Some(end), outcome, usage, capped, ..said })))
    }

    /// What a turn has cost, as far as that is believed.
    fn believed(&self, usage: Usage) -> Usage {
        let most = self.settings.turn_tokens_max;
        let tokens = |told: Option<u64>| told.map(|told| told.min(most));
        Usage {
            input_tokens: tokens(usage.input_tokens),
            output_tokens: tokens(usage.output_tokens),
            micro_usd: usage.micro_usd.map(|told| told.min(most.saturating_mul(MICRO_USD_A_TOKEN))),
        }
    }

    /// Whether a turn that began then has gone on for as long as a turn may.
    pub fn is_too_long(&self, start: Timestamp, now: Timestamp) -> bool {
        let limit_ms = self.settings.limits.turn_ms;
        limit_ms > 0 && now.since_ms(start) >= limit_ms
    }

    /// A person drives a delivery again: that is a turn. A budget that asks a person has an answer with
    /// that, any other one that is used up forbids it.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn retry(&mut self, id: &DeliveryId, now: Timestamp) -> Result<NewEvent, ReportError> {
        let room = self.ladder.room(id.message).ok_or(ReportError::NotFound)?.clone();
        let judged = self.budgets.judge_among(&id.agent, &room, &self.pending, now);
        if matches!(judged, Judgement::Hold { policy: Policy::Stop | Policy::Digest, .. }) {
            return Err(ReportError::OverBudget);
        }
        let event = self.ladder.retry(id)?;
        self.pending.add(&id.agent, &room);
        Ok(event)
    }

    /// What was decided since the last batch was stored is void, or is in the log by now.
    pub fn forget_pending(&mut self) {
        self.pending = Pending::default();
        self.obeyed.clear();
        self.ladder.forget_pending();
    }

    /// Takes what is stored.
    pub fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Message(message) => self.apply_message(message),
            Fact::Delivery { room, delivery } => {
                self.notices_for_delivery(room, delivery);
                let Delivery { message, agent, attempt, state, at, .. } = delivery;
                let through = if state.is_final() { *attempt } else { attempt.saturating_sub(1) };
                self.runs.close(*message, agent, through, *at);
                self.budgets.apply_delivery(delivery, room);
                self.ladder.apply_delivery(delivery);
            }
            Fact::Run { run, at } => {
                self.budgets.apply_run(run, *at);
                self.runs.apply(run);
                self.ladder.apply_run(run);
            }
        }
    }

    fn apply_message(&mut self, message: &Message) {
        let Some(author) = author(message) else { return };
        self.settle_notices(message);
        if message.notice.is_none() {
            self.notices_for_message(message, &author);
            self.apply_denial(message);
        }
        self.guard.apply_message(message);
        self.budgets.apply_message(message);
        self.ladder.apply_message(message, &author);
    }

    /// Fills in whom the draft calls as far as budgets allow, or a person has just allowed. Several
    /// agents may share a budget, so each call counts for the next. An offer counts when it is claimed.
    fn within_budgets(&mut self, draft: &mut Draft, called: Called, allowed: bool, now: Timestamp) {
        let held_by = |desk: &Self, agent: &ShortName| {
            if allowed {
                return None;
            }
            match desk.budgets.judge_among(agent, &draft.room, &desk.pending, now) {
                Judgement::Go { .. } => None,
                Judgement::Hold { spent, policy, .. } => {
                    Some(Held::by_budget(agent.clone(), spent, policy))
                }
            }
        };
        let mut held: Vec<Held> = Vec::new();
        for agent in called.agents {
            match held_by(self, &agent) {
                Some(it) => held.push(it),
                None => {
                    self.pending.add(&agent, &draft.room);
                    draft.calls.push(agent);
                }
            }
        }
        for mut offer in called.offers {
            let over: Vec<Held> =
                offer.agents.iter().filter_map(|agent| held_by(self, agent)).collect();
            offer.agents.retain(|agent| !over.iter().any(|it| it.agent == *agent));
            if offer.agents.is_empty() {
                // Nobody is left to take it, which is to be said.
                let is_new = |it: &Held| !held.iter().any(|known| known.agent == it.agent);
                let new: Vec<Held> = over.into_iter().filter(is_new).collect();
                held.extend(new);
            } else {
                draft.offers.push(offer);
            }
        }
        draft.held = held;
    }

    /// Whether this agent may take an offer of a message in this room: that is a turn.
    fn may_claim(&mut self, agent: &ShortName, room: &RoomName, now: Timestamp) -> bool {
        let judged = self.budgets.judge_among(agent, room, &self.pending, now);
        matches!(judged, Judgement::Go { .. })
    }
}

/// The longest name of a run, in bytes.
const RUN_BYTES: usize = 500;
/// More than any model costs, in millionths of a US dollar for one token.
const MICRO_USD_A_TOKEN: u64 = 100;

/// The chain goes round in circles: the draft wakes nobody.
fn hold_all(draft: &mut Draft, called: Called) {
    let offered = called.offers.into_iter().flat_map(|offer| offer.agents);
    let mut held = called.agents;
    for agent in offered {
        if !held.contains(&agent) {
            held.push(agent);
        }
    }
    unmention(&mut draft.mentions, &held, called.everybody);
    draft.held = held.into_iter().map(Held::by_loop).collect();
}

/// Takes agents that are not woken out of `mentions`, also out of `all`, in whose place everybody else
/// is named then.
fn unmention(mentions: &mut Vec<String>, held: &[ShortName], everybody: Option<Vec<ShortName>>) {
    if held.is_empty() {
        return;
    }
    let all = mentions.iter().any(|name| name == ois_protocol::mention::ALL);
    if let Some(everybody) = everybody.filter(|_| all) {
        mentions.retain(|name| name != ois_protocol::mention::ALL);
        for name in everybody {
            if !mentions.iter().any(|known| known == name.as_str()) {
                mentions.push(name.to_string());
            }
        }
    }
    let is_held = |name: &String| name.parse().is_ok_and(|name: ShortName| held.contains(&name));
    mentions.retain(|name| !is_held(name));
}

#[cfg(test)]
mod tests;
