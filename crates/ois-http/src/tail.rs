//! The last few MiB of the log as finished frames: encoded once, the same bytes for everybody.
//!
//! A position in the tail is an offset in the endless stream of all frames since the start of the
//! process. What a connection is not shown ([`Visibility`]) is skipped by the entries, each of which
//! knows where its frame ends; a block that holds nothing but chat goes out whole.

use std::collections::VecDeque;

use ois_chat::{Class, Visibility};
use ois_protocol::{EventId, event};
use ois_store::Record;

use crate::codec;

/// Frames in order, in blocks.
#[derive(Debug)]
pub(crate) struct Tail {
    blocks: VecDeque<Block>,
    /// The last event that is older than everything here.
    base: EventId,
    /// The last event that may be shown.
    head: EventId,
    /// The offset after the last frame.
    end: u64,
    limit_bytes: usize,
}

#[derive(Debug)]
struct Block {
    /// The offset of its first byte.
    start: u64,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// Whether there is something in it that not everybody is shown.
    mixed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    id: EventId,
    /// Where its frame ends within the block.
    end: usize,
    class: Class,
}

/// Frames that stand side by side in the tail and may go out together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stretch<'a> {
    /// The offset of its first byte.
    pub(crate) start: u64,
    /// What goes out.
    pub(crate) bytes: &'a [u8],
}

/// Records that do not follow what the tail has: to add them would leave out what stands between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tail ends at event {head}, and the records follow event {after}")]
pub(crate) struct Gap {
    head: EventId,
    after: EventId,
}

/// Frames are gathered in blocks of this many bytes, so that one slice carries many of them.
const BLOCK_BYTES: usize = 64 << 10;

impl Tail {
    /// A tail that begins after `base` and keeps about this many bytes.
    pub(crate) fn new(base: EventId, limit_bytes: usize) -> Self {
        Self { blocks: VecDeque::new(), base, head: base, end: 0, limit_bytes }
    }

    /// The last event that may be shown.
    pub(crate) fn head(&self) -> EventId {
        self.head
    }

    /// The offset after the last frame.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// The offset of the first frame.
    fn start(&self) -> u64 {
        self.blocks.front().map_or(self.end, |block| block.start)
    }

    /// Adds the records that the log has behind the event `after`, which is to be the head. An event
    /// that nobody is shown over a WebSocket moves the head only. A small batch is kept in one block,
    /// so that one slice carries it.
    ///
    /// # Errors
    /// [`Gap`] if the tail does not end at `after`; then nothing is added.
    pub(crate) fn push(&mut self, after: EventId, records: &[Record]) -> Result<(), Gap> {
        if after != self.head || records.first().is_some_and(|first| first.id <= after) {
            return Err(Gap { head: self.head, after });
        }
        let bytes = records.iter().map(|record| framed(&record.payload)).sum();
        if bytes <= BLOCK_BYTES / 4 {
            self.make_room(bytes);
        }
        for record in records {
            if let Some(class) = Class::of(record) {
                self.push_frame(record.id, class, &record.payload);
            }
            self.head = record.id;
        }
        Ok(())
    }

    /// From where on frames would be kept if [`Tail::trim`] were called now; `None` if there is
    /// not yet enough to be worth it. Whoever stands before that must be moved first.
    pub(crate) fn trim_at(&self) -> Option<u64> {
        let over = (self.end - self.start()) as usize;
        if over <= self.limit_bytes + self.limit_bytes / 8 {
            return None;
        }
        let keep_from = self.end - self.limit_bytes as u64;
        let first = self.blocks.iter().rev().find(|block| block.start <= keep_from)?;
        (first.start > self.start()).then_some(first.start)
    }

    /// Forgets what lies before this offset, which [`Tail::trim_at`] gave.
    pub(crate) fn trim(&mut self, from: u64) {
        while self.blocks.front().is_some_and(|block| block.start < from) {
            if let Some(last) =
                self.blocks.pop_front().and_then(|block| block.entries.last().copied())
            {
                self.base = last.id;
            }
        }
    }

