//! Messages that are not in memory, from the server over HTTP.

use ois_client::{Rest, RestError};
use ois_inbox::{Assignment, Fetched};
use ois_protocol::EventId;

/// One message.
pub(super) async fn message(rest: Rest, id: EventId) -> Fetched {
    let around = tokio::task::spawn_blocking(move || rest.messages_around(id, NEAR)).await;
    match around {
        Ok(Ok(messages)) => {
            let found = messages.into_iter().find(|message| message.id == id);
            found.map_or(Fetched::Gone, |message| Fetched::Found(Box::new(message)))
        }
        Ok(Err(RestError::Refused { status: 404, .. })) => Fetched::Gone,
        Ok(Err(error)) => {
            tracing::warn!(%error, call = %id, "cannot fetch a message; trying again");
            Fetched::Failed
        }
        Err(error) => {
            tracing::error!(%error, "fetching a message did not end well");
            Fetched::Failed
        }
    }
}

/// What belongs to a call and was not in memory. A call does not wait for a server that is away: it
/// goes without.
pub(super) async fn surroundings(rest: Rest, delivery: Assignment) -> Assignment {
    let kept = delivery.clone();
    let filled = tokio::task::spawn_blocking(move || fill(&rest, delivery)).await;
    filled.unwrap_or(kept)
}

fn fill(rest: &Rest, mut delivery: Assignment) -> Assignment {
    for _ in 0..REQUESTS {
        let missing = &delivery.missing;
        let Some(id) = missing.above.or_else(|| missing.listed.first().copied()) else { break };
        match rest.messages_around(id, NEAR) {
            Ok(messages) => delivery.fetched(&messages, id),
            Err(error) => {
                tracing::warn!(%error, call = %delivery.message.id, "the thread is not complete");
                break;
            }
        }
    }
    delivery
}

/// What stands near a message is often wanted as well.
const NEAR: usize = 40;
/// How many requests one call is worth.
const REQUESTS: usize = 16;
