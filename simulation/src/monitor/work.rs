//! What a monitor has at its gateway: turns, which `ois-bridge`'s turn machine drives, turns that are
//! being stopped, and probes.

use ois_bridge::{
    RuntimeError, RuntimeReport,
    openclaw::turn::{GatewayReply, GatewayRequest, Progress, Turn, TurnLimits, TurnStep},
};
use ois_inbox::{Assignment, Done};
use ois_protocol::EventId;

use super::{Monitor, Word};
use crate::{
    gateway::{Answer, Input, Reply, Request},
    scene::{Call, Scene},
};

/// Something that a monitor has at its gateway.
#[derive(Debug)]
pub(super) struct Work {
    /// The gateway's life that is spoken to.
    pub(super) boot: Option<u32>,
    progress: Progress,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Connecting(Box<Assignment>),
    Turn(Box<Turn>),
    Stopping { id: EventId, run: String },
    Probing,
}

impl Work {
    pub(super) fn connecting(assignment: Assignment) -> Self {
        Self::new(None, Kind::Connecting(Box::new(assignment)))
    }

    pub(super) fn probing() -> Self {
        Self::new(None, Kind::Probing)
    }

    pub(super) fn stopping(assignment: &Assignment, boot: u32) -> (Self, Request) {
        let run = assignment.under_way.as_ref().and_then(|it| it.run.clone()).unwrap_or_default();
        let request = Request::Abort(Turn::run_to_stop(assignment).to_owned());
        (Self::new(Some(boot), Kind::Stopping { id: assignment.message.id, run }), request)
    }

    fn new(boot: Option<u32>, kind: Kind) -> Self {
        Self { boot, progress: Progress::default(), kind }
    }
}

impl Monitor {
    /// The gateway has answered, or the connection to it is gone.
    pub(crate) fn answered(&mut self, call: Call, answer: Answer, scene: &mut Scene) {
        let Some(process) = self.process.as_mut().filter(|_| call.life == self.life) else {
            return;
        };
        let Some(work) = process.works.get_mut(&call.work) else { return };
        match (&mut work.kind, answer) {
            (Kind::Probing, answer) => {
                let probed = answer.map(drop).map_err(|error| RuntimeError(error.to_string()));
                process.works.remove(&call.work);
                self.report(RuntimeReport::Probed(probed));
            }
            (Kind::Stopping { id, run }, answer) => {
                let stopped = match answer {
                    Ok(Reply::Gateway(GatewayReply::Aborted(stopped))) => Ok(stopped),
                    Ok(_) => Err(RuntimeError("no answer to the question".to_owned())),
                    Err(error) => Err(RuntimeError(error.to_string())),
                };
                let (id, run) = (*id, run.clone());
                process.works.remove(&call.work);
                self.report(RuntimeReport::Stopped { id, run, stopped });
            }
            (Kind::Connecting(assignment), Ok(Reply::Hello(boot))) => {
                // Of some runs the gateway tells the steps by itself.
                work.progress.steps = u64::from(scene.random.chance(5000));
                let (assignment, name) = ((**assignment).clone(), boot.to_string());
                let (turn, step) = Turn::begin(assignment, name, LIMITS);
                (work.boot, work.kind) = (Some(boot), Kind::Turn(Box::new(turn)));
                self.goes_on(call.work, step, scene);
            }
            (Kind::Connecting(assignment), Err(error)) => {
                let (id, outcome) = (assignment.message.id, Turn::not_reached(assignment, &error));
                process.works.remove(&call.work);
                self.settled(id, outcome.into(), scene);
            }
            (Kind::Turn(turn), answer) => {
                let answer = match answer {
                    Ok(Reply::Gateway(reply)) => Ok(reply),
                    Ok(Reply::Hello(_)) => return,
                    Err(error) => Err(error),
                };
                let interruptions = &mut process.interruptions;
                let step = turn.heard(answer, work.progress, interruptions, scene.now);
                if let Some(step) = step {
                    self.goes_on(call.work, step, scene);
                }
            }
            (Kind::Connecting(_), Ok(_)) => {}
        }
        self.plan(scene);
    }

    /// A turn that waits for its permit has it, or will not get it.
    pub(super) fn may_begin(&mut self, ticket: u64, may: bool, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        let number = u32::try_from(ticket).unwrap_or_default();
        let Some(Work { kind: Kind::Turn(turn), .. }) = process.works.get_mut(&number) else {
            return;
        };
        let step = turn.may_begin(may);
        self.goes_on(number, step, scene);
    }

    /// A turn does what is next.
    fn goes_on(&mut self, number: u32, step: TurnStep, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        let Some(work) = process.works.get(&number) else { return };
        let Kind::Turn(turn) = &work.kind else { return };
        let id = turn.assignment().message.id;
        match step {
            TurnStep::Ask(request) => {
                let request = translated(request, turn.assignment());
                self.ask(number, request, scene);
            }
            TurnStep::AskToBegin(epoch) => {
                process.words.push_back(Word::AskToBegin(number, id, epoch));
            }
            TurnStep::Admitted(run, request) => {
                let request = translated(request, turn.assignment());
                let times = if scene.random.chance(scene.weather.admits_twice) { 2 } else { 1 };
                for _ in 0..times {
                    self.report(RuntimeReport::Admitted { id, run: run.clone() });
                }
                self.ask(number, request, scene);
            }
            TurnStep::Settled(done) => {
                process.works.remove(&number);
                self.settled(id, *done, scene);
            }
            other => scene.ledger.wrong(format!("nobody carries out {other:?}")),
        }
    }

    fn settled(&mut self, id: EventId, done: Done, scene: &mut Scene) {
        scene.note(format_args!("monitor {}: {id} {:?}", self.at, done.outcome));
        self.report(RuntimeReport::Settled { id, done });
    }
}

/// A request in the words of the simulated gateway.
fn translated(request: GatewayRequest, assignment: &Assignment) -> Request {
    match request {
        GatewayRequest::Deliver => Request::Deliver(Input {
            key: assignment.key.clone(),
            message: assignment.message.id,
            attempt: assignment.attempt,
            is_marked: assignment.possible_duplicate,
        }),
        GatewayRequest::Wait { run, within_ms } => Request::Wait(run, within_ms),
        GatewayRequest::History { rows } => Request::History(rows as usize),
        GatewayRequest::Abort { run } => Request::Abort(run),
        GatewayRequest::Cost { .. } => Request::Cost(assignment.key.clone()),
        other => unreachable!("{other:?} is asked by no turn"),
    }
}

/// How many rows are looked at: few, so that turns get out of sight.
const LIMITS: TurnLimits = TurnLimits { few_rows: 6, most_rows: 60 };
