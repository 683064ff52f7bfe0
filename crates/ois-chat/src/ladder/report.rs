//! What a monitor reports of a delivery, and what a person asks of one.

use ois_protocol::{Delivery, DeliveryId, EventId, NewEvent, Reason, RoomName, Rung, ShortName};

use super::{Calls, Ladder, is_ended_by_others};

/// What follows from a report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it lives for one call")]
pub enum Report {
    /// It climbs: this is to be stored.
    Climbs(NewEvent),
    /// It says nothing new; this is how it stands.
    Known(Delivery),
}

/// Why a report is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Nothing is known of such a delivery (any more).
    #[error("there is no such delivery")]
    NotFound,
    /// The run's name is longer than any runtime's.
    #[error("the run's name is too long")]
    TooLong,
    /// The delivery has more runs than attempts and restarts explain.
    #[error("there are too many runs for this delivery")]
    TooMany,
    /// The answer that it names is no message that the agent has said after the call.
    #[error("the answer is no message by this agent")]
    NoAnswer,
    /// It would be one more turn, and a budget is used up.
    #[error("the agent's budget is used up")]
    OverBudget,
    /// Another agent has claimed the offer.
    #[error("{0} was first")]
    Taken(ShortName),
    /// It is over, or cannot go from where it is to there; this is how it stands.
    #[error("the delivery is {} in attempt {}", .0.state.word(), .0.attempt)]
    BadTransition(Box<Delivery>),
    /// Something else that was said of it is on its way into the log.
    #[error("the delivery's next state is being stored")]
    Busy,
}

/// A monitor cannot open more attempts than this by itself.
const ATTEMPTS: u32 = 100;

impl Ladder {
    /// Checks what an agent's monitor says of one of the agent's deliveries.
    ///
    /// Within an attempt a state only climbs, and may leave rungs out: a link that was lost has
    /// lost reports as well. A failed attempt is followed by the monitor's next one. An answer is one
    /// whenever it comes, also after the attempt was given up.
    ///
    /// # Errors
    /// [`ReportError`]; then nothing has changed.
    pub fn report(&mut self, mut said: Delivery) -> Result<Report, ReportError> {
        let calls = self.messages.get(&said.message).ok_or(ReportError::NotFound)?;
        let room = calls.room.clone();
        let Some(known) = calls.deliveries.iter().find(|known| known.agent == said.agent) else {
            return self.claim(said, room);
        };
        // An agent may have two connections for a while, of which one is dead and does not know it.
        let pending = self.pending.get(&said.id());
        let (attempt, state) = pending.unwrap_or((known.attempt, known.state));
        if said.attempt < attempt {
            return Ok(Report::Known(known.clone()));
        }
        let is_late = matches!(state, Rung::Dead | Rung::Failed) && said.state == Rung::Replied;
        let climbs = if said.attempt > attempt {
            may_begin_again(state)
                && !is_ended_by_others(known)
                && said.attempt <= ATTEMPTS
                && said.state > Rung::Stored
        } else {
            !state.is_final() && (said.state > state || taken_over(known, &said))
                || pending.is_none() && (is_late || completes(known, &said))
                // What is being stored may fail to be, and then only its own sender hears of it.
                || pending == Some((said.attempt, said.state))
        };
        if climbs {
            said.answer = self.evidence(&said)?;
            said.late = is_late || known.late && known.state == said.state;
            self.pending.expect(&said);
            return Ok(Report::Climbs(event(room, trimmed(said))));
        }
        let stands = known.clone();
        let same = said.attempt == attempt
            && (said.state <= state && !said.state.is_final() || said.state == state);
        match pending {
            _ if same => Ok(Report::Known(stands)),
            Some(_) => Err(ReportError::Busy),
            None => Err(ReportError::BadTransition(stands.into())),
        }
    }

