//! An agent's monitor: carries out what `ois-bridge`'s agent machine decides, one thing after the
//! other, on a disk, a wire and a gateway that fail; and it may die between any two of them.

mod actions;
mod drafts;
pub(crate) mod misdeeds;
pub(crate) mod work;

use std::collections::{BTreeMap, VecDeque};

use ois_bridge::{AgentMachine, AgentSettings, RuntimeReport, openclaw::turn::Interruptions};
use ois_inbox::{Fetched, InboxState, Record, Settings};
use ois_protocol::{Chat, EventId, ServerFrame, ShortName, Timestamp, Topic};

use self::{drafts::Drafts, misdeeds::Misdeeds, work::Work};
use crate::{
    disk::Disk,
    link::{Link, Member},
    network::{Line, Packet},
    scene::{Event, Life, Scene},
};

/// An agent's monitor.
#[derive(Debug)]
pub(crate) struct Monitor {
    /// Its place among the monitors.
    at: usize,
    name: ShortName,
    settings: Settings,
    journal: Disk<Record>,
    drafts: Drafts,
    pub(crate) process: Option<Process>,
    life: Life,
    /// Counts its state folders: one that was lost had another name.
    folder: u32,
}

/// What ends with the process.
#[derive(Debug)]
pub(crate) struct Process {
    machine: AgentMachine,
    link: Link<Drafts>,
    /// What the gateway's side has said and the machine has not heard yet.
    words: VecDeque<Word>,
    /// What the agent wants to say by itself.
    asked: VecDeque<Chat>,
    /// Whether records are written and not synced.
    is_writing: bool,
    works: BTreeMap<u32, Work>,
    last_work: u32,
    interruptions: Interruptions,
    misdeeds: Misdeeds,
    /// When the next thing is done.
    due: Option<Timestamp>,
    /// How often in a row it woke for nothing.
    idle: u32,
    nonces: u64,
}

/// What the gateway's side says.
#[derive(Debug)]
enum Word {
    AskToBegin(u32, EventId, String),
    Report(RuntimeReport),
}

impl Monitor {
    pub(crate) fn new(at: usize, name: ShortName, settings: Settings) -> Self {
        let drafts = Drafts::new();
        let journal = Disk::new();
        Self { at, name, settings, journal, drafts, process: None, life: 0, folder: 0 }
    }

    /// Goes on from what is on disk.
    pub(crate) fn start(&mut self, scene: &mut Scene) {
        if self.process.is_some() {
            return;
        }
        self.life += 1;
        if Misdeeds::loses_folder(scene) {
            scene.note(format_args!("monitor {} has lost its folder", self.at));
            self.folder += 1;
            self.journal.rewrite(Vec::new());
            self.drafts.forget(self.name.as_str(), scene);
        }
        let mut state = InboxState::default();
        for record in self.journal.entries() {
            let json = serde_json::to_vec(record).expect("records have only text keys");
            state.apply(serde_json::from_slice(&json).expect("what was written is read"));
        }
        scene.note(format_args!("monitor {} starts: {} calls", self.at, state.calls.len()));
        if scene.random.chance(3000) {
            self.journal.rewrite(state.records());
        }
        let instance = format!("monitor-{}-{}", self.at, self.folder);
        let settings = AgentSettings {
            inbox: self.settings.clone(),
            probe_every_ms: PROBE_EVERY_MS,
            instance: instance.clone(),
            address_hash: "0badcafe".to_owned(),
        };
        let mut machine = AgentMachine::new(settings, state, scene.now);
        let topics = vec![Topic::Deliveries, Topic::Runs];
        let member = Member::Monitor(instance, topics, machine.resume_after());
        let name = self.name.as_str();
        let mut link = Link::new(self.at, self.life, name, member, self.drafts.clone());
        machine.start(scene.now);
        self.drafts.tell_time(scene.now);
        link.drive(scene);
        self.process = Some(Process {
            machine,
            link,
            words: VecDeque::new(),
            asked: VecDeque::new(),
            is_writing: false,
            works: BTreeMap::new(),
            last_work: 0,
            interruptions: Interruptions::default(),
            misdeeds: Misdeeds::default(),
            due: None,
            idle: 0,
            nonces: 0,
        });
        self.plan(scene);
    }

    /// The process dies, and is started again some time later.
    fn die(&mut self, scene: &mut Scene) {
        let Some(process) = self.process.take() else { return };
        scene.note(format_args!("monitor {} dies", self.at));
        process.link.leave(scene);
        self.journal.crash(&mut scene.random);
        let pause = scene.absence_ms();
        scene.after(pause, Event::MonitorStarts(self.at));
    }

    /// The faults stop.
    pub(crate) fn calm(&mut self, scene: &mut Scene) {
        self.journal.clean();
        self.drafts.disk().clean();
        scene.after(1000, Event::MonitorStarts(self.at));
    }

