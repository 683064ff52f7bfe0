//! A file of the tree, being written aside.

use std::{path::PathBuf, sync::Arc};

use ois_protocol::StorePath;
use rustix::fs::CWD;

use super::{DiskFiles, gone};
use crate::{
    Condition, FileError, FileWriter, Pending,
    disk::{
        door::DoorFile,
        tags::tag,
        tree::{file_error, io_file_error, rename_new},
    },
};

/// See [`FileWriter`].
pub(super) struct Writer {
    pub(super) begun: Begun,
    pub(super) file: Arc<dyn DoorFile>,
    pub(super) length: u64,
    pub(super) hasher: blake3::Hasher,
}

/// A temporary file and where it is to stand. Dropped, it leaves nothing.
pub(super) struct Begun {
    pub(super) files: Arc<DiskFiles>,
    pub(super) path: StorePath,
    pub(super) condition: Condition,
    pub(super) tmp: PathBuf,
}

impl FileWriter for Writer {
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Pending<'a, Result<(), FileError>> {
        Box::pin(async move {
            let mut rest = bytes;
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at(to_boundary(self.length).min(rest.len()));
                self.file.write_at(piece, self.length).map_err(io_file_error)?;
                self.length += piece.len() as u64;
                self.hasher.update(piece);
                rest = behind;
            }
            Ok(())
        })
    }

    fn finish(self: Box<Self>) -> Pending<'static, Result<String, FileError>> {
        let Self { begun, file, hasher, .. } = *self;
        let workers = begun.files.workers.clone();
        Box::pin(async move {
            let placed = workers.run(move || {
                file.sync().map_err(io_file_error)?;
                let tag = tag(hasher.finalize());
                begun.place(&tag)?;
                Ok(tag)
            });
            placed.await.ok_or_else(gone)?
        })
    }
}

impl Begun {
    /// Puts the file where it belongs, if its condition holds.
    fn place(&self, tag: &str) -> Result<(), FileError> {
        let files = &*self.files;
        let _changing = files.changing();
        let present = self.present()?;
        match &self.condition {
            Condition::None => {}
            Condition::Absent if present.is_none() => {}
            Condition::Matches(expected) if present.as_ref() == Some(expected) => {}
            _ => return Err(FileError::Changed),
        }
        let parent = files.tree.make_dirs(&self.path.parent().unwrap_or_default())?;
        let name = self.path.file_name().ok_or(FileError::Denied)?;
        if self.condition == Condition::Absent {
            let placed = rename_new((CWD, self.tmp.as_os_str()), (&parent, name));
            placed.map_err(|error| match error {
                FileError::Exists => FileError::Changed,
                error => error,
            })?;
        } else {
            rustix::fs::renameat(CWD, &self.tmp, &parent, name).map_err(file_error)?;
        }
        rustix::fs::fsync(&parent).map_err(file_error)?;
        if let Ok((_, stat)) = files.tree.file(&self.path) {
            files.tags.set(&stat, tag);
        }
        Ok(())
    }

    /// The tag of what stands there now. What is no file is not replaced.
    fn present(&self) -> Result<Option<String>, FileError> {
        match self.files.tree.file(&self.path) {
            Ok((file, _)) if matches!(self.condition, Condition::Matches(_)) => {
                self.files.tags.of(&file).map(Some).map_err(io_file_error)
            }
            Ok(_) => Ok(Some(String::new())),
            Err(FileError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        match self.files.door.remove(&self.tmp) {
            // It was placed, or the next start removes it.
            Ok(()) | Err(_) => {}
        }
    }
}

/// How much is written at once, if more than that has come: up to the next multiple of [`PIECE`].
fn to_boundary(length: u64) -> usize {
    PIECE - usize::try_from(length % PIECE as u64).unwrap_or_default()
}

/// What is written and then hashed while it is in the processor's cache. Longer pieces would save
/// few calls, and make the kernel ask for larger pages, which a virtual machine that lends its free
/// memory to others gets anew each time: measured, two to eight times the time.
const PIECE: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_where_pages_do() {
        assert_eq!(to_boundary(0), PIECE);
        assert_eq!(to_boundary(1), PIECE - 1);
        assert_eq!(to_boundary(5 * PIECE as u64 - 1), 1);
    }
}
