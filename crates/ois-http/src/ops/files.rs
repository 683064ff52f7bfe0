//! The team's files: listed, read, written, moved, removed, and links that download one.
//!
//! The store alone touches the tree and says which places in it are the server's own.

mod writing;

use ois_auth::{Action, Denied};
use ois_protocol::StorePath;
use ois_store::{Condition, FileEntry, FileError, FileReader, FileWriter};

pub(crate) use writing::{SizeLimit, TooLarge, Writing};

use crate::{access::viewer::Viewer, clock::now, state::State};

/// What [`list`], [`read_text`], [`open`] and [`ticket`] need.
pub(crate) const READ: Action = Action::Read;
/// What the functions need that change something.
pub(crate) const WRITE: Action = Action::WriteFiles;

/// Why an operation on files was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilesError {
    /// The viewer may not do this.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The file has more than these bytes, the most that are read as text.
    #[error("the file is longer than {0} bytes: use /api/download")]
    TooLongForText(u64),
    /// What was to be written reaches the limit.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] FileError),
}

/// A file read as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// The text, with U+FFFD in place of bytes that are not UTF-8.
    pub(crate) content: String,
    /// The hash of the file's bytes, 32 hex digits.
    pub(crate) tag: String,
}

/// What has to be true of a file before it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// Nothing: whatever is there is replaced.
    None,
    /// There is no file.
    Absent,
    /// There is a file, whatever it holds.
    Present,
    /// There is a file whose tag is one of these.
    OneOf(Vec<String>),
}

/// The entries of a folder, without hidden ones.
///
/// # Errors
/// [`FilesError`], which says why not.
pub(crate) async fn list(
    state: &State,
    viewer: &Viewer,
    folder: &StorePath,
) -> Result<Vec<FileEntry>, FilesError> {
    viewer.may(READ)?;
    let mut entries = state.store.list(folder).await?;
    entries.retain(|entry| !is_hidden(&entry.name));
    Ok(entries)
}

/// A file as text.
///
/// # Errors
/// [`FilesError`], which says why not.
pub(crate) async fn read_text(
    state: &State,
    viewer: &Viewer,
    path: &StorePath,
) -> Result<Text, FilesError> {
    viewer.may(READ)?;
    let file = state.store.open(path).await?;
    let limit = state.settings.limits.json_bytes as u64;
    if file.len() > limit {
        return Err(FilesError::TooLongForText(limit));
    }
    let tag = file.tag().await?;
    let content = String::from_utf8_lossy(&all(&*file).await?).into_owned();
    Ok(Text { content, tag })
}

/// Opens a file, so that its bytes can be sent to the viewer.
///
/// # Errors
/// [`FilesError`], which says why not; a folder counts as nothing.
pub(crate) async fn open(
    state: &State,
    viewer: &Viewer,
    path: &StorePath,
) -> Result<Box<dyn FileReader>, FilesError> {
    viewer.may_download(path)?;
    let opened = state.store.open(path).await;
    Ok(opened.map_err(|error| match error {
        FileError::IsDirectory => FileError::NotFound,
        other => other,
    })?)
}

/// A ticket for a link: for a minute, the link downloads this file in the name of this viewer.
///
/// # Errors
/// [`Denied`] by the viewer's role.
pub(crate) fn ticket(state: &State, viewer: &Viewer, path: &StorePath) -> Result<String, Denied> {
    let member = viewer.may(READ)?;
    Ok(state.tickets.issue(path, &member.name, now()))
}

/// Writes a text and answers with its tag; missing folders above it are made.
///
/// # Errors
/// [`FilesError`]; then the file is as before.
pub(crate) async fn write_text(
    state: &State,
    viewer: &Viewer,
    path: &StorePath,
    precondition: Precondition,
    text: &str,
) -> Result<String, FilesError> {
    viewer.may(WRITE)?;
    let mut writer = begin(state, path, precondition).await?;
    writer.write(text.as_bytes()).await?;
    Ok(writer.finish().await?)
}

/// Begins to write a file; missing folders above it are made. `announced` is the number of bytes
/// that will come, if it is known.
///
/// # Errors
/// [`FilesError`]; then the file is as before.
pub(crate) async fn write(
    state: &State,
    viewer: &Viewer,
    path: &StorePath,
    precondition: Precondition,
    announced: Option<u64>,
) -> Result<Writing, FilesError> {
    viewer.may(WRITE)?;
    let limit = SizeLimit::below(state.settings.limits.upload_bytes, announced)?;
    Ok(Writing::new(begin(state, path, precondition).await?, limit))
}

/// Makes a folder and those above it.
///
/// # Errors
/// [`FilesError`], which says why not.
pub(crate) async fn make_dir(
    state: &State,
    viewer: &Viewer,
    path: &StorePath,
) -> Result<(), FilesError> {
    viewer.may(WRITE)?;
    Ok(state.store.make_dir(not_root(path)?).await?)
}

/// Gives a file or a folder another place, which must be free.
///
/// # Errors
/// [`FilesError`]; then everything is where it was.
pub(crate) async fn rename(
    state: &State,
    viewer: &Viewer,
    from: &StorePath,
    to: &StorePath,
) -> Result<(), FilesError> {
    viewer.may(WRITE)?;
    Ok(state.store.rename(not_root(from)?, not_root(to)?).await?)
}

/// Removes a file, or a folder with everything in it.
///
/// # Errors
/// [`FilesError`], which says why not.
pub(crate) async fn remove(
    state: &State,
    viewer: &Viewer,
    path: &StorePath,
) -> Result<(), FilesError> {
    viewer.may(WRITE)?;
    Ok(state.store.remove(not_root(path)?).await?)
}

/// Begins to write a file below the root, if the precondition holds now. The store checks it again
/// when the writing ends, against what is there then.
async fn begin(
    state: &State,
    path: &StorePath,
    precondition: Precondition,
) -> Result<Box<dyn FileWriter>, FileError> {
    let path = not_root(path)?;
    let condition = match &precondition {
        Precondition::None => Condition::None,
        Precondition::Absent => Condition::Absent,
        Precondition::Present | Precondition::OneOf(_) => {
            let current = match state.store.open(path).await {
                Ok(file) => file.tag().await?,
                Err(FileError::NotFound) => return Err(FileError::Changed),
                Err(error) => return Err(error),
            };
            if matches!(&precondition, Precondition::OneOf(tags) if !tags.contains(&current)) {
                return Err(FileError::Changed);
            }
            Condition::Matches(current)
        }
    };
    state.store.write(path, condition).await
}

/// The root itself is neither made nor written nor moved nor removed.
fn not_root(path: &StorePath) -> Result<&StorePath, FileError> {
    if path.is_root() { Err(FileError::Denied) } else { Ok(path) }
}

/// What lists leave out, as of old: hidden names, and the folder in which the original's page lay.
fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || name == "ois-web"
}

/// All bytes of a file.
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
