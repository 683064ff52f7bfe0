//! One turn of an agent behind an OpenClaw gateway, without I/O.
//!
//! A [`Turn`] decides what the gateway is asked next and what its answers mean: begin or find out
//! what became of an earlier try, wait, look into the session's history, and never report more than
//! was seen. The caller does the asking, over a socket or in a simulation, and knows the time.

use std::collections::BTreeMap;

use ois_gateway::{
    Cost, GatewayError, History, Outcome as WaitOutcome, Row, TurnOutcome, turn_outcome,
};
use ois_inbox::{Assignment, Done, Outcome};
use ois_protocol::{Reason, Timestamp, Usage};

/// One turn of an agent behind an OpenClaw gateway.
#[derive(Clone, Debug)]
pub struct Turn {
    assignment: Assignment,
    /// The name of the gateway's process that is asked.
    boot_id: String,
    limits: TurnLimits,
    progress: Progress,
    waits_for: WaitsFor,
}

/// What the gateway has told of a run by itself so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many steps of the run.
    pub steps: u64,
    /// What the whole run has cost.
    pub cost: Option<Cost>,
}

/// How far a turn looks back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnLimits {
    /// How many rows of the session's history are looked at first.
    pub few_rows: u32,
    /// How many are looked at if the turn is not among these.
    pub most_rows: u32,
}

impl Default for TurnLimits {
    /// 50 rows, then 1,000.
    fn default() -> Self {
        Self { few_rows: 50, most_rows: 1000 }
    }
}

/// What a turn does next.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TurnStep {
    /// Ask the gateway; the answer goes to [`Turn::heard`].
    Ask(GatewayRequest),
    /// Have it written down that a turn may begin in the process of this name; the answer goes to
    /// [`Turn::may_begin`].
    AskToBegin(String),
    /// Report that the turn has begun under this name, and ask the gateway.
    Admitted(String, GatewayRequest),
    /// Report what became of the call. The turn is over.
    Settled(Box<Done>),
}

/// What a turn asks its gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GatewayRequest {
    /// Give the agent a turn, under the assignment's key.
    Deliver,
    /// Tell how this run ended, or after so many milliseconds that it has not.
    Wait {
        /// The run.
        run: String,
        /// How long the gateway may take.
        within_ms: u64,
    },
    /// Show the last rows of the session.
    History {
        /// How many rows.
        rows: u32,
    },
    /// Stop this run.
    Abort {
        /// The run.
        run: String,
    },
    /// Tell what the run has cost, which comes a moment behind its end.
    Cost {
        /// How long the answer is waited for.
        within_ms: u64,
    },
}

/// What a gateway answers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum GatewayReply {
    /// It has taken the turn, under this name.
    Admitted(String),
    /// How the run ended, or that it has not.
    Waited(WaitOutcome),
    /// The last rows of the session.
    History(Box<History>),
    /// Whether a run was going on and is stopped now.
    Aborted(bool),
    /// What the run has cost, if the gateway has told.
    Cost(Option<Cost>),
}

/// Since when turns wait for a restarted gateway to take them up again, by key.
#[derive(Clone, Debug, Default)]
pub struct Interruptions(BTreeMap<String, Timestamp>);

/// What was last asked.
#[derive(Clone, Debug)]
enum WaitsFor {
    Permit,
    Admission,
    End(Wait),
    History { why: Look, rows: u32 },
    Abort { run: String },
    Cost(Outcome),
    CostInHistory(Outcome),
    Nothing,
}

/// A run that is waited for, piece by piece.
#[derive(Clone, Debug)]
struct Wait {
    run: String,
    /// How many pieces were waited.
    pieces: usize,
    /// How often in a row the turn has left no trace.
    absent: u32,
    /// How many steps of the run the gateway had told when it last left none.
    steps: u64,
}

/// Why the history is looked at.
#[derive(Clone, Debug)]
enum Look {
    /// Nobody here saw the end.
    Unseen,
    /// A piece of waiting is over.
    StillRunning(Wait),
    /// The gateway says that the run failed, in these words.
    Failed(String),
}

impl Turn {
    /// A turn at a gateway whose process has this name, and what it does first.
    pub fn begin(assignment: Assignment, boot_id: String, limits: TurnLimits) -> (Self, TurnStep) {
        let mut turn = Self {
            assignment,
            boot_id,
            limits,
            progress: Progress::default(),
            waits_for: WaitsFor::Nothing,
        };
        let step = match turn.assignment.under_way {
            None => turn.submit(),
            Some(_) => turn.look(Look::Unseen),
        };
        (turn, step)
    }

    /// What became of a call for which no gateway was reached.
    pub fn not_reached(assignment: &Assignment, error: &GatewayError) -> Outcome {
        if assignment.under_way.is_some() {
            // Whether an earlier try has begun a turn is as open as before.
            return Outcome::Unclear { why: words(error) };
        }
        not_begun(error)
    }

