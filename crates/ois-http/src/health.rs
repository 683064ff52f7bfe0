//! The routes for a supervisor: whether the process answers, and whether it can do its work.

use hyper::{Response, StatusCode};
use ois_protocol::{ErrorCode, http::Done};

use crate::{
    body::Body,
    reply::{self, Refusal},
    state::State,
};

/// `GET /healthz`: the process answers.
pub(crate) fn alive() -> Response<Body> {
    reply::json(&Done::default())
}

/// `GET /readyz`: the server would store and show a message.
pub(crate) fn ready(state: &State) -> Result<Response<Body>, Refusal> {
    let unready = |code, words| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, code, words);
    if !state.hub.is_alive() {
        return Err(unready(ErrorCode::Internal, "the room is closed"));
    }
    if !state.store.writable() {
        return Err(unready(ErrorCode::Storage, "the disk takes no writes"));
    }
    Ok(alive())
}
