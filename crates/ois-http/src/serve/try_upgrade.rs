//! A WebSocket handshake, answered on the hot loop where the connection is accepted.
//!
//! Members come back by the thousand when a network or a server does, and nearly all of them send
//! a whole handshake at once. Such a connection is answered on the hot loop and stays there, so that
//! no other thread wakes for it. A connection that sends anything else, or only a part of a
//! handshake, or one that is to be refused, goes to hyper with what was read, and nothing has been
//! sent to it. `upgrade` decides which handshakes are accepted, for both ways.

use std::{
    io::{self, Write},
    net::SocketAddr,
};

use hyper::{
    Response,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};
use tungstenite::handshake::{machine::TryParse, server};

use super::wire::Wire;
use crate::{
    body::Body,
    state::State,
    upgrade::{self, Adopt},
    upgraded::UpgradedSocket,
};

/// A new connection after its first bytes.
pub(super) enum Accepted {
    /// A WebSocket, whose handshake is answered.
    Upgraded(UpgradedSocket),
    /// A connection for hyper, with what was read of it.
    Http(Wire),
}

/// Answers the handshake if it has come as a whole.
///
/// # Errors
/// If the peer is gone already, or takes no answer.
pub(super) fn try_upgrade(wire: Wire, peer: SocketAddr, state: &State) -> io::Result<Accepted> {
    let Some((used, mut answer)) = agree(wire.unread(), state) else {
        return Ok(Accepted::Http(wire));
    };
    state.metrics.answered(upgrade::ROUTE, answer.status());
    let cookie = answer.extensions_mut().remove::<Adopt>().and_then(|adopt| adopt.cookie);
    let (mut socket, unread) = wire.into_parts()?;
    // The socket is new, so the some hundred bytes of the answer fit into its buffer.
    socket.write_all(&written(&answer))?;
    let leftover = unread[used..].to_vec();
    Ok(Accepted::Upgraded(UpgradedSocket { socket, leftover, peer, cookie }))
}

/// The length of the handshake in bytes, and the answer; `None` unless it is whole and accepted.
fn agree(bytes: &[u8], state: &State) -> Option<(usize, Response<Body>)> {
    let (used, request) = server::Request::try_parse(bytes).ok()??;
    let head = request.into_parts().0;
    let has_body =
        [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| head.headers.contains_key(name));
    if has_body || !upgrade::is_wanted(&head) {
        return None;
    }
    Some((used, upgrade::answer(state, &head).ok()?))
}

/// An answer's head as bytes.
fn written(answer: &Response<Body>) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {}\r\n", answer.status()).into_bytes();
    for (name, value) in answer.headers() {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}
