//! Drafts on their way into the log, and when a batch of them is closed.
//!
//! A sweep costs a system call for each connection, however many messages it carries. So while
//! several members talk, a batch stays open until it has as many drafts as those before it, or a few
//! looks at the sockets in a row have brought nothing new; who talks alone waits for nobody. What is
//! more than one append may hold waits for the next, in its order. And who says one thing after the
//! other, each when it has seen the one before, finds the loop awake.

use std::{cell::RefCell, collections::VecDeque};

use ois_protocol::NewEvent;

use crate::{hot::Origin, settings::BatchLimits};

/// What waits for the log.
#[derive(Default)]
pub(crate) struct Queue {
    drafts: VecDeque<(NewEvent, Origin)>,
    bytes: usize,
    limits: BatchLimits,
    /// Several have something in this batch.
    several: bool,
    /// Several had something in the batch before.
    several_before: bool,
    /// As many drafts as a batch is likely to get: the most of those before, which are forgotten by
    /// and by.
    likely: usize,
    /// Batches so far.
    batches: u32,
    /// The batch before was one draft.
    one_before: bool,
    /// Batches that are still not watched for.
    rest: u32,
}

/// Above this many bytes waiting for the disk, nobody is read from until they are written.
const FULL_BYTES: usize = 8 << 20;
/// The next batch begins with room for as many drafts as the last one had, at the most this many: a
/// draft has some hundred bytes, which moved four times while the line grew.
const ROOM: usize = 64;
/// Looks in a row that bring nothing before a batch is closed. Each is an `epoll_wait` that does not
/// wait, 0.5 to 1 µs. They are spent only on a batch that lacks somebody, and a sweep that is saved
/// for 32 talkers is worth some 150 of them.
const QUIET_LOOKS: u32 = 64;
/// Looks before a batch is closed although each brings something: those who never stop are not
/// waited for.
const MOST_LOOKS: u32 = 256;
/// Every so many batches one is not closed at the likely length, since there may be more talkers
/// than were ever gathered.
const PROBE: u32 = 16;
/// Looks for the next draft before the thread goes to sleep, 70 to 110 µs: as long as it takes on a
/// virtual machine that somebody on it is woken by what was sent, answers, and would wake the thread. With
/// 100 receivers and one message at a time, 5 % more messages a second for the same CPU; from sending to a
/// receiver that sleeps, 28 µs less than with 40 looks.
const WATCH_LOOKS: u32 = 100;
/// Batches that are not watched for after a watch in vain: a quiet room costs next to nothing.
const REST: u32 = 16;

