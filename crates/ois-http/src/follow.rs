//! Where a connection stands in the log, and how it gets to the end of it.

use std::rc::Rc;

use ois_chat::{Class, team::Start};
use ois_protocol::{EventId, Record, ServerFrame, event};
use ois_store::{Limit, ReadError, Store};

use crate::{
    codec,
    conn::{Conn, Place},
    hot::Hot,
    tail::Tail,
};

/// Messages that the tail is filled with at the start, as many as a history has.
const HISTORY: usize = 100;
/// How much of the log is read at once for a connection that is behind.
const CHUNK: Limit = Limit { records: 2048, bytes: 256 << 10 };

impl Hot {
    /// Sends what was said before now, or lets a resuming peer read on where it was. Answers with how
    /// many messages have to be read from disk, if the tail does not hold them
    /// ([`Hot::history_from_disk`]).
    pub(crate) fn start(&self, conn: &Conn, start: Start) -> Option<usize> {
        let tail = self.tail.borrow();
        // A peer that signs in again may be in the middle of a frame: its rest goes first.
        conn.leave_tail(&tail, u64::MAX);
        let (count, visibility) = match start {
            Start::Resume { after, visibility } => {
                conn.put(|own| codec::write_text(own, &event::history_frame([])));
                let place = tail.after(after).map_or(Place::Behind(after), Place::Tail);
                conn.follow(place, visibility);
                conn.resume();
                return None;
            }
            Start::History { count, visibility } => (count, visibility),
        };
        let frame = self.histories.borrow_mut().of(&tail, count, self.store.oldest());
        let Some(frame) = frame else {
            conn.follow(Place::Nowhere, visibility);
            return Some(count);
        };
        conn.put_shared(&frame);
        conn.follow(Place::Tail(tail.end()), visibility);
        None
    }

    /// Sends a connection the last messages, read from disk, and lets it follow the log after them.
    pub(crate) async fn history_from_disk(
        &self,
        conn: &Conn,
        count: usize,
    ) -> Result<(), ReadError> {
        let head = self.tail.borrow().head();
        let mut before = head.next();
        let mut found = Vec::new();
        while found.len() < count {
            let limit = Limit { records: count, bytes: 4 << 20 };
            let records = self.store.read_before(before, limit).await?;
            let Some(first) = records.first() else { break };
            before = first.id;
            let is_chat = |record: &Record| Class::of(record) == Some(Class::Chat);
            let wanted = records.into_iter().rev().filter(is_chat);
            found.extend(wanted.take(count - found.len()).map(|record| record.payload));
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
        let (visibility, mut last, mut frames) = (conn.visibility(), after, conn.spare());
        let mut pass = |record: Record<&[u8]>| {
            if record.id > head {
                return;
            }
            if Class::of(&record).is_some_and(|class| visibility.sees(class)) {
                codec::write_text(&mut frames, record.payload);
            }
            last = record.id;
        };
        self.store.visit(after, CHUNK, &mut pass).await?;
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

    /// Where to read on after this event.
    fn place_after(&self, id: EventId) -> Place {
        self.tail.borrow().after(id).map_or(Place::Behind(id), Place::Tail)
    }
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
    let records = store.read_before(head.next(), Limit { records: HISTORY, bytes }).await?;
    let base = records.first().map_or(head, |first| first.id.before());
    let mut tail = Tail::new(base, bytes);
    tail.push(&records);
    Ok(tail)
}

/// A frame as JSON, to be shared by its receivers.
pub(crate) fn json(frame: &ServerFrame) -> Rc<[u8]> {
    serde_json::to_vec(frame).expect("frames have only text keys").into()
}
