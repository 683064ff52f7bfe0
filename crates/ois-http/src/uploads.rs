//! The routes of uploads: `multipart/form-data` in, as a stream; bytes out, where they can do no
//! harm.

mod form;

use hyper::{
    Response,
    header::{
        CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue,
    },
};
use ois_protocol::{UploadName, http::UploadAnswer};
use ois_store::FileError;

use crate::{
    access::viewer::Viewer,
    body::Body,
    content::{self, mime},
    ops::uploads,
    reply::{self, Refusal},
    request::HttpRequest,
    state::State,
};

/// `POST /api/upload`: keeps the file in the field `file`; with a field `path`, in that folder
/// under its own name, which must be free there.
///
/// Nothing is kept before the form has come to its end.
pub(crate) async fn keep(
    state: &State,
    viewer: &Viewer,
    request: &mut HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let form = form::read(state, viewer, request).await?;
    let file = form.upload.finish(state, form.folder.as_ref()).await?;
    Ok(reply::json(&UploadAnswer { ok: true, file }))
}

/// `GET /uploads/{name}`: the bytes; who knows the name may have them. Pictures are shown, every
/// other file is saved, and nothing of it runs as part of the page.
pub(crate) async fn read(state: &State, request: &HttpRequest) -> Result<Response<Body>, Refusal> {
    let missing = || Refusal::not_found("File not found");
    let name = request.target.parameter("/uploads/{name}");
    let name: UploadName = name.parse().map_err(|_| missing())?;
    let file = uploads::open(state, &name).await.map_err(|error| match error {
        FileError::NotFound => missing(),
        other => other.into(),
    })?;
    let kind = mime::of(name.as_str());
    let is_shown = mime::is_picture(&kind);
    let mut answer = content::send(request, file, kind).await?;
    let headers = answer.headers_mut();
    // The header has no file name, so that the name in the page's own link counts.
    let disposition = if is_shown { "inline" } else { "attachment" };
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
    headers
        .insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    let forever = HeaderValue::from_static("private, max-age=31536000, immutable");
    headers.insert(CACHE_CONTROL, forever);
    Ok(answer)
}

/// Keeps pages of other origins from embedding an upload, and from finding out whether there is one.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
