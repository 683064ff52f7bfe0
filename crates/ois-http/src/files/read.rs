//! Files on their way out: lists, texts and downloads.

use hyper::{
    Response,
    header::{CACHE_CONTROL, CONTENT_DISPOSITION, ETAG, HeaderValue},
};
use ois_protocol::{
    StorePath,
    http::{FileAnswer, FileItem, FilesAnswer},
};
use ois_store::FileEntry;

use crate::{
    access::viewer::Viewer,
    body::Body,
    content::{self, mime},
    ops::files,
    reply::{self, Refusal},
    request::HttpRequest,
    state::State,
};

/// `GET /api/files?path=`: what a folder holds; the root without a path.
pub(crate) async fn list(
    state: &State,
    viewer: &Viewer,
    request: &HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let text = request.target.get("path").unwrap_or_default();
    let path: StorePath = text.parse()?;
    let entries = files::list(state, viewer, &path).await?;
    // The paths begin with a slash if the query's path does: the page's breadcrumb sends one.
    let start = if text.starts_with('/') { "/" } else { "" };
    let items = entries.into_iter().map(|entry| item(start, &path, entry)).collect();
    Ok(reply::json(&FilesAnswer { path: text.to_owned(), items }))
}

/// `GET /api/file?path=`: a file as text. What is not UTF-8 in it becomes U+FFFD.
pub(crate) async fn read(
    state: &State,
    viewer: &Viewer,
    request: &HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let text = request.target.need("path")?;
    let file = files::read_text(state, viewer, &text.parse()?).await.map_err(missing)?;
    let mut answer = reply::json(&FileAnswer { path: text.to_owned(), content: file.content });
    answer.headers_mut().insert(ETAG, content::quoted(&file.tag));
    Ok(answer)
}

/// `GET /api/download?path=`: a file's bytes, to be saved.
pub(crate) async fn download(
    state: &State,
    viewer: &Viewer,
    request: &HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let path: StorePath = request.target.need("path")?.parse()?;
    let file = files::open(state, viewer, &path).await.map_err(missing)?;
    let name = path.file_name().unwrap_or_default();
    let mut answer = content::send(request, file, mime::of(name)).await?;
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

/// The refusal in the words on record, if the file is not there.
fn missing(error: files::FilesError) -> Refusal {
    Refusal::from(error).saying_if_missing("File not found")
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
