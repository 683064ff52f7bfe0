//! The routes about people, messages, deliveries and turns: a request becomes the parameters of an
//! operation (`ops`), and its value becomes the answer.

pub(crate) mod budgets;
pub(crate) mod deliveries;
pub(crate) mod members;
pub(crate) mod messages;
pub(crate) mod metrics;
pub(crate) mod runs;
pub(crate) mod session;
pub(crate) mod ticket;

use serde::de::DeserializeOwned;

use crate::{body, reply::Refusal, request::HttpRequest, state::State};

/// The query's `limit`, the most values that are wanted: from 1 to `most`, and `usual` without it.
fn limit(request: &HttpRequest, usual: usize, most: usize) -> Result<usize, Refusal> {
    let Some(text) = request.target.get("limit") else { return Ok(usual) };
    let limit = text.parse().ok().filter(|limit| (1..=most).contains(limit));
    limit.ok_or_else(|| Refusal::bad(format!("limit is a number from 1 to {most}")))
}

/// The request's body as JSON, up to the limit of the settings.
pub(crate) async fn json<T: DeserializeOwned>(
    state: &State,
    request: &mut HttpRequest,
) -> Result<T, Refusal> {
    let limit = state.settings.limits.json_bytes;
    Ok(body::json(&request.head, &mut request.body, limit).await?)
}
