//! The `history` frame for who comes in: the same bytes for all until the log moves.

use std::rc::Rc;

use ois_protocol::{EventId, event};

use crate::{codec, tail::Tail};

/// Finished `history` frames, each of so many messages, as of one place in the log.
#[derive(Debug, Default)]
pub(crate) struct Histories {
    head: EventId,
    frames: Vec<(usize, Rc<[u8]>)>,
}

/// A longer frame is made anew for each who comes rather than kept.
const KEPT_BYTES: usize = 256 << 10;

impl Histories {
    /// The frame of the last `count` messages; `None` if the tail does not reach back that far
    /// although there may be older ones.
    pub(crate) fn of(&mut self, tail: &Tail, count: usize, oldest: EventId) -> Option<Rc<[u8]>> {
        if self.head != tail.head() {
            *self = Self { head: tail.head(), frames: Vec::new() };
        }
        if let Some((_, frame)) = self.frames.iter().find(|(of, _)| *of == count) {
            return Some(Rc::clone(frame));
        }
        let messages = tail.last_messages(count, oldest)?;
        let mut frame = Vec::new();
        codec::write_text(&mut frame, &event::history_frame(messages));
        let frame: Rc<[u8]> = frame.into();
        if frame.len() <= KEPT_BYTES {
            self.frames.push((count, Rc::clone(&frame)));
        }
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tail::tests::{add, record};

    fn frame(messages: &[&str]) -> Vec<u8> {
        let mut frame = Vec::new();
        let messages = messages.iter().map(|message| message.as_bytes());
        codec::write_text(&mut frame, &event::history_frame(messages));
        frame
    }

    #[test]
    fn all_who_come_share_a_frame_until_something_is_said() {
        let mut histories = Histories::default();
        let mut tail = Tail::new(EventId::ZERO, 1 << 20);
        add(&mut tail, &[record(1, 0), record(2, 0)]);
        let first = histories.of(&tail, 50, EventId::ZERO).unwrap();
        assert_eq!(*first, frame(&[r#""1""#, r#""2""#]));
        assert!(Rc::ptr_eq(&first, &histories.of(&tail, 50, EventId::ZERO).unwrap()));
        assert_eq!(*histories.of(&tail, 1, EventId::ZERO).unwrap(), frame(&[r#""2""#]));
        add(&mut tail, &[record(3, 0)]);
        let later = histories.of(&tail, 50, EventId::ZERO).unwrap();
        assert_eq!(*later, frame(&[r#""1""#, r#""2""#, r#""3""#]));
    }

    #[test]
    fn a_long_frame_is_not_kept() {
        let mut histories = Histories::default();
        let mut tail = Tail::new(EventId::ZERO, 1 << 20);
        add(&mut tail, &[record(1, KEPT_BYTES)]);
        assert!(histories.of(&tail, 50, EventId::ZERO).unwrap().len() > KEPT_BYTES);
        assert!(histories.frames.is_empty());
    }
}
