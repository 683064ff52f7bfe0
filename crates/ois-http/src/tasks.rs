//! What goes on beside a call, as tasks and as threads: the only caller of `tokio::spawn`, so that
//! stopping waits for everybody.

use std::{future::Future, io, sync::mpsc, thread, time::Duration};

use tokio::{
    runtime::{self, Handle},
    sync::watch,
    task::JoinHandle,
};

/// Tasks that end when they are told to, and a way to wait until they have.
#[derive(Clone, Debug)]
pub struct Tasks {
    stop: watch::Sender<bool>,
}

/// Tells a task that it is to end.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Tasks {
    /// Nobody runs yet.
    pub fn new() -> Self {
        Self { stop: watch::Sender::new(false) }
    }

    /// Runs a task. It is waited for as long as its [`Stop`] lives, so the task keeps that.
    pub fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        task: impl FnOnce(Stop) -> F,
    ) -> JoinHandle<()> {
        let future = task(self.token());
        #[expect(clippy::disallowed_methods, reason = "this is the one place that spawns")]
        tokio::spawn(future)
    }

    /// Runs a task on a thread of its own: one that works for long or waits for the disk. It is waited
    /// for like any other.
    ///
    /// # Errors
    /// If the system gives no thread or no event queue.
    pub fn spawn_thread<F: Future<Output = ()>>(
        &self,
        name: &str,
        task: impl FnOnce(Stop) -> F + Send + 'static,
    ) -> io::Result<()> {
        let stop = self.token();
        thread(name, move || task(stop)).map(drop)
    }

    /// The sign by which somebody outside learns that everything stops.
    pub fn token(&self) -> Stop {
        Stop(self.stop.subscribe())
    }

    /// Tells everybody to end and waits until they have, at the most this long. Answers whether they did.
    pub async fn stop(&self, most: Duration) -> bool {
        self.stop.send_replace(true);
        tokio::time::timeout(most, self.stop.closed()).await.is_ok()
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

impl Stop {
    /// Waits until it is time to end.
    pub async fn asked(&mut self) {
        if self.0.wait_for(|stop| *stop).await.is_err() {
            tracing::debug!("the tasks' owner is gone; ending");
        }
    }

    /// Whether it is time to end.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }
}

/// Lets a future live on a thread with a runtime of its own, to which others may add. It is made there,
/// so it may keep what no other thread may see. Whoever blocks for it has a thread of the same name.
///
/// # Errors
/// If the system gives no thread or no event queue.
pub(crate) fn thread<F: Future<Output = ()>>(
    name: &str,
    make: impl FnOnce() -> F + Send + 'static,
) -> io::Result<(Handle, thread::JoinHandle<()>)> {
    let mut runtime = runtime::Builder::new_current_thread();
    runtime.enable_all().thread_name(name);
    let (begun, begins) = mpsc::sync_channel(1);
    // Made there as well: a runtime may not end on a thread that another one drives.
    let live = move || {
        let runtime = runtime.build();
        let handle = runtime.as_ref().map(|runtime| runtime.handle().clone());
        let answer = handle.map_err(|error| io::Error::new(error.kind(), error.to_string()));
        if let (Ok(()), Ok(runtime)) = (begun.send(answer), runtime) {
            runtime.block_on(async { make().await });
        }
    };
    let thread = thread::Builder::new().name(name.to_owned()).spawn(live)?;
    let handle = begins.recv().map_err(io::Error::other)??;
    Ok((handle, thread))
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use super::*;

    #[tokio::test]
    async fn a_thread_is_waited_for_until_its_task_has_ended() {
        let (tasks, ended) = (Tasks::new(), Arc::new(AtomicBool::new(false)));
        let sign = Arc::clone(&ended);
        let task = |mut stop: Stop| async move {
            stop.asked().await;
            sign.store(true, Ordering::Release);
        };
        tasks.spawn_thread("its name", task).unwrap();
        assert!(tasks.stop(Duration::from_secs(60)).await);
        assert!(ended.load(Ordering::Acquire));
    }

    #[test]
    fn a_thread_has_the_name_that_it_was_given() {
        let (say, said) = mpsc::channel();
        let live = || async move {
            say.send(thread::current().name().map(str::to_owned)).unwrap();
        };
        let (_, thread) = thread("its name", live).unwrap();
        thread.join().unwrap();
        assert_eq!(said.recv().unwrap().as_deref(), Some("its name"));
    }
}
