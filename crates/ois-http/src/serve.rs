//! The accept loop: sockets in. Who wants nothing but a WebSocket gets it at once ([`greet`]); the
//! others are each driven by hyper until they end or become one.
//!
//! What follows some answers' heads ([`After`]) is not hyper's business: it gives the socket back,
//! and may get it again afterwards.

mod greet;
mod patience;
mod sending;
mod socket;
mod wire;

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use rustix::net::sockopt;
use tokio::io::{Interest, unix::AsyncFd};

use self::{
    greet::{Greeted, greet},
    patience::{KEPT, Patience},
    wire::{Signs, Wire},
};
use crate::{
    body::Body,
    route,
    state::State,
    tasks::{Stop, Tasks},
    upgrade::Adopt,
    upgraded::UpgradedSocket,
    workers::Workers,
};

pub(crate) use sending::Sending;

/// After a failed accept (no more file descriptors): when to try again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections taken in a row before everybody else on the thread has a turn.
const IN_A_ROW: usize = 16;

/// Begins to listen for [`accept`], on the runtime that this is called on.
#[expect(
    deprecated,
    reason = "what replaces it is unsafe, for owners that change their descriptor; this one does not"
)]
pub(crate) fn listen(listener: TcpListener) -> io::Result<AsyncFd<TcpListener>> {
    listener.set_nonblocking(true)?;
    // No waiting for more to send together (Nagle's algorithm). Whoever is accepted inherits it.
    sockopt::set_tcp_nodelay(&listener, true)?;
    AsyncFd::with_interest(listener, Interest::READABLE)
}

/// Who takes connections, and for whom.
pub(crate) struct Porter {
    /// What the doors share.
    pub(crate) state: Arc<State>,
    /// Where those are driven who speak HTTP.
    pub(crate) http: Workers,
    /// What is waited for at a stop.
    pub(crate) tasks: Tasks,
}

/// Takes connections until it is time to stop.
pub(crate) async fn accept(
    listener: AsyncFd<TcpListener>,
    porter: Porter,
    mut stop: Stop,
    adopt: impl Fn(UpgradedSocket),
) {
    loop {
        for _ in 0..IN_A_ROW {
            let accepted = tokio::select! {
                accepted = listener.async_io(Interest::READABLE, TcpListener::accept) => accepted,
                () = stop.asked() => return,
            };
            match accepted {
                Ok((socket, peer)) => porter.take(socket, peer, &adopt),
                Err(error) => {
                    tracing::warn!(%error, "cannot take a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        tokio::task::yield_now().await;
    }
}

impl Porter {
    fn take(&self, socket: TcpStream, peer: SocketAddr, adopt: impl Fn(UpgradedSocket)) {
        let stall = Duration::from_millis(self.state.settings.limits.stall_ms);
        let greeted = Wire::new(socket, stall).and_then(|wire| greet(wire, peer, &self.state));
        match greeted {
            Ok(Greeted::Member(newcomer)) => adopt(newcomer),
            Ok(Greeted::Guest(wire)) => {
                let state = Arc::clone(&self.state);
                let _there = self.http.enter_next();
                self.tasks.spawn(move |stop| drive(wire, peer, state, stop));
            }
            Err(error) => tracing::debug!(%peer, %error, "connection ended"),
        }
    }
}

/// What happens on a socket behind an answer's head.
enum After {
    /// It is a WebSocket from now on.
    Adopt(Adopt),
    /// A file follows, and then perhaps the next request.
    Send(Sending),
}

async fn drive(mut wire: Wire, peer: SocketAddr, state: Arc<State>, mut stop: Stop) {
    let stall = Duration::from_millis(state.settings.limits.stall_ms);
    while let Some((mut back, after)) = converse(wire, peer, &state, &mut stop).await {
        let sending = match after {
            After::Adopt(adopt) => return hand_over(back, adopt, peer, &state),
            After::Send(sending) => sending,
        };
        let keeps = sending.keeps && !stop.is_asked();
        if let Err(error) = sending.send(&mut back, stall).await {
            return tracing::debug!(%peer, %error, "a file was not sent to its end");
        }
        if !keeps {
            return;
        }
        wire = back;
    }
}

/// Answers requests until the peer goes, or until an answer's head is out that something follows.
async fn converse(
    wire: Wire,
    peer: SocketAddr,
    state: &State,
    stop: &mut Stop,
) -> Option<(Wire, After)> {
    let (signs, next) = (wire.signs(), Mutex::new(None));
    let service = service_fn(|request| answer(request, peer, state, &signs, &next));
    let mut connection = http1::Builder::new()
        .timer(Patience(Arc::clone(&signs)))
        .header_read_timeout(KEPT)
        .serve_connection(wire, service);
    let mut asked = pin!(stop.asked());
    let mut stopping = false;
    let ended = poll_fn(|cx| {
        if !stopping && asked.as_mut().poll(cx).is_ready() {
            stopping = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        let mut polled = Pin::new(&mut connection).poll(cx);
        if polled.is_pending() && !signs.waits.is_given() {
            // It was worth a try. Now it has to be waited for what was put off.
            signs.waits.give();
            polled = Pin::new(&mut connection).poll(cx);
        }
        match polled {
            Poll::Pending if signs.flushed.is_given() && is_sending(&next) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
        }
    });
    let ended = ended.await;
    if let Some(Err(error)) = &ended {
        let error = error as &dyn std::error::Error;
        tracing::debug!(%peer, error, "connection ended");
    }
    // What came right behind the request is in hyper's buffer and travels along.
    let http1::Parts { io, read_buf, .. } = connection.into_parts();
    let after = next.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    let follows = match after {
        After::Adopt(_) => matches!(ended, Some(Ok(()))),
        After::Send(_) => ended.is_none(),
    };
    follows.then(|| (io.reading_first(read_buf), after))
}

/// Answers one request, and notes what follows its answer.
async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    state: &State,
    signs: &Signs,
    next: &Mutex<Option<After>>,
) -> Result<hyper::Response<Body>, Infallible> {
    let mut answer = route::answer(state, request, peer).await;
    let notes = answer.extensions_mut();
    let adopt = notes.remove::<Adopt>().map(After::Adopt);
    if let Some(after) = adopt.or_else(|| notes.remove::<Sending>().map(After::Send)) {
        // From here on: the head has not been written yet.
        signs.flushed.take_back();
        *next.lock().unwrap_or_else(PoisonError::into_inner) = Some(after);
    }
    Ok(answer)
}

fn is_sending(next: &Mutex<Option<After>>) -> bool {
    matches!(*next.lock().unwrap_or_else(PoisonError::into_inner), Some(After::Send(_)))
}

/// Gives the socket to the hot loop once the handshake's answer is out.
fn hand_over(wire: Wire, adopt: Adopt, peer: SocketAddr, state: &State) {
    match wire.into_parts() {
        Ok((socket, unread)) => {
            let (leftover, cookie) = (unread.to_vec(), adopt.cookie);
            state.hub.adopt(UpgradedSocket { socket, leftover, peer, cookie });
        }
        Err(error) => tracing::debug!(%peer, %error, "the socket cannot be handed over"),
    }
}
