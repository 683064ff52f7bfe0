//! How far mentions came, and driving one again.

use hyper::Response;
use ois_chat::{Room, ladder::Query};
use ois_protocol::{
    Delivery, DeliveryId, EventId, EventKind, Member, Rung, ServerFrame, event,
    http::{DeliveriesAnswer, Retried},
};
use ois_store::{Filter, Limit, Store};

use crate::{
    body::Body,
    reply::{self, Refusal},
    route::Ask,
    state::State,
};

/// `GET /api/deliveries`: by `after`, `before`, `state`, `agent`; `order=desc` from the newest back.
pub(crate) async fn list(state: &State, ask: &Ask) -> Result<Response<Body>, Refusal> {
    let query = &ask.target;
    let id = |name| query.get(name).map(str::parse::<EventId>).transpose();
    let rung = |word| {
        Rung::from_word(word).ok_or_else(|| Refusal::bad(format!("no delivery is {word:?}")))
    };
    let wanted = Query {
        after: id("after")?,
        before: id("before")?,
        state: query.get("state").map(rung).transpose()?,
        agent: query.get("agent").map(str::parse).transpose()?,
        newest_first: match query.get("order") {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err(Refusal::bad("order is asc or desc")),
        },
    };
    let limit = super::limit(ask, USUAL, MOST)?;
    Ok(reply::json(&state.hub.deliveries(wanted, limit).await?))
}

/// `GET /api/messages/{id}/deliveries`; with `history=1` every state there was, oldest first.
pub(crate) async fn of_message(
    state: &State,
    member: &Member,
    ask: &Ask,
) -> Result<Response<Body>, Refusal> {
    let message: EventId = ask.target.between("/api/messages/", "/deliveries").parse()?;
    let known = match ask.target.get("history") {
        Some("1" | "true") => None,
        _ => state.hub.deliveries_of(message).await?,
    };
    let deliveries = match known {
        Some(deliveries) => deliveries,
        None => {
            let mut states = from_log(&*state.store, member, message).await?;
            if ask.target.get("history").is_none() {
                keep_the_last(&mut states);
            }
            states
        }
    };
    Ok(reply::json(&DeliveriesAnswer { deliveries, more: false }))
}

/// `POST /api/deliveries/{id}/retry`.
pub(crate) async fn retry(
    state: &State,
    member: &Member,
    ask: &Ask,
) -> Result<Response<Body>, Refusal> {
    super::only_people(member)?;
    let id = ask.target.between("/api/deliveries/", "/retry").parse::<DeliveryId>();
    let id = id.map_err(|error| Refusal::bad(error.to_string()))?;
    let delivery = state.hub.retry(id).await?;
    tracing::info!(by = %member.name, delivery = %delivery.id(), attempt = delivery.attempt, "driven again");
    Ok(reply::json(&Retried { delivery }))
}

/// Every state of a message's deliveries that the log has within two days of it, oldest first.
async fn from_log(
    store: &dyn Store,
    member: &Member,
    message: EventId,
) -> Result<Vec<Delivery>, Refusal> {
    let (all, one) = (Filter::default(), Limit { records: 1, bytes: 1 });
    let found = store.read(message.before(), &all, one).await?.records;
    let here = found.first().filter(|record| record.id == message);
    let here = here.filter(|record| record.kind == Some(EventKind::Message));
    let here = here.filter(|record| Room::sees(member, &record.room));
    let Some(record) = here else { return Err(Refusal::not_found("there is no such message")) };
    let mut deliveries: Vec<Delivery> = match event::decode(&record.payload) {
        Ok(ServerFrame::Message { message }) => {
            let stored = |agent| Delivery::stored(message.id, agent, message.time);
            message.calls.into_iter().map(stored).collect()
        }
        _ => Vec::new(),
    };
    let until = record.time.after_ms(LOOK_MS);
    let mut after = message;
    loop {
        let records = store.read(after, &all, CHUNK).await?.records;
        let Some(last) = records.last() else { return Ok(deliveries) };
        after = last.id;
        let late = last.time > until;
        let states = records.iter().filter(|record| record.kind == Some(EventKind::Delivery));
        for state in states {
            if let Ok(ServerFrame::Delivery(state)) = event::decode(&state.payload)
                && state.message == message
            {
                deliveries.push(state);
            }
        }
        if late {
            return Ok(deliveries);
        }
        // Two days may be long: others have a turn in between.
        tokio::task::yield_now().await;
    }
}

/// Of each agent the last state.
fn keep_the_last(states: &mut Vec<Delivery>) {
    let mut last: Vec<Delivery> = Vec::new();
    for state in states.drain(..) {
        match last.iter_mut().find(|known| known.agent == state.agent) {
            Some(known) => *known = state,
            None => last.push(state),
        }
    }
    *states = last;
}

const USUAL: usize = 200;
const MOST: usize = 1000;
/// How much of the log is read at once.
const CHUNK: Limit = Limit { records: 4096, bytes: 4 << 20 };
/// Nearly everything about a message is said within its deadline, a day.
const LOOK_MS: u64 = 48 * 3600 * 1000;
