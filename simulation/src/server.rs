//! A server: the process that drives the team's core as `ois-http`'s hot loop does.
//!
//! Every decision is [`Team`]'s. What is here is what a driver owns: sockets that block, an append that
//! takes its time, a checkpoint, and a death between any two steps. Two servers may have one log.

mod commit;
mod connection;
mod requests;

use std::collections::{BTreeMap, BTreeSet};

use ois_chat::{
    Desk, DeskSettings, Team,
    team::{BatchLimits, ConnId, RequestId},
};
use ois_protocol::{Budget, EventId, Limits, Member, Rung};

use self::connection::Conn;
use crate::{
    log::Log,
    scene::{Event, Life, Scene},
};

/// A server: its checkpoint, and its process.
#[derive(Debug)]
pub(crate) struct Server {
    /// Which of the servers it is.
    number: usize,
    members: Vec<Member>,
    settings: DeskSettings,
    budgets: Vec<Budget>,
    /// The desk as it was up to an event, as JSON.
    checkpoint: Option<(EventId, String)>,
    pub(crate) process: Option<Process>,
    life: Life,
    /// The number of the last request over HTTP.
    requests: u64,
}

/// What ends with the process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) team: Team,
    /// How much of the log the team has read: that much may be shown.
    shown: usize,
    /// The first event of the batch that is being appended.
    writing: Option<EventId>,
    is_planned: bool,
    conns: BTreeMap<ConnId, Conn>,
    /// Requests over HTTP that are not answered yet.
    asked: BTreeSet<RequestId>,
}

impl Server {
    pub(crate) fn new(
        number: usize,
        members: Vec<Member>,
        settings: DeskSettings,
        budgets: Vec<Budget>,
    ) -> Self {
        let (checkpoint, process) = (None, None);
        Self { number, members, settings, budgets, checkpoint, process, life: 0, requests: 0 }
    }

    /// Reads what is on disk, and is ready.
    pub(crate) fn start(&mut self, scene: &mut Scene) {
        if self.process.is_some() {
            return;
        }
        self.life += 1;
        let (limits, batch) = (Limits::default(), BatchLimits::default());
        let (shown, head) = (scene.log.entries().len(), scene.log.head());
        let desk = self.restore(&scene.log);
        let mut team = Team::new("00c0ffee", limits, batch, desk, head);
        team.register(self.members.clone());
        let number = self.number;
        scene.note(format_args!("server {number} starts, {shown} events in the log"));
        self.process = Some(Process {
            team,
            shown,
            writing: None,
            is_planned: false,
            conns: BTreeMap::new(),
            asked: BTreeSet::new(),
        });
        scene.network.listens[number] = true;
        self.plan(scene);
        scene.after(BEAT_MS, Event::ServerBeats(number, self.life));
    }

    /// The desk as the checkpoint and the log make it.
    fn restore(&self, log: &Log) -> Desk {
        let checkpoint = self.checkpoint.as_ref().map(|(through, json)| {
            let desk: Desk = serde_json::from_str(json).expect("a checkpoint is read as written");
            (desk.with(self.settings), *through)
        });
        let (desk, through) = checkpoint.unwrap_or((Desk::new(self.settings), EventId::ZERO));
        self.fold(desk, through, log)
    }

    /// The desk as the log alone makes it.
    pub(crate) fn made_by_the_log(&self, log: &Log) -> Desk {
        self.fold(Desk::new(self.settings), EventId::ZERO, log)
    }

    fn fold(&self, mut desk: Desk, after: EventId, log: &Log) -> Desk {
        desk.set_budgets(self.budgets.clone());
        let later = log.entries().iter().filter(|stored| stored.id > after);
        later.filter_map(|stored| stored.fact()).for_each(|fact| desk.apply(&fact));
        desk
    }

    /// The process dies, at whatever it is.
    pub(crate) fn may_die(&mut self, scene: &mut Scene) -> bool {
        if self.process.is_none() || !scene.random.chance(scene.weather.server_dies) {
            return false;
        }
        self.process = None;
        if !scene.has_two_servers() {
            scene.log.crash(&mut scene.random);
        }
        let (number, head) = (self.number, scene.log.entries().len());
        scene.note(format_args!("server {number} dies, {head} events are left"));
        let through = self.checkpoint.as_ref().map(|(through, _)| *through);
        let is_ahead = through > Some(scene.log.head());
        if is_ahead || scene.random.chance(scene.weather.checkpoint_lost) {
            self.checkpoint = None;
        }
        scene.server_leaves(number);
        let pause = scene.absence_ms();
        scene.after(pause, Event::ServerStarts(number));
        true
    }

    /// Twice in a ping interval.
    pub(crate) fn beats(&mut self, life: Life, scene: &mut Scene) {
        if life != self.life || self.may_die(scene) {
            return;
        }
        let Some(process) = &mut self.process else { return };
        process.team.tick();
        self.plan(scene);
        self.write_checkpoint(scene);
        let is_late = scene.now.since_ms(scene.log.last_time()) > 3_600_000;
        let ms = if is_late { 40 * BEAT_MS } else { BEAT_MS };
        scene.after(ms, Event::ServerBeats(self.number, life));
    }

    /// Writes the checkpoint now and then, between two batches.
    fn write_checkpoint(&mut self, scene: &mut Scene) {
        let Some(process) = self.process.as_ref().filter(|process| process.writing.is_none())
        else {
            return;
        };
        if scene.random.chance(scene.weather.checkpoint) {
            let json = serde_json::to_string(process.team.desk()).expect("only text keys");
            self.checkpoint = Some((process.team.head(), json));
        }
    }

    /// The faults stop.
    pub(crate) fn calm(&mut self, scene: &mut Scene) {
        scene.log.disk().clean();
        scene.after(500, Event::ServerStarts(self.number));
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_done(&self, scene: &Scene) -> bool {
        let is_quiet = scene.now.since_ms(scene.log.last_time()) > QUIET_MS;
        is_quiet
            && self.process.as_ref().is_some_and(|process| {
                let is_over =
                    |it: &ois_protocol::Delivery| it.state.is_final() && it.state > Rung::Ended;
                let (desk, every) = (process.team.desk(), ois_chat::ladder::Query::default());
                process.team.waiting().requests == 0
                    && process.writing.is_none()
                    && !desk.has_pending_notices()
                    && desk.ladder().find(&every).all(is_over)
                    && !desk.ladder().has_open_offers()
            })
    }
}

/// Half a ping interval.
const BEAT_MS: u64 = 15_000;
/// After so long without an event nobody waits for anything, questions about budgets included.
const QUIET_MS: u64 = 70 * 60_000;
