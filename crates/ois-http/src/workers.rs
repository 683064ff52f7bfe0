//! The threads that serve HTTP. Each drives its own connections, each from its first byte to its
//! last: nobody is woken for what another one could do, and the process needs no scheduler for it.

use std::{cell::Cell, io};

use tokio::runtime::{EnterGuard, Handle};

use crate::tasks::Tasks;

/// The threads, in turns.
pub(crate) struct Workers {
    threads: Vec<Handle>,
    next: Cell<usize>,
}

impl Workers {
    /// Starts so many, one at the least. They go on until they are asked to end.
    ///
    /// # Errors
    /// If the system gives no thread or no event queue.
    pub(crate) fn start(number: usize, until: &Tasks) -> io::Result<Self> {
        let start =
            |_| until.spawn_thread("ois-http", |mut stop| async move { stop.asked().await });
        let threads = (0..number.max(1)).map(start).collect::<io::Result<_>>()?;
        Ok(Self { threads, next: Cell::new(0) })
    }

    /// What is spawned meanwhile is driven by the next one.
    pub(crate) fn enter_next(&self) -> EnterGuard<'_> {
        let next = self.next.get();
        self.next.set((next + 1) % self.threads.len());
        self.threads[next].enter()
    }
}
