//! Uploads: files that go with a message, or into a folder under their own name.

use ois_auth::{Action, Entropy};
use ois_protocol::{Attachment, PathError, StorePath, UploadName, http::Uploaded};
use ois_store::{Condition, FileError, FileReader, FileWriter};

use super::files::{FilesError, SizeLimit, Writing};
use crate::{access::viewer::Viewer, escape::encode, state::State};

/// What [`begin`] needs.
pub(crate) const KEEP: Action = Action::WriteFiles;

/// Why an upload was not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    /// The folder and the file's name together are no path.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The viewer may not, the file is too large, or the store refused.
    #[error(transparent)]
    Files(#[from] FilesError),
}

impl From<FileError> for UploadError {
    fn from(error: FileError) -> Self {
        Self::Files(error.into())
    }
}

/// A file on its way in. Dropped before [`NewUpload::finish`], it leaves nothing.
pub(crate) struct NewUpload {
    /// What the sender called it, without folders.
    name: String,
    /// Its media type, as the sender says.
    mime: String,
    destination: Destination,
    writing: Writing,
}

/// Where an upload's bytes go while they come.
enum Destination {
    /// Among the uploads, under a name that nobody can guess.
    Uploads(UploadName),
    /// To this place in the tree.
    Tree(StorePath),
}

/// Begins to take a file: into a folder under the file's own name, which must be free there, or
/// else among the uploads.
///
/// # Errors
/// [`UploadError`], which says why not.
pub(crate) async fn begin(
    state: &State,
    viewer: &Viewer,
    name: &str,
    mime: &str,
    folder: Option<&StorePath>,
) -> Result<NewUpload, UploadError> {
    viewer.may(KEEP).map_err(FilesError::from)?;
    let (name, mime) = (base_name(name), mime.to_owned());
    let limit = SizeLimit::below(state.settings.limits.upload_bytes, None);
    let limit = limit.map_err(FilesError::from)?;
    let (destination, writer) = match folder {
        Some(folder) => {
            let place = folder.join(&name)?;
            let writer = begin_file(state, &place).await?;
            (Destination::Tree(place), writer)
        }
        None => {
            let mut random = [0; 16];
            state.entropy.clone().fill(&mut random);
            let upload = UploadName::new(random, &name);
            let writer = state.store.upload(&upload).await?;
            (Destination::Uploads(upload), writer)
        }
    };
    Ok(NewUpload { name, mime, destination, writing: Writing::new(writer, limit) })
}

/// Opens an upload. It takes no viewer: who knows the name may have the bytes.
///
/// # Errors
/// What the store says.
pub(crate) async fn open(
    state: &State,
    name: &UploadName,
) -> Result<Box<dyn FileReader>, FileError> {
    state.store.open_upload(name).await
}

impl NewUpload {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`UploadError`]: the limit is reached, or the store refused.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
        Ok(self.writing.write(bytes).await?)
    }

    /// Keeps the file. A folder that is named only now means that the bytes have gone to the
    /// uploads already, which may lie on another disk: they are copied to the folder.
    ///
    /// # Errors
    /// [`UploadError`]; then nothing is kept.
    pub(crate) async fn finish(
        self,
        state: &State,
        folder: Option<&StorePath>,
    ) -> Result<Uploaded, UploadError> {
        let Self { name, mime, destination, writing } = self;
        let move_to = match destination {
            Destination::Tree(_) => None,
            Destination::Uploads(_) => folder.map(|folder| folder.join(&name)).transpose()?,
        };
        let size = writing.len();
        writing.finish().await.map_err(taken)?;
        let (url, place) = match (destination, move_to) {
            (Destination::Tree(place), _) => (download_url(&place), Some(place)),
            (Destination::Uploads(upload), Some(place)) => {
                let copied = copy(state, &upload, &place).await;
                state.store.remove_upload(&upload).await?;
                copied?;
                (download_url(&place), Some(place))
            }
            (Destination::Uploads(upload), None) => (format!("/uploads/{}", upload.as_str()), None),
        };
        let file = Attachment { url, name, mime, size };
        Ok(Uploaded { path: place.map(|place| place.to_string()), ..file.into() })
    }
}

