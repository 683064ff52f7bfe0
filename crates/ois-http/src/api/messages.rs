//! What was said, and saying something, without a WebSocket.

mod page;

use hyper::Response;
use ois_protocol::{
    Chat, EventId, Member, Nonce, RoomName,
    http::{Messages, Sent},
};

use crate::{
    body::{self, Body},
    reply::{self, Refusal},
    route::Ask,
    state::State,
};

/// `GET /api/messages`: those after, before or around an id, or the last ones; oldest first.
pub(crate) async fn read(
    state: &State,
    member: &Member,
    ask: &Ask,
) -> Result<Response<Body>, Refusal> {
    let wanted = Wanted::parse(ask)?;
    if !ois_chat::Roster::sees(member, &wanted.room) {
        return Err(Refusal::not_found("there is no such room"));
    }
    let page = page::read(&*state.store, &wanted).await?;
    let messages = page.messages.iter().map(|message| &**message);
    Ok(reply::json_bytes(Messages::around(messages, page.more)))
}

/// `POST /api/messages`: the body of a `chat` frame; the header `Idempotency-Key` is its nonce.
pub(crate) async fn say(
    state: &State,
    member: Member,
    ask: &mut Ask,
) -> Result<Response<Body>, Refusal> {
    let limit = state.settings.limits.json_bytes;
    let mut chat: Chat = body::json(&ask.head, &mut ask.body, limit).await?;
    if let Some(key) = ask.head.headers.get(IDEMPOTENCY_KEY) {
        let key = key.to_str().unwrap_or_default();
        // The draft of the standard wants the key in quotes; hardly anybody sends them.
        let nonce: Nonce = key.trim_matches('"').parse()?;
        if chat.nonce.as_ref().is_some_and(|own| *own != nonce) {
            return Err(Refusal::bad("Idempotency-Key and nonce are not the same"));
        }
        chat.nonce = Some(nonce);
    }
    let sent = state.hub.post(member, chat).await?;
    Ok(reply::json(&Sent { id: sent.id, duplicate: sent.duplicate, message: None }))
}

/// Which messages are asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    room: RoomName,
    from: From,
    limit: usize,
}

/// From where on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// Those that follow.
    After(EventId),
    /// The last ones that precede; the very last ones precede an id that nobody has.
    Before(EventId),
    /// Half of them up to this one, half after it.
    Around(EventId),
}

impl Wanted {
    fn parse(ask: &Ask) -> Result<Self, Refusal> {
        let query = &ask.target;
        let id = |name| query.get(name).map(str::parse::<EventId>).transpose();
        let from = match (id("after")?, id("before")?, id("around")?) {
            (None, None, None) => From::Before(EventId::MAX),
            (Some(id), None, None) => From::After(id),
            (None, Some(id), None) => From::Before(id),
            (None, None, Some(id)) => From::Around(id),
            _ => return Err(Refusal::bad("after, before and around exclude each other")),
        };
        let limit = super::limit(ask, USUAL, MOST)?;
        let room = query.get("room").map(str::parse).transpose()?.unwrap_or_else(RoomName::main);
        Ok(Self { room, from, limit })
    }
}

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const USUAL: usize = 50;
const MOST: usize = 200;
