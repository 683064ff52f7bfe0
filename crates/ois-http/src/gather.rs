//! When a batch is closed.
//!
//! A sweep costs a system call for each connection, however many messages it carries. So while
//! several members talk, a batch stays open until it has as many requests as those before it, or a few
//! looks at the sockets in a row have brought nothing new; a member who talks alone waits for nobody.
//! And a member who says one thing after the other, each on having seen the one before, finds the loop
//! awake.

use std::cell::RefCell;

use ois_chat::team::Waiting;

/// What is remembered of the batches before.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    /// Several connections had something in the last batch.
    several_before: bool,
    /// As many requests as a batch is likely to get: the most of those before, which are forgotten by
    /// and by.
    likely: usize,
    /// How many batches there were.
    batches: u32,
    /// The last batch was one request.
    one_before: bool,
    /// How many batches are still not watched for.
    rest: u32,
}

/// Looks in a row that bring nothing before a batch is closed. Each is an `epoll_wait` that does not
/// wait, 0.5 to 1 µs. They are spent only on a batch that lacks somebody, and a sweep that is saved
/// for 32 talkers is worth some 150 of them.
const QUIET_LOOKS: u32 = 64;
/// Looks before a batch is closed although each brings something: members who never stop are not
/// waited for.
const MOST_LOOKS: u32 = 256;
/// Every so many batches one is not closed at the likely length, since there may be more talkers
/// than were ever gathered.
const PROBE: u32 = 16;
/// Looks for the next request before the thread goes to sleep, 70 to 110 µs: as long as it takes on a
/// virtual machine that somebody on it is woken by what was sent, answers, and would wake the thread. With
/// 100 receivers and one message at a time, 5 % more messages a second for the same CPU; from sending to a
/// receiver that sleeps, 28 µs less than with 40 looks.
const WATCH_LOOKS: u32 = 100;
/// Batches that are not watched for after a watch in vain: a quiet room costs next to nothing.
const REST: u32 = 16;

impl Gather {
    /// The batch is closed: this is what waits for it.
    pub(crate) fn close(&mut self, waiting: Waiting) {
        self.several_before = waiting.of_several;
        self.one_before = waiting.requests == 1;
        self.likely = waiting.requests.max(self.likely - self.likely.div_ceil(8));
        self.batches = self.batches.wrapping_add(1);
    }

    /// Whether the batch is closed at once.
    fn is_complete(&self, waiting: Waiting) -> bool {
        let is_probe = self.batches.is_multiple_of(PROBE);
        let several = waiting.of_several || self.several_before;
        let is_likely = !is_probe && waiting.requests >= self.likely;
        !several || waiting.is_full || !waiting.fits_one_batch || is_likely
    }

    /// Whether the next request may come so soon that going to sleep does not pay: a member who says
    /// one thing after the other says the next when it has seen the one before.
    fn is_worth_watching(&mut self) -> bool {
        let rests = self.rest > 0;
        self.rest = self.rest.saturating_sub(1);
        self.one_before && !rests
    }
}

/// Lets everybody who is ready be read, and while several talk those as well who are about to be.
pub(crate) async fn gather(memory: &RefCell<Gather>, waiting: impl Fn() -> Waiting) {
    // The scheduler looks at the sockets before it comes back.
    tokio::task::yield_now().await;
    let mut quiet = 0;
    for _ in 0..MOST_LOOKS {
        let before = waiting();
        if quiet == QUIET_LOOKS || memory.borrow().is_complete(before) {
            return;
        }
        tokio::task::yield_now().await;
        quiet = if waiting().requests > before.requests { 0 } else { quiet + 1 };
    }
}

