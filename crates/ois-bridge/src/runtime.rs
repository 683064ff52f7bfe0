//! What wakes an agent.
//!
//! A [`Runtime`] is handed a call and tells, step by step and never more than it has seen, what
//! becomes of it. It decides nothing about retries: that is the inbox's.

pub mod echo;
#[cfg(feature = "openclaw")]
pub mod openclaw;

use std::{future::Future, pin::Pin};

use ois_inbox::{Assignment, Done};
use ois_protocol::{ActivityState, EventId};
use tokio::sync::{mpsc, oneshot, watch};

use crate::agent::machine::RuntimeReport;

/// Work under way.
pub type Working<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Something that can give an agent a turn.
pub trait Runtime: Send + Sync + 'static {
    /// Gives the agent a turn for this call and waits for its end, however long that takes. With
    /// [`Assignment::under_way`] it first finds out what became of an earlier try under the same key,
    /// and with [`Assignment::stopping`] it begins none and stops what goes on.
    ///
    /// Before a turn may begin, [`Evidence::begun`] must have returned true.
    fn deliver(&self, delivery: Assignment, evidence: Evidence) -> Working<Done>;

    /// Stops the turn that [`Assignment::under_way`] names. Answers with the runtime's own word on
    /// whether one was running and is stopped now; what became of the turn comes from
    /// [`deliver`](Self::deliver).
    fn stop(&self, delivery: Assignment) -> Working<Result<bool, RuntimeError>>;

    /// Whether the way to the agent is open: asks the runtime itself, and no model.
    fn probe(&self) -> Working<Result<(), RuntimeError>>;

    /// Says something in the agent's own main session, as from the host's owner.
    fn tell_owner(&self, text: String) -> Working<Result<(), RuntimeError>>;
}

/// Why the runtime was not reached; for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RuntimeError(pub String);

/// What an agent is doing right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doing {
    /// What.
    pub state: ActivityState,
    /// A tool's name, never what it is told or says.
    pub note: Option<String>,
    /// The answer as far as it is written; more than [`Doing::TEXT_BYTES`] is left out.
    pub text: String,
    /// The turn's name, once the runtime has confirmed it.
    pub(crate) run: Option<String>,
}

impl Doing {
    /// As much of an answer is shown while it is being written.
    pub const TEXT_BYTES: usize = 16 << 10;

    /// More of the answer.
    pub fn write(&mut self, more: &str) {
        let left = Self::TEXT_BYTES.saturating_sub(self.text.len());
        let mut end = left.min(more.len());
        while !more.is_char_boundary(end) {
            end -= 1;
        }
        self.text.push_str(&more[..end]);
        (self.state, self.note) = (ActivityState::Typing, None);
    }
}

/// What a runtime has seen of one delivery, on its way to the inbox.
#[derive(Clone, Debug)]
pub struct Evidence {
    id: EventId,
    steps: mpsc::Sender<Step>,
    doing: watch::Sender<Doing>,
}

/// One word of a runtime, on its way to the loop.
#[derive(Debug)]
pub(crate) enum Step {
    /// A turn is about to begin; it waits for the permit.
    AskToBegin { id: EventId, epoch: Option<String>, permit: oneshot::Sender<()> },
    /// Anything else.
    Reported(RuntimeReport),
}

impl Evidence {
    /// Evidence on its way, and what the agent is doing meanwhile.
    pub(crate) fn new(id: EventId, steps: mpsc::Sender<Step>) -> (Self, watch::Receiver<Doing>) {
        let (state, text) = (ActivityState::Thinking, String::new());
        let (doing, seen) = watch::channel(Doing { state, note: None, text, run: None });
        (Self { id, steps, doing }, seen)
    }

    /// A turn may begin from now on; `epoch` names the runtime's process, if it has a name. Returns
    /// when that is on disk; false if the monitor ends or somebody wants it stopped, and then no turn
    /// must begin.
    pub async fn begun(&self, epoch: Option<String>) -> bool {
        let (permit, wait) = oneshot::channel();
        let step = Step::AskToBegin { id: self.id, epoch, permit };
        self.steps.send(step).await.is_ok() && wait.await.is_ok()
    }

    /// The turn has begun, under this name.
    pub async fn admitted(&self, run: String) {
        self.activity(|doing| doing.run = Some(run.clone()));
        // A monitor that ends learns it from the runtime after its restart.
        drop(self.steps.send(Step::Reported(RuntimeReport::Admitted { id: self.id, run })).await);
    }

    /// The same as [`begun`](Self::begun), from a thread that may block.
    pub fn begun_blocking(&self, epoch: Option<String>) -> bool {
        let (permit, wait) = oneshot::channel();
        let step = Step::AskToBegin { id: self.id, epoch, permit };
        self.steps.blocking_send(step).is_ok() && wait.blocking_recv().is_ok()
    }

    /// The same as [`admitted`](Self::admitted), from a thread that may block.
    pub fn admitted_blocking(&self, run: String) {
        self.activity(|doing| doing.run = Some(run.clone()));
        // As above.
        drop(
            self.steps.blocking_send(Step::Reported(RuntimeReport::Admitted { id: self.id, run })),
        );
    }

    /// What the agent is doing has changed. Waits for nothing; only the newest is shown.
    pub fn activity(&self, change: impl FnOnce(&mut Doing)) {
        self.doing.send_modify(change);
    }

    /// Whether nobody listens any more.
    pub fn is_closed(&self) -> bool {
        self.steps.is_closed()
    }

    pub(crate) async fn settled(self, done: Done) {
        // As above.
        drop(self.steps.send(Step::Reported(RuntimeReport::Settled { id: self.id, done })).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_is_shown_as_far_as_it_fits_and_cut_between_characters() {
        let (steps, _) = mpsc::channel(1);
        let (evidence, seen) = Evidence::new(EventId::ZERO, steps);
        evidence.activity(|doing| doing.write(&"x".repeat(Doing::TEXT_BYTES - 1)));
        evidence.activity(|doing| doing.write("文"));
        evidence.activity(|doing| doing.write("y"));
        let doing = seen.borrow();
        assert_eq!((doing.text.len(), doing.state), (Doing::TEXT_BYTES, ActivityState::Typing));
        assert!(doing.text.ends_with("xy"));
    }
}
