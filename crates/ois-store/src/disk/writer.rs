//! The writer of the log, of which there is one.
//!
//! A batch is encoded once, written with one call and, if the store promises it, synced before
//! anybody can read it. If the disk does not take it, the file is cut back to where it was good and
//! nothing has happened; until even that succeeds, nothing more is written. The last batch stays in
//! memory, since everybody reads it next.

use std::{io, path::PathBuf, sync::Arc};

use ois_protocol::{EventId, EventKind, Message, NewEvent, RoomName, Timestamp, event};
use tokio::sync::watch;

use super::{
    Durability,
    chain::Key,
    door::{Door, DoorFile, remove_if_there, replace},
    line::Entry,
    manifest::{self, Manifest},
    nonces::Nonces,
    scan::Place,
    segment::{Header, Segment},
    view::View,
};
use crate::{AppendError, Appended, Batch, ImportError, Record};

/// What the writer needs to know about the log that it goes on with.
pub(crate) struct Start {
    /// The directory of the log, `.ois/log`.
    pub(crate) dir: PathBuf,
    /// The id of the team whose log it is.
    pub(crate) team: String,
    /// The secret of the log's chain.
    pub(crate) key: Key,
    /// Whether a batch is synced before it is shown.
    pub(crate) durability: Durability,
    /// The length in bytes from which on a segment is followed by another one.
    pub(crate) segment_bytes: u64,
    /// The last record.
    pub(crate) last: Place,
    /// The segment to go on with; none if there is none, or only imported ones.
    pub(crate) segment: Option<Arc<Segment>>,
    /// No id below this one is given; zero: no more than the log itself forbids.
    pub(crate) floor: EventId,
    /// The segments that are there.
    pub(crate) manifest: Manifest,
}

/// See the module.
pub(crate) struct Writer {
    door: Arc<dyn Door>,
    view: Arc<View>,
    nonces: Arc<Nonces>,
    head: watch::Sender<EventId>,
    start: Start,
    open: Option<Open>,
    /// A segment that was begun and could not be finished.
    stray: Option<PathBuf>,
    buffers: Buffers,
}

/// What is filled for a batch and emptied for the next one.
#[derive(Default)]
struct Buffers {
    /// The lines of the batch.
    lines: Vec<u8>,
    /// The payload of one event.
    payload: Vec<u8>,
    /// The hashes of the batch's nonces, and the offsets of their records.
    nonces: Vec<(u64, u64)>,
    /// Room for computing the chain.
    scratch: Vec<u8>,
}

/// The segment being written.
struct Open {
    segment: Arc<Segment>,
    file: Arc<dyn DoorFile>,
    /// Whether there may be something after the committed length.
    ill: bool,
}

impl Writer {
    /// Goes on behind what `start` says.
    pub(crate) fn new(
        door: Arc<dyn Door>,
        view: Arc<View>,
        nonces: Arc<Nonces>,
        head: watch::Sender<EventId>,
        start: Start,
    ) -> io::Result<Self> {
        let open = match &start.segment {
            None => None,
            Some(segment) => {
                let file = door.open(&segment.path)?;
                Some(Open { segment: Arc::clone(segment), file, ill: false })
            }
        };
        let buffers = Buffers::default();
        Ok(Self { door, view, nonces, head, start, open, stray: None, buffers })
    }

    /// Appends a batch as a whole, if the log still ends at `after`, and remembers whether the disk
    /// took it.
    pub(crate) fn append(
        &mut self,
        events: Vec<NewEvent>,
        now: Timestamp,
        after: EventId,
    ) -> Result<Appended, AppendError> {
        let appended = self.append_batch(events, now, after);
        if !matches!(appended, Err(AppendError::Moved(_))) {
            self.view.set_writable(appended.is_ok());
        }
        appended
    }

