//! Who belongs to the team, and who is there.

use hyper::Response;
use ois_protocol::http::MembersAnswer;

use crate::{body::Body, reply, state::State};

/// `GET /api/members`.
pub(crate) async fn list(state: &State) -> Response<Body> {
    reply::json(&MembersAnswer { members: state.hub.roster().await })
}
