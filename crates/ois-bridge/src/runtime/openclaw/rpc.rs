//! One turn by way of the gateway's WebSocket.

use std::{
    cell::RefCell,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ois_gateway::{
    Cost, Following, Gateway, GatewayError, History, Outcome as Ended, RunStep, Source, ToolPhase,
    Turn as Request, TurnOutcome, turn_outcome,
};
use ois_inbox::{
    Assignment, Done, Outcome,
    packet::{self, Packet},
};
use ois_protocol::{ActivityState, Reason, Usage};

use super::{Evidence, Shared, not_begun, reason, session_key, words};

/// A delivery in the gateway's hands.
pub(super) struct Turn<'a> {
    shared: &'a Shared,
    gateway: Gateway,
    delivery: &'a Assignment,
    evidence: &'a Evidence,
    heard: Arc<Heard>,
    /// Kept until the run's cost is told, behind its end.
    following: RefCell<Option<Following>>,
}

/// What the gateway told of the run by itself.
#[derive(Debug, Default)]
struct Heard {
    so_far: Mutex<SoFar>,
    settled: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
struct SoFar {
    /// How many steps.
    steps: u64,
    /// What the whole of it has cost.
    cost: Option<Cost>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        gateway: Gateway,
        delivery: &'a Assignment,
        evidence: &'a Evidence,
    ) -> Self {
        let (heard, following) = (Arc::default(), RefCell::default());
        Self { shared, gateway, delivery, evidence, heard, following }
    }

    pub(super) fn run(&self) -> Done {
        let outcome = match &self.delivery.under_way {
            None => self.begin(),
            Some(_) => self.look(),
        };
        if !matches!(outcome, Outcome::Unclear { .. }) {
            self.shared.no_longer_interrupted(&self.delivery.key);
        }
        let usage = match outcome {
            Outcome::Replied(_) | Outcome::Silent => self.usage(),
            _ => self.heard.so_far().cost.map(usage),
        };
        Done { outcome, usage }
    }

    fn begin(&self) -> Outcome {
        if self.delivery.stopping {
            return stopped();
        }
        let request = self.request();
        if !self.evidence.begun_blocking(Some(self.gateway.boot_id().to_owned())) {
            return Outcome::Unclear { why: "the turn was not to begin".to_owned() };
        }
        // The run will bear the key's name; what it does first may be told before it is admitted.
        self.follow_run(&self.delivery.key);
        match self.gateway.deliver(&request, REQUEST) {
            Ok(admitted) => {
                self.evidence.admitted_blocking(admitted.run_id.clone());
                self.wait(&admitted.run_id)
            }
            Err(GatewayError::KeySpent) => Outcome::KeySpent,
            Err(error @ (GatewayError::Rejected { .. } | GatewayError::TooLong { .. })) => {
                Outcome::Rejected { reason: reason(&error), why: words(&error) }
            }
            Err(error) if error.may_have_begun() => Outcome::Unclear { why: words(&error) },
            Err(error) => not_begun(&error),
        }
    }

    /// Waits for the end, however long it takes, as long as the gateway says that it goes on.
    fn wait(&self, run: &str) -> Outcome {
        let mut slices = FIRST_SLICES.into_iter();
        let (mut absent, mut steps) = (0, 0);
        loop {
            match self.gateway.wait(run, slices.next().unwrap_or(SLICE)) {
                Ok(Ended::Replied(text)) => return Outcome::Replied(text),
                Ok(Ended::Silent) => return Outcome::Silent,
                Ok(Ended::Stopped) => return stopped(),
                // The gateway says the same of a turn that it did not run because it knows the key
                // from before its restart: then the history has the answer.
                Ok(Ended::Failed { reason }) => {
                    return match self.turn_outcome() {
                        Ok(TurnOutcome::Answered(text)) => Outcome::Replied(text),
                        _ => failed(reason),
                    };
                }
                Ok(Ended::StillRunning) if self.evidence.is_closed() => {
                    return Outcome::Unclear { why: "the monitor is ending".to_owned() };
                }
                Ok(Ended::StillRunning) => match self.turn_outcome() {
                    Ok(TurnOutcome::Running | TurnOutcome::Continued { .. }) => absent = 0,
                    Ok(TurnOutcome::NeverBegun) => {
                        let told = self.heard.so_far().steps;
                        absent = if told > steps { 0 } else { absent + 1 };
                        steps = told;
                        if absent == ABSENT_MOST {
                            return dropped();
                        }
                    }
                    Ok(turn_outcome) => return self.follow(turn_outcome),
                    Err(error) => return Outcome::Unclear { why: words(&error) },
                },
                Err(error) => return Outcome::Unclear { why: words(&error) },
            }
        }
    }

