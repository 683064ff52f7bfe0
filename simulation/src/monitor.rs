//! An agent's monitor, as `ois-bridge` drives the inbox: one happening after the other, its effects
//! in order, what is to be on disk first; and it may die between any two of them.

mod carry;
mod drafts;
mod hear;
mod turn;

use std::collections::{BTreeMap, VecDeque};

use ois_client::Outbox;
use ois_inbox::{Effect, Fetched, Inbox, InboxState, Outcome, Record, Settings};
use ois_protocol::{Chat, EventId, ServerFrame, ShortName, Timestamp, Topic};

use self::{
    drafts::Drafts,
    turn::{Next, Turn},
};
use crate::{
    disk::Disk,
    gateway::Reply,
    link::{Link, Told},
    network::{Line, Packet},
    scene::{Call, Event, Life, Scene},
};

/// An agent's monitor.
#[derive(Debug)]
pub(crate) struct Monitor {
    agent: usize,
    name: ShortName,
    settings: Settings,
    journal: Disk<Record>,
    drafts: Drafts,
    pub(crate) process: Option<Process>,
    life: Life,
    /// Whether it is to be started again.
    away: bool,
}

/// What ends with the process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) inbox: Inbox,
    link: Link<Drafts>,
    told: VecDeque<Told>,
    steps: VecDeque<Step>,
    asked: VecDeque<Chat>,
    effects: VecDeque<Effect>,
    /// How many of the first effects are written and not synced.
    writing: usize,
    /// What goes on once the effects are carried out.
    then: Option<Then>,
    turns: BTreeMap<u32, Turn>,
    began: u32,
    /// Since when turns wait to be taken up by a restarted gateway.
    waiting: BTreeMap<String, Option<Timestamp>>,
    /// When the next thing is done.
    due: Option<Timestamp>,
    /// The disk takes nothing before this.
    patience: Timestamp,
    /// How often in a row it woke for nothing.
    idle: u32,
    nonces: u64,
}

#[derive(Debug)]
enum Then {
    Begin(u32),
    Say(Chat),
}

/// What a runtime tells.
#[derive(Debug)]
enum Step {
    Begun(u32, EventId, String),
    Admitted(EventId, String),
    Settled(EventId, Outcome),
    Stopped(EventId, String, Option<bool>),
    Fetched(EventId, Fetched),
}

impl Monitor {
    pub(crate) fn new(agent: usize, name: ShortName, settings: Settings) -> Self {
        let drafts = Drafts::new();
        let (journal, process) = (Disk::new(), None);
        Self { agent, name, settings, journal, drafts, process, life: 0, away: false }
    }

    /// Goes on from what is on disk.
    pub(crate) fn start(&mut self, scene: &mut Scene) {
        if self.process.is_some() {
            return;
        }
        (self.life, self.away) = (self.life + 1, false);
        let mut state = InboxState::default();
        for record in self.journal.entries() {
            let json = serde_json::to_vec(record).expect("records have only text keys");
            state.apply(serde_json::from_slice(&json).expect("what was written is read"));
        }
        scene.note(format_args!("monitor {} starts: {} calls", self.agent, state.calls.len()));
        if scene.random.chance(3000) {
            self.journal.rewrite(state.records());
        }
        let mut inbox = Inbox::new(self.settings.clone(), state);
        let outbox = Outbox::open(self.drafts.clone()).expect("a simulated disk is read");
        let link = Link::new(self.agent, self.life, self.name.as_str(), outbox)
            .of_agent(vec![Topic::Deliveries, Topic::Runs], inbox.resume_after());
        let effects = inbox.start(scene.now).into();
        self.process = Some(Process {
            inbox,
            link,
            told: VecDeque::new(),
            steps: VecDeque::new(),
            asked: VecDeque::new(),
            effects,
            writing: 0,
            then: None,
            turns: BTreeMap::new(),
            began: 0,
            waiting: BTreeMap::new(),
            due: None,
            patience: scene.now,
            idle: 0,
            nonces: 0,
        });
        self.dial(self.life, scene);
        self.plan(scene);
    }

    /// The process dies, and is started again some time later.
    pub(crate) fn die(&mut self, scene: &mut Scene) {
        let Some(process) = self.process.take() else { return };
        scene.note(format_args!("monitor {} dies", self.agent));
        process.link.leave(scene);
        self.journal.crash(&mut scene.random);
        let pause = scene.absence_ms();
        self.away = true;
        scene.after(pause, Event::MonitorStarts(self.agent));
    }

    /// The faults stop.
    pub(crate) fn calm(&mut self, scene: &mut Scene) {
        self.journal.clean();
        self.drafts.disk().clean();
        scene.after(1000, Event::MonitorStarts(self.agent));
    }

    /// The client's end of the wire tries to connect.
    pub(crate) fn dial(&mut self, life: Life, scene: &mut Scene) {
        if let Some(process) = self.process.as_mut().filter(|_| life == self.life) {
            process.link.dial(scene);
        }
    }