fn download_url(place: &StorePath) -> String {
    format!("/api/download?path={}", encode(&place.to_string()))
}

/// Begins to write a file in a folder where nothing has its name.
async fn begin_file(state: &State, place: &StorePath) -> Result<Box<dyn FileWriter>, FilesError> {
    match state.store.open(place).await {
        Ok(_) | Err(FileError::IsDirectory) => return Err(FileError::Exists.into()),
        Err(FileError::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    let writer = state.store.write(place, Condition::Absent).await;
    writer.map_err(|error| taken(error.into()))
}

async fn copy(state: &State, upload: &UploadName, place: &StorePath) -> Result<(), FilesError> {
    let from = state.store.open_upload(upload).await?;
    let mut to = begin_file(state, place).await?;
    copy_bytes(&*from, &mut *to).await?;
    to.finish().await.map_err(|error| taken(error.into()))?;
    Ok(())
}

async fn copy_bytes(from: &dyn FileReader, to: &mut dyn FileWriter) -> Result<(), FileError> {
    let mut at = 0;
    while at < from.len() {
        let piece = from.read_at(at, PIECE).await?;
        if piece.is_empty() {
            // The file is shorter than it was when it was opened.
            return Err(FileError::Changed);
        }
        at += piece.len() as u64;
        to.write(&piece).await?;
    }
    Ok(())
}

/// The only condition of an upload is that its name is free, so one that failed means that it is
/// taken.
fn taken(error: FilesError) -> FilesError {
    match error {
        FilesError::Store(FileError::Changed) => FileError::Exists.into(),
        other => other,
    }
}

/// The last part of what the sender calls the file; some senders give the whole path on their disk.
fn base_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown: String = last.chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect();
    if shown.trim().is_empty() { "file".to_owned() } else { shown }
}

/// How much of an upload is in memory while it is copied, in bytes.
const PIECE: usize = 256 << 10;

/// The longest name of a file, in characters; names of this length fit in a path.
const NAME_CHARS: usize = 120;

#[cfg(test)]
mod tests {
    use std::{fs::File, sync::Arc};

    use ois_protocol::Timestamp;
    use ois_store::Pending;

    use super::*;

    /// A file that was cut off after it was opened: it has ten bytes and gives four.
    struct CutOff;

    impl FileReader for CutOff {
        fn len(&self) -> u64 {
            10
        }

        fn modified(&self) -> Timestamp {
            Timestamp::from_ms(0)
        }

        fn known_tag(&self) -> Option<String> {
            None
        }

        fn tag(&self) -> Pending<'_, Result<String, FileError>> {
            Box::pin(async { Err(FileError::Changed) })
        }

        fn read_at(&self, offset: u64, _: usize) -> Pending<'_, Result<Vec<u8>, FileError>> {
            let bytes = if offset == 0 { b"four".to_vec() } else { Vec::new() };
            Box::pin(async { Ok(bytes) })
        }

        fn file(&self) -> Option<Arc<File>> {
            None
        }
    }

    /// What was written.
    struct Sink(Vec<u8>);

    impl FileWriter for Sink {
        fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Pending<'a, Result<(), FileError>> {
            self.0.extend_from_slice(bytes);
            Box::pin(async { Ok(()) })
        }

        fn finish(self: Box<Self>) -> Pending<'static, Result<String, FileError>> {
            Box::pin(async { Ok(String::new()) })
        }
    }

    #[tokio::test]
    async fn the_copy_of_a_file_that_was_cut_off_fails_and_ends() {
        let mut sink = Sink(Vec::new());
        let copied = copy_bytes(&CutOff, &mut sink).await;
        assert!(matches!(copied, Err(FileError::Changed)), "{copied:?}");
        assert_eq!(sink.0, b"four");
    }

    #[test]
    fn a_file_is_called_by_the_last_part_of_its_name() {
        assert_eq!(base_name("写真.txt"), "写真.txt");
        assert_eq!(base_name("C:\\Users\\a\\b.txt"), "b.txt");
        assert_eq!(base_name("../../etc/passwd"), "passwd");
        assert_eq!(base_name("a/"), "file");
        assert_eq!(base_name("a\r\nb"), "ab");
    }
}