    /// What became of a turn whose end was not seen.
    fn look(&self) -> Outcome {
        match self.turn_outcome() {
            Ok(turn_outcome) => self.follow(turn_outcome),
            Err(error) => Outcome::Unclear { why: words(&error) },
        }
    }

    fn follow(&self, turn_outcome: TurnOutcome) -> Outcome {
        let key = &self.delivery.key;
        match turn_outcome {
            TurnOutcome::Answered(text) => Outcome::Replied(text),
            TurnOutcome::Silent => Outcome::Silent,
            TurnOutcome::Stopped => stopped(),
            TurnOutcome::Failed(why) => failed(why),
            TurnOutcome::Running => self.go_on(key),
            TurnOutcome::Continued { run_id } => self.go_on(&run_id),
            TurnOutcome::Interrupted
                if !self.delivery.stopping
                    && self.shared.interrupted_for(key) < TAKEN_UP_WITHIN =>
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
            TurnOutcome::NeverBegun => self.begin(),
            TurnOutcome::OutOfSight => Outcome::Failed {
                reason: Reason::Unclear,
                why: "the turn is out of the session's history".to_owned(),
            },
        }
    }

    /// A turn that goes on: it is stopped, if somebody wants that, and waited for.
    fn go_on(&self, run: &str) -> Outcome {
        self.follow_run(run);
        self.evidence.admitted_blocking(run.to_owned());
        if self.delivery.stopping
            && let Err(error) = self.gateway.abort(&self.session(), run, REQUEST)
        {
            return Outcome::Unclear { why: words(&error) };
        }
        self.wait(run)
    }

    fn turn_outcome(&self) -> Result<TurnOutcome, GatewayError> {
        let (key, now) = (&self.delivery.key, self.gateway.boot_id());
        let under_way = self.delivery.under_way.as_ref();
        // Within one try, the gateway that was asked is the one that answers.
        let then = under_way.map_or(Some(now), |it| it.epoch.as_deref()).unwrap_or_default();
        let mut last = TurnOutcome::OutOfSight;
        for rows in ROWS {
            last = turn_outcome(&self.history(rows)?, key, then, now);
            if last != TurnOutcome::OutOfSight {
                break;
            }
        }
        Ok(last)
    }

    fn history(&self, rows: u32) -> Result<History, GatewayError> {
        self.gateway.history(&self.session(), rows, REQUEST)
    }

    /// Shows what the agent does while it is at work.
    fn follow_run(&self, run: &str) {
        let (evidence, heard) = (self.evidence.clone(), Arc::clone(&self.heard));
        let following = self.gateway.follow(run, move |step| {
            heard.take(step);
            show(&evidence, step);
        });
        *self.following.borrow_mut() = Some(following);
    }

    /// What the turn has cost: the gateway's own sum, which comes a moment behind the end, or that
    /// of the rows that the turn has written.
    fn usage(&self) -> Option<Usage> {
        if self.heard.so_far().steps > 0
            && let Some(cost) = self.heard.wait()
        {
            return Some(usage(cost));
        }
        let (key, history) = (&self.delivery.key, self.history(ROWS[0]).ok()?);
        let own = history.rows.iter().filter(|row| row.run_id.as_ref() == Some(key));
        own.filter_map(|row| row.cost).reduce(Cost::plus).map(usage)
    }

    fn request(&self) -> Request {
        let Assignment { message, identity, .. } = self.delivery;
        let text = packet::compose(&Packet {
            thread: &self.delivery.thread,
            listed: &self.delivery.listed,
            context: &self.delivery.context,
            verified: identity.native,
            possible_duplicate: self.delivery.possible_duplicate,
            bounds: self.shared.settings.bounds,
            ..Packet::new(&identity.me, message)
        });
        Request {
            session_key: self.session(),
            message: text,
            idempotency_key: self.delivery.key.clone(),
            extra_system_prompt: Some(packet::system_prompt(&identity.me, &message.room)),
            source: Some(source(&format!("ois:{}:{}", identity.team, message.room))),
        }
    }

