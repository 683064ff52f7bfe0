//! Content hashes of files, remembered for as long as the file looks the same.

use std::{
    collections::HashMap,
    fs::File,
    io,
    os::unix::fs::{FileExt, MetadataExt},
    sync::{Mutex, PoisonError},
};

/// Tags by what a file looks like from outside.
#[derive(Default)]
pub(crate) struct Tags(Mutex<HashMap<Looks, String>>);

/// If one of these differs, the content may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Looks {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Tags {
    /// The tag of an open file.
    pub(crate) fn of(&self, file: &File) -> io::Result<String> {
        let before = Looks::of(file)?;
        if let Some(tag) = self.map().get(&before) {
            return Ok(tag.clone());
        }
        let tag = hash(file)?;
        if Looks::of(file)? == before {
            self.remember(before, &tag);
        }
        Ok(tag)
    }

    /// Remembers the tag of a file that was just written.
    pub(crate) fn set(&self, file: &File, tag: &str) -> io::Result<()> {
        self.remember(Looks::of(file)?, tag);
        Ok(())
    }

    fn remember(&self, looks: Looks, tag: &str) {
        let mut map = self.map();
        if map.len() >= MOST {
            map.clear();
        }
        map.insert(looks, tag.to_owned());
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<Looks, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Looks {
    fn of(file: &File) -> io::Result<Self> {
        let data = file.metadata()?;
        Ok(Self {
            device: data.dev(),
            inode: data.ino(),
            size: data.size(),
            modified: (data.mtime(), data.mtime_nsec()),
            changed: (data.ctime(), data.ctime_nsec()),
        })
    }
}

/// A tag as it is shown: 32 hex digits.
pub(crate) fn tag(hash: blake3::Hash) -> String {
    let mut hex = hash.to_hex().to_string();
    hex.truncate(32);
    hex
}

fn hash(file: &File) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 128 * 1024];
    let mut at = 0;
    loop {
        match file.read_at(&mut buffer, at) {
            Ok(0) => return Ok(tag(hasher.finalize())),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                at += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// How many are remembered; then it begins anew, which costs some hashing.
const MOST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changes_in_place_gets_another_tag() {
        let tags = Tags::default();
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(b"one", 0).unwrap();
        let one = tags.of(&file).unwrap();
        assert_eq!(one, tag(blake3::hash(b"one")));
        assert_eq!(tags.of(&file).unwrap(), one);
        file.write_all_at(b"longer", 0).unwrap();
        assert_eq!(tags.of(&file).unwrap(), tag(blake3::hash(b"longer")));
    }
}
