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

use ois_protocol::{
    Budget, Delivery, Draft, Held, HeldBy, Member, Message, NewEvent, Run, ShortName, Timestamp,
    UtcOffset,
};
use serde::{Deserialize, Serialize};

pub use self::fact::Fact;
use self::{
    command::{Command, Obeyed},
    pending_notice::PendingNotice,
};
use crate::{
    budget::{Budgets, Judgement, Pending},
    guard::{Guard, GuardSettings},
    ladder::{Ladder, Report, ReportError},
    roster::Called,
    usage::Runs,
};

/// How a desk decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeskSettings {
    /// After this many milliseconds without a word a delivery is dead.
    pub deadline_ms: u64,
    /// When a chain goes round in circles.
    pub guard: GuardSettings,
    /// Whose midnight ends a day.
    pub offset: UtcOffset,
}

impl Default for DeskSettings {
    /// 24 h, UTC.
    fn default() -> Self {
        Self {
            deadline_ms: 24 * 3600 * 1000,
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
        if draft.author.is_agent() {
            let named = draft.cause.or(draft.reply_to);
            draft.cause = self.guard.cause(&draft.author.name, named, now);
        } else if let Some(command) = Command::of(&draft) {
            allowed = self.obey(&command, &mut draft, &mut called, now) == Obeyed::Allowed;
        }
        let verdict = self.guard.judge(&draft.author, draft.cause, &draft.text);
        draft.hop = verdict.hop;
        if verdict.stop.is_some() {
            hold_all(&mut draft, called);
        } else {
            self.within_budgets(&mut draft, called, allowed, now);
        }
        draft
    }

    /// Decides what becomes of what an agent's monitor tells of a delivery. What climbs is to be
    /// stored.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn report(&mut self, agent: &Member, said: Delivery) -> Result<Report, ReportError> {
        self.ladder.report(Delivery { agent: agent.name.clone(), ..said })
    }

    /// Decides what becomes of what an agent's monitor tells of a turn: the event to be stored, or
    /// `None` if it is known.
    ///
    /// A monitor's clock is believed only as far as it fits the server's.
    ///
    /// # Errors
    /// [`ReportError::NotFound`] if the agent was not called by the turn's cause.
    pub fn report_run(
        &self,
        agent: &Member,
        said: Run,
        now: Timestamp,
    ) -> Result<Option<NewEvent>, ReportError> {
        if said.run.len() > RUN_BYTES {
            return Err(ReportError::TooLong);
        }
        let id = ois_protocol::DeliveryId { message: said.cause, agent: agent.name.clone() };
        let room = self.ladder.get(&id).and_then(|_| self.ladder.room(said.cause));
        let room = room.ok_or(ReportError::NotFound)?.clone();
        let known = self.runs.get(&said.run).filter(|known| known.agent == agent.name);
        if known.is_some_and(|known| known.end.is_some() || said.end.is_none()) {
            return Ok(None);
        }
        let began = known.map_or(said.start, |known| known.start);
        let start = began.clamp(Timestamp::from_ms(now.ms().saturating_sub(WEEK_MS)), now);
        let end = said.end.map(|end| end.clamp(start, now));
        Ok(Some(NewEvent::Run(Run { agent: agent.name.clone(), room, start, end, ..said })))
    }

    /// A person drives a delivery again.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn retry(&mut self, id: &ois_protocol::DeliveryId) -> Result<NewEvent, ReportError> {
        self.ladder.retry(id)
    }

    /// What was decided since the last batch was stored is void, or is in the log by now.
    pub fn forget_pending(&mut self) {
        self.pending = Pending::default();
        self.ladder.forget_pending();
    }

    /// Takes what is stored.
    pub fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Message(message) => self.apply_message(message),
            Fact::Delivery { room, delivery } => {
                self.notices_for_delivery(room, delivery);
                if delivery.state == ois_protocol::Rung::Dead {
                    self.runs.close(delivery.message, &delivery.agent, delivery.at);
                }
                self.budgets.apply_delivery(delivery, room);
                self.ladder.apply_delivery(delivery);
            }
            Fact::Run(run) => {
                self.budgets.apply_run(run);
                self.runs.apply(run);
            }
        }
    }

    fn apply_message(&mut self, message: &Message) {
        let Some(author) = fact::author(message) else { return };
        self.settle_notices(message);
        if message.notice.is_none() {
            self.notices_for_message(message, &author);
        }
        self.guard.apply_message(message);
        self.budgets.apply_message(message);
        self.ladder.apply_message(message, &author);
    }

    /// Fills in whom the draft calls as far as budgets allow, or a person has just allowed. Several
    /// agents may share a budget, so each call counts for the next.
    fn within_budgets(&mut self, draft: &mut Draft, called: Called, allowed: bool, now: Timestamp) {
        let may = |desk: &Self, agent: &ShortName| {
            let judged = || desk.budgets.judge_among(agent, &draft.room, &desk.pending, now);
            allowed || matches!(judged(), Judgement::Go { .. })
        };
        let mut held = Vec::new();
        for agent in called.agents {
            if may(self, &agent) {
                self.pending.add(&agent, &draft.room);
                draft.calls.push(agent);
            } else {
                held.push(agent);
            }
        }
        for mut offer in called.offers {
            offer.agents.retain(|agent| may(self, agent));
            if !offer.agents.is_empty() {
                draft.offers.push(offer);
            }
        }
        unmention(&mut draft.mentions, &held, called.everybody);
        draft.held = held.into_iter().map(|agent| Held { agent, by: HeldBy::Budget }).collect();
    }
}

/// The longest name of a run, in bytes.
const RUN_BYTES: usize = 500;
/// A turn that is told to have begun earlier has not.
const WEEK_MS: u64 = 7 * 24 * 3600 * 1000;

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
    draft.held = held.into_iter().map(|agent| Held { agent, by: HeldBy::Loop }).collect();
}

/// Old clients wake by `mentions`: who is held is left out of them, also out of `all`.
fn unmention(mentions: &mut Vec<String>, held: &[ShortName], everybody: Option<Vec<ShortName>>) {
    if held.is_empty() {
        return;
    }
    if let Some(everybody) = everybody {
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
