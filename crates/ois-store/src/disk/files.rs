//! Files in a confined tree: what agents and people share, and the uploads.

mod reader;
mod writer;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use ois_protocol::StorePath;
use rustix::fs::{CWD, Dir, FileType, Stat};

use self::{
    reader::Reader,
    writer::{Begun, Writer},
};
use super::{
    door::Door,
    tags::{Looks, Tags},
    tree::{Tree, file_error, identity, io_file_error, kind, modified, rename_new, stat},
    worker::Workers,
};
use crate::{Condition, FileEntry, FileError, FileReader, FileWriter, policy};

/// A tree and the place beside it where files are written before they stand in it.
pub(crate) struct DiskFiles {
    tree: Tree,
    tmp: PathBuf,
    door: Arc<dyn Door>,
    workers: Workers,
    tags: Arc<Tags>,
    /// Held from looking at what is there until it is changed.
    changing: Mutex<()>,
    /// What may not be reached under any name: device and inode.
    own: Option<(u64, u64)>,
}

impl DiskFiles {
    /// The files under `tree`. `tmp` is on the same file system; what a crash has left in it is
    /// removed. `own` is the handle of a directory that nobody may reach.
    pub(crate) fn open(
        tree: Tree,
        tmp: PathBuf,
        own: Option<&Stat>,
        door: Arc<dyn Door>,
        workers: Workers,
    ) -> std::io::Result<Self> {
        match std::fs::remove_dir_all(&tmp) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        door.make_dir(&tmp)?;
        let own = own.map(identity);
        let (tags, changing) = (Arc::default(), Mutex::new(()));
        Ok(Self { tree, tmp, door, workers, tags, changing, own })
    }

    /// See [`crate::Files::list`].
    pub(crate) fn list(&self, path: &StorePath) -> Result<Vec<FileEntry>, FileError> {
        self.reachable(path)?;
        let dir = self.tree.dir(path)?;
        let mut entries = Vec::new();
        for entry in Dir::read_from(&dir).map_err(file_error)? {
            let entry = entry.map_err(file_error)?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            // What is gone meanwhile is not listed.
            if let (true, Some(stat)) = (policy::is_shown(name), stat(&dir, name)?) {
                entries.extend(self.entry(name, &stat));
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Links, pipes and devices are not listed: nothing can be done with them.
    fn entry(&self, name: &str, found: &Stat) -> Option<FileEntry> {
        let is_dir = match kind(found) {
            FileType::Directory => true,
            FileType::RegularFile => false,
            _ => return None,
        };
        let size = if is_dir { 0 } else { u64::try_from(found.st_size).unwrap_or_default() };
        let shown = self.own != Some(identity(found));
        shown.then(|| FileEntry { name: name.to_owned(), is_dir, size, modified: modified(found) })
    }

    /// See [`crate::Files::open`].
    pub(crate) fn read(&self, path: &StorePath) -> Result<Box<dyn FileReader>, FileError> {
        self.reachable(path)?;
        let (file, stat) = self.tree.file(path)?;
        let (tags, workers) = (Arc::clone(&self.tags), self.workers.clone());
        let length = u64::try_from(stat.st_size).unwrap_or_default();
        Ok(Box::new(Reader {
            file: Arc::new(file),
            length,
            modified: modified(&stat),
            looks: Looks::of(&stat),
            tags,
            workers,
        }))
    }

    /// See [`crate::Files::write`]. `random` names the temporary file.
    pub(crate) fn write(
        self: &Arc<Self>,
        path: &StorePath,
        condition: Condition,
        random: u64,
    ) -> Result<Box<dyn FileWriter>, FileError> {
        self.reachable(path)?;
        policy::movable(path)?;
        let tmp = self.tmp.join(format!("{random:016x}"));
        let file = self.door.create(&tmp, SHARED).map_err(io_file_error)?;
        let begun = Begun { files: Arc::clone(self), path: path.clone(), condition, tmp };
        Ok(Box::new(Writer { begun, file, length: 0, hasher: blake3::Hasher::new() }))
    }

    /// See [`crate::Files::make_dir`].
    pub(crate) fn make_dir(&self, path: &StorePath) -> Result<(), FileError> {
        self.reachable(path)?;
        policy::writable(path).map_err(|error| match path.is_root() {
            true => FileError::Exists,
            false => error,
        })?;
        let _changing = self.changing();
        match self.tree.parent(path) {
            Ok((parent, name)) if stat(&parent, name)?.is_some() => return Err(FileError::Exists),
            Ok(_) | Err(FileError::NotFound) => {}
            Err(error) => return Err(error),
        }
        self.tree.make_dirs(path).map(drop)
    }

    /// See [`crate::Files::rename`].
    pub(crate) fn rename(&self, from: &StorePath, to: &StorePath) -> Result<(), FileError> {
        for path in [from, to] {
            self.reachable(path)?;
            policy::movable(path)?;
        }
        let _changing = self.changing();
        let (from_dir, from_name) = self.tree.parent(from)?;
        ordinary(stat(&from_dir, from_name)?.as_ref())?;
        if to.components().len() > from.components().len()
            && to.components().starts_with(from.components())
        {
            return Err(FileError::Denied); // into itself
        }
        let (to_dir, to_name) = self.tree.parent(to)?;
        rename_new((&from_dir, from_name.as_ref()), (&to_dir, to_name))?;
        rustix::fs::fsync(&to_dir).map_err(file_error)?;
        rustix::fs::fsync(&from_dir).map_err(file_error)
    }

    /// See [`crate::Files::remove`]. A folder goes out of sight at once and is then taken apart.
    pub(crate) fn remove(&self, path: &StorePath, random: u64) -> Result<(), FileError> {
        self.reachable(path)?;
        policy::movable(path)?;
        let trash = self.tmp.join(format!("{random:016x}"));
        {
            let _changing = self.changing();
            let (dir, name) = self.tree.parent(path)?;
            ordinary(stat(&dir, name)?.as_ref())?;
            rustix::fs::renameat(&dir, name, CWD, &trash).map_err(file_error)?;
            rustix::fs::fsync(&dir).map_err(file_error)?;
        }
        let is_dir = std::fs::symlink_metadata(&trash).map_err(io_file_error)?.is_dir();
        let removed =
            if is_dir { std::fs::remove_dir_all(&trash) } else { std::fs::remove_file(&trash) };
        if let Err(error) = removed {
            // It is out of sight; the next start tries again.
            tracing::warn!(%error, "cannot take a removed folder apart");
        }
        Ok(())
    }

    /// The server's own directory is refused by its name; this also refuses it under a name that
    /// only the file system takes for the same.
    fn reachable(&self, path: &StorePath) -> Result<(), FileError> {
        policy::readable(path)?;
        let Some(own) = self.own.filter(|_| policy::may_be_own(path)) else { return Ok(()) };
        match self.tree.stat_first(path) {
            Some(first) if identity(&first) == own => Err(FileError::Denied),
            _ => Ok(()),
        }
    }

    fn changing(&self) -> std::sync::MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses what is neither a file nor a folder.
fn ordinary(found: Option<&Stat>) -> Result<FileType, FileError> {
    match found.map(kind) {
        None => Err(FileError::NotFound),
        Some(ordinary @ (FileType::RegularFile | FileType::Directory)) => Ok(ordinary),
        Some(_) => Err(FileError::Denied),
    }
}

/// A worker has panicked.
fn gone() -> FileError {
    FileError::Io(std::io::Error::other("the file store's worker is gone"))
}

/// Files in the tree are everybody's to read on the host, as the original's were.
const SHARED: u32 = 0o644;
