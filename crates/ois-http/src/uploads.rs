//! Uploads: `multipart/form-data` in, as a stream; bytes out, where they can do no harm.

mod form;

use hyper::{
    Response,
    header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, HeaderValue},
};
use ois_auth::Entropy;
use ois_protocol::{
    Attachment, StorePath, UploadName,
    http::{UploadAnswer, Uploaded},
};
use ois_store::{Condition, FileError, FileWriter};

use crate::{
    body::Body,
    content,
    reply::{self, Refusal},
    route::Ask,
    state::State,
    target::encode,
};

/// `POST /api/upload`: keeps the file in the field `file`; with a field `path`, in that folder
/// under its own name, which must be free there.
///
/// Nothing is kept before the form has come to its end. A `path` behind the file means that the
/// bytes have gone to the uploads already, which may lie on another disk: they are moved.
pub(crate) async fn keep(state: &State, ask: &mut Ask) -> Result<Response<Body>, Refusal> {
    let form = form::read(state, ask).await?;
    let place = match (&form.place, &form.folder) {
        (Some(place), _) => Some(place.clone()),
        (None, Some(folder)) => Some(folder.join(&form.name)?),
        (None, None) => None,
    };
    form.writer.finish().await.map_err(taken)?;
    if let (None, Some(place), Some(upload)) = (&form.place, &place, &form.upload) {
        let copied = copy(state, upload, place).await;
        state.store.remove_upload(upload).await?;
        copied?;
    }
    let url = match (&place, &form.upload) {
        (Some(place), _) => format!("/api/download?path={}", encode(&place.to_string())),
        (None, Some(upload)) => format!("/uploads/{}", upload.as_str()),
        (None, None) => return Err(Refusal::bad("No file uploaded")),
    };
    let file = Attachment { url, name: form.name, mime: form.mime, size: form.size };
    let file = Uploaded { path: place.map(|place| place.to_string()), ..file.into() };
    Ok(reply::json(&UploadAnswer { ok: true, file }))
}

/// `GET /uploads/{name}`: the bytes; who knows the name may have them. Pictures are shown, all
/// else is saved, and nothing of it runs as part of the page.
pub(crate) async fn give(state: &State, ask: &Ask) -> Result<Response<Body>, Refusal> {
    let name = ask.target.path.strip_prefix("/uploads/").unwrap_or_default();
    let missing = || Refusal::not_found("File not found");
    let name: UploadName = name.parse().map_err(|_| missing())?;
    let file = state.store.open_upload(&name).await.map_err(|error| match error {
        FileError::NotFound => missing(),
        other => other.into(),
    })?;
    let kind = content::mime_of(name.as_str());
    let shown = content::is_picture(&kind);
    let mut answer = content::send(ask, file, kind).await?;
    let headers = answer.headers_mut();
    // Without a name, so that the page's own one counts.
    let disposition = if shown { "inline" } else { "attachment" };
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
    headers
        .insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    let forever = HeaderValue::from_static("private, max-age=31536000, immutable");
    headers.insert(CACHE_CONTROL, forever);
    Ok(answer)
}

/// Begins to keep a file among the uploads, under a name that nobody can guess.
async fn begin_upload(
    state: &State,
    original: &str,
) -> Result<(UploadName, Box<dyn FileWriter>), Refusal> {
    let mut random = [0; 16];
    state.entropy.clone().fill(&mut random);
    let name = UploadName::new(random, original);
    let writer = state.store.upload(&name).await?;
    Ok((name, writer))
}

/// Begins to write a file in a folder where nothing has its name.
async fn begin_file(state: &State, place: &StorePath) -> Result<Box<dyn FileWriter>, Refusal> {
    match state.store.open(place).await {
        Ok(_) | Err(FileError::IsDirectory) => return Err(FileError::Exists.into()),
        Err(FileError::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    state.store.write(place, Condition::Absent).await.map_err(taken)
}

async fn copy(state: &State, upload: &UploadName, place: &StorePath) -> Result<(), Refusal> {
    let from = state.store.open_upload(upload).await?;
    let mut to = begin_file(state, place).await?;
    let mut at = 0;
    while at < from.len() {
        let piece = from.read_at(at, PIECE).await?;
        at += piece.len() as u64;
        to.write(&piece).await?;
    }
    to.finish().await.map_err(taken)?;
    Ok(())
}

/// A condition that failed can only be that the name is taken.
fn taken(error: FileError) -> Refusal {
    match error {
        FileError::Changed => FileError::Exists.into(),
        other => other.into(),
    }
}

const PIECE: usize = 256 << 10;
