//! What wakes an agent.
//!
//! A [`Runtime`] is handed a call and tells, step by step and never more than it has seen, what
//! becomes of it. It decides nothing about retries: that is the inbox's.

pub mod echo;
pub mod openclaw;

use std::{future::Future, pin::Pin};

use ois_chat::inbox::{Delivery, Outcome};
use ois_protocol::EventId;
use tokio::sync::{mpsc, oneshot};

/// Work under way.
pub type Working<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Something that can give an agent a turn.
pub trait Runtime: Send + Sync + 'static {
    /// Gives the agent a turn for this call and waits for its end, however long that takes. With
    /// [`Delivery::under_way`] it first finds out what became of an earlier try under the same key.
    ///
    /// Before a turn may begin, [`Evidence::begun`] must have returned true.
    fn deliver(&self, delivery: Delivery, evidence: Evidence) -> Working<Outcome>;

    /// Says something in the agent's own main session, as from the host's owner.
    fn tell_owner(&self, text: String) -> Working<Result<(), Unheard>>;
}

/// Why a text did not reach the agent's main session; for whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unheard(pub String);

/// What a runtime has seen of one delivery, on its way to the inbox.
#[derive(Clone, Debug)]
pub struct Evidence {
    id: EventId,
    steps: mpsc::Sender<Step>,
}

/// One thing seen.
#[derive(Debug)]
pub(crate) enum Step {
    Begun { id: EventId, epoch: Option<String>, kept: oneshot::Sender<()> },
    Admitted { id: EventId, run: String },
    Settled { id: EventId, outcome: Outcome },
}

impl Evidence {
    pub(crate) fn new(id: EventId, steps: mpsc::Sender<Step>) -> Self {
        Self { id, steps }
    }

    /// A turn may begin from now on; `epoch` names the runtime's process, if it has a name. Returns
    /// when that is on disk; false if the monitor ends, and then no turn must begin.
    pub async fn begun(&self, epoch: Option<String>) -> bool {
        let (kept, wait) = oneshot::channel();
        let step = Step::Begun { id: self.id, epoch, kept };
        self.steps.send(step).await.is_ok() && wait.await.is_ok()
    }

    /// The turn has begun, under this name.
    pub async fn admitted(&self, run: String) {
        // A monitor that ends learns it from the runtime after its restart.
        drop(self.steps.send(Step::Admitted { id: self.id, run }).await);
    }

    /// The same as [`begun`](Self::begun), from a thread that may block.
    pub fn begun_blocking(&self, epoch: Option<String>) -> bool {
        let (kept, wait) = oneshot::channel();
        let step = Step::Begun { id: self.id, epoch, kept };
        self.steps.blocking_send(step).is_ok() && wait.blocking_recv().is_ok()
    }

    /// The same as [`admitted`](Self::admitted), from a thread that may block.
    pub fn admitted_blocking(&self, run: String) {
        // As above.
        drop(self.steps.blocking_send(Step::Admitted { id: self.id, run }));
    }

    /// Whether nobody listens any more.
    pub fn is_closed(&self) -> bool {
        self.steps.is_closed()
    }

    pub(crate) async fn settled(self, outcome: Outcome) {
        // As above.
        drop(self.steps.send(Step::Settled { id: self.id, outcome }).await);
    }
}
