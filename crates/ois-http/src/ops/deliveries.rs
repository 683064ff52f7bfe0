//! How far mentions came: listed, of one message, and driven again.

mod history;

use ois_auth::{Action, Denied};
use ois_chat::ladder::{Query, ReportError};
use ois_protocol::{Delivery, DeliveryId, ErrorCode, ErrorFrame, EventId, http::DeliveriesAnswer};
use ois_store::ReadError;

use crate::{access::viewer::Viewer, state::State};

/// What [`list`] and [`of_message`] need.
pub(crate) const READ: Action = Action::Read;
/// What [`retry`] needs.
pub(crate) const RETRY: Action = Action::Direct;

/// Why deliveries were not listed or not driven again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeliveriesError {
    /// The viewer may not do this.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such message, or not for this viewer.
    #[error("there is no such message")]
    NoMessage,
    /// The log could not be read.
    #[error("the log cannot be read")]
    Log(#[from] ReadError),
    /// The hot loop refused: the delivery's state, or the store.
    #[error("{}", .0.message)]
    Refused(ErrorFrame),
}

impl From<ErrorFrame> for DeliveriesError {
    fn from(frame: ErrorFrame) -> Self {
        Self::Refused(frame)
    }
}

/// Which states of a message's deliveries are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum States {
    /// The last state of each agent's delivery.
    Last,
    /// Every state that there was within two days, the oldest first.
    All,
}

/// The deliveries that the query asks for and that the viewer sees, at the most so many.
///
/// # Errors
/// [`DeliveriesError`], which says why not.
pub(crate) async fn list(
    state: &State,
    viewer: &Viewer,
    query: Query,
    most: usize,
) -> Result<DeliveriesAnswer, DeliveriesError> {
    viewer.may(READ)?;
    let viewer = viewer.clone();
    Ok(state.hub.deliveries(query, most, move |room| viewer.sees(room)).await?)
}

/// The deliveries of one message. What the hot loop no longer knows is read from the log.
///
/// # Errors
/// [`DeliveriesError`], which says why not.
pub(crate) async fn of_message(
    state: &State,
    viewer: &Viewer,
    message: EventId,
    states: States,
) -> Result<Vec<Delivery>, DeliveriesError> {
    viewer.may(READ)?;
    if states == States::Last
        && let Some(room) = state.hub.room_of_message(message).await?
    {
        if !viewer.sees(&room) {
            return Err(DeliveriesError::NoMessage);
        }
        if let Some(deliveries) = state.hub.deliveries_of(message).await? {
            return Ok(deliveries);
        }
    }
    let all = history::read(&*state.store, viewer, message).await?;
    Ok(match states {
        States::Last => history::last_of_each(all),
        States::All => all,
    })
}

/// Drives a delivery again that failed or was given up; answers with its next attempt once that is
/// stored.
///
/// # Errors
/// [`DeliveriesError`]; then nothing was stored.
pub(crate) async fn retry(
    state: &State,
    viewer: &Viewer,
    id: DeliveryId,
) -> Result<Delivery, DeliveriesError> {
    let by = &viewer.may(RETRY)?.name;
    let room = state.hub.room_of_message(id.message).await?;
    if !room.is_some_and(|room| viewer.sees(&room)) {
        let words = ReportError::NotFound.to_string();
        return Err(ErrorFrame::new(ErrorCode::NotFound, words).into());
    }
    let delivery = state.hub.retry(id).await?;
    tracing::info!(%by, delivery = %delivery.id(), attempt = delivery.attempt, "driven again");
    Ok(delivery)
}