/// Waits for the next request without sleeping, for a while, if there may be one soon.
pub(crate) async fn watch(memory: &RefCell<Gather>, waiting: impl Fn() -> Waiting) {
    if !memory.borrow_mut().is_worth_watching() {
        return;
    }
    for _ in 0..WATCH_LOOKS {
        if waiting().requests > 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
    if waiting().requests == 0 {
        memory.borrow_mut().rest = REST;
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc};

    use tokio::task::{LocalSet, spawn_local, yield_now};

    use super::*;

    /// What waits, and what is remembered. Each request counts as another member's.
    #[derive(Debug)]
    struct Talk {
        waiting: Cell<Waiting>,
        memory: RefCell<Gather>,
    }

    const NOTHING: Waiting =
        Waiting { requests: 0, of_several: false, is_full: false, fits_one_batch: true };

    impl Talk {
        fn new() -> Rc<Self> {
            Rc::new(Self { waiting: Cell::new(NOTHING), memory: RefCell::default() })
        }

        fn say(&self) {
            let before = self.waiting.get();
            let of_several = before.requests > 0;
            self.waiting.set(Waiting { requests: before.requests + 1, of_several, ..before });
        }

        fn say_after(self: &Rc<Self>, looks: u32) {
            let talk = Rc::clone(self);
            spawn_local(async move {
                for _ in 0..looks {
                    yield_now().await;
                }
                talk.say();
            });
        }

        fn take(&self) -> usize {
            let waiting = self.waiting.replace(NOTHING);
            self.memory.borrow_mut().close(waiting);
            waiting.requests
        }

        /// How many are gathered of those who have spoken `before` and those who will after `looks`.
        async fn gathered(self: &Rc<Self>, before: u32, looks: &[u32]) -> usize {
            (0..before).for_each(|_| self.say());
            looks.iter().for_each(|looks| self.say_after(*looks));
            gather(&self.memory, || self.waiting.get()).await;
            self.take()
        }

        /// Waits until somebody has spoken.
        async fn spoken(&self) {
            while self.waiting.get().requests == 0 {
                yield_now().await;
            }
        }

        /// Whether the next request is seen before the thread would sleep, if it comes after so many
        /// looks and the batch before was so long.
        async fn is_caught(self: &Rc<Self>, batch: usize, looks: u32) -> bool {
            (0..batch).for_each(|_| self.say());
            self.take();
            self.say_after(looks);
            watch(&self.memory, || self.waiting.get()).await;
            let caught = self.waiting.get().requests > 0;
            self.spoken().await;
            self.take();
            caught
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn while_several_talk_those_about_to_speak_come_along() {
        let local = LocalSet::new();
        let looks: Vec<u32> = (1..4).map(|turn| turn * (QUIET_LOOKS - 1)).collect();
        assert_eq!(local.run_until(Talk::new().gathered(2, &looks)).await, 5);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn members_who_never_stop_are_not_waited_for() {
        let local = LocalSet::new();
        let talk = Talk::new();
        let talker = Rc::clone(&talk);
        local.spawn_local(async move {
            for _ in 0..2 * MOST_LOOKS {
                talker.say();
                yield_now().await;
            }
        });
        let gathered = local.run_until(talk.gathered(2, &[])).await;
        assert!(gathered.abs_diff(MOST_LOOKS as usize) < 5, "{gathered}");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_batch_as_long_as_those_before_is_closed_at_once_but_for_every_sixteenth() {
        let local = LocalSet::new();
        let talk = Talk::new();
        assert_eq!(local.run_until(talk.gathered(3, &[])).await, 3);
        for _ in 1..PROBE {
            assert_eq!(local.run_until(talk.gathered(3, &[2])).await, 3);
            // The request that came too late for this batch is in none.
            local.run_until(talk.spoken()).await;
            talk.waiting.set(NOTHING);
        }
        assert_eq!(local.run_until(talk.gathered(3, &[2])).await, 4);
        assert_eq!(local.run_until(talk.gathered(3, &[2])).await, 4, "now four are likely");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_batch_is_closed_when_nobody_speaks_for_some_looks() {
        let local = LocalSet::new();
        let looks = [1, QUIET_LOOKS + 3];
        assert_eq!(local.run_until(Talk::new().gathered(2, &looks)).await, 3);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_member_who_talks_alone_waits_for_nobody() {
        let local = LocalSet::new();
        assert_eq!(local.run_until(Talk::new().gathered(1, &[2])).await, 1);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_first_after_a_batch_of_several_waits_for_the_others() {
        let local = LocalSet::new();
        let talk = Talk::new();
        local.run_until(talk.gathered(2, &[])).await;
        assert_eq!(local.run_until(talk.gathered(1, &[QUIET_LOOKS - 1])).await, 2);
        // That was a batch of several again; the one after it is not, and closes at once.
        local.run_until(talk.gathered(1, &[])).await;
        assert_eq!(local.run_until(talk.gathered(1, &[2])).await, 1);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_member_who_says_one_thing_after_the_other_is_watched_for() {
        let local = LocalSet::new();
        let talk = Talk::new();
        for _ in 0..3 {
            assert!(local.run_until(talk.is_caught(1, WATCH_LOOKS - 1)).await);
        }
        assert!(!local.run_until(talk.is_caught(2, 1)).await, "many at once need no watch");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn after_a_watch_in_vain_the_next_batches_are_not_watched_for() {
        let local = LocalSet::new();
        let talk = Talk::new();
        assert!(!local.run_until(talk.is_caught(1, WATCH_LOOKS + 1)).await);
        for _ in 0..REST {
            assert!(!local.run_until(talk.is_caught(1, 1)).await);
        }
        assert!(local.run_until(talk.is_caught(1, 1)).await);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_full_queue_and_more_than_a_batch_are_written_at_once() {
        let local = LocalSet::new();
        for (is_full, fits_one_batch) in [(true, true), (false, false)] {
            let talk = Talk::new();
            talk.waiting.set(Waiting { is_full, fits_one_batch, ..NOTHING });
            assert_eq!(local.run_until(talk.gathered(2, &[2])).await, 2);
        }
    }
}
