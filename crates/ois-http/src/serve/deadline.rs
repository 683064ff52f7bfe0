//! The deadlines for a request's head.
//!
//! hyper knows one limit, from the moment when it could read a request until its head is complete.
//! [`HeadTimer`] makes two of it: a peer that has begun a head gets [`HEAD`]; a connection that is
//! kept open for its next request gets [`IDLE`], so that a proxy's idle connections end at the
//! proxy.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};

use super::wire::Signs;

/// How long a connection without a request is kept. Proxies close theirs after one to two minutes.
pub(super) const IDLE: Duration = Duration::from_secs(180);
/// How long a peer may take to send a request's head.
pub(super) const HEAD: Duration = Duration::from_secs(30);

/// The timer by which hyper waits for heads on one wire.
pub(super) struct HeadTimer(pub(super) Arc<Signs>);

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    /// Called when hyper begins to wait for a head, with the end of [`IDLE`].
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
    async fn a_peer_that_has_begun_a_head_gets_less_time() {
        let signs = Arc::new(Signs::default());
        let timer = HeadTimer(Arc::clone(&signs));
        let began = timer.now();
        timer.sleep_until(began + IDLE).await;
        assert_eq!(timer.now() - began, IDLE);
        let began = timer.now();
        let waiting = timer.sleep_until(began + IDLE);
        signs.heard.give();
        waiting.await;
        assert_eq!(timer.now() - began, HEAD);
    }
}
