//! What goes on beside a call, as tasks and as threads: the only caller of `tokio::spawn`, so that
//! stopping waits for everybody.

use std::{future::Future, io, thread, time::Duration};

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

    /// Runs a task on a thread of its own: one that works for long or waits for the disk, or that
    /// others are to be spawned beside. It is waited for like any other.
    ///
    /// # Errors
    /// If the system gives no thread or no event queue.
    pub fn spawn_thread<F: Future<Output = ()>>(
        &self,
        name: &str,
        task: impl FnOnce(Stop) -> F + Send + 'static,
    ) -> io::Result<Handle> {
        let stop = self.token();
        Ok(thread(name, move || task(stop))?.0)
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

/// Lets a future live on a thread with a runtime of its own. It is made there, so it may keep what
/// no other thread may see. Whoever does blocking work for it has a thread of the same name.
///
/// # Errors
/// If the system gives no thread or no event queue.
pub(crate) fn thread<F: Future<Output = ()>>(
    name: &str,
    make: impl FnOnce() -> F + Send + 'static,
) -> io::Result<(Handle, thread::JoinHandle<()>)> {
    let runtime = runtime::Builder::new_current_thread().enable_all().thread_name(name).build()?;
    let handle = runtime.handle().clone();
    let live = move || runtime.block_on(async { make().await });
    Ok((handle, thread::Builder::new().name(name.to_owned()).spawn(live)?))
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
