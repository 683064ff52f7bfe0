//! The routes of deliveries: how far mentions came, and driving one again.

use hyper::Response;
use ois_chat::ladder::Query;
use ois_protocol::{
    DeliveryId, EventId, Rung,
    http::{DeliveriesAnswer, Retried},
};

use crate::{
    access::viewer::Viewer,
    body::Body,
    ops::deliveries::{self, States},
    reply::{self, Refusal},
    request::HttpRequest,
    state::State,
};

/// `GET /api/deliveries`: by `after`, `before`, `state`, `agent`; `order=desc` from the newest back.
pub(crate) async fn list(
    state: &State,
    viewer: &Viewer,
    request: &HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let query = &request.target;
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
    let limit = super::limit(request, USUAL, MOST)?;
    Ok(reply::json(&deliveries::list(state, viewer, wanted, limit).await?))
}

/// `GET /api/messages/{id}/deliveries`; with `history=1` every state there was, oldest first.
pub(crate) async fn of_message(
    state: &State,
    viewer: &Viewer,
    request: &HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let message = request.target.parameter("/api/messages/{id}/deliveries").parse()?;
    let states = if request.target.is_on("history") { States::All } else { States::Last };
    let deliveries = deliveries::of_message(state, viewer, message, states).await?;
    Ok(reply::json(&DeliveriesAnswer { deliveries, more: false }))
}

/// `POST /api/deliveries/{id}/retry`.
pub(crate) async fn retry(
    state: &State,
    viewer: &Viewer,
    request: &HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let id = request.target.parameter("/api/deliveries/{id}/retry").parse::<DeliveryId>();
    let id = id.map_err(|error| Refusal::bad(error.to_string()))?;
    let delivery = deliveries::retry(state, viewer, id).await?;
    Ok(reply::json(&Retried { delivery }))
}

/// How many deliveries are listed if the query does not say.
const USUAL: usize = 200;
/// The most deliveries that are listed.
const MOST: usize = 1000;
