//! The threads that serve HTTP. Each thread drives its own connections, and each connection stays on
//! its thread from its first byte to its last: no thread is woken for work of another one, and the
//! process needs no scheduler across threads.

use std::{cell::Cell, io};

use tokio::runtime::{EnterGuard, Handle};

use crate::tasks::{self, Tasks};

/// The threads, which get new connections in turns.
pub(crate) struct Workers {
    threads: Vec<Handle>,
    next: Cell<usize>,
}

impl Workers {
    /// Starts so many threads, one at the least. They run until `until` is stopped.
    ///
    /// # Errors
    /// If the system gives no thread or no event queue.
    pub(crate) fn start(number: usize, until: &Tasks) -> io::Result<Self> {
        let start = |_| {
            let mut stop = until.token();
            Ok(tasks::thread("ois-http", || async move { stop.asked().await })?.0)
        };
        let threads = (0..number.max(1)).map(start).collect::<io::Result<_>>()?;
        Ok(Self { threads, next: Cell::new(0) })
    }

    /// While the guard lives, what is spawned runs on the next thread.
    pub(crate) fn enter_next(&self) -> EnterGuard<'_> {
        let next = self.next.get();
        self.next.set((next + 1) % self.threads.len());
        self.threads[next].enter()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread, time::Duration};

    use super::*;

    /// On which threads so many tasks are driven, spawned one after the other.
    fn driven(workers: &Workers, tasks: &Tasks, number: usize) -> Vec<thread::ThreadId> {
        let (say, said) = mpsc::channel();
        for _ in 0..number {
            let (say, _there) = (say.clone(), workers.enter_next());
            tasks.spawn(|_| async move { say.send(thread::current().id()).unwrap() });
        }
        drop(say);
        said.into_iter().collect()
    }

    #[tokio::test]
    async fn connections_are_taken_in_turns() {
        let tasks = Tasks::new();
        let workers = Workers::start(3, &tasks).unwrap();
        let mut threads = driven(&workers, &Tasks::new(), 6);
        threads.sort_unstable_by_key(|id| format!("{id:?}"));
        assert!(threads.chunks(2).all(|pair| pair[0] == pair[1]), "{threads:?}");
        threads.dedup();
        assert_eq!(threads.len(), 3);
        assert!(tasks.stop(Duration::from_secs(60)).await);
    }

    #[tokio::test]
    async fn there_is_one_at_the_least() {
        let tasks = Tasks::new();
        let workers = Workers::start(0, &tasks).unwrap();
        assert_eq!(driven(&workers, &Tasks::new(), 1).len(), 1);
        assert!(tasks.stop(Duration::from_secs(60)).await);
    }
}
