//! The only caller of `tokio::spawn` here: so that stopping waits for everybody.

use std::{future::Future, time::Duration};

use tokio::{sync::watch, time::timeout};

/// Tasks that end when they are told to.
#[derive(Clone, Debug)]
pub(crate) struct Tasks {
    stop: watch::Sender<bool>,
}

/// Tells a task that it is to end, and counts it as running while it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Tasks {
    pub(crate) fn new() -> Self {
        Self { stop: watch::Sender::new(false) }
    }

    /// Runs a task; it is waited for as long as it keeps its [`Stop`].
    pub(crate) fn spawn<F>(&self, task: impl FnOnce(Stop) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let future = task(Stop(self.stop.subscribe()));
        #[expect(clippy::disallowed_methods, reason = "this is the one place that spawns")]
        drop(tokio::spawn(future));
    }

    /// Waits until nobody runs any more.
    pub(crate) async fn ended(&self) {
        self.stop.closed().await;
    }

    /// Tells everybody to end and waits, at the most this long. Answers whether they did.
    pub(crate) async fn stop(&self, most: Duration) -> bool {
        self.stop.send_replace(true);
        timeout(most, self.ended()).await.is_ok()
    }
}

impl Stop {
    /// Waits until it is time to end. May be dropped half way.
    pub(crate) async fn asked(&mut self) {
        // An owner that is gone without a word wants no more either.
        drop(self.0.wait_for(|stop| *stop).await);
    }
}
