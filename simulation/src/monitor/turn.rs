//! One delivery in the runtime's hands, as `ois-bridge` drives an OpenClaw gateway: begin or find
//! out, wait, look into the history, and say never more than was seen.

use ois_gateway::{History, TurnOutcome, turn_outcome};
use ois_inbox::{Assignment, Outcome};
use ois_protocol::{Reason, Timestamp};

use crate::gateway::{Input, Reply, Request};

/// One delivery in the runtime's hands.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) delivery: Box<Assignment>,
    pub(crate) boot: Option<u32>,
    at: At,
}

/// What it waits for.
#[derive(Clone, Debug)]
enum At {
    Hello,
    /// That the monitor has written down that a turn may begin.
    Kept,
    Sent,
    Waiting(Wait),
    Looking(Then, usize),
    Aborting(String),
    /// Stopping on behalf of a person; it has no outcome.
    Stopping,
}

#[derive(Clone, Debug)]
struct Wait {
    run: String,
    slices: usize,
    absent: u32,
}

/// Why the history is looked at.
#[derive(Clone, Debug)]
enum Then {
    /// Nobody here saw the end.
    Follow,
    /// It has been waited for.
    GoOn(Wait),
    /// The gateway says that it failed.
    Failed,
}

/// What is to be done next.
#[derive(Debug)]
pub(crate) enum Next {
    Ask(Request),
    /// Have it written down that a turn may begin.
    Begun(String),
    /// The turn has begun under this name; and this is asked.
    Admitted(String, Request),
    Settled(Outcome),
    /// What came of stopping.
    Stopped(Option<bool>),
}

impl Turn {
    pub(crate) fn new(delivery: Box<Assignment>) -> Self {
        Self { delivery, boot: None, at: At::Hello }
    }

    /// One that only stops what goes on.
    pub(crate) fn stopping(delivery: Box<Assignment>, boot: u32) -> (Self, Request) {
        let run = delivery.under_way.as_ref().and_then(|it| it.run.clone());
        let abort = Request::Abort(run.unwrap_or_else(|| delivery.key.clone()));
        (Self { delivery, boot: Some(boot), at: At::Stopping }, abort)
    }

