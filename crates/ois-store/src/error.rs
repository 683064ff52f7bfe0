//! What a store's callers can react to.

use std::io;

use ois_protocol::EventId;

use crate::Damage;

/// Why a batch was not appended. Nothing of it is shown while the store is open; see [`crate::Log`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The log does not end where the caller thought, but at this event. The caller catches up with
    /// the log and decides anew.
    #[error("the log has moved on to event {0}")]
    Moved(EventId),
    /// There is no room for the batch. The store tries again with the next one.
    #[error("no space left for the log")]
    Full,
    /// The log may not be written at present. The store tries again with the next batch.
    #[error("the log is read-only")]
    ReadOnly,
    /// Writing failed. The store tries again with the next batch.
    #[error("the log cannot be written")]
    Io(#[source] io::Error),
    /// The store has been closed.
    #[error("the log is closed")]
    Closed,
}

impl From<io::Error> for AppendError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{
            FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
        };
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full,
            ReadOnlyFilesystem | PermissionDenied => Self::ReadOnly,
            _ => Self::Io(error),
        }
    }
}

/// Why records could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Reading failed.
    #[error("the log cannot be read")]
    Io(#[source] io::Error),
    /// What was read is not what was written.
    #[error("the log is damaged at event {0}")]
    Damaged(EventId),
}

/// Why a file operation was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// There is no such file or folder.
    #[error("file or directory not found")]
    NotFound,
    /// Something has that name already.
    #[error("a file or directory of that name exists")]
    Exists,
    /// The path names a folder where a file was meant.
    #[error("is a directory")]
    IsDirectory,
    /// The path names a file where a folder was meant.
    #[error("is not a directory")]
    NotDirectory,
    /// The path names a link, a device, a pipe, or a place that is the server's own.
    #[error("access denied")]
    Denied,
    /// The condition of the write does not hold.
    #[error("the file has changed since it was read")]
    Changed,
    /// There is no room for the file.
    #[error("no space left on the disk")]
    Full,
    /// Reading or writing failed.
    #[error("the disk did not do it")]
    Io(#[source] io::Error),
}

/// Why a record was not read or set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The record was set by somebody else in between.
    #[error("the record has changed since it was read")]
    Changed,
    /// There is no room for the value.
    #[error("no space left for the record")]
    Full,
    /// Reading or writing failed.
    #[error("the record cannot be read or written")]
    Io(#[source] io::Error),
}

impl From<io::Error> for RecordError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io(error),
        }
    }
}

/// Why a store did not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another server has this root.
    #[error("{root} is in use by process {holder}")]
    Locked {
        /// The root, as it was given.
        root: String,
        /// The process id of the server that holds the lock, as it wrote it.
        holder: String,
    },
    /// A newer version wrote the log.
    #[error("the log has format {found}; this server reads up to {known}")]
    Newer {
        /// The format that was found.
        found: u32,
        /// The newest format that this version reads.
        known: u32,
    },
    /// The log is damaged where it goes on, or a part of it is missing.
    #[error(
        "the log is damaged {0}; `ois-server verify` names all that is, and `--repair` keeps a copy of it aside and goes on without it"
    )]
    Damaged(Damage),
    /// No record continues the chain under the key that stands beside the log.
    #[error(
        "the key in .ois/key is not the one that this log was written with; put the right one back, from a backup of the same root"
    )]
    WrongKey,
    /// A file or directory could not be opened, read or written.
    #[error("cannot open {what}")]
    Io {
        /// What was being opened: a path.
        what: String,
        /// The fault.
        #[source]
        source: io::Error,
    },
}
