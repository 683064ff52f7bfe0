//! Files and uploads of a team: the traits of everything that keeps them.

use std::{fs::File, sync::Arc};

use ois_protocol::{StorePath, Timestamp, UploadName};

use crate::{FileError, Pending};

/// The tree of files that people and agents share.
pub trait Files: Send + Sync + 'static {
    /// The entries of a folder, sorted by name. Hidden names, which begin with `.`, are left out.
    ///
    /// # Errors
    /// [`FileError`] if there is no such folder, or it may not be read.
    fn list<'a>(&'a self, path: &'a StorePath) -> Pending<'a, Result<Vec<FileEntry>, FileError>>;

    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// [`FileError`] if there is no such file, or it may not be read.
    fn open<'a>(
        &'a self,
        path: &'a StorePath,
    ) -> Pending<'a, Result<Box<dyn FileReader>, FileError>>;

    /// Begins to write a whole file. Nobody sees it before [`FileWriter::finish`], which also makes
    /// missing parents.
    ///
    /// # Errors
    /// [`FileError`] if the path may not be written, or there is no room to begin.
    fn write<'a>(
        &'a self,
        path: &'a StorePath,
        condition: Condition,
    ) -> Pending<'a, Result<Box<dyn FileWriter>, FileError>>;

    /// Makes a folder and its missing parents.
    ///
    /// # Errors
    /// [`FileError::Exists`] if something has that name.
    fn make_dir<'a>(&'a self, path: &'a StorePath) -> Pending<'a, Result<(), FileError>>;

    /// Moves a file or folder to another path; it never replaces what is there.
    ///
    /// # Errors
    /// [`FileError::Exists`] if something is there already.
    fn rename<'a>(
        &'a self,
        from: &'a StorePath,
        to: &'a StorePath,
    ) -> Pending<'a, Result<(), FileError>>;

    /// Removes a file, or a folder with everything in it. The root is refused.
    ///
    /// # Errors
    /// [`FileError`] if there is nothing of that name, or it may not be removed.
    fn remove<'a>(&'a self, path: &'a StorePath) -> Pending<'a, Result<(), FileError>>;
}

/// The attachments of messages, each under a name that cannot be guessed.
pub trait Uploads: Send + Sync + 'static {
    /// Begins to store an upload. Nobody sees it before [`FileWriter::finish`].
    ///
    /// # Errors
    /// [`FileError`] if there is no room to begin.
    fn upload<'a>(
        &'a self,
        name: &'a UploadName,
    ) -> Pending<'a, Result<Box<dyn FileWriter>, FileError>>;

    /// Opens an upload for reading.
    ///
    /// # Errors
    /// [`FileError::NotFound`] if there is none of that name.
    fn open_upload<'a>(
        &'a self,
        name: &'a UploadName,
    ) -> Pending<'a, Result<Box<dyn FileReader>, FileError>>;

    /// Removes an upload whose name was not published.
    ///
    /// # Errors
    /// [`FileError::NotFound`] if there is none of that name.
    fn remove_upload<'a>(&'a self, name: &'a UploadName) -> Pending<'a, Result<(), FileError>>;
}

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// The name within its folder.
    pub name: String,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// The length in bytes; 0 for a folder.
    pub size: u64,
    /// The time of the last change.
    pub modified: Timestamp,
}

/// What must hold for a write to take place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// The write takes place in any case.
    #[default]
    None,
    /// The file still has this tag (`If-Match`).
    Matches(String),
    /// There is no such file (`If-None-Match: *`).
    Absent,
}

/// An open file. It stays what it was, also if its name is given to another file.
pub trait FileReader: Send + Sync {
    /// The length in bytes at the time of opening.
    fn len(&self) -> u64;

    /// Whether the file has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The time of the last change.
    fn modified(&self) -> Timestamp;

    /// The tag, if that takes no reading: the file was written here or its tag was asked for
    /// before, and it has not changed since.
    fn known_tag(&self) -> Option<String>;

    /// The hash of the content, 32 hex digits. It is computed on demand and remembered for as long
    /// as inode, length and times stay the same.
    fn tag(&self) -> Pending<'_, Result<String, FileError>>;

    /// Reads up to `most` bytes from this offset; the answer is empty only at the end.
    fn read_at(&self, offset: u64, most: usize) -> Pending<'_, Result<Vec<u8>, FileError>>;

    /// The file itself, for callers that let the system send from it; `None` if the engine has no
    /// such file.
    fn file(&self) -> Option<Arc<File>>;
}

/// A file that is being written. Dropped before [`FileWriter::finish`], it leaves nothing behind.
pub trait FileWriter: Send {
    /// Takes the next bytes.
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Pending<'a, Result<(), FileError>>;

    /// Makes the file durable and visible, if its condition still holds; answers with its tag.
    fn finish(self: Box<Self>) -> Pending<'static, Result<String, FileError>>;
}