    /// The name under which the gateway knows the turn of an assignment, to stop it.
    pub fn run_to_stop(assignment: &Assignment) -> &str {
        let run = assignment.under_way.as_ref().and_then(|it| it.run.as_deref());
        run.unwrap_or(&assignment.key)
    }

    /// The call that the turn is for.
    pub fn assignment(&self) -> &Assignment {
        &self.assignment
    }

    /// It is written down that the turn may begin, or it must not.
    pub fn may_begin(&mut self, may: bool) -> TurnStep {
        if !may {
            let why = "the turn was not to begin".to_owned();
            return self.settle(Outcome::Unclear { why }, None);
        }
        self.waits_for = WaitsFor::Admission;
        TurnStep::Ask(GatewayRequest::Deliver)
    }

    /// The monitor is ending: nobody waits for the end of the run any more.
    pub fn monitor_ends(&mut self) -> TurnStep {
        let why = "the monitor is ending".to_owned();
        self.settle(Outcome::Unclear { why }, None)
    }

    /// The gateway has answered, or it has not. `progress` is what it has told of the run by itself.
    /// `None` if the answer belongs to no question.
    pub fn heard(
        &mut self,
        reply: Result<GatewayReply, GatewayError>,
        progress: Progress,
        interruptions: &mut Interruptions,
        now: Timestamp,
    ) -> Option<TurnStep> {
        self.progress = progress;
        let waits_for = std::mem::replace(&mut self.waits_for, WaitsFor::Nothing);
        let step = match (waits_for, reply) {
            (WaitsFor::Admission, Ok(GatewayReply::Admitted(run))) => {
                let request = self.wait(Wait::new(run.clone()));
                TurnStep::Admitted(run, request)
            }
            (WaitsFor::Admission, Err(error)) => self.settle(not_admitted(&error), None),
            (WaitsFor::End(wait), Ok(GatewayReply::Waited(outcome))) => self.waited(wait, outcome),
            (WaitsFor::History { why, rows }, Ok(GatewayReply::History(history))) => {
                let outcome = self.outcome(&history);
                if outcome == TurnOutcome::OutOfSight && rows < self.limits.most_rows {
                    self.ask_history(why, self.limits.most_rows)
                } else {
                    self.looked(why, outcome, interruptions, now)
                }
            }
            (WaitsFor::History { why: Look::Failed(words), .. }, Err(_)) => {
                self.settle(failed(words), None)
            }
            (WaitsFor::Abort { run }, Ok(GatewayReply::Aborted(_))) => {
                TurnStep::Ask(self.wait(Wait::new(run)))
            }
            (WaitsFor::Cost(outcome), Ok(GatewayReply::Cost(Some(cost))))
                if cost != Cost::default() =>
            {
                self.settle(outcome, Some(cost))
            }
            (WaitsFor::Cost(outcome), _) => {
                self.waits_for = WaitsFor::CostInHistory(outcome);
                TurnStep::Ask(GatewayRequest::History { rows: self.limits.few_rows })
            }
            (WaitsFor::CostInHistory(outcome), Ok(GatewayReply::History(history))) => {
                let cost = self.cost_of_rows(&history);
                self.settle(outcome, cost)
            }
            (WaitsFor::CostInHistory(outcome), Err(_)) => self.settle(outcome, None),
            (WaitsFor::End(_) | WaitsFor::History { .. } | WaitsFor::Abort { .. }, Err(error)) => {
                self.settle(Outcome::Unclear { why: words(&error) }, None)
            }
            // A second answer to an earlier question.
            (waits_for, _) => {
                self.waits_for = waits_for;
                return None;
            }
        };
        if let TurnStep::Settled(done) = &step
            && !matches!(done.outcome, Outcome::Unclear { .. })
        {
            interruptions.0.remove(&self.assignment.key);
        }
        Some(step)
    }

    /// Begins a turn, unless somebody wants it stopped.
    fn submit(&mut self) -> TurnStep {
        if self.assignment.stopping {
            return self.settle(stopped(), None);
        }
        self.waits_for = WaitsFor::Permit;
        TurnStep::AskToBegin(self.boot_id.clone())
    }

    /// Waits for the end, however long it takes, as long as the gateway says that the turn goes on.
    fn wait(&mut self, wait: Wait) -> GatewayRequest {
        let within_ms = FIRST_PIECES_MS.get(wait.pieces).copied().unwrap_or(PIECE_MS);
        let request = GatewayRequest::Wait { run: wait.run.clone(), within_ms };
        self.waits_for = WaitsFor::End(Wait { pieces: wait.pieces + 1, ..wait });
        request
    }

