//! A call from one task to another on the same thread.
//!
//! Each connection waits for its socket or a call after every message, so that wait is in the way
//! of everything that is said: no lock, no list, no future.

use std::{
    cell::{Cell, RefCell},
    task::{Context, Poll, Waker},
};

/// Rung by anybody, heard by one task. A call that nobody waits for is heard by who asks next;
/// several are one.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Cell<bool>,
    listener: RefCell<Option<Waker>>,
}

impl Bell {
    /// Calls.
    pub(crate) fn ring(&self) {
        self.rung.set(true);
        if let Some(listener) = self.listener.take() {
            listener.wake();
        }
    }

    /// Ready once it was rung since this was last ready.
    pub(crate) fn poll_heard(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.rung.take() {
            return Poll::Ready(());
        }
        let mut listener = self.listener.borrow_mut();
        if !listener.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            *listener = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, rc::Rc};

    use tokio::task::{LocalSet, spawn_local, yield_now};

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_call_is_heard_once_whether_it_comes_before_the_wait_or_during_it() {
        let bell = Bell::default();
        bell.ring();
        bell.ring();
        poll_fn(|cx| bell.poll_heard(cx)).await;
        let heard_again = poll_fn(|cx| Poll::Ready(bell.poll_heard(cx).is_ready())).await;
        assert!(!heard_again);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn who_waits_is_woken() {
        let local = LocalSet::new();
        let bell = Rc::new(Bell::default());
        let ringer = Rc::clone(&bell);
        let waits = async move {
            spawn_local(async move {
                for _ in 0..3 {
                    yield_now().await;
                    ringer.ring();
                }
            });
            for _ in 0..3 {
                poll_fn(|cx| bell.poll_heard(cx)).await;
            }
        };
        local.run_until(waits).await;
    }
}
