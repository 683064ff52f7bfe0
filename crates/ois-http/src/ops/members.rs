//! The list of members.

use ois_auth::{Action, Denied};
use ois_protocol::http::MemberView;

use crate::{access::viewer::Viewer, state::State};

/// What [`list`] needs.
pub(crate) const LIST: Action = Action::Read;

/// Every member of the team, and who is connected.
///
/// # Errors
/// [`Denied`] by the viewer's role.
pub(crate) async fn list(state: &State, viewer: &Viewer) -> Result<Vec<MemberView>, Denied> {
    viewer.may(LIST)?;
    Ok(state.hub.roster().await)
}