    fn session(&self) -> String {
        let (team, room) = (&self.delivery.identity.team, self.delivery.message.room.as_str());
        session_key(&self.shared.settings, team, room)
    }
}

impl Heard {
    fn so_far(&self) -> MutexGuard<'_, SoFar> {
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, step: &RunStep) {
        let mut so_far = self.so_far();
        so_far.steps += 1;
        if let RunStep::Settled(cost) = step {
            so_far.cost = Some(*cost);
            self.settled.notify_all();
        }
    }

    /// The run's whole cost, if it is told soon.
    fn wait(&self) -> Option<Cost> {
        let waited = self
            .settled
            .wait_timeout_while(self.so_far(), SETTLED_WITHIN, |so_far| so_far.cost.is_none());
        let so_far = waited.unwrap_or_else(PoisonError::into_inner).0;
        so_far.cost.filter(|cost| *cost != Cost::default())
    }
}

/// What a step of the run looks like to the room.
fn show(evidence: &Evidence, step: &RunStep) {
    let think = || {
        evidence.activity(|doing| {
            (doing.state, doing.note) = (ActivityState::Thinking, None);
        });
    };
    match step {
        RunStep::Started | RunStep::Preparing(_) | RunStep::Thinking { .. } => think(),
        RunStep::Delta(text) => evidence.activity(|doing| doing.write(text)),
        RunStep::Rewritten(text) => evidence.activity(|doing| {
            doing.text.clear();
            doing.write(text);
        }),
        RunStep::Tool { name, phase: ToolPhase::Start } => evidence.activity(|doing| {
            doing.state = ActivityState::Working;
            doing.note = Some(name.clone());
            // What was said before a tool is no part of the answer.
            doing.text.clear();
        }),
        RunStep::Tool { .. } => think(),
        _ => {}
    }
}

fn usage(cost: Cost) -> Usage {
    let Cost { input_tokens, output_tokens, micro_usd } = cost;
    Usage { input_tokens, output_tokens, micro_usd }
}

fn stopped() -> Outcome {
    Outcome::Failed { reason: Reason::Stopped, why: "somebody stopped the turn".to_owned() }
}

/// Nothing was ever heard of it; but who drops turns may do so late.
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

/// Says something in the agent's own session, without waiting for what it makes of it.
pub(super) fn tell(
    gateway: &Gateway,
    session_key: String,
    text: String,
    word: String,
) -> Result<(), GatewayError> {
    let request = Request {
        session_key,
        message: text,
        idempotency_key: format!("ois:user:{word}"),
        extra_system_prompt: None,
        source: Some(source("ois:local")),
    };
    gateway.deliver(&request, REQUEST).map(drop)
}

fn source(session_key: &str) -> Source {
    Source {
        session_key: session_key.to_owned(),
        channel: "ois".to_owned(),
        tool: "ois".to_owned(),
    }
}

/// How long a request may take that does not wait for the agent.
const REQUEST: Duration = Duration::from_secs(30);
/// After this long the history is asked whether the turn still goes on.
const SLICE: Duration = Duration::from_secs(60);
/// The first times it is asked sooner: a turn that was dropped shows by then.
const FIRST_SLICES: [Duration; 3] =
    [Duration::from_secs(15), Duration::from_secs(15), Duration::from_secs(30)];
/// A turn that so often in a row left no trace, in the history or by an event, was dropped.
/// A gateway that has just started needs a quarter of a minute for its first row.
const ABSENT_MOST: u32 = 3;
/// A restarted gateway takes up one session at a time; beyond this it will not any more.
const TAKEN_UP_WITHIN: Duration = Duration::from_secs(120);
/// How many rows of a session's history are looked at, first and then at the most.
const ROWS: [u32; 2] = [50, 1000];
/// What a run has cost is told within hundredths of a second behind its end.
const SETTLED_WITHIN: Duration = Duration::from_millis(500);
/// What a gateway says of a request that its model's provider finds wrong (statuses 400 and 422).
const FOR_GOOD: [&str; 3] =
    ["provider rejected the request", "request format rejected", "model was not found"];