    /// The offset after this event, or `None` if the tail begins later.
    pub(crate) fn after(&self, id: EventId) -> Option<u64> {
        if id >= self.head {
            return Some(self.end);
        }
        if id < self.base {
            return None;
        }
        let at = self
            .blocks
            .partition_point(|block| block.entries.last().is_some_and(|last| last.id <= id));
        let Some(block) = self.blocks.get(at) else { return Some(self.end) };
        let before = block.entries.partition_point(|entry| entry.id <= id);
        let within = before.checked_sub(1).map_or(0, |at| block.entries[at].end);
        Some(block.start + within as u64)
    }

    /// What is left of the frame that this offset cuts in two (nothing, on a boundary), and the
    /// event that has been sent once that is out.
    pub(crate) fn rest_of_frame(&self, offset: u64) -> (&[u8], EventId) {
        let Some(at) = self.block_at(offset) else { return (&[], self.head) };
        let block = &self.blocks[at];
        let within = (offset - block.start) as usize;
        let index = block.entries.partition_point(|entry| entry.end <= within);
        let begin = index.checked_sub(1).map_or(0, |at| block.entries[at].end);
        if begin == within {
            let before = index.checked_sub(1).map(|at| block.entries[at].id);
            let earlier =
                at.checked_sub(1).and_then(|at| self.blocks[at].entries.last().map(|last| last.id));
            return (&[], before.or(earlier).unwrap_or(self.base));
        }
        let entry = block.entries[index];
        (&block.bytes[within..entry.end], entry.id)
    }

    /// Everything after this offset, if it stands side by side and is all shown.
    pub(crate) fn rest(&self, offset: u64, visibility: Visibility) -> Option<&[u8]> {
        let Some(block) = self.blocks.back() else { return Some(&[]) };
        let within = offset.checked_sub(block.start)? as usize;
        if within >= block.bytes.len() {
            return Some(&[]);
        }
        let stretch = block.next_shown(within, visibility)?;
        let is_all = stretch.start == offset && within + stretch.bytes.len() == block.bytes.len();
        is_all.then_some(stretch.bytes)
    }

    /// Fills in what is to be shown after this offset, as far as there is place. Nothing means that
    /// there is nothing up to the end.
    pub(crate) fn stretches<'a>(
        &'a self,
        offset: u64,
        visibility: Visibility,
        stretches: &mut [Stretch<'a>],
    ) -> usize {
        let Some(first) = self.block_at(offset) else { return 0 };
        let mut count = 0;
        for block in self.blocks.range(first..) {
            let mut within = offset.saturating_sub(block.start) as usize;
            while let Some(stretch) = block.next_shown(within, visibility) {
                if count == stretches.len() {
                    return count;
                }
                within = (stretch.start - block.start) as usize + stretch.bytes.len();
                stretches[count] = stretch;
                count += 1;
            }
        }
        count
    }

    /// The JSON of the last messages, oldest first; `None` if the tail does not reach back that far
    /// although there may be older ones.
    pub(crate) fn last_messages(&self, count: usize, oldest: EventId) -> Option<Vec<&[u8]>> {
        let mut found = Vec::with_capacity(count);
        for block in self.blocks.iter().rev() {
            for (index, entry) in block.entries.iter().enumerate().rev() {
                if found.len() == count {
                    break;
                }
                let begin = index.checked_sub(1).map_or(0, |at| block.entries[at].end);
                found.extend(event::message_json(codec::payload(&block.bytes[begin..entry.end])));
            }
        }
        let whole = found.len() == count || self.base < oldest || self.base == EventId::ZERO;
        found.reverse();
        whole.then_some(found)
    }

    fn push_frame(&mut self, id: EventId, class: Class, payload: &[u8]) {
        self.make_room(framed(payload));
        let block = self.blocks.back_mut().expect("there is one with room");
        codec::write_text(&mut block.bytes, payload);
        block.entries.push(Entry { id, end: block.bytes.len(), class });
        block.mixed |= class != Class::Chat;
        self.end = block.start + block.bytes.len() as u64;
    }

