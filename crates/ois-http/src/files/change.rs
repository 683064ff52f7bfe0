//! Files on their way in, and what else changes the tree.

use hyper::{
    Response,
    header::{ETAG, HeaderMap, IF_MATCH, IF_NONE_MATCH},
};
use ois_protocol::http::{Done, MakeDir, Rename, WriteFile};

use crate::{
    access::viewer::Viewer,
    api::json,
    body::{self, Body},
    content,
    ops::files::{self, Precondition},
    reply::{self, Refusal},
    request::HttpRequest,
    state::State,
};

/// `POST /api/file`: writes a text; missing folders are made.
pub(crate) async fn write(
    state: &State,
    viewer: &Viewer,
    request: &mut HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let file: WriteFile = json(state, request).await?;
    let (path, precondition) = (file.path.parse()?, precondition(&request.head.headers)?);
    let tag = files::write_text(state, viewer, &path, precondition, &file.content).await?;
    Ok(written(&tag))
}

/// `PUT /api/file?path=`: writes the body as it is. If the body is cut off, nothing is kept.
pub(crate) async fn put(
    state: &State,
    viewer: &Viewer,
    request: &mut HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let path = request.target.need("path")?.parse()?;
    let precondition = precondition(&request.head.headers)?;
    let announced = body::announced(&request.head.headers);
    let mut writing = files::write(state, viewer, &path, precondition, announced).await?;
    while let Some(piece) = body::next(&mut request.body).await? {
        writing.write(&piece).await?;
    }
    Ok(written(&writing.finish().await?))
}

/// `POST /api/mkdir`: makes a folder and those above it.
pub(crate) async fn make_dir(
    state: &State,
    viewer: &Viewer,
    request: &mut HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let folder: MakeDir = json(state, request).await?;
    files::make_dir(state, viewer, &folder.path.parse()?).await?;
    Ok(reply::json(&Done::default()))
}

/// `POST /api/rename`: gives a file or folder another place, which must be free.
pub(crate) async fn rename(
    state: &State,
    viewer: &Viewer,
    request: &mut HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let places: Rename = json(state, request).await?;
    let (from, to) = (places.old_path.parse()?, places.new_path.parse()?);
    let renamed = files::rename(state, viewer, &from, &to).await;
    renamed.map_err(|error| {
        Refusal::from(error).saying_if_missing("Original file or directory not found")
    })?;
    Ok(reply::json(&Done::default()))
}

/// `DELETE /api/file?path=` and `DELETE /api/delete?path=`: a file, or a folder with all in it.
pub(crate) async fn remove(
    state: &State,
    viewer: &Viewer,
    request: &HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let path = request.target.get("path").unwrap_or_default().parse()?;
    let removed = files::remove(state, viewer, &path).await;
    removed
        .map_err(|error| Refusal::from(error).saying_if_missing("File or directory not found"))?;
    Ok(reply::json(&Done::default()))
}

/// What has to be true of the file, from `If-Match` and `If-None-Match`.
fn precondition(headers: &HeaderMap) -> Result<Precondition, Refusal> {
    if headers.contains_key(IF_NONE_MATCH) {
        let is_any = content::tags(headers, &IF_NONE_MATCH) == ["*"];
        let words = "If-None-Match takes * only when something is written";
        return is_any.then_some(Precondition::Absent).ok_or_else(|| Refusal::bad(words));
    }
    if !headers.contains_key(IF_MATCH) {
        return Ok(Precondition::None);
    }
    let tags = content::tags(headers, &IF_MATCH);
    if tags.contains(&"*") {
        return Ok(Precondition::Present);
    }
    // A tag without quotes, or a weak one, stands for no file.
    let unquoted = |tag: &str| Some(tag.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    Ok(Precondition::OneOf(tags.into_iter().filter_map(unquoted).collect()))
}

fn written(tag: &str) -> Response<Body> {
    let mut answer = reply::json(&Done::default());
    answer.headers_mut().insert(ETAG, content::quoted(tag));
    answer
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn of(name: HeaderName, value: &'static str) -> Option<Precondition> {
        precondition(&HeaderMap::from_iter([(name, HeaderValue::from_static(value))])).ok()
    }

    #[test]
    fn a_write_is_bound_to_strong_tags_in_quotes() {
        let tags = |tags: &[&str]| {
            Some(Precondition::OneOf(tags.iter().map(|tag| (*tag).to_owned()).collect()))
        };
        assert_eq!(of(IF_MATCH, "\"0a\", \"0b\""), tags(&["0a", "0b"]));
        assert_eq!(of(IF_MATCH, "0a, W/\"0b\""), tags(&[]));
        assert_eq!(of(IF_MATCH, "\"0a\", *"), Some(Precondition::Present));
        assert_eq!(of(IF_NONE_MATCH, "*"), Some(Precondition::Absent));
        assert_eq!(of(IF_NONE_MATCH, "\"0a\""), None);
        assert_eq!(precondition(&HeaderMap::new()).ok(), Some(Precondition::None));
    }
}
