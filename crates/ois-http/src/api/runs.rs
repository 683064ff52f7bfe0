//! The routes of agents' turns: listing, stopping, and what they used.

use hyper::Response;
use ois_protocol::http::{RunsAnswer, UsageAnswer, UsageBy};

use crate::{
    access::viewer::Viewer,
    body::Body,
    ops::runs::{self, Wanted},
    reply::{self, Refusal},
    request::HttpRequest,
    state::State,
};

/// `GET /api/runs`: those under way; without `active=1` also the last that are over.
pub(crate) async fn list(
    state: &State,
    viewer: &Viewer,
    request: &HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let query = &request.target;
    let agent = query.get("agent").map(str::parse).transpose()?;
    let cause = query.get("cause").map(str::parse).transpose()?;
    let ended = if query.is_on("active") { 0 } else { super::limit(request, USUAL, MOST)? };
    let runs = runs::list(state, viewer, Wanted { agent, cause, ended }).await?;
    Ok(reply::json(&RunsAnswer { runs }))
}

/// `POST /api/runs/{id}/stop`: has the agent's monitor stop it; the runtime's word is the answer.
pub(crate) async fn stop(
    state: &State,
    viewer: &Viewer,
    request: &HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let run = request.target.parameter("/api/runs/{id}/stop").to_owned();
    let agent = request.target.get("agent").map(str::parse).transpose()?;
    Ok(reply::json(&runs::stop(state, viewer, run, agent).await?))
}

/// `GET /api/usage`: by agent, room or day.
pub(crate) async fn usage(
    state: &State,
    viewer: &Viewer,
    request: &HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let by = request.target.get("by").unwrap_or("agent").parse::<UsageBy>();
    let by = by.map_err(|error| Refusal::bad(error.to_string()))?;
    let from_day = request.target.get("from").map(str::to_owned);
    Ok(reply::json(&UsageAnswer { usage: runs::usage(state, viewer, by, from_day).await? }))
}

/// How many turns that are over are listed if the query does not say.
const USUAL: usize = 50;
/// The most turns that are over that are listed.
const MOST: usize = 1000;
