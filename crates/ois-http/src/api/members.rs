//! `GET /api/members`: who belongs to the team, and who is connected.

use hyper::Response;
use ois_protocol::http::MembersAnswer;

use crate::{
    access::viewer::Viewer,
    body::Body,
    ops,
    reply::{self, Refusal},
    state::State,
};

/// `GET /api/members`.
pub(crate) async fn list(state: &State, viewer: &Viewer) -> Result<Response<Body>, Refusal> {
    let members = ops::members::list(state, viewer).await?;
    Ok(reply::json(&MembersAnswer { members }))
}
