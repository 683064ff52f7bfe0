//! How long a peer may take to ask.
//!
//! hyper knows one limit from the moment it could read a request until its head is complete. A peer
//! that has begun gets little time; one that keeps a connection for its next request gets more, so
//! that a proxy's idle connections end at the proxy.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};

use super::wire::Signs;

/// How long a connection is kept without a request. Proxies close theirs after one to two minutes.
pub(super) const KEPT: Duration = Duration::from_secs(180);
/// How long a peer may take to send a request's head.
pub(super) const HEAD: Duration = Duration::from_secs(30);

/// The clock by which hyper waits for heads on one wire.
pub(super) struct Patience(pub(super) Arc<Signs>);

impl Timer for Patience {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    /// Called when hyper begins to wait for a head, with the end of [`KEPT`].
    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.0.heard.take_back();
        let sleep = Box::pin(tokio::time::sleep_until(deadline.into()));
        Box::pin(Waiting { sleep, signs: Arc::clone(&self.0), begun: false })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

/// One wait for a head. hyper looks at it after each read that did not complete the head.
struct Waiting {
    sleep: Pin<Box<tokio::time::Sleep>>,
    signs: Arc<Signs>,
    begun: bool,
}

impl Future for Waiting {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.begun && self.signs.heard.is_given() {
            self.begun = true;
            self.sleep.as_mut().reset(tokio::time::Instant::now() + HEAD);
        }
        ready!(self.sleep.as_mut().poll(cx));
        Poll::Ready(())
    }
}

impl Sleep for Waiting {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_has_begun_to_ask_gets_less_time() {
        let signs = Arc::new(Signs::default());
        let patience = Patience(Arc::clone(&signs));
        let began = patience.now();
        patience.sleep_until(began + KEPT).await;
        assert_eq!(patience.now() - began, KEPT);
        let began = patience.now();
        let waiting = patience.sleep_until(began + KEPT);
        signs.heard.give();
        waiting.await;
        assert_eq!(patience.now() - began, HEAD);
    }
}