    /// A person drives a delivery again that failed or was given up: the next attempt.
    ///
    /// # Errors
    /// [`ReportError`]; then nothing has changed.
    pub fn retry(&mut self, id: &DeliveryId) -> Result<NewEvent, ReportError> {
        let known = self.get(id).ok_or(ReportError::NotFound)?;
        if self.pending.get(id).is_some() {
            return Err(ReportError::Busy);
        }
        if !matches!(known.state, Rung::Failed | Rung::Dead) || known.attempt == u32::MAX {
            return Err(ReportError::BadTransition(known.clone().into()));
        }
        let begun = known.run.is_some() || known.reason == Some(Reason::Unclear);
        let next = Delivery {
            attempt: known.attempt + 1,
            possible_duplicate: known.possible_duplicate || begun,
            ..Delivery::stored(id.message, id.agent.clone(), known.at)
        };
        let room = self.room(id.message).ok_or(ReportError::NotFound)?.clone();
        self.pending.expect(&next);
        Ok(event(room, next))
    }

    /// The message that a report of an answer names, if it is one by the agent and said after the call.
    /// A report that names none means the one that the log has, if it has one.
    fn evidence(&self, said: &Delivery) -> Result<Option<EventId>, ReportError> {
        if said.state != Rung::Replied {
            return Ok(None);
        }
        let noted = || self.answers.iter().find(|answer| answer.call == said.id());
        let named = said.answer.or_else(|| noted().map(|answer| answer.by));
        let is_its = |id: &EventId| *id > said.message && self.spoken.get(id) == Some(&said.agent);
        named.filter(is_its).map(Some).ok_or(ReportError::NoAnswer)
    }

    /// The first who says that it has received an offer is woken.
    fn claim(&mut self, said: Delivery, room: RoomName) -> Result<Report, ReportError> {
        let calls = self.messages.get(&said.message).ok_or(ReportError::NotFound)?;
        let mut taken_by = calls.claimed_by(&said.agent);
        for offer in calls.offers.iter().filter(|offer| offer.agents.contains(&said.agent)) {
            match self.pending.claimed(said.message, &offer.duty) {
                Some(first) if *first != said.agent => taken_by = Some(first.clone()),
                _ => {
                    let duties = calls.offers.iter().filter(|it| it.agents.contains(&said.agent));
                    for offer in duties {
                        self.pending.claim(said.message, &offer.duty, &said.agent);
                    }
                    let (attempt, state) = (1, Rung::Received);
                    let claimed = Delivery { attempt, state, answer: None, late: false, ..said };
                    return Ok(Report::Climbs(event(room, trimmed(claimed))));
                }
            }
        }
        Err(taken_by.map_or(ReportError::NotFound, ReportError::Taken))
    }
}

impl Calls {
    /// Who has claimed what was offered to this agent as well.
    fn claimed_by(&self, agent: &ShortName) -> Option<ShortName> {
        let offer = self.taken.iter().find(|offer| offer.agents.contains(agent))?;
        let mut woken = self.deliveries.iter().map(|it| &it.agent);
        woken.find(|it| offer.agents.contains(it)).cloned()
    }
}

/// A runtime's new process may go on with a turn under another name.
fn taken_over(known: &Delivery, said: &Delivery) -> bool {
    said.state == known.state && said.state == Rung::Admitted && said.run != known.run
}

/// The log alone has shown the answer; its monitor tells more of it: the run, or that the call may have
/// been handled twice.
fn completes(known: &Delivery, said: &Delivery) -> bool {
    let is_answer = known.state == Rung::Replied && said.state == Rung::Replied;
    let is_same = said.answer.is_none() || said.answer == known.answer;
    let has_more = known.run.is_none() && said.run.is_some()
        || said.possible_duplicate && !known.possible_duplicate;
    is_answer && is_same && has_more
}

/// Whether the monitor may open the next attempt: not after the end, which only a person undoes.
fn may_begin_again(state: Rung) -> bool {
    !matches!(state, Rung::Replied | Rung::Silent | Rung::Dead)
}

fn trimmed(mut delivery: Delivery) -> Delivery {
    if let Some(detail) = &mut delivery.detail
        && let Some((end, _)) = detail.char_indices().nth(Delivery::DETAIL_CHARS)
    {
        detail.truncate(end);
    }
    if let Some(run) = &mut delivery.run
        && let Some((end, _)) = run.char_indices().nth(Delivery::DETAIL_CHARS)
    {
        run.truncate(end);
    }
    delivery
}

fn event(room: RoomName, delivery: Delivery) -> NewEvent {
    NewEvent::Delivery { room, delivery }
}
