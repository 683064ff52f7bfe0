//! One turn by way of the gateway's WebSocket: asks what the [`Turn`] decides, and shows the room
//! what the agent does meanwhile.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ois_gateway::{
    Cost, Following, Gateway, GatewayError, Outcome as WaitOutcome, RunStep, Source, ToolPhase,
    Turn as Submission,
};
use ois_inbox::{
    Assignment, Done,
    packet::{self, Packet},
};
use ois_protocol::ActivityState;

use super::{
    Evidence, Shared, session_key,
    turn::{GatewayReply, GatewayRequest, Progress, Turn, TurnLimits, TurnStep},
};
use crate::clock;

/// One turn and the connection to its gateway.
pub(super) struct TurnDriver<'a> {
    shared: &'a Shared,
    gateway: Gateway,
    assignment: &'a Assignment,
    evidence: &'a Evidence,
    told: Arc<Told>,
    /// The run whose steps are told; kept until its cost is, which comes behind its end.
    following: Option<(String, Following)>,
}

/// What the gateway has told of the run by itself.
#[derive(Debug, Default)]
struct Told {
    progress: Mutex<Progress>,
    cost_told: Condvar,
}

impl<'a> TurnDriver<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        gateway: Gateway,
        assignment: &'a Assignment,
        evidence: &'a Evidence,
    ) -> Self {
        Self { shared, gateway, assignment, evidence, told: Arc::default(), following: None }
    }

    /// Runs until it is known what became of the turn, however long that takes.
    pub(super) fn run(mut self) -> Done {
        let boot_id = self.gateway.boot_id().to_owned();
        let (mut turn, mut step) =
            Turn::begin(self.assignment.clone(), boot_id, TurnLimits::default());
        loop {
            let request = match step {
                TurnStep::Settled(done) => return *done,
                TurnStep::AskToBegin(epoch) => {
                    let may = self.evidence.begun_blocking(Some(epoch));
                    step = turn.may_begin(may);
                    continue;
                }
                TurnStep::Admitted(run, request) => {
                    self.follow_run(&run);
                    self.evidence.admitted_blocking(run);
                    request
                }
                TurnStep::Ask(request) => request,
            };
            step = self.next(&mut turn, &request);
        }
    }

    /// Asks the gateway until the turn has a next step.
    fn next(&mut self, turn: &mut Turn, request: &GatewayRequest) -> TurnStep {
        loop {
            let reply = self.ask(request);
            let still = matches!(reply, Ok(GatewayReply::Waited(WaitOutcome::StillRunning)));
            if still && self.evidence.is_closed() {
                return turn.monitor_ends();
            }
            let progress = *self.told.progress();
            let step = turn.heard(reply, progress, &mut self.shared.interruptions(), clock::now());
            if let Some(step) = step {
                return step;
            }
        }
    }

    fn ask(&mut self, request: &GatewayRequest) -> Result<GatewayReply, GatewayError> {
        match request {
            GatewayRequest::Deliver => {
                // The run will bear the key's name; what it does first may be told before it is
                // admitted.
                self.follow_run(&self.assignment.key);
                let admitted = self.gateway.deliver(&self.submission(), REQUEST)?;
                Ok(GatewayReply::Admitted(admitted.run_id))
            }
            GatewayRequest::Wait { run, within_ms } => {
                let outcome = self.gateway.wait(run, Duration::from_millis(*within_ms))?;
                Ok(GatewayReply::Waited(outcome))
            }
            GatewayRequest::History { rows } => {
                let history = self.gateway.history(&self.session(), *rows, REQUEST)?;
                Ok(GatewayReply::History(Box::new(history)))
            }
            GatewayRequest::Abort { run } => {
                Ok(GatewayReply::Aborted(self.gateway.abort(&self.session(), run, REQUEST)?))
            }
            GatewayRequest::Cost { within_ms } => {
                Ok(GatewayReply::Cost(self.told.wait(Duration::from_millis(*within_ms))))
            }
        }
    }

    /// Shows what the agent does in this run.
    fn follow_run(&mut self, run: &str) {
        if self.following.as_ref().is_some_and(|(followed, _)| followed == run) {
            return;
        }
        let (evidence, told) = (self.evidence.clone(), Arc::clone(&self.told));
        let following = self.gateway.follow(run, move |step| {
            told.take(step);
            show(&evidence, step);
        });
        self.following = Some((run.to_owned(), following));
    }

    fn submission(&self) -> Submission {
        let Assignment { message, identity, .. } = self.assignment;
        let text = packet::compose(&Packet {
            thread: &self.assignment.thread,
            listed: &self.assignment.listed,
            context: &self.assignment.context,
            verified: identity.native,
            possible_duplicate: self.assignment.possible_duplicate,
            bounds: self.shared.settings.bounds,
            ..Packet::new(&identity.me, message)
        });
        Submission {
            session_key: self.session(),
            message: text,
            idempotency_key: self.assignment.key.clone(),
            extra_system_prompt: Some(packet::system_prompt(&identity.me, &message.room)),
            source: Some(source(&format!("ois:{}:{}", identity.team, message.room))),
        }
    }

    fn session(&self) -> String {
        let (team, room) = (&self.assignment.identity.team, self.assignment.message.room.as_str());
        session_key(&self.shared.settings, team, room)
    }
}

impl Told {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, step: &RunStep) {
        let mut progress = self.progress();
        progress.steps += 1;
        if let RunStep::Settled(cost) = step {
            progress.cost = Some(*cost);
            self.cost_told.notify_all();
        }
    }

    /// The whole cost of the run, if it is told within this time.
    fn wait(&self, within: Duration) -> Option<Cost> {
        let waited = self
            .cost_told
            .wait_timeout_while(self.progress(), within, |progress| progress.cost.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.cost
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

/// Says something in the agent's own session, without waiting for what it makes of it.
pub(super) fn tell(
    gateway: &Gateway,
    session_key: String,
    text: String,
    word: String,
) -> Result<(), GatewayError> {
    let request = Submission {
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
