//! A newcomer's first words, read where it is accepted: on the hot loop.
//!
//! Members come back by the thousand when a network or a server does, and nearly all of them send
//! a whole handshake at once. Such a one is answered there and stays there, with no other thread
//! woken for it. Whoever wants anything else, or has not said it all, or is to be refused, goes to
//! hyper with what was read, and nothing has been said to it. What is agreed to is `upgrade`'s to
//! say, here as there.

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
    hub::Newcomer,
    route::Route,
    state::State,
    upgrade::{self, Adopt},
};

/// Who has come.
pub(super) enum Greeted {
    /// A member, whose handshake is answered.
    Member(Newcomer),
    /// Somebody for hyper.
    Guest(Wire),
}

/// Answers a handshake that has come as a whole.
///
/// # Errors
/// When the peer is gone already, or takes no answer.
pub(super) fn greet(wire: Wire, peer: SocketAddr, state: &State) -> io::Result<Greeted> {
    let Some((used, mut answer)) = agree(wire.unread(), state) else {
        return Ok(Greeted::Guest(wire));
    };
    state.metrics.answered(Route::Socket.name(), answer.status());
    let cookie = answer.extensions_mut().remove::<Adopt>().and_then(|adopt| adopt.cookie);
    let (mut socket, unread) = wire.into_parts()?;
    // The socket is new: a hundred bytes find room, or nothing ever will.
    socket.write_all(&written(&answer))?;
    Ok(Greeted::Member(Newcomer { socket, leftover: unread[used..].to_vec(), peer, cookie }))
}

/// How long the handshake is, and the answer to one that can be agreed to.
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

/// An answer's head as it goes out.
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
