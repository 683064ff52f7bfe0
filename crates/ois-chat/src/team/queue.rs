//! The requests that wait for the log, in order.

use std::collections::VecDeque;

use ois_protocol::{Chat, Delivery, DeliveryId, Member, Nonce, Run, ShortName};

use super::output::{ConnId, RequestId};

/// The most that one append takes, which is one write and one sync; the rest waits for the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Messages and other events.
    pub messages: usize,
    /// Bytes that they take before they are encoded, about. A longer message goes alone.
    pub bytes: usize,
}

impl Default for BatchLimits {
    /// 8,192 events and 8 MiB, which is beyond any gain: of 8,192 messages each costs as much as of
    /// 512, and a sync is long shared.
    fn default() -> Self {
        Self { messages: 8192, bytes: 8 << 20 }
    }
}

/// A request that is not decided yet.
#[derive(Clone, Debug)]
pub(super) enum Request {
    /// A member says something.
    Say { origin: Origin, author: Member, chat: Chat },
    /// A monitor reports how far a mention came.
    Delivery { conn: ConnId, agent: Member, said: Delivery },
    /// A monitor reports a turn of its agent.
    Run { conn: ConnId, agent: Member, said: Run },
    /// A person drives a delivery again.
    Retry { request: RequestId, delivery: DeliveryId },
}

/// Who is told what became of something that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A connection.
    Conn(ConnId),
    /// A request over HTTP.
    Request(RequestId),
}

/// What a driver sees of the requests that wait for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many requests wait.
    pub requests: usize,
    /// Whether they came from more than one connection.
    pub of_several: bool,
    /// Whether they are so many bytes that no member should be read from.
    pub is_full: bool,
    /// Whether one append may hold them all.
    pub fits_one_batch: bool,
}

/// The requests that wait for the log.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Request>,
    bytes: usize,
    limits: BatchLimits,
    /// Whether requests of more than one origin wait.
    several: bool,
}

/// Above this many bytes waiting for the log, no member is read from until they are written.
const FULL_BYTES: usize = 8 << 20;
/// The next batch begins with room for as many requests as the last one had, at the most this many: a
/// request has some hundred bytes, which moved four times while the queue grew.
const ROOM: usize = 64;

impl Queue {
    pub(super) fn new(limits: BatchLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    pub(super) fn push(&mut self, request: Request) {
        let conn = request.conn();
        let is_same = |before: &Request| conn.is_some() && before.conn() == conn;
        self.several |= !self.waiting.back().is_none_or(is_same);
        self.bytes += request.bytes();
        self.waiting.push_back(request);
    }

    /// Puts requests back in front of all others.
    pub(super) fn put_back(&mut self, requests: Vec<Request>) {
        for request in requests.into_iter().rev() {
            self.bytes += request.bytes();
            self.waiting.push_front(request);
        }
    }

    /// What a driver sees of what waits.
    pub(super) fn waiting(&self) -> Waiting {
        Waiting {
            requests: self.waiting.len(),
            of_several: self.several,
            is_full: self.bytes > FULL_BYTES,
            fits_one_batch: self.fits_one_batch(),
        }
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn fits_one_batch(&self) -> bool {
        self.waiting.len() <= self.limits.messages && self.bytes <= self.limits.bytes
    }

    /// Takes the requests of the next batch out: everything, if one append may hold it.
    pub(super) fn take(&mut self) -> Vec<Request> {
        if self.fits_one_batch() {
            self.several = false;
            self.bytes = 0;
            let room = VecDeque::with_capacity(self.waiting.len().min(ROOM));
            return std::mem::replace(&mut self.waiting, room).into();
        }
        let (count, bytes) = self.first_batch();
        self.bytes -= bytes;
        self.waiting.drain(..count).collect()
    }

    /// How many requests, and how many bytes, one append may hold. One request at least: a request
    /// that is longer than a batch is a batch.
    fn first_batch(&self) -> (usize, usize) {
        let mut total = 0;
        for (count, request) in self.waiting.iter().enumerate() {
            let next = total + request.bytes();
            if count > 0 && (count >= self.limits.messages || next > self.limits.bytes) {
                return (count, total);
            }
            total = next;
        }
        (self.waiting.len(), total)
    }
}

impl Request {
    /// The sender and the sender's own name for what it says; `None` if it has none.
    pub(super) fn key(&self) -> Option<(&ShortName, &Nonce)> {
        match self {
            Self::Say { author, chat, .. } => Some((&author.name, chat.nonce.as_ref()?)),
            Self::Delivery { .. } | Self::Run { .. } | Self::Retry { .. } => None,
        }
    }

    /// The connection that it came over, if it came over one.
    fn conn(&self) -> Option<ConnId> {
        match self {
            Self::Say { origin: Origin::Conn(conn), .. }
            | Self::Delivery { conn, .. }
            | Self::Run { conn, .. } => Some(*conn),
            Self::Say { origin: Origin::Request(_), .. } | Self::Retry { .. } => None,
        }
    }

    /// About how many bytes its event takes.
    fn bytes(&self) -> usize {
        let text = if let Self::Say { chat, .. } = self { chat.text.len() } else { 0 };
        text + EVENT_BYTES
    }
}

/// About how many bytes an event takes beside its text.
const EVENT_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use ois_protocol::{Kind, Role};

    use super::*;

    /// The lengths of the texts of each batch, until nothing waits.
    fn batches(limits: BatchLimits, texts: &[usize]) -> Vec<Vec<usize>> {
        let mut queue = Queue::new(limits);
        let author = Member::new("ARIA".parse().unwrap(), Kind::Agent, Role::Agent);
        for length in texts {
            let chat = Chat { text: "x".repeat(*length), ..Chat::in_main() };
            let origin = Origin::Request(RequestId(1));
            queue.push(Request::Say { origin, author: author.clone(), chat });
        }
        let lengths =
            |batch: Vec<Request>| batch.iter().map(|it| it.bytes() - EVENT_BYTES).collect();
        let mut batches = Vec::new();
        while !queue.is_empty() {
            batches.push(lengths(queue.take()));
        }
        assert_eq!(queue.bytes, 0, "all is accounted for");
        batches
    }

    #[test]
    fn a_batch_holds_no_more_messages_than_its_limit_and_the_rest_follows_in_order() {
        let limits = BatchLimits { messages: 2, ..BatchLimits::default() };
        assert_eq!(batches(limits, &[1, 2, 3, 4, 5]), [vec![1, 2], vec![3, 4], vec![5]]);
        assert_eq!(batches(limits, &[1, 2]), [[1, 2]]);
    }

    #[test]
    fn a_batch_holds_no_more_bytes_than_its_limit_unless_one_message_does() {
        let limits = BatchLimits { bytes: 1000, ..BatchLimits::default() };
        let wanted = [vec![244, 244], vec![244, 10], vec![2000], vec![1]];
        assert_eq!(batches(limits, &[244, 244, 244, 10, 2000, 1]), wanted);
        assert_eq!(batches(limits, &[244, 244]), [[244, 244]], "a thousand bytes fit");
    }

    #[test]
    fn by_default_everything_that_waits_is_one_batch() {
        assert_eq!(batches(BatchLimits::default(), &[1; 1024]).len(), 1);
    }
}
