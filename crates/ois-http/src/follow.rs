//! Where a connection stands in the log, and how it gets to the end of it.

use std::rc::Rc;

use ois_chat::{Class, team::Start};
use ois_protocol::{EventId, EventKind, Record, ServerFrame, event};
use ois_store::{Filter, Limit, ReadError, Store};

use crate::{
    codec,
    conn::{Conn, Place},
    hot::{Hot, Write},
    tail::{Gap, Tail},
};

/// Messages that the tail is filled with at the start, as many as a history has.
const HISTORY: usize = 100;
/// How much of the log is read at once for everybody. A batch of usual size comes as a whole.
const PAGE: Limit = Limit { records: 65_536, bytes: 32 << 20 };
/// How much of the log is read at once for a connection that is behind.
const CHUNK: Limit = Limit { records: 2048, bytes: 256 << 10 };

impl Hot {
    /// Sends what was said before now, or lets a resuming peer read on where it was. If the tail does
    /// not hold the messages, the connection's own task reads them ([`Hot::history_from_disk`]).
    pub(crate) fn start(&self, conn: &Conn, start: Start) {
        let tail = self.tail.borrow();
        // A peer that signs in again may be in the middle of a frame: its rest goes first.
        conn.leave_tail(&tail, u64::MAX);
        let (count, visibility) = match start {
            Start::Resume { after, visibility } => {
                conn.put(|own| codec::write_text(own, &event::history_frame([])));
                let place = tail.after(after).map_or(Place::Behind(after), Place::Tail);
                conn.follow(place, visibility);
                conn.resume();
                return;
            }
            Start::History { count, visibility } => (count, visibility),
        };
        let frame = self.histories.borrow_mut().of(&tail, count, self.store.oldest());
        let Some(frame) = frame else {
            conn.follow(Place::Nowhere, visibility);
            conn.want_history(count);
            return;
        };
        conn.put_shared(&frame);
        conn.follow(Place::Tail(tail.end()), visibility);
    }

    /// Sends a connection the last messages, read from disk, and lets it follow the log after them.
    pub(crate) async fn history_from_disk(
        &self,
        conn: &Conn,
        count: usize,
    ) -> Result<(), ReadError> {
        let head = self.tail.borrow().head();
        let chat = Filter { kinds: Some(vec![EventKind::Message]), ..Filter::default() };
        let mut before = head.next();
        let mut found = Vec::new();
        while found.len() < count {
            let limit = Limit { records: count, bytes: 4 << 20 };
            let records = self.store.read_before(before, &chat, limit).await?.records;
            let Some(first) = records.first() else { break };
            before = first.id;
            let shown = records.into_iter().rev().filter(|it| Class::of(it).is_some());
            found.extend(shown.take(count - found.len()).map(|record| record.payload));
        }
        let messages = found.iter().rev().filter_map(|payload| event::message_json(payload));
        conn.put(|own| codec::write_text(own, &event::history_frame(messages)));
        conn.move_to(self.place_after(head));
        Ok(())
    }

    /// Reads the next piece of the log for a connection that is behind, and moves it into the tail as
    /// soon as that reaches back to it. Its memory is one piece, however far it is behind.
    pub(crate) async fn read_behind(&self, conn: &Conn) -> Result<(), ReadBehindError> {
        let Place::Behind(after) = conn.place() else { return Ok(()) };
        // What is on disk but not yet in the tail is not yet to be seen.
        let head = self.tail.borrow().head();
        let (visibility, mut frames) = (conn.visibility(), conn.spare());
        let mut pass = |record: Record<&[u8]>| {
            if record.id > head {
                return;
            }
            if Class::of(&record).is_some_and(|class| visibility.sees(class)) {
                codec::write_text(&mut frames, record.payload);
            }
        };
        // The last records that were looked at may be damaged: they are passed over.
        let last = self.store.visit(after, &Filter::default(), CHUNK, &mut pass).await?.min(head);
        if last == after {
            return Err(ReadBehindError::Ends);
        }
        let place = self.place_after(last);
        conn.pass(frames, place);
        if matches!(place, Place::Behind(_)) {
            // However fast the peer reads: between two pieces everybody else has a turn.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Reads what the log has behind the tail, by whatever writer, and hands every record to the tail
    /// and to the team. The caller holds the turn.
    pub(crate) async fn catch_up(&self) -> Result<(), CatchUpError> {
        let head = *self.store.head().borrow();
        loop {
            let after = self.tail.borrow().head();
            if after >= head {
                return Ok(());
            }
            let page = self.store.read(after, &Filter::default(), PAGE).await?;
            let Some(first) = page.records.first() else { return Err(CatchUpError::Ends(after)) };
            let is_old = after == EventId::ZERO && first.time < self.started;
            self.tail.borrow_mut().push(after, &page.records)?;
            self.metrics.stored(&page.records);
            for record in &page.records {
                let fact = self.team.borrow_mut().stored(record);
                if let Some(fact) = fact {
                    self.metrics.saw(&fact);
                    self.progress.count();
                }
            }
            if is_old {
                self.skip_history();
            }
            self.carry_out(Write::WithSweep);
            self.sweep();
            self.trim();
        }
    }

    /// The log was empty, and what stands in it now is older than this process: it was imported. A
    /// connection that follows goes on behind it, since it is history and not news that wakes.
    fn skip_history(&self) {
        let tail = self.tail.borrow();
        for conn in self.conns.borrow().iter() {
            if matches!(conn.place(), Place::Tail(_)) {
                conn.move_to(Place::Tail(tail.end()));
            }
        }
    }

    /// Where to read on after this event.
    fn place_after(&self, id: EventId) -> Place {
        self.tail.borrow().after(id).map_or(Place::Behind(id), Place::Tail)
    }
}

/// Why the loop cannot catch up with the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CatchUpError {
    /// The log cannot be read there.
    #[error("cannot read the log")]
    Read(#[from] ReadError),
    /// The log has nothing behind this event, although it says that it ends later.
    #[error("the log has nothing behind event {0}")]
    Ends(EventId),
    /// What was read does not follow what the tail has.
    #[error("cannot go on with the tail")]
    Gap(#[from] Gap),
}

/// Why a connection cannot catch up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadBehindError {
    /// The log cannot be read there.
    #[error("cannot read the log")]
    Read(#[from] ReadError),
    /// The log has nothing between the connection's place and the tail.
    #[error("the log ends before the tail begins")]
    Ends,
}

/// The log's end as finished frames: at least as many messages as a history has.
pub(crate) async fn read_tail(store: &dyn Store, bytes: usize) -> Result<Tail, ReadError> {
    let head = *store.head().borrow();
    let (all, limit) = (Filter::default(), Limit { records: HISTORY, bytes });
    let records = store.read_before(head.next(), &all, limit).await?.records;
    let base = records.first().map_or(head, |first| first.id.before());
    let mut tail = Tail::new(base, bytes);
    tail.push(base, &records).expect("it is empty and begins there");
    Ok(tail)
}

/// A frame as JSON, to be shared by its receivers.
pub(crate) fn json(frame: &ServerFrame) -> Rc<[u8]> {
    serde_json::to_vec(frame).expect("frames have only text keys").into()
}