    fn waited(&mut self, wait: Wait, outcome: WaitOutcome) -> TurnStep {
        match outcome {
            WaitOutcome::Replied(text) => self.ask_cost(Outcome::Replied(text)),
            WaitOutcome::Silent => self.ask_cost(Outcome::Silent),
            WaitOutcome::Stopped => self.settle(stopped(), None),
            // The gateway says the same of a turn that it did not run because it knows the key from
            // before its restart: then the history has the answer.
            WaitOutcome::Failed { reason } => self.look(Look::Failed(reason)),
            WaitOutcome::StillRunning => self.look(Look::StillRunning(wait)),
        }
    }

    fn look(&mut self, why: Look) -> TurnStep {
        self.ask_history(why, self.limits.few_rows)
    }

    fn ask_history(&mut self, why: Look, rows: u32) -> TurnStep {
        self.waits_for = WaitsFor::History { why, rows };
        TurnStep::Ask(GatewayRequest::History { rows })
    }

    fn outcome(&self, history: &History) -> TurnOutcome {
        let under_way = self.assignment.under_way.as_ref();
        // Within one try, the process that was asked is the one that answers.
        let then = under_way.map_or(Some(&*self.boot_id), |it| it.epoch.as_deref());
        turn_outcome(history, &self.assignment.key, then.unwrap_or_default(), &self.boot_id)
    }

    fn looked(
        &mut self,
        why: Look,
        outcome: TurnOutcome,
        interruptions: &mut Interruptions,
        now: Timestamp,
    ) -> TurnStep {
        match (why, outcome) {
            (Look::Failed(_), TurnOutcome::Answered(text)) => self.ask_cost(Outcome::Replied(text)),
            (Look::Failed(words), _) => self.settle(failed(words), None),
            (Look::StillRunning(wait), TurnOutcome::Running | TurnOutcome::Continued { .. }) => {
                TurnStep::Ask(self.wait(Wait { absent: 0, ..wait }))
            }
            (Look::StillRunning(wait), TurnOutcome::NeverBegun) => {
                let steps = self.progress.steps;
                let absent = if steps > wait.steps { 0 } else { wait.absent + 1 };
                if absent >= ABSENT_MOST {
                    return self.settle(dropped(), None);
                }
                TurnStep::Ask(self.wait(Wait { absent, steps, ..wait }))
            }
            (Look::StillRunning(_) | Look::Unseen, outcome) => {
                self.follow(outcome, interruptions, now)
            }
        }
    }

    /// What the history says is what became of the turn, or the turn goes on.
    fn follow(
        &mut self,
        outcome: TurnOutcome,
        interruptions: &mut Interruptions,
        now: Timestamp,
    ) -> TurnStep {
        let key = self.assignment.key.clone();
        let outcome = match outcome {
            TurnOutcome::Running => return self.go_on(key),
            TurnOutcome::Continued { run_id } => return self.go_on(run_id),
            TurnOutcome::NeverBegun => return self.submit(),
            TurnOutcome::Answered(text) => {
                return self.ask_cost(Outcome::Replied(text));
            }
            TurnOutcome::Silent => return self.ask_cost(Outcome::Silent),
            TurnOutcome::Stopped => stopped(),
            TurnOutcome::Failed(why) => failed(why),
            TurnOutcome::Interrupted
                if !self.assignment.stopping
                    && interruptions.lasts_ms(key, now) < TAKEN_UP_WITHIN_MS =>
            {
                Outcome::Unclear {
                    why: "the gateway is about to take the turn up again".to_owned(),
                }
            }
            TurnOutcome::Interrupted | TurnOutcome::Died => Outcome::Failed {
                reason: Reason::Interrupted,
                why: "the gateway's restart cut the turn short".to_owned(),
            },
            TurnOutcome::Dropped => Outcome::KeySpent,
            TurnOutcome::OutOfSight => Outcome::Failed {
                reason: Reason::Unclear,
                why: "the turn is out of the session's history".to_owned(),
            },
        };
        self.settle(outcome, None)
    }

    /// A turn that goes on is stopped, if somebody wants that, and waited for.
    fn go_on(&mut self, run: String) -> TurnStep {
        let request = if self.assignment.stopping {
            self.waits_for = WaitsFor::Abort { run: run.clone() };
            GatewayRequest::Abort { run: run.clone() }
        } else {
            self.wait(Wait::new(run.clone()))
        };
        TurnStep::Admitted(run, request)
    }

    /// A turn that has ended well has a cost: the gateway's own sum, or that of the rows that the
    /// turn has written if the gateway has told nothing of the run.
    fn ask_cost(&mut self, outcome: Outcome) -> TurnStep {
        if self.progress.steps > 0 {
            self.waits_for = WaitsFor::Cost(outcome);
            return TurnStep::Ask(GatewayRequest::Cost { within_ms: COST_WITHIN_MS });
        }
        self.waits_for = WaitsFor::CostInHistory(outcome);
        TurnStep::Ask(GatewayRequest::History { rows: self.limits.few_rows })
    }

