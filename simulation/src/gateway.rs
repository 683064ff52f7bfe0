//! An agent's gateway: one session, turns one after the other, keys that its process forgets, a
//! history that it does not; and every misdeed that the weather brings.

mod requests;
mod turns;

use std::collections::{BTreeMap, VecDeque};

use ois_gateway::{History, Outcome, Queued, QueuedState, Row, SessionState};
use ois_protocol::{EventId, ShortName};

use crate::scene::{Call, Event, Life, Scene};

use self::requests::lost;
pub(crate) use self::requests::{Answer, Reply, Request};

/// An agent's gateway.
#[derive(Debug)]
pub(crate) struct Gateway {
    agent: usize,
    /// The names that its agent may mention.
    others: Vec<ShortName>,
    /// Counts its processes; `None` while there is none.
    process: Option<Process>,
    boot: Life,
    // What outlives the process.
    rows: Vec<Row>,
    interrupted: Vec<String>,
    last_run: Option<String>,
    state: SessionState,
    /// The turn that the process's end cut short, and how often it was taken up.
    cut_short: Option<(Active, u32)>,
}

/// What ends with the process.
#[derive(Debug, Default)]
struct Process {
    queue: VecDeque<Input>,
    keys: BTreeMap<String, Known>,
    active: Option<Active>,
    waiters: Vec<Waiter>,
    waited: u64,
}

/// A message that was handed over.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) key: String,
    pub(crate) message: EventId,
    pub(crate) attempt: u32,
    pub(crate) is_marked: bool,
}

/// What the process knows of a key.
#[derive(Clone, Debug)]
enum Known {
    /// It waits, runs, or was dropped; nobody can tell from outside.
    Open,
    Ended(Outcome),
}

#[derive(Clone, Debug)]
struct Active {
    run: String,
    input: Input,
    /// What the agent said by itself.
    said: Vec<String>,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    run: String,
    call: Call,
}

impl Gateway {
    pub(crate) fn new(agent: usize, others: Vec<ShortName>) -> Self {
        Self {
            agent,
            others,
            process: None,
            boot: 0,
            rows: Vec::new(),
            interrupted: Vec::new(),
            last_run: None,
            state: SessionState::Other,
            cut_short: None,
        }
    }

    pub(crate) fn start(&mut self, scene: &mut Scene) {
        if self.process.is_some() {
            return;
        }
        self.boot += 1;
        self.process = Some(Process::default());
        scene.note(format_args!("gateway {} starts, boot {}", self.agent, self.boot));
        if self.cut_short.is_some() {
            let pause = scene.random.between(5000, 30_000);
            scene.after(pause, Event::TakesUp(self.agent, self.boot));
        }
    }

    /// The process dies, in the middle of whatever it does.
    pub(crate) fn may_die(&mut self, scene: &mut Scene) -> bool {
        if !scene.random.chance(scene.weather.gateway_dies) {
            return false;
        }
        let Some(process) = self.process.take() else { return false };
        scene.note(format_args!("gateway {} dies", self.agent));
        for waiter in &process.waiters {
            answer(scene, self.agent, waiter.call, Err(lost()));
        }
        for input in process.queue {
            // What it had only in its memory nobody will ever hear of.
            if scene.random.chance(7000) {
                self.interrupted.push(input.key);
            }
        }
        if let Some(active) = process.active {
            self.cut(active, scene);
        }
        let pause = scene.absence_ms();
        scene.after(pause, Event::GatewayStarts(self.agent));
        true
    }

    /// What is asked after a restart, and after a lost link.
    fn history(&self, most: usize) -> History {
        let from = self.rows.len().saturating_sub(most);
        let process = self.process.as_ref();
        let waiting = process.into_iter().flat_map(|process| &process.queue);
        let waiting =
            waiting.map(|input| Queued { run_id: input.key.clone(), state: QueuedState::Waiting });
        let interrupted = self
            .interrupted
            .iter()
            .map(|key| Queued { run_id: key.clone(), state: QueuedState::Interrupted });
        let active = process.and_then(|process| process.active.as_ref());
        History {
            rows: self.rows[from..].to_vec(),
            has_more: from > 0,
            queued: waiting.chain(interrupted).collect(),
            active_runs: active.iter().map(|active| active.run.clone()).collect(),
            last_run: self.last_run.clone(),
            state: self.state,
        }
    }

    /// Whether nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        let process = self.process.as_ref();
        self.cut_short.is_none()
            && process.is_some_and(|it| it.active.is_none() && it.queue.is_empty())
    }
}

/// Sends an answer on its way.
fn answer(scene: &mut Scene, agent: usize, call: Call, reply: Answer) {
    let ms = scene.random.between(1, 40);
    scene.after(ms, Event::Answers(agent, call, reply));
}
