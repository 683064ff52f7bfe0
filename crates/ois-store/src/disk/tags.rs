//! Content hashes of files, remembered for as long as the file looks the same.

use std::{
    collections::HashMap,
    fs::File,
    io,
    os::unix::fs::FileExt,
    sync::{Mutex, PoisonError},
};

use rustix::fs::Stat;

use super::tree::identity;

/// Tags by what a file looks like from outside.
#[derive(Default)]
pub(crate) struct Tags(Mutex<HashMap<Looks, String>>);

/// If one of these differs, the content may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Looks {
    identity: (u64, u64),
    size: i64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Tags {
    /// The tag of a file that looks like this, if it is known.
    pub(crate) fn known(&self, looks: &Looks) -> Option<String> {
        self.map().get(looks).cloned()
    }

    /// The tag of an open file. If it is not known, the file is read.
    pub(crate) fn of(&self, file: &File) -> io::Result<String> {
        let before = Looks::of(&rustix::fs::fstat(file)?);
        if let Some(tag) = self.known(&before) {
            return Ok(tag);
        }
        let tag = hash(file)?;
        if Looks::of(&rustix::fs::fstat(file)?) == before {
            self.remember(before, &tag);
        }
        Ok(tag)
    }

    /// Remembers the tag of a file that was just written and looks like this.
    pub(crate) fn set(&self, stat: &Stat, tag: &str) {
        self.remember(Looks::of(stat), tag);
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
    /// What this file looks like.
    #[cfg_attr(
        target_os = "linux",
        expect(clippy::unnecessary_cast, reason = "other systems have other widths")
    )]
    pub(crate) fn of(stat: &Stat) -> Self {
        Self {
            identity: identity(stat),
            size: stat.st_size as i64,
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            changed: (stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        }
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
