//! One server per root.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{ErrorKind, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use super::home::disk;
use crate::OpenError;

/// A lock that is held for as long as the store is open. The file stays, with the last holder's process id in it:
/// removing it would let two servers lock two files of that name.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock in this file, or names the process that has it.
    pub(crate) fn take(path: &Path, root: &Path) -> Result<Self, OpenError> {
        let failed = |error| disk("lock", error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(file, root)),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }

    /// Keeps servers from the root for as long as the value lives, and writes nothing. A root that
    /// no server has ever had has no lock.
    pub(crate) fn look(path: &Path, root: &Path) -> Result<Option<Self>, OpenError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(disk("lock", error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Err(locked(file, root)),
            Err(TryLockError::Error(error)) => Err(disk("lock", error)),
        }
    }
}

/// Another process has the root: the one that wrote its id.
fn locked(mut file: File, root: &Path) -> OpenError {
    let mut holder = String::new();
    let read = file.read_to_string(&mut holder);
    let known = read.is_ok() && !holder.trim().is_empty();
    let holder = if known { holder.trim() } else { "(not told)" }.to_owned();
    OpenError::Locked { root: root.display().to_string(), holder }
}
