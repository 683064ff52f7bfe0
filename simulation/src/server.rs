//! The server: its disk, and the process that drives the team's core as `ois-http`'s hot loop does.
//!
//! Every decision is [`Team`]'s. What is here is what a driver owns: sockets that block, a disk that is
//! slow or full or forgets what was not synced, a checkpoint, and a death between any two steps.

mod commit;
mod connection;
mod requests;

use std::collections::{BTreeMap, BTreeSet};

use ois_chat::{
    Desk, DeskSettings, Fact, Team,
    team::{BatchLimits, ConnId, RequestId},
};
use ois_protocol::{
    Budget, EventId, Limits, Member, NewEvent, Record, Rung, ServerFrame, Timestamp,
};

use self::connection::Conn;
use crate::{
    disk::Disk,
    scene::{Event, Life, Scene},
};

/// The server: what is on its disk, and its process.
#[derive(Debug)]
pub(crate) struct Server {
    members: Vec<Member>,
    settings: DeskSettings,
    budgets: Vec<Budget>,
    log: Disk<Stored>,
    /// The desk as it was up to an event, as JSON.
    checkpoint: Option<(EventId, String)>,
    pub(crate) process: Option<Process>,
    life: Life,
    /// The number of the last request over HTTP.
    requests: u64,
}

/// An event in its place in the log.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) id: EventId,
    pub(crate) time: Timestamp,
    pub(crate) event: NewEvent,
    pub(crate) frame: ServerFrame,
    record: Record,
}

/// What ends with the process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) team: Team,
    /// How much of the log the team has read: that much may be shown.
    shown: usize,
    /// Whether a batch is being written.
    is_writing: bool,
    is_planned: bool,
    conns: BTreeMap<ConnId, Conn>,
    /// Requests over HTTP that are not answered yet.
    asked: BTreeSet<RequestId>,
}

impl Stored {
    fn new(event: NewEvent, id: EventId, time: Timestamp) -> Self {
        let (kind, room) = (Some(event.kind()), event.room().clone());
        let payload: std::sync::Arc<[u8]> = event.clone().encode(id, time).into();
        let record = Record { id, time, kind, room, payload };
        let frame = ois_protocol::event::decode(&record.payload).expect("it is read as written");
        Self { id, time, event, frame, record }
    }

    /// The event as the desk minds it, out of the bytes that stand in the log.
    fn fact(&self) -> Option<Fact> {
        Fact::read(self.record.kind?, &self.record.room, &self.record.payload)
    }
}

impl Server {
    pub(crate) fn new(members: Vec<Member>, settings: DeskSettings, budgets: Vec<Budget>) -> Self {
        let (log, checkpoint, process) = (Disk::new(), None, None);
        Self { members, settings, budgets, log, checkpoint, process, life: 0, requests: 0 }
    }

    /// Reads what is on disk, and is ready.
    pub(crate) fn start(&mut self, scene: &mut Scene) {
        if self.process.is_some() {
            return;
        }
        self.life += 1;
        let (limits, batch) = (Limits::default(), BatchLimits::default());
        let shown = self.log.entries().len();
        let head = self.head();
        let mut team = Team::new("00c0ffee", limits, batch, self.restore(), head, scene.now);
        team.register(self.members.clone());
        for stored in self.log.entries() {
            if let Some(nonce) = stored.event.nonce() {
                let author = stored.event.author().clone();
                team.remember(author, nonce.clone(), stored.id, stored.time);
            }
        }
        scene.note(format_args!("server starts, {shown} events in the log"));
        self.process = Some(Process {
            team,
            shown,
            is_writing: false,
            is_planned: false,
            conns: BTreeMap::new(),
            asked: BTreeSet::new(),
        });
        scene.network.listens = true;
        self.plan(scene);
        scene.after(BEAT_MS, Event::ServerBeats(self.life));
    }

    /// The desk as the checkpoint and the log make it.
    fn restore(&self) -> Desk {
        let checkpoint = self.checkpoint.as_ref().map(|(through, json)| {
            let desk: Desk = serde_json::from_str(json).expect("a checkpoint is read as written");
            (desk.with(self.settings), *through)
        });
        let (desk, through) = checkpoint.unwrap_or((Desk::new(self.settings), EventId::ZERO));
        self.fold(desk, through)
    }

    /// The desk as the log alone makes it.
    pub(crate) fn made_by_the_log(&self) -> Desk {
        self.fold(Desk::new(self.settings), EventId::ZERO)
    }

    fn fold(&self, mut desk: Desk, after: EventId) -> Desk {
        desk.set_budgets(self.budgets.clone());
        let later = self.log.entries().iter().filter(|stored| stored.id > after);
        later.filter_map(Stored::fact).for_each(|fact| desk.apply(&fact));
        desk
    }

    /// The process dies, at whatever it is.
    pub(crate) fn may_die(&mut self, scene: &mut Scene) -> bool {
        if self.process.is_none() || !scene.random.chance(scene.weather.server_dies) {
            return false;
        }
        self.process = None;
        self.log.crash(&mut scene.random);
        let head = self.log.entries().len();
        scene.note(format_args!("server dies, {head} events are left"));
        let through = self.checkpoint.as_ref().map(|(through, _)| *through);
        let is_ahead = through > self.log.entries().last().map(|last| last.id);
        if is_ahead || scene.random.chance(scene.weather.checkpoint_lost) {
            self.checkpoint = None;
        }
        scene.server_leaves();
        let pause = scene.absence_ms();
        scene.after(pause, Event::ServerStarts);
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
        let is_late = scene.now.since_ms(self.last_time()) > 3_600_000;
        scene.after(if is_late { 40 * BEAT_MS } else { BEAT_MS }, Event::ServerBeats(life));
    }

    fn head(&self) -> EventId {
        self.log.entries().last().map_or(EventId::ZERO, |last| last.id)
    }

    fn last_time(&self) -> Timestamp {
        self.log.entries().last().map_or(Timestamp::from_ms(0), |last| last.time)
    }

    /// Writes the checkpoint now and then, between two batches.
    fn write_checkpoint(&mut self, scene: &mut Scene) {
        let Some(process) = self.process.as_ref().filter(|process| !process.is_writing) else {
            return;
        };
        if scene.random.chance(scene.weather.checkpoint) {
            let json = serde_json::to_string(process.team.desk()).expect("only text keys");
            self.checkpoint = Some((process.team.head(), json));
        }
    }

    /// The faults stop.
    pub(crate) fn calm(&mut self, scene: &mut Scene) {
        self.log.clean();
        scene.after(500, Event::ServerStarts);
    }

    /// Everything that is in the log.
    pub(crate) fn log(&self) -> &[Stored] {
        self.log.entries()
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_done(&self, now: Timestamp) -> bool {
        let is_quiet = now.since_ms(self.last_time()) > QUIET_MS;
        is_quiet
            && self.process.as_ref().is_some_and(|process| {
                let is_over =
                    |it: &ois_protocol::Delivery| it.state.is_final() && it.state > Rung::Ended;
                let (desk, every) = (process.team.desk(), ois_chat::ladder::Query::default());
                process.team.waiting().requests == 0
                    && !process.is_writing
                    && !desk.has_pending_notices()
                    && desk.ladder().find(&every).all(is_over)
            })
    }
}

/// Half a ping interval.
const BEAT_MS: u64 = 15_000;
/// After so long without an event nobody waits for anything, questions about budgets included.
const QUIET_MS: u64 = 70 * 60_000;
/// The log's first id.
const FIRST: u64 = 100;
