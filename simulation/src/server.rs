//! The server, as `ois-http`'s hot loop drives the cores: one batch after the other into the log,
//! acknowledged and shown after it is durable and not before; everything that is not in the log or
//! in the checkpoint ends with the process.

mod batch;
mod connection;
mod reports;

use std::collections::BTreeMap;

use ois_chat::{Desk, DeskSettings, Fact, Nonces, Room};
use ois_protocol::{Budget, EventId, Limits, Member, NewEvent, Rung, ServerFrame, Timestamp};

use self::{
    batch::Receipt,
    connection::{Conn, Origin},
};
use crate::{
    disk::Disk,
    network::Line,
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
}

/// An event in its place.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) id: EventId,
    pub(crate) time: Timestamp,
    pub(crate) event: NewEvent,
    pub(crate) frame: ServerFrame,
}

/// What ends with the process.
#[derive(Debug)]
pub(crate) struct Process {
    room: Room,
    pub(crate) desk: Desk,
    nonces: Nonces,
    /// How much of the log may be shown.
    shown: usize,
    queue: Vec<(NewEvent, Origin)>,
    /// What is being written.
    batch: Option<Vec<Receipt>>,
    is_planned: bool,
    owing: bool,
    conns: BTreeMap<Line, Conn>,
}

impl Stored {
    fn new(event: NewEvent, id: EventId, time: Timestamp) -> Self {
        let frame = match event.clone() {
            NewEvent::Message(draft) => ServerFrame::Message { message: draft.at(id, time) },
            NewEvent::Delivery { delivery, .. } => {
                ServerFrame::Delivery(ois_protocol::Delivery { at: time, ..delivery })
            }
            NewEvent::Run(run) => ServerFrame::Run(run),
            _ => ServerFrame::Unknown,
        };
        Self { id, time, event, frame }
    }

    /// The event as the desk minds it, out of the bytes that stand in the log.
    fn fact(&self) -> Option<Fact> {
        let payload = self.event.clone().encode(self.id, self.time);
        Fact::read(self.event.kind(), self.event.room(), &payload)
    }
}

impl Server {
    pub(crate) fn new(members: Vec<Member>, settings: DeskSettings, budgets: Vec<Budget>) -> Self {
        let (log, checkpoint, process) = (Disk::new(), None, None);
        Self { members, settings, budgets, log, checkpoint, process, life: 0 }
    }

    /// Reads what is on disk, and is ready.
    pub(crate) fn start(&mut self, scene: &mut Scene) {
        if self.process.is_some() {
            return;
        }
        self.life += 1;
        let mut nonces = Nonces::new(Limits::default().nonce_ms);
        for stored in self.log.entries() {
            if let Some(nonce) = stored.event.nonce() {
                let author = stored.event.author().clone();
                nonces.insert(author, nonce.clone(), stored.id, stored.time);
            }
        }
        let mut room = Room::new(Limits::default(), scene.now);
        room.register(self.members.clone());
        let shown = self.log.entries().len();
        scene.note(format_args!("server starts, {shown} events in the log"));
        self.process = Some(Process {
            room,
            desk: self.recall(),
            nonces,
            shown,
            queue: Vec::new(),
            batch: None,
            is_planned: false,
            owing: false,
            conns: BTreeMap::new(),
        });
        scene.network.listens = true;
        self.pay_dues(scene);
        scene.after(BEAT_MS, Event::ServerBeats(self.life));
    }

    /// The desk as the checkpoint and the log make it.
    fn recall(&self) -> Desk {
        let kept = self.checkpoint.as_ref().map(|(through, json)| {
            let desk: Desk = serde_json::from_str(json).expect("a checkpoint is read as written");
            (desk.with(self.settings), *through)
        });
        let (desk, through) = kept.unwrap_or((Desk::new(self.settings), EventId::ZERO));
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
        if life != self.life || self.process.is_none() || self.may_die(scene) {
            return;
        }
        self.pay_dues(scene);
        self.keep_desk(scene);
        let is_late = scene.now.since_ms(self.last_time()) > 3_600_000;
        scene.after(if is_late { 40 * BEAT_MS } else { BEAT_MS }, Event::ServerBeats(life));
    }

    fn last_time(&self) -> Timestamp {
        self.log.entries().last().map_or(Timestamp::from_ms(0), |last| last.time)
    }

    /// Writes the checkpoint now and then, between two batches.
    fn keep_desk(&mut self, scene: &mut Scene) {
        let Some(process) = self.process.as_ref().filter(|process| process.batch.is_none()) else {
            return;
        };
        if scene.random.chance(scene.weather.checkpoint) {
            let json = serde_json::to_string(&process.desk).expect("a desk has only text keys");
            let head = self.log.entries().last().map_or(EventId::ZERO, |last| last.id);
            self.checkpoint = Some((head, json));
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
                process.queue.is_empty()
                    && process.batch.is_none()
                    && !process.desk.owes()
                    && process.desk.ladder().find(&ois_chat::ladder::Query::default()).all(is_over)
            })
    }
}

/// Half a ping interval.
const BEAT_MS: u64 = 15_000;
/// After so long without an event nobody waits for anything, questions about budgets included.
const QUIET_MS: u64 = 70 * 60_000;
/// The log's first id.
const FIRST: u64 = 100;
