//! The accept loop: sockets in, each driven by hyper until it ends or becomes a WebSocket.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{
    Request, body::Incoming, server::conn::http1, service::service_fn, upgrade::OnUpgrade,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use crate::{
    route,
    state::State,
    tasks::{Stop, Tasks},
    upgrade::Adopt,
};

/// How long a peer may take to send a request's head (and how long an idle connection is kept).
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// After a failed accept (no more file descriptors): when to try again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Takes connections until it is time to stop.
pub(crate) async fn accept(listener: TcpListener, state: Arc<State>, tasks: Tasks, mut stop: Stop) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.asked() => return,
        };
        match accepted {
            Ok((socket, peer)) => {
                let (state, inner) = (Arc::clone(&state), tasks.clone());
                tasks.spawn(move |stop| drive(socket, peer, state, inner, stop));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot take a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn drive(
    socket: TcpStream,
    peer: SocketAddr,
    state: Arc<State>,
    tasks: Tasks,
    mut stop: Stop,
) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%peer, %error, "cannot switch off Nagle's algorithm");
    }
    let service = service_fn(|request| answer(request, peer, Arc::clone(&state), tasks.clone()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stop.asked() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, error = &error as &dyn std::error::Error, "connection ended");
    }
}

async fn answer(
    mut request: Request<Incoming>,
    peer: SocketAddr,
    state: Arc<State>,
    tasks: Tasks,
) -> Result<hyper::Response<crate::body::Body>, Infallible> {
    let upgrade = hyper::upgrade::on(&mut request);
    let mut answer = route::answer(&state, request, peer).await;
    if let Some(adopt) = answer.extensions_mut().remove::<Adopt>() {
        tasks.spawn(move |_stop| hand_over(upgrade, adopt, peer, state));
    }
    Ok(answer)
}

/// Gives the socket to the hot loop once the handshake's answer is out.
async fn hand_over(upgrade: OnUpgrade, adopt: Adopt, peer: SocketAddr, state: Arc<State>) {
    let upgraded = match upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => return tracing::debug!(%peer, %error, "the handshake did not end"),
    };
    let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else {
        return tracing::error!("an upgraded connection is no TCP socket");
    };
    match parts.io.into_inner().into_std() {
        // What came right behind the handshake is in hyper's buffer and travels along.
        Ok(socket) => state.hub.adopt(socket, parts.read_buf.to_vec(), peer, adopt.cookie),
        Err(error) => tracing::debug!(%peer, %error, "the socket cannot be handed over"),
    }
}