impl Queue {
    /// An empty one, whose batches stay within these limits.
    pub(crate) fn new(limits: BatchLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Puts a draft in line.
    pub(crate) fn push(&mut self, event: NewEvent, origin: Origin) {
        let before = self.drafts.back().map(|(_, before)| before);
        self.several |= before.is_some_and(|before| !origin.is_same(before));
        self.bytes += bytes(&event);
        self.drafts.push_back((event, origin));
    }

    /// Whether so much waits that nobody should be read from.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes > FULL_BYTES
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    /// Takes the next batch out: everything, if one append may hold it.
    pub(crate) fn take(&mut self) -> Vec<(NewEvent, Origin)> {
        self.several_before = self.several;
        self.one_before = self.drafts.len() == 1;
        self.likely = self.drafts.len().max(self.likely - self.likely.div_ceil(8));
        self.batches = self.batches.wrapping_add(1);
        if self.fits() {
            self.several = false;
            self.bytes = 0;
            let room = VecDeque::with_capacity(self.drafts.len().min(ROOM));
            return std::mem::replace(&mut self.drafts, room).into();
        }
        let (count, bytes) = self.first_batch();
        self.bytes -= bytes;
        self.drafts.drain(..count).collect()
    }

    /// Whether nobody is to be waited for.
    fn waits_for_nobody(&self) -> bool {
        let is_probe = self.batches.is_multiple_of(PROBE);
        let several = self.several || self.several_before;
        !several || self.is_full() || !self.fits() || !is_probe && self.drafts.len() >= self.likely
    }

    /// Whether the next draft may come so soon that going to sleep does not pay: who says one thing
    /// after the other says the next when it has seen the one before.
    fn is_worth_watching(&mut self) -> bool {
        let rests = self.rest > 0;
        self.rest = self.rest.saturating_sub(1);
        self.one_before && !rests
    }

    /// Whether one append may hold everything.
    fn fits(&self) -> bool {
        self.drafts.len() <= self.limits.messages && self.bytes <= self.limits.bytes
    }

    /// How many drafts, and how many bytes, one append may hold. One at least: a draft that is
    /// longer than a batch is a batch.
    fn first_batch(&self) -> (usize, usize) {
        let mut total = 0;
        for (count, (event, _)) in self.drafts.iter().enumerate() {
            let next = total + bytes(event);
            if count > 0 && (count >= self.limits.messages || next > self.limits.bytes) {
                return (count, total);
            }
            total = next;
        }
        (self.drafts.len(), total)
    }
}

/// About what a draft takes.
fn bytes(event: &NewEvent) -> usize {
    let text = if let NewEvent::Message(draft) = event { draft.text.len() } else { 0 };
    text + 256
}

/// Lets everybody who is ready be read, and while several talk those as well who are about to be.
pub(crate) async fn gather(queue: &RefCell<Queue>) {
    // The scheduler looks at the sockets before it comes back.
    tokio::task::yield_now().await;
    let mut quiet = 0;
    for _ in 0..MOST_LOOKS {
        let waiting = queue.borrow().drafts.len();
        if quiet == QUIET_LOOKS || queue.borrow().waits_for_nobody() {
            return;
        }
        tokio::task::yield_now().await;
        quiet = if queue.borrow().drafts.len() > waiting { 0 } else { quiet + 1 };
    }
}

/// Waits for the next draft without sleeping, for a while, if there may be one soon.
pub(crate) async fn watch(queue: &RefCell<Queue>) {
    if !queue.borrow_mut().is_worth_watching() {
        return;
    }
    for _ in 0..WATCH_LOOKS {
        if !queue.borrow().is_empty() {
            return;
        }
        tokio::task::yield_now().await;
    }
    let mut queue = queue.borrow_mut();
    if queue.is_empty() {
        queue.rest = REST;
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use ois_protocol::{Draft, Kind, Member, Role};
    use tokio::task::{LocalSet, spawn_local, yield_now};

    use super::*;

    /// What the server says counts as another speaker each time.
    fn say(queue: &RefCell<Queue>) {
        let author = Member::new("ARIA".parse().unwrap(), Kind::Agent, Role::Agent);
        let draft = NewEvent::Message(Draft::new(author, "hi"));
        queue.borrow_mut().push(draft, Origin::Server);
    }

    fn say_after(queue: &Rc<RefCell<Queue>>, looks: u32) {
        let queue = Rc::clone(queue);
        spawn_local(async move {
            for _ in 0..looks {
                yield_now().await;
            }
            say(&queue);
        });
    }

    /// How many are gathered of those who have spoken `before` and those who will after `looks`.
    async fn gathered(queue: &Rc<RefCell<Queue>>, before: u32, looks: &[u32]) -> usize {
        (0..before).for_each(|_| say(queue));
        looks.iter().for_each(|looks| say_after(queue, *looks));
        gather(queue).await;
        queue.borrow_mut().take().len()
    }

    #[tokio::test(flavor = "current_thread")]
    async fn while_several_talk_those_about_to_speak_come_along() {
        let local = LocalSet::new();
        let looks: Vec<u32> = (1..4).map(|turn| turn * (QUIET_LOOKS - 1)).collect();
        assert_eq!(local.run_until(gathered(&Rc::default(), 2, &looks)).await, 5);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn those_who_never_stop_are_not_waited_for() {
        let local = LocalSet::new();
        let queue = Rc::default();
        let talker = Rc::clone(&queue);
        local.spawn_local(async move {
            for _ in 0..2 * MOST_LOOKS {
                say(&talker);
                yield_now().await;
            }
        });
        let gathered = local.run_until(gathered(&queue, 2, &[])).await;
        assert!(gathered.abs_diff(MOST_LOOKS as usize) < 5, "{gathered}");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_batch_as_long_as_those_before_is_closed_at_once_but_for_every_sixteenth() {
        let local = LocalSet::new();
        let queue = Rc::default();
        assert_eq!(local.run_until(gathered(&queue, 3, &[])).await, 3);
        for _ in 1..PROBE {
            assert_eq!(local.run_until(gathered(&queue, 3, &[2])).await, 3);
            // Who came too late for this batch is in none.
            local
                .run_until(async {
                    while queue.borrow().is_empty() {
                        yield_now().await;
                    }
                })
                .await;
            queue.borrow_mut().drafts.clear();
        }
        assert_eq!(local.run_until(gathered(&queue, 3, &[2])).await, 4);
        assert_eq!(local.run_until(gathered(&queue, 3, &[2])).await, 4, "now four are likely");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_batch_is_closed_when_nobody_speaks_for_some_looks() {
        let local = LocalSet::new();
        let looks = [1, QUIET_LOOKS + 3];
        assert_eq!(local.run_until(gathered(&Rc::default(), 2, &looks)).await, 3);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn who_talks_alone_waits_for_nobody() {
        let local = LocalSet::new();
        assert_eq!(local.run_until(gathered(&Rc::default(), 1, &[2])).await, 1);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_first_after_a_batch_of_several_waits_for_the_others() {
        let local = LocalSet::new();
        let queue = Rc::default();
        local.run_until(gathered(&queue, 2, &[])).await;
        assert_eq!(local.run_until(gathered(&queue, 1, &[QUIET_LOOKS - 1])).await, 2);
        // That was a batch of several again; the one after it is not, and closes at once.
        local.run_until(gathered(&queue, 1, &[])).await;
        assert_eq!(local.run_until(gathered(&queue, 1, &[2])).await, 1);
    }

    /// Whether the next draft is seen before the thread would sleep, if it comes after so many looks
    /// and the batch before was so long.
    async fn is_caught(queue: &Rc<RefCell<Queue>>, batch: usize, looks: u32) -> bool {
        (0..batch).for_each(|_| say(queue));
        queue.borrow_mut().take();
        say_after(queue, looks);
        watch(queue).await;
        let caught = !queue.borrow().is_empty();
        while queue.borrow().is_empty() {
            yield_now().await;
        }
        queue.borrow_mut().take();
        caught
    }

    #[tokio::test(flavor = "current_thread")]
    async fn who_says_one_thing_after_the_other_is_watched_for() {
        let local = LocalSet::new();
        let queue = Rc::default();
        for _ in 0..3 {
            assert!(local.run_until(is_caught(&queue, 1, WATCH_LOOKS - 1)).await);
        }
        assert!(!local.run_until(is_caught(&queue, 2, 1)).await, "many at once need no watch");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn after_a_watch_in_vain_the_next_batches_are_not_watched_for() {
        let local = LocalSet::new();
        let queue = Rc::default();
        assert!(!local.run_until(is_caught(&queue, 1, WATCH_LOOKS + 1)).await);
        for _ in 0..REST {
            assert!(!local.run_until(is_caught(&queue, 1, 1)).await);
        }
        assert!(local.run_until(is_caught(&queue, 1, 1)).await);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_full_queue_is_written_at_once() {
        let local = LocalSet::new();
        let queue = Rc::default();
        say(&queue);
        queue.borrow_mut().bytes = FULL_BYTES + 1;
        assert_eq!(local.run_until(gathered(&queue, 1, &[2])).await, 2);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn more_than_a_batch_is_written_at_once() {
        let local = LocalSet::new();
        let limits = BatchLimits { messages: 2, ..BatchLimits::default() };
        let queue = Rc::new(RefCell::new(Queue::new(limits)));
        assert_eq!(local.run_until(gathered(&queue, 3, &[2])).await, 2);
        assert_eq!(queue.borrow().drafts.len(), 1, "nobody was waited for");
    }

    /// The lengths of the texts of each batch, until nothing waits.
    fn batches(limits: BatchLimits, texts: &[usize]) -> Vec<Vec<usize>> {
        let mut queue = Queue::new(limits);
        let author = Member::new("ARIA".parse().unwrap(), Kind::Agent, Role::Agent);
        for length in texts {
            let draft = Draft::new(author.clone(), "x".repeat(*length));
            queue.push(NewEvent::Message(draft), Origin::Server);
        }
        let lengths = |batch: Vec<(NewEvent, Origin)>| {
            batch.iter().map(|(event, _)| bytes(event) - 256).collect()
        };
        let mut batches = Vec::new();
        while !queue.is_empty() {
            batches.push(lengths(queue.take()));
        }
        assert_eq!(queue.bytes, 0, "all is accounted for");
        batches
    }

    #[test]
    fn a_batch_holds_no_more_messages_than_was_said_and_the_rest_follows_in_order() {
        let limits = BatchLimits { messages: 2, ..BatchLimits::default() };
        assert_eq!(batches(limits, &[1, 2, 3, 4, 5]), [vec![1, 2], vec![3, 4], vec![5]]);
        assert_eq!(batches(limits, &[1, 2]), [[1, 2]]);
    }

    #[test]
    fn a_batch_holds_no_more_bytes_than_was_said_unless_one_message_does() {
        let limits = BatchLimits { bytes: 1000, ..BatchLimits::default() };
        let wanted = [vec![244, 244], vec![244, 10], vec![2000], vec![1]];
        assert_eq!(batches(limits, &[244, 244, 244, 10, 2000, 1]), wanted);
        assert_eq!(batches(limits, &[244, 244]), [[244, 244]], "a thousand bytes fit");
    }

    #[test]
    fn by_default_what_waits_is_one_batch() {
        assert_eq!(batches(BatchLimits::default(), &[1; 1024]).len(), 1);
    }
}
