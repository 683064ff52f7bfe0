//! The routes of budgets.

use hyper::Response;
use ois_protocol::http::Budgets;

use crate::{
    access::viewer::Viewer,
    body::Body,
    ops::budgets,
    reply::{self, Refusal},
    request::HttpRequest,
    state::State,
};

/// `GET /api/budgets`.
pub(crate) async fn read(state: &State, viewer: &Viewer) -> Result<Response<Body>, Refusal> {
    Ok(reply::json(&budgets::read(state, viewer).await?))
}

/// `PUT /api/budgets`: replaces all of them.
pub(crate) async fn set(
    state: &State,
    viewer: &Viewer,
    request: &mut HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let wanted: Budgets = super::json(state, request).await?;
    Ok(reply::json(&budgets::set(state, viewer, wanted).await?))
}