    /// The gateway has answered. `waiting` tells since when a turn waits to be taken up.
    pub(crate) fn heard(
        &mut self,
        reply: Reply,
        waiting: &mut Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Next> {
        let next = match (self.at.clone(), reply) {
            (At::Stopping, Reply::Aborted(stopped)) => Next::Stopped(Some(stopped)),
            (At::Stopping, _) => Next::Stopped(None),
            (At::Hello, Reply::Hello(boot)) => {
                self.boot = Some(boot);
                if self.delivery.under_way.is_some() {
                    self.look(Then::Follow)
                } else {
                    self.begin()
                }
            }
            (At::Hello, _) if self.delivery.under_way.is_some() => unclear("not reached"),
            (At::Hello | At::Sent, Reply::NotNow(reason, retry_after_ms)) => {
                let why = "not now".to_owned();
                Next::Settled(Outcome::NotBegun { reason, why, retry_after_ms })
            }
            (At::Sent, Reply::Admitted(run)) => {
                let request = self.wait(Wait { run: run.clone(), slices: 0, absent: 0 });
                Next::Admitted(run, request)
            }
            (At::Sent, Reply::KeySpent) => Next::Settled(Outcome::KeySpent),
            (At::Sent, Reply::Rejected) => {
                let why = "never".to_owned();
                Next::Settled(Outcome::Rejected { reason: Reason::Rejected, why })
            }
            // It says so once more.
            (At::Waiting(wait), Reply::Admitted(run)) => {
                Next::Admitted(run, Request::Wait(wait.run, 1))
            }
            (At::Waiting(_), Reply::Replied(text)) => Next::Settled(Outcome::Replied(text)),
            (At::Waiting(_), Reply::Silent) => Next::Settled(Outcome::Silent),
            (At::Waiting(_), Reply::Stopped) => failed(Reason::Stopped),
            (At::Waiting(_), Reply::Failed) => self.look(Then::Failed),
            (At::Waiting(wait), Reply::StillRunning) => self.look(Then::GoOn(wait)),
            (At::Looking(then, most), Reply::History(history)) => match self.turn_outcome(&history)
            {
                TurnOutcome::OutOfSight if most < ROWS[1] => {
                    self.at = At::Looking(then, ROWS[1]);
                    Next::Ask(Request::History(ROWS[1]))
                }
                turn_outcome => self.then(then, turn_outcome, waiting, now),
            },
            (At::Looking(Then::Failed, _), Reply::Lost) => failed(Reason::Error),
            (At::Aborting(run), Reply::Aborted(_)) => {
                Next::Ask(self.wait(Wait { run, slices: 0, absent: 0 }))
            }
            (_, Reply::Lost) => unclear("the link was lost"),
            // A second answer to the same question.
            _ => return None,
        };
        Some(next)
    }

    /// It is written down, or nothing is to begin.
    pub(crate) fn kept(&mut self, kept: bool) -> Next {
        if !matches!(self.at, At::Kept) || !kept {
            return unclear("the turn was not to begin");
        }
        self.at = At::Sent;
        Next::Ask(Request::Deliver(Input {
            key: self.delivery.key.clone(),
            message: self.delivery.message.id,
            attempt: self.delivery.attempt,
            is_marked: self.delivery.possible_duplicate,
        }))
    }

    fn begin(&mut self) -> Next {
        if self.delivery.stopping {
            return failed(Reason::Stopped);
        }
        self.at = At::Kept;
        Next::Begun(self.boot.unwrap_or_default().to_string())
    }

    fn wait(&mut self, wait: Wait) -> Request {
        let slice = SLICES_MS[wait.slices.min(SLICES_MS.len() - 1)];
        let request = Request::Wait(wait.run.clone(), slice);
        self.at = At::Waiting(Wait { slices: wait.slices + 1, ..wait });
        request
    }

    fn look(&mut self, then: Then) -> Next {
        self.at = At::Looking(then, ROWS[0]);
        Next::Ask(Request::History(ROWS[0]))
    }

    fn turn_outcome(&self, history: &History) -> TurnOutcome {
        let boot_now = self.boot.unwrap_or_default().to_string();
        let under_way = self.delivery.under_way.as_ref();
        let then = under_way.map_or(Some(&*boot_now), |it| it.epoch.as_deref());
        turn_outcome(history, &self.delivery.key, then.unwrap_or_default(), &boot_now)
    }

    fn then(
        &mut self,
        then: Then,
        turn_outcome: TurnOutcome,
        waiting: &mut Option<Timestamp>,
        now: Timestamp,
    ) -> Next {
        match (then, turn_outcome) {
            (Then::Failed, TurnOutcome::Answered(text)) => Next::Settled(Outcome::Replied(text)),
            (Then::Failed, _) => failed(Reason::Error),
            (Then::GoOn(wait), TurnOutcome::Running | TurnOutcome::Continued { .. }) => {
                Next::Ask(self.wait(Wait { absent: 0, ..wait }))
            }
            (Then::GoOn(wait), TurnOutcome::NeverBegun) if wait.absent < ABSENT_MOST => {
                Next::Ask(self.wait(Wait { absent: wait.absent + 1, ..wait }))
            }
            (Then::GoOn(_), TurnOutcome::NeverBegun) => failed(Reason::Dropped),
            (Then::GoOn(_) | Then::Follow, turn_outcome) => self.follow(turn_outcome, waiting, now),
        }
    }

    fn follow(
        &mut self,
        turn_outcome: TurnOutcome,
        waiting: &mut Option<Timestamp>,
        now: Timestamp,
    ) -> Next {
        match turn_outcome {
            TurnOutcome::Answered(text) => Next::Settled(Outcome::Replied(text)),
            TurnOutcome::Silent => Next::Settled(Outcome::Silent),
            TurnOutcome::Stopped => failed(Reason::Stopped),
            TurnOutcome::Failed(_) => failed(Reason::Error),
            TurnOutcome::Running => self.go_on(self.delivery.key.clone()),
            TurnOutcome::Continued { run_id } => self.go_on(run_id),
            TurnOutcome::Interrupted
                if !self.delivery.stopping
                    && now.since_ms(*waiting.get_or_insert(now)) < TAKEN_UP_WITHIN_MS =>
            {
                unclear("the gateway is about to take the turn up again")
            }
            TurnOutcome::Interrupted | TurnOutcome::Died => failed(Reason::Interrupted),
            TurnOutcome::Dropped => Next::Settled(Outcome::KeySpent),
            TurnOutcome::NeverBegun => self.begin(),
            TurnOutcome::OutOfSight => failed(Reason::Unclear),
        }
    }

    fn go_on(&mut self, run: String) -> Next {
        let request = if self.delivery.stopping {
            self.at = At::Aborting(run.clone());
            Request::Abort(run.clone())
        } else {
            self.wait(Wait { run: run.clone(), slices: 0, absent: 0 })
        };
        Next::Admitted(run, request)
    }
}

fn unclear(why: &str) -> Next {
    Next::Settled(Outcome::Unclear { why: why.to_owned() })
}

fn failed(reason: Reason) -> Next {
    Next::Settled(Outcome::Failed { reason, why: "no answer".to_owned() })
}

/// How long a run is waited for before the history is looked at.
const SLICES_MS: [u64; 4] = [15_000, 15_000, 30_000, 60_000];
/// How many rows are looked at, first and then at the most: few, so that turns get out of sight.
const ROWS: [usize; 2] = [6, 60];
/// So often in a row a turn may have left no trace.
const ABSENT_MOST: u32 = 2;
/// For so long a restarted gateway may take a turn up again.
const TAKEN_UP_WITHIN_MS: u64 = 120_000;
