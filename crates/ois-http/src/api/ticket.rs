//! `POST /api/ticket`: links that download one file without a header.

use hyper::Response;
use ois_protocol::{
    StorePath,
    http::{AskTicket, Ticket},
};

use crate::{
    access::viewer::Viewer,
    body::Body,
    escape::encode,
    ops::files,
    reply::{self, Refusal},
    request::HttpRequest,
    state::State,
};

/// `POST /api/ticket`: an address that a browser can open for a minute.
pub(crate) async fn issue(
    state: &State,
    viewer: &Viewer,
    request: &mut HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let wanted: AskTicket = super::json(state, request).await?;
    let path: StorePath = wanted.path.parse()?;
    let ticket = files::ticket(state, viewer, &path)?;
    let url = format!("/api/download?path={}&ticket={ticket}", encode(&path.to_string()));
    Ok(reply::json(&Ticket { url }))
}