    fn append_batch(
        &mut self,
        events: Vec<NewEvent>,
        now: Timestamp,
        after: EventId,
    ) -> Result<Appended, AppendError> {
        let before = self.start.last.id;
        if before != after {
            return Err(AppendError::Moved(before));
        }
        if events.is_empty() {
            return Ok(Appended { first: before.next(), last: before });
        }
        let first = self.first_id(now);
        self.make_ready(first)?;
        let (batch, last) = self.encode(events, first, now.max(self.start.last.time));
        self.write()?;
        self.start.last = last;
        self.nonces.add(&self.buffers.nonces);
        self.view.set_oldest(first);
        self.view.set_recent(before, batch);
        self.head.send_replace(last.id);
        Ok(Appended { first, last: last.id })
    }

    /// Makes these messages the beginning of an empty log: one segment, there as a whole or not at
    /// all, and durable whatever else the store promises.
    pub(crate) fn import(&mut self, messages: Vec<Message>) -> Result<(), ImportError> {
        if self.open.is_some() || self.start.last.id != EventId::ZERO {
            return Err(ImportError::NotEmpty);
        }
        let Some(first) = messages.first().map(|message| message.id) else { return Ok(()) };
        let (team, before) = (self.start.team.clone(), self.start.last.chain);
        let header = Header { team, first, imported: true, before };
        let path = self.start.dir.join(Segment::file_name(first));
        let segment = Segment::new(path, header, &self.start.key, 0);
        let mut content = segment.header.line().into_bytes();
        let mut last = Place { chain: segment.base, ..self.start.last };
        for message in messages {
            let Buffers { payload, scratch, .. } = &mut self.buffers;
            payload.clear();
            event::encode_message(&message, payload);
            let entry = Entry {
                id: message.id,
                time: message.time,
                kind: EventKind::Message,
                room: message.room.as_str(),
                author: message.user.split_whitespace().next().unwrap_or_default(),
                nonce: None,
                payload,
            };
            let chain = entry.write(&self.start.key, last.chain, &mut content, scratch);
            last = Place { id: message.id, time: message.time, chain };
        }
        let placed = replace(&*self.door, &segment.path, &content, Durability::Sync);
        placed.map_err(|source| ImportError::Io { what: segment.name(), source })?;
        segment.commit(content.len() as u64);
        self.list(&segment, last, true);
        self.view.push(Arc::new(segment));
        self.start.last = last;
        self.view.set_oldest(first);
        self.view.set_head(last.id);
        self.head.send_replace(last.id);
        Ok(())
    }

