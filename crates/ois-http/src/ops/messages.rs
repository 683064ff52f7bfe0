//! Messages: some of a room, one by its id, and sending one.

mod page;

use ois_auth::{Action, Denied};
use ois_chat::team::Sent;
use ois_protocol::{Chat, ErrorFrame, EventId, EventKind, RoomName, event};
use ois_store::{Filter, Limit, ReadError};

pub(crate) use page::Page;

use crate::{access::viewer::Viewer, state::State};

/// What [`page()`] and [`one`] need.
pub(crate) const READ: Action = Action::Read;
/// What [`say`] needs.
pub(crate) const SAY: Action = Action::Chat;

/// Which messages are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The room that they are in.
    pub(crate) room: RoomName,
    /// Where in the room they are.
    pub(crate) from: From,
    /// The most messages that are wanted.
    pub(crate) limit: usize,
}

/// Where in a room the wanted messages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// The first ones that follow this id.
    After(EventId),
    /// The last ones that precede this id; the last ones of all precede [`EventId::MAX`].
    Before(EventId),
    /// Half of them up to and with this id, half after it.
    Around(EventId),
}

/// Why messages were not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MessagesError {
    /// The viewer may not do this.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such room, or not for this viewer.
    #[error("there is no such room")]
    NoRoom,
    /// There is no such message, or not for this viewer.
    #[error("there is no such message")]
    NoMessage,
    /// The log could not be read.
    #[error("the log cannot be read")]
    Log(#[from] ReadError),
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SayError {
    /// The viewer may not do this.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The hot loop refused: the roster's rules, the limits, or the store.
    #[error("{}", .0.message)]
    Refused(ErrorFrame),
}

/// Some messages of a room, the oldest first.
///
/// # Errors
/// [`MessagesError`], which says why not.
pub(crate) async fn page(
    state: &State,
    viewer: &Viewer,
    wanted: &Wanted,
) -> Result<Page, MessagesError> {
    viewer.may(READ)?;
    if !viewer.sees(&wanted.room) {
        return Err(MessagesError::NoRoom);
    }
    Ok(page::read(&*state.store, wanted).await?)
}

/// One message as JSON, as it stands in the log.
///
/// # Errors
/// [`MessagesError::NoMessage`] if no message has this id, if it was purged, and if it is in a room
/// that the viewer does not see: the three look alike from outside.
pub(crate) async fn one(
    state: &State,
    viewer: &Viewer,
    id: EventId,
) -> Result<Vec<u8>, MessagesError> {
    viewer.may(READ)?;
    let (all, one) = (Filter::default(), Limit { records: 1, bytes: 1 });
    let records = state.store.read(id.before(), &all, one).await?.records;
    let here = records.first().filter(|record| record.id == id);
    let here = here.filter(|record| record.kind == Some(EventKind::Message));
    let seen = here.filter(|record| viewer.sees(&record.room));
    let json = seen.and_then(|record| event::message_json(&record.payload));
    json.map(<[u8]>::to_vec).ok_or(MessagesError::NoMessage)
}

/// Sends a message; answers with its id once it is durable.
///
/// # Errors
/// [`SayError`]; then nothing was stored.
pub(crate) async fn say(state: &State, viewer: &Viewer, chat: Chat) -> Result<Sent, SayError> {
    let member = viewer.may(SAY)?.clone();
    state.hub.post(member, chat).await.map_err(SayError::Refused)
}
