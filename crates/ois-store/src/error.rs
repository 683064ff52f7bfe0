//! What a store's callers can react to.

/// Why a batch was not appended. Nothing of it is in the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The disk is full, read-only or broken; the store tries again with the next batch.
    #[error("the log cannot be written")]
    Disk(#[source] std::io::Error),
    /// The store has been closed.
    #[error("the log is closed")]
    Closed,
}

/// Why records could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The disk did not give them.
    #[error("the log cannot be read")]
    Disk(#[source] std::io::Error),
    /// What the disk gave is not what was written.
    #[error("the log is damaged at event {0}")]
    Damaged(ois_protocol::EventId),
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
    /// A folder where a file was meant.
    #[error("is a directory")]
    IsDirectory,
    /// A file where a folder was meant.
    #[error("is not a directory")]
    NotDirectory,
    /// A link, a device, a pipe, or a place that is the server's own.
    #[error("access denied")]
    Denied,
    /// The condition of the write does not hold.
    #[error("the file has changed since it was read")]
    Changed,
    /// The disk is full.
    #[error("no space left on the disk")]
    Full,
    /// The disk did not do it.
    #[error("the disk did not do it")]
    Disk(#[source] std::io::Error),
}

/// Why a record was not read or set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Somebody else set it in between.
    #[error("the record has changed since it was read")]
    Changed,
    /// The disk did not do it.
    #[error("the disk did not do it")]
    Disk(#[source] std::io::Error),
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
        /// Whose lock it is.
        holder: String,
    },
    /// A newer version wrote it.
    #[error("the log has format {found}; this server reads up to {known}")]
    Newer {
        /// The format found.
        found: u32,
        /// The newest this version reads.
        known: u32,
    },
    /// The log does not continue where it says it does.
    #[error(
        "the log is damaged in {segment} after event {after}: {what}; `--repair` cuts it off there and keeps the rest aside"
    )]
    Damaged {
        /// The segment's file name.
        segment: String,
        /// The last event that is whole.
        after: ois_protocol::EventId,
        /// What does not fit.
        what: String,
    },
    /// The disk did not do it.
    #[error("cannot open {what}")]
    Disk {
        /// What was being opened.
        what: String,
        /// Why it was not.
        #[source]
        source: std::io::Error,
    },
}
