//! Files on their way in, and what else changes the tree.

use hyper::{
    Response, StatusCode,
    header::{ETAG, HeaderMap, IF_MATCH, IF_NONE_MATCH},
};
use ois_protocol::{
    StorePath,
    http::{Done, MakeDir, Rename, WriteFile},
};
use ois_store::{Condition, FileError};

use super::store_body::{Room, fill};
use crate::{
    body::{self, Body},
    content,
    reply::{self, Refusal},
    route::Ask,
    state::State,
};

/// `POST /api/file`: writes a text; missing folders are made.
pub(crate) async fn write(state: &State, ask: &mut Ask) -> Result<Response<Body>, Refusal> {
    let file: WriteFile = json(state, ask).await?;
    let path = named(&file.path)?;
    let condition = condition(state, &path, &ask.head.headers).await?;
    let mut writer = state.store.write(&path, condition).await?;
    writer.write(file.content.as_bytes()).await?;
    Ok(written(&writer.finish().await?))
}

/// `PUT /api/file?path=`: writes the body as it is.
pub(crate) async fn put(state: &State, ask: &mut Ask) -> Result<Response<Body>, Refusal> {
    let path = named(ask.target.need("path")?)?;
    let announced = body::announced(&ask.head.headers);
    let mut room = Room::below(state.settings.limits.upload_bytes, announced)?;
    let condition = condition(state, &path, &ask.head.headers).await?;
    let mut writer = state.store.write(&path, condition).await?;
    fill(&mut *writer, &mut ask.body, &mut room).await?;
    Ok(written(&writer.finish().await?))
}

/// `POST /api/mkdir`: makes a folder and those above it.
pub(crate) async fn make_dir(state: &State, ask: &mut Ask) -> Result<Response<Body>, Refusal> {
    let folder: MakeDir = json(state, ask).await?;
    state.store.make_dir(&named(&folder.path)?).await?;
    Ok(reply::json(&Done::default()))
}

/// `POST /api/rename`: gives a file or folder another place, which must be free.
pub(crate) async fn rename(state: &State, ask: &mut Ask) -> Result<Response<Body>, Refusal> {
    let places: Rename = json(state, ask).await?;
    let (from, to) = (named(&places.old_path)?, named(&places.new_path)?);
    state
        .store
        .rename(&from, &to)
        .await
        .map_err(|error| missing(error, "Original file or directory not found"))?;
    Ok(reply::json(&Done::default()))
}

/// `DELETE /api/file?path=` and `DELETE /api/delete?path=`: a file, or a folder with all in it.
pub(crate) async fn remove(state: &State, ask: &Ask) -> Result<Response<Body>, Refusal> {
    let path = named(ask.target.get("path").unwrap_or_default())?;
    state
        .store
        .remove(&path)
        .await
        .map_err(|error| missing(error, "File or directory not found"))?;
    Ok(reply::json(&Done::default()))
}

async fn json<T: serde::de::DeserializeOwned>(state: &State, ask: &mut Ask) -> Result<T, Refusal> {
    let limit = state.settings.limits.json_bytes;
    Ok(body::json(&ask.head, &mut ask.body, limit).await?)
}

/// A place below the root: the root itself can be neither written nor moved nor removed.
fn named(text: &str) -> Result<StorePath, Refusal> {
    let path: StorePath = text.parse()?;
    if path.is_root() { Err(FileError::Denied.into()) } else { Ok(path) }
}

/// What has to hold for a write, from `If-Match` and `If-None-Match`.
async fn condition(
    state: &State,
    path: &StorePath,
    headers: &HeaderMap,
) -> Result<Condition, Refusal> {
    if headers.contains_key(IF_NONE_MATCH) {
        let any = content::tags(headers, &IF_NONE_MATCH) == ["*"];
        let words = "If-None-Match takes * only when something is written";
        return any.then_some(Condition::Absent).ok_or_else(|| Refusal::bad(words));
    }
    if !headers.contains_key(IF_MATCH) {
        return Ok(Condition::None);
    }
    let tags = content::tags(headers, &IF_MATCH);
    let current = match state.store.open(path).await {
        Ok(file) => file.tag().await?,
        Err(FileError::NotFound) => return Err(FileError::Changed.into()),
        Err(error) => return Err(error.into()),
    };
    // The store checks again at the end, against what is there then.
    let quoted = format!("\"{current}\"");
    let holds = tags.iter().any(|tag| *tag == "*" || *tag == quoted);
    if holds { Ok(Condition::Matches(current)) } else { Err(FileError::Changed.into()) }
}

fn written(tag: &str) -> Response<Body> {
    let mut answer = reply::json(&Done::default());
    answer.headers_mut().insert(ETAG, content::quoted(tag));
    answer
}

fn missing(error: FileError, words: &str) -> Refusal {
    let refusal = Refusal::from(error);
    if refusal.status == StatusCode::NOT_FOUND { refusal.saying(words) } else { refusal }
}