    /// What the rows have cost that the turn has written, under its own name and under those of the
    /// runs that took it up after a restart of the gateway.
    fn cost_of_rows(&self, history: &History) -> Option<Cost> {
        let runs = history.runs_of(&self.assignment.key);
        let is_own = |row: &&Row| row.run_id.as_deref().is_some_and(|run| runs.contains(&run));
        history.rows.iter().filter(is_own).filter_map(|row| row.cost).reduce(Cost::plus)
    }

    fn settle(&mut self, outcome: Outcome, cost: Option<Cost>) -> TurnStep {
        self.waits_for = WaitsFor::Nothing;
        let told = self.progress.cost.filter(|cost| *cost != Cost::default());
        let usage = cost.or(told).map(usage);
        TurnStep::Settled(Box::new(Done { outcome, usage }))
    }
}

impl Wait {
    fn new(run: String) -> Self {
        Self { run, pieces: 0, absent: 0, steps: 0 }
    }
}

impl Interruptions {
    /// How long the turn with this key has been waiting.
    fn lasts_ms(&mut self, key: String, now: Timestamp) -> u64 {
        now.since_ms(*self.0.entry(key).or_insert(now))
    }
}

/// What an error means that came instead of an admission.
fn not_admitted(error: &GatewayError) -> Outcome {
    match error {
        GatewayError::KeySpent => Outcome::KeySpent,
        GatewayError::Rejected { .. } | GatewayError::TooLong { .. } => {
            Outcome::Rejected { reason: reason(error), why: words(error) }
        }
        error if error.may_have_begun() => Outcome::Unclear { why: words(error) },
        error => not_begun(error),
    }
}

/// An error before anything can have begun.
pub(super) fn not_begun(error: &GatewayError) -> Outcome {
    let retry_after_ms = match error {
        GatewayError::Busy { retry_after_ms, .. } => *retry_after_ms,
        // Somebody has to change a setting first; there is no hurry.
        GatewayError::Unauthorized { .. } | GatewayError::Refused { .. } => Some(30_000),
        _ => None,
    };
    Outcome::NotBegun { reason: reason(error), why: words(error), retry_after_ms }
}

/// What an error of the gateway is for the room.
fn reason(error: &GatewayError) -> Reason {
    match error {
        GatewayError::Unauthorized { .. } | GatewayError::Refused { .. } => Reason::Unauthorized,
        GatewayError::Busy { .. } => Reason::Busy,
        GatewayError::Rejected { .. } | GatewayError::TooLong { .. } => Reason::Rejected,
        GatewayError::KeySpent => Reason::Dropped,
        _ => Reason::Unreachable,
    }
}

/// An error with its causes, on one line.
pub(super) fn words(error: &GatewayError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// A gateway's cost as the server is told of it.
pub(super) fn usage(cost: Cost) -> Usage {
    let Cost { input_tokens, output_tokens, micro_usd } = cost;
    Usage { input_tokens, output_tokens, micro_usd }
}

fn stopped() -> Outcome {
    Outcome::Failed { reason: Reason::Stopped, why: "somebody stopped the turn".to_owned() }
}

/// Nothing was ever heard of the turn; but a gateway that drops turns may drop them late.
fn dropped() -> Outcome {
    let why = "the gateway accepted the turn and never began it".to_owned();
    Outcome::Failed { reason: Reason::Dropped, why }
}

/// A turn that failed. A request that the model's provider finds wrong is wrong every time.
fn failed(why: String) -> Outcome {
    let reason = Reason::Error;
    if FOR_GOOD.iter().any(|words| why.contains(words)) {
        return Outcome::Rejected { reason, why };
    }
    Outcome::Failed { reason, why }
}

/// After this long the history is asked whether the turn still goes on.
const PIECE_MS: u64 = 60_000;
/// The first times it is asked sooner: a turn that was dropped shows by then.
const FIRST_PIECES_MS: [u64; 3] = [15_000, 15_000, 30_000];
/// A turn that so often in a row left no trace, in the history or by an event, was dropped.
/// A gateway that has just started needs a quarter of a minute for its first row.
const ABSENT_MOST: u32 = 3;
/// A restarted gateway takes up one session at a time; beyond this it will not any more.
const TAKEN_UP_WITHIN_MS: u64 = 120_000;
/// What a run has cost is told within hundredths of a second behind its end.
const COST_WITHIN_MS: u64 = 500;
/// What a gateway says of a request that its model's provider finds wrong (statuses 400 and 422).
const FOR_GOOD: [&str; 3] =
    ["provider rejected the request", "request format rejected", "model was not found"];

#[cfg(test)]
mod tests;
