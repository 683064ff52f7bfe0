//! Links that download one file without a header.

use hyper::Response;
use ois_protocol::{
    Member, StorePath,
    http::{AskTicket, Ticket},
};

use crate::{
    body::{self, Body},
    clock::now,
    reply::{self, Refusal},
    route::Ask,
    state::State,
    target::encode,
};

/// `POST /api/ticket`: an address that a browser can open for a minute.
pub(crate) async fn issue(
    state: &State,
    member: &Member,
    ask: &mut Ask,
) -> Result<Response<Body>, Refusal> {
    let limit = state.settings.limits.json_bytes;
    let wanted: AskTicket = body::json(&ask.head, &mut ask.body, limit).await?;
    let path: StorePath = wanted.path.parse()?;
    let ticket = state.tickets.issue(&path, &member.name, now());
    let url = format!("/api/download?path={}&ticket={ticket}", encode(&path.to_string()));
    Ok(reply::json(&Ticket { url }))
}