    /// The time has come that the link has planned.
    pub(crate) fn link_wakes(&mut self, life: Life, scene: &mut Scene) {
        if let Some(process) = self.process.as_mut().filter(|_| life == self.life) {
            self.drafts.tell_time(scene.now);
            process.link.wakes(scene);
        }
        self.plan(scene);
    }

    pub(crate) fn hears(&mut self, line: Line, packet: Packet<ServerFrame>, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        self.drafts.tell_time(scene.now);
        process.link.hears(line, packet, scene);
        self.plan(scene);
    }

    pub(crate) fn fetched(&mut self, life: Life, id: EventId, fetched: Fetched, scene: &mut Scene) {
        if life == self.life {
            self.report(RuntimeReport::Fetched { id, fetched });
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
        if process.misdeeds.hangs(scene) {
            scene.note(format_args!("monitor {} hangs", self.at));
        } else if process.is_writing {
            self.journal.sync();
            process.is_writing = false;
            process.machine.written();
        } else if let Some(action) = process.machine.next_action(scene.now) {
            self.carry_out(action, scene);
        } else if process.machine.is_settled() {
            self.take_one(scene);
        }
        self.plan(scene);
    }

    fn take_one(&mut self, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        let is_time = process.machine.next_wake().is_some_and(|at| at <= scene.now);
        let ready = [
            process.link.has_events(),
            !process.words.is_empty(),
            !process.asked.is_empty(),
            is_time,
        ];
        let ready: Vec<usize> = (0..ready.len()).filter(|at| ready[*at]).collect();
        if ready.is_empty() {
            return;
        }
        match scene.random.pick(&ready) {
            0 => {
                if let Some(event) = process.link.next_event() {
                    process.machine.link_event(event, scene.now);
                }
            }
            1 => process.hear(scene),
            2 => process.speak(self.at, self.life),
            _ => process.machine.wake(scene.now),
        }
        let woke_for_nothing = ready == [3] && process.machine.is_settled();
        process.idle = if woke_for_nothing { process.idle + 1 } else { 0 };
        if process.idle == 100 {
            scene.ledger.wrong(format!("monitor {} is woken and does nothing", self.at));
            scene.note(format_args!("monitor {} does nothing: {:?}", self.at, process.machine));
        }
    }

    /// Plans when the next thing is done.
    fn plan(&mut self, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        let next_wake = process.machine.next_wake();
        let is_settled = process.machine.is_settled();
        let has_input =
            process.link.has_events() || !process.words.is_empty() || !process.asked.is_empty();
        let is_busy = process.is_writing || has_input || !is_settled;
        let at = if is_busy {
            let soon = scene.now.after_ms(scene.random.below(3));
            // A disk that took nothing is waited for.
            let waits_until = next_wake.filter(|_| !is_settled && !process.is_writing);
            Some(waits_until.map_or(soon, |until| soon.max(until)))
        } else {
            next_wake.map(|due| due.max(scene.now.after_ms(1)))
        };
        let at = at.map(|at| process.misdeeds.awake_at(at));
        let Some(at) = at.filter(|at| process.due.is_none_or(|due| *at < due)) else { return };
        process.due = Some(at);
        scene.at(at, Event::Monitor(self.at, self.life));
    }

    /// How many turns it begins for one call.
    pub(crate) fn attempts(&self) -> u32 {
        self.settings.attempts
    }

    /// What is left to do, in words.
    pub(crate) fn left(&self) -> String {
        let state = self.process.as_ref().map(|process| process.machine.inbox_state());
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
            let state = process.machine.inbox_state();
            state.calls.is_empty()
                && state.closings.is_empty()
                && state.runs.is_empty()
                && state.wanted.is_empty()
                && process.machine.is_settled()
                && process.link.is_done()
        })
    }
}

impl Process {
    /// The machine hears what the gateway's side says.
    fn hear(&mut self, scene: &mut Scene) {
        match self.words.pop_front() {
            Some(Word::AskToBegin(work, id, epoch)) => {
                self.machine.ask_to_begin(id, Some(epoch), u64::from(work), scene.now);
            }
            Some(Word::Report(report)) => {
                let dice = scene.random.dice();
                self.machine.report(report, scene.now, dice);
            }
            None => {}
        }
    }

    /// The agent says something by itself, over the local port.
    fn speak(&mut self, monitor: usize, life: Life) {
        let Some(chat) = self.asked.pop_front() else { return };
        self.nonces += 1;
        let nonce = format!("own-{monitor}-{life}-{}", self.nonces);
        let nonce = nonce.parse().expect("words and numbers");
        self.machine.say(self.nonces, nonce, chat, self.link.is_online());
    }
}

/// How often the gateway is probed: rarely, so that a silent hour costs few events.
const PROBE_EVERY_MS: u64 = 1_800_000;
