//! The tasks of a bridge, and the word that they are to end.
//!
//! Every task is spawned here, so that stopping waits for all of them.

use std::{future::Future, time::Duration};

use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Tasks that end when they are told to. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Runs a task, which is given the word that it is to end.
    pub(crate) fn spawn<F>(&self, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(self.tracker.spawn(task(self.stop.clone())));
    }

    /// Tells all tasks to end and waits for them, at the most this long. Answers whether they did.
    pub(crate) async fn stop(&self, most: Duration) -> bool {
        self.stop.cancel();
        self.tracker.close();
        timeout(most, self.tracker.wait()).await.is_ok()
    }
}