    pub(crate) fn hears(&mut self, line: Line, packet: Packet<ServerFrame>, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        self.drafts.tell_time(scene.now);
        let told = process.link.hears(line, packet, scene);
        process.told.extend(told);
        self.plan(scene);
    }

    /// A turn hears from its gateway.
    pub(crate) fn answered(&mut self, call: Call, reply: Reply, scene: &mut Scene) {
        let Some(process) = self.process.as_mut().filter(|_| call.life == self.life) else {
            return;
        };
        let Some(turn) = process.turns.get_mut(&call.turn) else { return };
        let waiting = process.waiting.entry(turn.delivery.key.clone()).or_default();
        if let Some(next) = turn.heard(reply, waiting, scene.now) {
            self.goes_on(call.turn, next, scene);
        }
        self.plan(scene);
    }

    pub(crate) fn fetched(&mut self, life: Life, id: EventId, fetched: Fetched, scene: &mut Scene) {
        if let Some(process) = self.process.as_mut().filter(|_| life == self.life) {
            process.steps.push_back(Step::Fetched(id, fetched));
        }
        self.plan(scene);
    }

    /// The agent says something by itself.
    pub(crate) fn speaks(&mut self, chat: Chat, scene: &mut Scene) {
        if let Some(process) = &mut self.process {
            process.asked.push_back(chat);
        }
        self.plan(scene);
    }

    /// Does the next thing, if it is time, and may die before or after.
    pub(crate) fn works(&mut self, life: Life, scene: &mut Scene) {
        let Some(process) = self.process.as_mut().filter(|_| life == self.life) else { return };
        if process.due != Some(scene.now) {
            return; // it was planned anew
        }
        process.due = None;
        self.drafts.tell_time(scene.now);
        if scene.random.chance(scene.weather.monitor_dies) {
            return self.die(scene);
        }
        if !process.effects.is_empty() {
            self.carry_out_one(scene);
        } else if let Some(then) = process.then.take() {
            self.go_on_with(then, scene);
        } else {
            self.take_one(scene);
        }
        self.plan(scene);
    }

    fn take_one(&mut self, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        process.link.flush(scene);
        let ready = [
            !process.told.is_empty(),
            !process.steps.is_empty(),
            !process.asked.is_empty(),
            process.inbox.next_wake().is_some_and(|at| at <= scene.now),
        ];
        let ready: Vec<usize> = (0..ready.len()).filter(|at| ready[*at]).collect();
        if ready.is_empty() {
            return;
        }
        let effects = match scene.random.pick(&ready) {
            0 => process.told.pop_front().map(|told| process.understand(told, scene)),
            1 => process.steps.pop_front().map(|step| process.follow(step, scene)),
            2 => process.asked.pop_front().map(|chat| process.speak(chat, scene)),
            _ => Some(process.inbox.wake(scene.now)),
        };
        process.effects.extend(effects.unwrap_or_default());
        let woke_for_nothing = ready == [3] && process.effects.is_empty();
        process.idle = if woke_for_nothing { process.idle + 1 } else { 0 };
        if process.idle == 100 {
            scene.ledger.wrong(format!("monitor {} is woken and does nothing", self.agent));
            scene.note(format_args!("monitor {} does nothing: {:?}", self.agent, process.inbox));
        }
    }

    /// Plans when the next thing is done.
    fn plan(&mut self, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        let busy = !(process.effects.is_empty()
            && process.then.is_none()
            && process.told.is_empty()
            && process.steps.is_empty()
            && process.asked.is_empty());
        let at = if busy {
            let soon = scene.now.after_ms(scene.random.below(3));
            Some(soon.max(process.patience))
        } else {
            let due = process.inbox.next_wake().into_iter().chain(process.link.next_due()).min();
            due.map(|due| due.max(scene.now.after_ms(1)))
        };
        let Some(at) = at.filter(|at| process.due.is_none_or(|due| *at < due)) else { return };
        process.due = Some(at);
        scene.at(at, Event::Monitor(self.agent, self.life));
    }

    /// What is left to do, for whoever wonders.
    pub(crate) fn left(&self) -> String {
        let state = self.process.as_ref().map(|process| process.inbox.state());
        state.map_or("away".to_owned(), |state| {
            let calls = state.calls.values().map(|call| (call.message.id, &call.stage));
            let calls: Vec<_> = calls.collect();
            let (closings, runs) = (&state.closings, &state.runs);
            format!("calls {calls:?}, closings {closings:?}, runs {runs:?}, {:?}", state.wanted)
        })
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_done(&self) -> bool {
        self.process.as_ref().is_some_and(|process| {
            let state = process.inbox.state();
            state.calls.is_empty()
                && state.closings.is_empty()
                && state.runs.is_empty()
                && state.wanted.is_empty()
                && process.effects.is_empty()
                && process.link.is_done()
        })
    }
}
