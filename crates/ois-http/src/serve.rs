//! The accept loop. A connection that begins with a whole WebSocket handshake is upgraded at once
//! ([`try_upgrade`]); every other connection is driven by hyper until it ends or is upgraded.
//!
//! hyper does not send what follows the head of some answers ([`After`]): it gives the socket back,
//! and may get it again afterwards.

mod deadline;
mod socket;
mod try_upgrade;
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
    deadline::{HeadTimer, IDLE},
    try_upgrade::{Accepted, try_upgrade},
    wire::{Signs, Wire},
};
use crate::{
    body::Body,
    route,
    sending::Sending,
    state::State,
    tasks::{Stop, Tasks},
    upgrade::Adopt,
    upgraded::UpgradedSocket,
    workers::Workers,
};

/// How long the loop waits after a failed accept, such as one for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many connections are taken in a row before other tasks of the thread have a turn.
const IN_A_ROW: usize = 16;

/// Begins to listen for [`accept`], on the runtime that this is called on.
#[expect(
    deprecated,
    reason = "what replaces it is unsafe, for owners that change their descriptor; this one does not"
)]
pub(crate) fn listen(listener: TcpListener) -> io::Result<AsyncFd<TcpListener>> {
    listener.set_nonblocking(true)?;
    // Small writes go out at once (no Nagle's algorithm). Accepted sockets inherit this.
    sockopt::set_tcp_nodelay(&listener, true)?;
    AsyncFd::with_interest(listener, Interest::READABLE)
}

/// What the accept loop needs for each new connection.
pub(crate) struct Acceptor {
    /// What all requests share.
    pub(crate) state: Arc<State>,
    /// The threads that drive connections which speak HTTP.
    pub(crate) http: Workers,
    /// The tasks that a stop waits for; each HTTP connection becomes one of them.
    pub(crate) tasks: Tasks,
}

/// Takes connections until the server stops. A socket that is upgraded at once goes to `adopt`.
pub(crate) async fn accept(
    listener: AsyncFd<TcpListener>,
    acceptor: Acceptor,
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
                Ok((socket, peer)) => acceptor.take(socket, peer, &adopt),
                Err(error) => {
                    tracing::warn!(%error, "cannot take a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        tokio::task::yield_now().await;
    }
}

impl Acceptor {
    fn take(&self, socket: TcpStream, peer: SocketAddr, adopt: impl Fn(UpgradedSocket)) {
        let stall = Duration::from_millis(self.state.settings.limits.stall_ms);
        let wire = Wire::new(socket, stall);
        match wire.and_then(|wire| try_upgrade(wire, peer, &self.state)) {
            Ok(Accepted::Upgraded(socket)) => adopt(socket),
            Ok(Accepted::Http(wire)) => {
                let state = Arc::clone(&self.state);
                let _on_next_thread = self.http.enter_next();
                self.tasks.spawn(move |stop| drive(wire, peer, state, stop));
            }
            Err(error) => tracing::debug!(%peer, %error, "connection ended"),
        }
    }
}

/// What happens on a socket after an answer's head.
enum After {
    /// The socket is a WebSocket from now on and goes to the hot loop.
    Adopt(Adopt),
    /// A file follows, and then perhaps the next request.
    Send(Sending),
}

/// Drives a connection from its first request to its end.
async fn drive(mut wire: Wire, peer: SocketAddr, state: Arc<State>, mut stop: Stop) {
    let stall = Duration::from_millis(state.settings.limits.stall_ms);
    while let Some((mut back, after)) = converse(wire, peer, &state, &mut stop).await {
        let sending = match after {
            After::Adopt(adopt) => return hand_over(back, adopt, peer, &state),
            After::Send(sending) => sending,
        };
        let keeps_alive = sending.keeps_alive && !stop.is_asked();
        let sent = match back.socket() {
            Ok(socket) => sending.send(socket, stall).await,
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            return tracing::debug!(%peer, %error, "a file was not sent to its end");
        }
        if !keeps_alive {
            return;
        }
        wire = back;
    }
}

/// Answers requests until the peer is gone, or until the head of an answer is out after which
/// something follows; then the answer is the wire and what follows.
async fn converse(
    wire: Wire,
    peer: SocketAddr,
    state: &State,
    stop: &mut Stop,
) -> Option<(Wire, After)> {
    let (signs, next) = (wire.signs(), Mutex::new(None));
    let service = service_fn(|request| answer(request, peer, state, &signs, &next));
    let mut connection = http1::Builder::new()
        .timer(HeadTimer(Arc::clone(&signs)))
        .header_read_timeout(IDLE)
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
            // Nothing more can be read or written at once, so the socket is watched from now on.
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

/// Answers one request, and leaves in `next` what follows the answer.
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
        // The head has not been written yet, so the flushes of before do not count.
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
