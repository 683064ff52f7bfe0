//! A tree of files in memory.

use std::{
    collections::BTreeMap,
    fs::File,
    sync::{Arc, Mutex},
};

use ois_protocol::{StorePath, Timestamp};

use super::locked;
use crate::{Condition, FileEntry, FileError, FileReader, FileWriter, Pending, policy};

/// Everything in a tree, by path. The root is always there.
#[derive(Default)]
pub(super) struct Tree(BTreeMap<StorePath, Node>);

/// What bears a name.
#[derive(Clone)]
pub(super) enum Node {
    /// The name is a folder's.
    Dir,
    /// A file's content.
    File(Arc<[u8]>),
}

impl Tree {
    pub(super) fn node(&self, path: &StorePath) -> Option<Node> {
        if path.is_root() { Some(Node::Dir) } else { self.0.get(path).cloned() }
    }

    /// What bears this name, or how the file system would say that nothing does.
    fn found(&self, path: &StorePath) -> Result<Node, FileError> {
        let mut parent = path.parent();
        while let Some(at) = parent {
            if let Some(Node::File(_)) = self.node(&at) {
                return Err(FileError::NotDirectory);
            }
            parent = at.parent();
        }
        self.node(path).ok_or(FileError::NotFound)
    }

    pub(super) fn list(&self, path: &StorePath) -> Result<Vec<FileEntry>, FileError> {
        let Node::Dir = self.found(path)? else { return Err(FileError::NotDirectory) };
        let here = self.0.iter().filter(|(at, _)| at.parent().as_ref() == Some(path));
        let entries = here.filter_map(|(at, node)| {
            let name = at.file_name().filter(|name| policy::is_shown(name))?.to_owned();
            let (is_dir, size) = match node {
                Node::Dir => (true, 0),
                Node::File(bytes) => (false, bytes.len() as u64),
            };
            Some(FileEntry { name, is_dir, size, modified: Timestamp::default() })
        });
        Ok(entries.collect())
    }

    pub(super) fn make_dirs(&mut self, path: &StorePath) -> Result<(), FileError> {
        let Some(parent) = path.parent() else { return Ok(()) };
        self.make_dirs(&parent)?;
        match self.0.entry(path.clone()).or_insert(Node::Dir) {
            Node::Dir => Ok(()),
            Node::File(_) => Err(FileError::NotDirectory),
        }
    }

    pub(super) fn rename(&mut self, from: &StorePath, to: &StorePath) -> Result<(), FileError> {
        self.found(from)?;
        if to != from && to.components().starts_with(from.components()) {
            return Err(FileError::Denied);
        }
        match to.parent().map(|parent| self.found(&parent)) {
            Some(Ok(Node::Dir)) => {}
            Some(Ok(Node::File(_))) => return Err(FileError::NotDirectory),
            Some(Err(error)) => return Err(error),
            None => return Err(FileError::Denied),
        }
        if self.node(to).is_some() {
            return Err(FileError::Exists);
        }
        for (path, node) in self.take(from) {
            let rest = &path.components()[from.components().len()..];
            let moved = rest.iter().try_fold(to.clone(), |at, name| at.join(name));
            self.0.insert(moved.expect("these names were names before"), node);
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &StorePath) -> Result<(), FileError> {
        self.found(path)?;
        self.take(path);
        Ok(())
    }

    fn take(&mut self, from: &StorePath) -> Vec<(StorePath, Node)> {
        let within = |path: &StorePath| path.components().starts_with(from.components());
        let (taken, left) =
            std::mem::take(&mut self.0).into_iter().partition(|(path, _)| within(path));
        self.0 = left;
        let taken: BTreeMap<_, _> = taken;
        taken.into_iter().collect()
    }

    fn place(
        &mut self,
        path: &StorePath,
        condition: &Condition,
        bytes: &[u8],
    ) -> Result<String, FileError> {
        let present = match self.found(path) {
            Ok(Node::File(bytes)) => Some(tag(&bytes)),
            Ok(Node::Dir) => return Err(FileError::IsDirectory),
            Err(FileError::NotFound) => None,
            Err(error) => return Err(error),
        };
        match condition {
            Condition::None => {}
            Condition::Absent if present.is_none() => {}
            Condition::Matches(expected) if present.as_ref() == Some(expected) => {}
            _ => return Err(FileError::Changed),
        }
        self.make_dirs(&path.parent().unwrap_or_default())?;
        self.0.insert(path.clone(), Node::File(bytes.into()));
        Ok(tag(bytes))
    }
}

/// An open file.
pub(super) struct Reader(Arc<[u8]>);

impl Reader {
    pub(super) fn open(tree: &Tree, path: &StorePath) -> Result<Box<dyn FileReader>, FileError> {
        match tree.found(path)? {
            Node::Dir => Err(FileError::IsDirectory),
            Node::File(bytes) => Ok(Box::new(Self(bytes))),
        }
    }
}

impl FileReader for Reader {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn modified(&self) -> Timestamp {
        Timestamp::default()
    }

    fn known_tag(&self) -> Option<String> {
        Some(tag(&self.0))
    }

    fn tag(&self) -> Pending<'_, Result<String, FileError>> {
        Box::pin(async move { Ok(tag(&self.0)) })
    }

    fn read_at(&self, offset: u64, most: usize) -> Pending<'_, Result<Vec<u8>, FileError>> {
        Box::pin(async move {
            let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
            let to = from.saturating_add(most).min(self.0.len());
            Ok(self.0[from..to].to_vec())
        })
    }

    fn file(&self) -> Option<Arc<File>> {
        None
    }
}

/// A file being written.
pub(super) struct Writer {
    tree: Arc<Mutex<Tree>>,
    path: StorePath,
    condition: Condition,
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn begin(
        tree: &Arc<Mutex<Tree>>,
        path: &StorePath,
        condition: Condition,
    ) -> Box<dyn FileWriter> {
        let (tree, path) = (Arc::clone(tree), path.clone());
        Box::new(Self { tree, path, condition, bytes: Vec::new() })
    }
}

impl FileWriter for Writer {
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Pending<'a, Result<(), FileError>> {
        Box::pin(async move {
            self.bytes.extend_from_slice(bytes);
            Ok(())
        })
    }

    fn finish(self: Box<Self>) -> Pending<'static, Result<String, FileError>> {
        Box::pin(async move { locked(&self.tree).place(&self.path, &self.condition, &self.bytes) })
    }
}

fn tag(bytes: &[u8]) -> String {
    let mut hex = blake3::hash(bytes).to_hex().to_string();
    hex.truncate(32);
    hex
}
