//! Threads for work that takes long: syncing files, hashing them, walking over folders.
//!
//! A task that polls a store's future may be driving a thousand sockets; only short calls happen
//! there.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

/// A handle to the threads; they end with the last one.
#[derive(Clone)]
pub(crate) struct Workers(mpsc::Sender<Job>);

type Job = Box<dyn FnOnce() + Send>;

impl Workers {
    /// Starts this many threads, and one if that is none: work that nobody does never ends.
    pub(crate) fn start(threads: usize) -> std::io::Result<Self> {
        // While it is full, callers wait.
        let (jobs, queue) = mpsc::channel(64);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads.max(1) {
            let queue = Arc::clone(&queue);
            let named = std::thread::Builder::new().name("ois-files".to_owned());
            named.spawn(move || work(&queue))?;
        }
        Ok(Self(jobs))
    }

    /// Does this on one of the threads. `None` if it panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        // Nobody may be waiting any more; the work was done nevertheless.
        let job: Job = Box::new(move || drop(answer.send(work())));
        self.0.send(job).await.ok()?;
        answered.await.ok()
    }
}

fn work(queue: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(job) = job else { return };
        // A bug in one request does not take the thread from all others.
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
        if done.is_err() {
            tracing::error!("a worker of the file store has panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_does_not_take_the_thread_along() {
        let workers = Workers::start(1).unwrap();
        assert_eq!(workers.run(|| panic!("a bug")).await, None::<()>);
        assert_eq!(workers.run(|| 7).await, Some(7));
    }

    #[tokio::test]
    async fn as_many_jobs_run_at_once_as_there_are_threads() {
        let workers = Workers::start(3).unwrap();
        let meeting = Arc::new(std::sync::Barrier::new(3));
        let job = || {
            let meeting = Arc::clone(&meeting);
            workers.run(move || {
                // Nobody gets past it before all are there.
                meeting.wait();
                std::thread::current().id()
            })
        };
        let (one, two, three) = tokio::join!(job(), job(), job());
        assert!(one.is_some() && one != two && two != three && three != one);
    }

    #[tokio::test]
    async fn without_threads_there_is_one() {
        let workers = Workers::start(0).unwrap();
        assert_eq!(workers.run(|| 7).await, Some(7));
    }
}
