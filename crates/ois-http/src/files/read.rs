//! Files on their way out.

use hyper::{
    Response,
    header::{CACHE_CONTROL, CONTENT_DISPOSITION, ETAG, HeaderValue},
};
use ois_protocol::{
    StorePath,
    http::{FileAnswer, FileItem, FilesAnswer},
};
use ois_store::{FileEntry, FileError, FileReader};

use crate::{
    body::Body,
    content,
    reply::{self, Refusal},
    route::Ask,
    state::State,
};

/// `GET /api/files?path=`: what a folder holds; the root without a path.
pub(crate) async fn list(state: &State, ask: &Ask) -> Result<Response<Body>, Refusal> {
    let text = ask.target.get("path").unwrap_or_default();
    let path: StorePath = text.parse()?;
    let entries = state.store.list(&path).await?;
    // A leading slash is given back to who sent one: the page's breadcrumb does.
    let start = if text.starts_with('/') { "/" } else { "" };
    let shown = entries.into_iter().filter(|entry| !is_hidden(&entry.name));
    let items = shown.map(|entry| item(start, &path, entry)).collect();
    Ok(reply::json(&FilesAnswer { path: text.to_owned(), items }))
}

/// `GET /api/file?path=`: a file as text. What is no UTF-8 in it becomes U+FFFD.
pub(crate) async fn read(state: &State, ask: &Ask) -> Result<Response<Body>, Refusal> {
    let text = ask.target.need("path")?;
    let path: StorePath = text.parse()?;
    let file = state.store.open(&path).await.map_err(missing)?;
    let limit = state.settings.limits.json_bytes as u64;
    if file.len() > limit {
        let words = format!("the file is longer than {limit} bytes: use /api/download");
        return Err(Refusal::too_long(words));
    }
    let tag = file.tag().await?;
    let content = String::from_utf8_lossy(&all(&*file).await?).into_owned();
    let mut answer = reply::json(&FileAnswer { path: text.to_owned(), content });
    answer.headers_mut().insert(ETAG, content::quoted(&tag));
    Ok(answer)
}

/// `GET /api/download?path=`: a file's bytes, to be saved.
pub(crate) async fn download(state: &State, ask: &Ask) -> Result<Response<Body>, Refusal> {
    let path: StorePath = ask.target.need("path")?.parse()?;
    let file = state.store.open(&path).await.map_err(|error| match error {
        FileError::IsDirectory => missing(FileError::NotFound),
        other => missing(other),
    })?;
    let name = path.file_name().unwrap_or_default();
    let mut answer = content::send(ask, file, content::mime_of(name)).await?;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_DISPOSITION, content::attachment(name));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(answer)
}

fn item(start: &str, folder: &StorePath, entry: FileEntry) -> FileItem {
    let place = folder.join(&entry.name).map_or_else(|_| entry.name.clone(), |p| p.to_string());
    FileItem {
        path: format!("{start}{place}"),
        name: entry.name,
        is_dir: entry.is_dir,
        size: (!entry.is_dir).then_some(entry.size),
        modified: Some(entry.modified),
    }
}

/// What lists leave out, as of old: hidden names, and the folder in which the original's page lay.
fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || name == "ois-web"
}

async fn all(file: &dyn FileReader) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    loop {
        let rest = file.len().saturating_sub(bytes.len() as u64);
        let most = usize::try_from(rest).unwrap_or(usize::MAX);
        let piece =
            if most > 0 { file.read_at(bytes.len() as u64, most).await? } else { Vec::new() };
        if piece.is_empty() {
            return Ok(bytes);
        }
        bytes.extend(piece);
    }
}

fn missing(error: FileError) -> Refusal {
    let absent = matches!(error, FileError::NotFound);
    let refusal = Refusal::from(error);
    if absent { refusal.saying("File not found") } else { refusal }
}

#[cfg(test)]
mod tests {
    use ois_protocol::Timestamp;

    use super::*;

    #[test]
    fn an_items_path_is_below_the_folder_as_it_was_named() {
        let entry = || FileEntry {
            name: "a b.txt".to_owned(),
            is_dir: false,
            size: 1,
            modified: Timestamp::from_ms(0),
        };
        let place = |start: &str, folder: &str| item(start, &folder.parse().unwrap(), entry()).path;
        assert_eq!(place("", ""), "a b.txt");
        assert_eq!(place("/", "/notes"), "/notes/a b.txt");
        assert_eq!(place("", "./notes/"), "notes/a b.txt");
    }
}
