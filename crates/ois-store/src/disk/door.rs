//! The door to the disk: every call by which the engine changes its own files.
//!
//! The log, the records and the temporary files go through it, so that a test can fail, tear or
//! cut off each single step. [`RealDoor`] is the file system; the tests bring a simulated one. The
//! served tree has other rules (no links, no devices) and its own handles, in `tree.rs`.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::Arc,
};

use super::Durability;

/// What the engine may do to its directory.
pub(crate) trait Door: Send + Sync + 'static {
    /// Makes an empty file with these permission bits; fails if there is one of that name.
    fn create(&self, path: &Path, mode: u32) -> io::Result<Arc<dyn DoorFile>>;
    /// Opens a file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DoorFile>>;
    /// Opens a file for reading.
    fn read(&self, path: &Path) -> io::Result<Arc<dyn DoorFile>>;
    /// Gives a file another name, replacing what bears it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes a directory and its missing parents; one that exists is fine.
    fn make_dir(&self, path: &Path) -> io::Result<()>;
    /// The names in a directory, in no order; those that are not UTF-8 are left out.
    fn names(&self, path: &Path) -> io::Result<Vec<String>>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
}

/// An open file.
pub(crate) trait DoorFile: Send + Sync {
    /// Writes all of the bytes at this offset, or fails with any part of them written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Reads some bytes from this offset; 0 only at the end.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Makes content and length durable.
    fn sync(&self) -> io::Result<()>;
    /// Cuts the file off.
    fn truncate(&self, length: u64) -> io::Result<()>;
    /// The length in bytes.
    fn length(&self) -> io::Result<u64>;
    /// A number that another copy of the file does not have.
    fn identity(&self) -> io::Result<u64>;
}

/// The file system.
#[derive(Debug)]
pub(crate) struct RealDoor;

impl Door for RealDoor {
    fn create(&self, path: &Path, mode: u32) -> io::Result<Arc<dyn DoorFile>> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).mode(mode).open(path)?;
        // The process's umask has no say in which users read the team's files.
        file.set_permissions(Permissions::from_mode(mode))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DoorFile>> {
        Ok(Arc::new(RealFile(OpenOptions::new().read(true).write(true).open(path)?)))
    }

    fn read(&self, path: &Path) -> io::Result<Arc<dyn DoorFile>> {
        Ok(Arc::new(RealFile(File::open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        let names = fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.file_name()));
        names.filter_map(|name| name.map(|name| name.into_string().ok()).transpose()).collect()
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

struct RealFile(File);

impl DoorFile for RealFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(into, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn identity(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.ino())
    }
}

/// Reads a small file whole.
pub(crate) fn read_whole(door: &dyn Door, path: &Path) -> io::Result<Vec<u8>> {
    let file = door.read(path)?;
    let mut bytes = vec![0; usize::try_from(file.length()?).map_err(io::Error::other)?];
    let read = fill(&*file, &mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Reads until `into` is full or the file ends; answers with how much that was.
pub(crate) fn fill(file: &dyn DoorFile, into: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < into.len() {
        match file.read_at(&mut into[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Gives a file this content, so that a crash leaves the old or the new one. With
/// [`Durability::Sync`] it is durable on return.
pub(crate) fn replace(
    door: &dyn Door,
    path: &Path,
    content: &[u8],
    durability: Durability,
) -> io::Result<Arc<dyn DoorFile>> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(ASIDE);
    let aside = Path::new(&aside);
    remove_if_there(door, aside)?;
    let file = door.create(aside, PRIVATE)?;
    file.write_at(content, 0)?;
    if durability == Durability::Sync {
        file.sync()?;
    }
    door.rename(aside, path)?;
    if let Some(parent) = path.parent().filter(|_| durability == Durability::Sync) {
        door.sync_dir(parent)?;
    }
    Ok(file)
}

/// Removes a file; none of that name is fine.
pub(crate) fn remove_if_there(door: &dyn Door, path: &Path) -> io::Result<()> {
    match door.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// How the names of files end that are being written; what a crash left of them is in nobody's way.
pub(crate) const ASIDE: &str = ".new";

/// What the server keeps for itself is nobody else's on the host to read.
pub(crate) const PRIVATE: u32 = 0o600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_has_the_new_content_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        replace(&RealDoor, &path, b"old", Durability::Sync).unwrap();
        fs::write(dir.path().join("key.new"), "left by a crash").unwrap();
        replace(&RealDoor, &path, b"new", Durability::Os).unwrap();
        assert_eq!(read_whole(&RealDoor, &path).unwrap(), b"new");
        assert_eq!(RealDoor.names(dir.path()).unwrap(), ["key"]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