    /// Makes durable what may not be so yet, and lists where the log ends.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        self.heal()?;
        if let Some(open) = &self.open {
            open.file.sync()?;
            let segment = Arc::clone(&open.segment);
            self.list(&segment, self.start.last, false);
        }
        self.door.sync_dir(&self.start.dir)
    }

    /// Lists a segment that ends with this record, unless it holds none.
    fn list(&mut self, segment: &Segment, last: Place, sealed: bool) {
        let (length, before) = (segment.length(), segment.header.before);
        if length == segment.start {
            return;
        }
        let entry = manifest::Entry { last: last.id, before, chain: last.chain, length, sealed };
        let Start { manifest, dir, team, key, .. } = &mut self.start;
        manifest.entries.insert(segment.header.first, entry);
        manifest.keep(&*self.door, dir, team, key);
    }

    /// Dense from the first native event on; that one is above all that a client of the server
    /// before may remember, whose ids were milliseconds.
    fn first_id(&self, now: Timestamp) -> EventId {
        let next = self.start.last.id.next().max(self.start.floor);
        match self.open {
            Some(_) => next,
            None => next.max(EventId::from(now)),
        }
    }

    fn make_ready(&mut self, first: EventId) -> io::Result<()> {
        self.heal()?;
        let full = |open: &Open| {
            let length = open.segment.length();
            length > open.segment.start && length >= self.start.segment_bytes
        };
        match &self.open {
            Some(open) if !full(open) => Ok(()),
            _ => self.begin(first),
        }
    }

    /// Cuts off what a failed batch has left.
    fn heal(&mut self) -> io::Result<()> {
        let Some(open) = self.open.as_mut().filter(|open| open.ill) else { return Ok(()) };
        open.file.truncate(open.segment.length())?;
        if self.start.durability == Durability::Sync {
            open.file.sync()?;
        }
        open.ill = false;
        Ok(())
    }

    /// Begins another segment. Its header is written aside, so that no segment is without one.
    fn begin(&mut self, first: EventId) -> io::Result<()> {
        if let Some(stray) = &self.stray {
            remove_if_there(&*self.door, stray)?;
        }
        let path = self.start.dir.join(Segment::file_name(first));
        self.stray = Some(path.clone());
        let team = self.start.team.clone();
        let header = Header { team, first, imported: false, before: self.start.last.chain };
        let line = header.line();
        let file = replace(&*self.door, &path, line.as_bytes(), self.start.durability)?;
        let length = line.len() as u64;
        let segment = Arc::new(Segment::new(path, header, &self.start.key, length));
        if let Some(sealed) = self.open.take() {
            self.list(&sealed.segment, self.start.last, true);
        }
        self.nonces.begin(Arc::clone(&segment), self.start.last);
        self.start.last.chain = segment.base;
        self.stray = None;
        self.view.push(Arc::clone(&segment));
        self.open = Some(Open { segment, file, ill: false });
        Ok(())
    }

    /// Encodes a batch into the buffers; answers with its records and the last one's place.
    fn encode(&mut self, events: Vec<NewEvent>, first: EventId, time: Timestamp) -> (Batch, Place) {
        let (mut id, mut chain) = (first, self.start.last.chain);
        let mut batch = Batch::with_capacity(events.len());
        let Buffers { lines, payload, nonces, scratch } = &mut self.buffers;
        for buffer in [&mut *lines, &mut *payload] {
            buffer.clear();
            buffer.shrink_to(KEPT);
        }
        nonces.clear();
        let start = self.open.as_ref().map_or(0, |open| open.segment.length());
        for event in events {
            let (kind, room) = (event.kind(), event.room().clone());
            let (author, nonce) = (event.author().clone(), event.nonce().cloned());
            if let Some(nonce) = &nonce {
                let offset = start + lines.len() as u64;
                nonces.push((self.nonces.key().hash(&author, nonce.as_str()), offset));
            }
            payload.clear();
            event.encode_to(id, time, payload);
            let entry = Entry {
                id,
                time,
                kind,
                room: RoomName::as_str(&room),
                author: author.as_str(),
                nonce: nonce.as_ref().map(ois_protocol::Nonce::as_str),
                payload,
            };
            chain = entry.write(&self.start.key, chain, lines, scratch);
            let payload = payload.as_slice().into();
            batch.push(Record { id, time, kind: Some(kind), room, payload });
            id = id.next();
        }
        let last = batch.last().map_or(first, |record| record.id);
        (batch, Place { id: last, time, chain })
    }

    /// Writes what was encoded, and lets readers see it once it is as durable as promised.
    fn write(&mut self) -> io::Result<()> {
        let open = self.open.as_mut().expect("make_ready has opened one");
        let good = open.segment.length();
        open.ill = true;
        let mut written = open.file.write_at(&self.buffers.lines, good);
        if written.is_ok() && self.start.durability == Durability::Sync {
            written = open.file.sync();
        }
        if let Err(error) = written {
            // At the next append it is tried again, and nothing is written before it succeeds.
            if let Err(error) = self.heal() {
                tracing::warn!(%error, "cannot cut off a failed batch yet");
            }
            return Err(error);
        }
        open.ill = false;
        open.segment.commit(good + self.buffers.lines.len() as u64);
        Ok(())
    }
}

impl Drop for Writer {
    /// Waits for the index that is being written: the lock on the root ends after this.
    fn drop(&mut self) {
        self.nonces.wait();
    }
}

/// How much room for encoding is kept between batches, in bytes.
const KEPT: usize = 1024 * 1024;
