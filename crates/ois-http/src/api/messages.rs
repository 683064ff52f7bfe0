//! The routes of messages: reading some or one, and sending one without a WebSocket.

use hyper::Response;
use ois_protocol::{
    Chat, EventId, Nonce, RoomName,
    http::{MessageAnswer, Messages, Sent},
};

use crate::{
    access::viewer::Viewer,
    body::Body,
    ops::messages::{self, From, Wanted},
    reply::{self, Refusal},
    request::HttpRequest,
    state::State,
};

/// `GET /api/messages`: those after, before or around an id, or the last ones; oldest first.
pub(crate) async fn page(
    state: &State,
    viewer: &Viewer,
    request: &HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let page = messages::page(state, viewer, &wanted(request)?).await?;
    let messages = page.messages.iter().map(|message| &**message);
    Ok(reply::json_bytes(Messages::around(messages, page.more)))
}

/// `GET /api/messages/{id}`.
pub(crate) async fn one(
    state: &State,
    viewer: &Viewer,
    request: &HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let id = request.target.parameter("/api/messages/{id}").parse()?;
    let message = messages::one(state, viewer, id).await?;
    Ok(reply::json_bytes(MessageAnswer::around(&message)))
}

/// `POST /api/messages`: the body of a `chat` frame; the header `Idempotency-Key` is its nonce.
pub(crate) async fn say(
    state: &State,
    viewer: &Viewer,
    request: &mut HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let mut chat: Chat = super::json(state, request).await?;
    if let Some(key) = request.head.headers.get(IDEMPOTENCY_KEY) {
        let key = key.to_str().unwrap_or_default();
        // The draft of the standard wants the key in quotes, but hardly any client sends them.
        let nonce: Nonce = key.trim_matches('"').parse()?;
        if chat.nonce.as_ref().is_some_and(|own| *own != nonce) {
            return Err(Refusal::bad("Idempotency-Key and nonce are not the same"));
        }
        chat.nonce = Some(nonce);
    }
    let sent = messages::say(state, viewer, chat).await?;
    Ok(reply::json(&Sent { id: sent.id, duplicate: sent.duplicate, message: None }))
}

/// The messages that the query asks for.
fn wanted(request: &HttpRequest) -> Result<Wanted, Refusal> {
    let query = &request.target;
    let id = |name| query.get(name).map(str::parse::<EventId>).transpose();
    let from = match (id("after")?, id("before")?, id("around")?) {
        (None, None, None) => From::Before(EventId::MAX),
        (Some(id), None, None) => From::After(id),
        (None, Some(id), None) => From::Before(id),
        (None, None, Some(id)) => From::Around(id),
        _ => return Err(Refusal::bad("after, before and around exclude each other")),
    };
    let limit = super::limit(request, USUAL, MOST)?;
    let room = query.get("room").map(str::parse).transpose()?.unwrap_or_else(RoomName::main);
    Ok(Wanted { room, from, limit })
}

const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// How many messages a page has if the query does not say.
const USUAL: usize = 50;
/// The most messages that a page has.
const MOST: usize = 200;