    /// Begins a block if the last one has no room for so many bytes.
    fn make_room(&mut self, bytes: usize) {
        let fits = |block: &Block| block.bytes.len() + bytes <= BLOCK_BYTES;
        if !self.blocks.back().is_some_and(fits) {
            let (start, entries) = (self.end, Vec::new());
            let bytes = Vec::with_capacity(BLOCK_BYTES.max(bytes));
            self.blocks.push_back(Block { start, bytes, entries, mixed: false });
        }
    }

    /// The block that holds the byte at this offset; `None` at the end.
    fn block_at(&self, offset: u64) -> Option<usize> {
        if offset >= self.end {
            return None;
        }
        // Nearly everybody reads in the last block.
        let last = self.blocks.len().checked_sub(1)?;
        if self.blocks[last].start <= offset {
            return Some(last);
        }
        self.blocks.partition_point(|block| block.start <= offset).checked_sub(1)
    }
}

/// The most bytes that a frame of this payload takes.
fn framed(payload: &[u8]) -> usize {
    payload.len() + 10
}

impl Block {
    /// The next frames from here on that stand side by side and are all shown.
    fn next_shown(&self, within: usize, visibility: Visibility) -> Option<Stretch<'_>> {
        if within >= self.bytes.len() {
            return None;
        }
        if !self.mixed {
            return Some(self.stretch(within, self.bytes.len()));
        }
        let first = self.entries.partition_point(|entry| entry.end <= within);
        let mut start = within;
        let mut shown = self.entries[first..].iter();
        let begin = shown.by_ref().find(|entry| {
            let sees = visibility.sees(entry.class);
            start = if sees { start } else { entry.end };
            sees
        })?;
        let end =
            shown.take_while(|entry| visibility.sees(entry.class)).last().unwrap_or(begin).end;
        Some(self.stretch(start, end))
    }

    fn stretch(&self, from: usize, to: usize) -> Stretch<'_> {
        Stretch { start: self.start + from as u64, bytes: &self.bytes[from..to] }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use ois_protocol::{EventKind, RoomName, Timestamp};

    use super::*;

    /// A message whose text is its id and so many letters.
    pub(crate) fn record(id: u64, len: usize) -> Record {
        let text = "x".repeat(len);
        Record {
            id: EventId::new(id).unwrap(),
            time: Timestamp::from_ms(0),
            kind: Some(EventKind::Message),
            room: RoomName::main(),
            payload: format!(r#"{{"type":"message","message":"{id}{text}"}}"#).into_bytes().into(),
        }
    }

    /// Adds records behind the head.
    pub(crate) fn add(tail: &mut Tail, records: &[Record]) {
        tail.push(tail.head(), records).unwrap();
    }

    fn id(number: u64) -> EventId {
        EventId::new(number).unwrap()
    }

    fn read(tail: &Tail, offset: u64) -> Vec<u8> {
        read_as(tail, offset, Visibility::default())
    }

    fn read_as(tail: &Tail, offset: u64, visibility: Visibility) -> Vec<u8> {
        let mut stretches = [Stretch::default(); 64];
        let count = tail.stretches(offset, visibility, &mut stretches);
        stretches[..count].iter().flat_map(|stretch| stretch.bytes.to_vec()).collect()
    }

    #[test]
    fn from_every_event_on_exactly_the_later_ones_are_read() {
        let mut tail = Tail::new(id(9), 1 << 20);
        let records: Vec<Record> = (10..200).map(|at| record(at, 1000)).collect();
        add(&mut tail, &records);
        for after in 9..200 {
            let mut expected = Vec::new();
            for record in records.iter().filter(|record| record.id > id(after)) {
                codec::write_text(&mut expected, &record.payload);
            }
            assert_eq!(read(&tail, tail.after(id(after)).unwrap()), expected, "after {after}");
        }
        assert_eq!(tail.after(id(8)), None);
        assert_eq!(tail.head(), id(199));
    }

    fn delivery(id: u64, agent: &str) -> Record {
        let payload = format!(r#"{{"type":"delivery","message":{id},"agent":"{agent}"}}"#);
        let kind = Some(EventKind::Delivery);
        Record { kind, payload: payload.into_bytes().into(), ..record(id, 1) }
    }

    #[test]
    fn each_is_shown_what_it_asked_for_from_every_place_on() {
        let mut tail = Tail::new(id(0), 1 << 20);
        let records: Vec<Record> = (1..60)
            .map(|at| match at % 5 {
                0 | 3 => delivery(at, "HKH"),
                1 => delivery(at, "ARIA"),
                _ => record(at, 300),
            })
            .collect();
        add(&mut tail, &records);
        for visibility in [
            Visibility::default(),
            Visibility::everything(),
            Visibility::own(&"ARIA".parse().unwrap()),
        ] {
            for after in 0..60 {
                let mut expected = Vec::new();
                let later = records.iter().filter(|record| record.id > id(after));
                for record in later.filter(|record| visibility.sees(Class::of(record).unwrap())) {
                    codec::write_text(&mut expected, &record.payload);
                }
                let offset = tail.after(id(after)).unwrap();
                assert_eq!(
                    read_as(&tail, offset, visibility),
                    expected,
                    "after {after} as {visibility:?}"
                );
            }
        }
    }

    #[test]
    fn a_frame_cut_in_two_is_completed_from_what_is_left_of_it() {
        let mut tail = Tail::new(id(0), 1 << 20);
        add(&mut tail, &[record(1, 10), record(2, 10)]);
        let first = tail.after(id(1)).unwrap();
        assert_eq!(tail.rest_of_frame(0), (&[][..], id(0)));
        assert_eq!(tail.rest_of_frame(first), (&[][..], id(1)));
        let (rest, done) = tail.rest_of_frame(first - 3);
        assert_eq!((rest.len(), done), (3, id(1)));
        let (rest, done) = tail.rest_of_frame(first + 1);
        assert_eq!((rest.len() as u64, done), (tail.end() - first - 1, id(2)));
    }

    #[test]
    fn what_is_too_old_is_forgotten_in_whole_blocks() {
        let mut tail = Tail::new(id(0), 2 * BLOCK_BYTES);
        let mut next = 1;
        let from = loop {
            add(&mut tail, &[record(next, 1000)]);
            next += 1;
            if let Some(from) = tail.trim_at() {
                break from;
            }
        };
        assert!(tail.end() - from >= 2 * BLOCK_BYTES as u64);
        tail.trim(from);
        assert_eq!(tail.trim_at(), None);
        assert_eq!(tail.after(id(1)), None);
        let (_, base) = tail.rest_of_frame(from);
        assert_eq!(tail.after(base), Some(from));
    }

    #[test]
    fn the_last_messages_come_from_the_tail_only_if_it_reaches_back() {
        let mut tail = Tail::new(id(5), 1 << 20);
        add(&mut tail, &[record(6, 1), record(7, 1)]);
        assert_eq!(tail.last_messages(2, id(1)).unwrap().len(), 2);
        assert_eq!(tail.last_messages(3, id(1)), None);
        assert_eq!(tail.last_messages(3, id(6)).unwrap().len(), 2);
    }

    #[test]
    fn records_that_do_not_follow_the_head_are_refused() {
        let mut tail = Tail::new(id(5), 1 << 20);
        assert!(tail.push(id(6), &[record(7, 1)]).is_err(), "6 is left out");
        assert!(tail.push(id(5), &[record(5, 1)]).is_err(), "5 is there already");
        assert!(tail.push(id(5), &[record(9, 1)]).is_ok(), "the log has nothing between");
        assert_eq!(tail.head(), id(9));
    }
}
