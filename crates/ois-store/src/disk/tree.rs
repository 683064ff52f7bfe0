//! Handles into a directory tree out of which nothing leads.
//!
//! No symbolic link is followed, at no place of a path: on Linux the kernel sees to it (`openat2`),
//! elsewhere and on old kernels each component is opened by itself without following. What is
//! opened is a regular file or a directory; a pipe or a device is opened without waiting and let go.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use ois_protocol::{StorePath, Timestamp};
use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, Stat},
    io::Errno,
};

use crate::FileError;

/// A directory, by its handle.
#[derive(Debug)]
pub(crate) struct Tree {
    root: OwnedFd,
}

impl Tree {
    /// The tree under this directory. The way to it may lead over links: the operator chose it.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { root: rustix::fs::open(root, flags, Mode::empty())? })
    }

    /// Opens a folder.
    pub(crate) fn dir(&self, path: &StorePath) -> Result<OwnedFd, FileError> {
        self.resolve(path, OFlags::DIRECTORY).map_err(file_error)
    }

    /// Opens a regular file for reading.
    pub(crate) fn file(&self, path: &StorePath) -> Result<(File, Stat), FileError> {
        let handle = self.resolve(path, OFlags::empty()).map_err(file_error)?;
        let stat = rustix::fs::fstat(&handle).map_err(file_error)?;
        match kind(&stat) {
            FileType::RegularFile => Ok((File::from(handle), stat)),
            FileType::Directory => Err(FileError::IsDirectory),
            _ => Err(FileError::Denied),
        }
    }

    /// Opens the folder a path is in, and tells its last name. The root is in none.
    pub(crate) fn parent<'p>(&self, path: &'p StorePath) -> Result<(OwnedFd, &'p str), FileError> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(FileError::Denied);
        };
        Ok((self.dir(&parent)?, name))
    }

    /// Opens a folder, making what is missing of it. What was made is durable.
    pub(crate) fn make_dirs(&self, path: &StorePath) -> Result<OwnedFd, FileError> {
        match self.dir(path) {
            Err(FileError::NotFound) => {}
            found => return found,
        }
        let mut at = self.root.try_clone().map_err(FileError::Io)?;
        for name in path.components() {
            match rustix::fs::mkdirat(&at, name.as_str(), Mode::from_raw_mode(0o755)) {
                Ok(()) => rustix::fs::fsync(&at).map_err(file_error)?,
                Err(Errno::EXIST) => {}
                Err(error) => return Err(file_error(error)),
            }
            at = step(&at, name, OFlags::DIRECTORY).map_err(file_error)?;
        }
        Ok(at)
    }

    /// What bears a name in the root itself, without following.
    pub(crate) fn stat_first(&self, path: &StorePath) -> Option<Stat> {
        let first = path.components().first()?;
        stat(&self.root, first).ok().flatten()
    }

    fn resolve(&self, path: &StorePath, more: OFlags) -> Result<OwnedFd, Errno> {
        #[cfg(target_os = "linux")]
        match self.resolve_at_once(path, more) {
            // An old kernel, or a container that does not allow the call.
            Err(Errno::NOSYS | Errno::PERM | Errno::OPNOTSUPP) => {}
            resolved => return resolved,
        }
        self.resolve_by_steps(path, more)
    }

    #[cfg(target_os = "linux")]
    fn resolve_at_once(&self, path: &StorePath, more: OFlags) -> Result<OwnedFd, Errno> {
        use rustix::fs::{ResolveFlags, openat2};
        let joined = if path.is_root() { ".".to_owned() } else { path.to_string() };
        let confined =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        loop {
            match openat2(&self.root, joined.as_str(), READ | more, Mode::empty(), confined) {
                // Somebody renamed a folder meanwhile; the kernel wants it tried again.
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(Errno::XDEV) => return Err(Errno::LOOP),
                resolved => return resolved,
            }
        }
    }

    fn resolve_by_steps(&self, path: &StorePath, more: OFlags) -> Result<OwnedFd, Errno> {
        let Some((last, parents)) = path.components().split_last() else {
            return step(&self.root, ".", more);
        };
        let mut at: Option<OwnedFd> = None;
        for name in parents {
            at = Some(step(at.as_ref().unwrap_or(&self.root), name, OFlags::DIRECTORY)?);
        }
        step(at.as_ref().unwrap_or(&self.root), last, more)
    }
}

/// Opens one name in a directory without following it.
fn step(dir: &OwnedFd, name: &str, more: OFlags) -> Result<OwnedFd, Errno> {
    match rustix::fs::openat(dir, name, READ | OFlags::NOFOLLOW | more, Mode::empty()) {
        // With DIRECTORY, a link is "not a directory" to some kernels.
        Err(Errno::NOTDIR) if is_link(dir, name) => Err(Errno::LOOP),
        opened => opened,
    }
}

fn is_link(dir: &OwnedFd, name: &str) -> bool {
    let stat = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW);
    stat.is_ok_and(|stat| kind(&stat) == FileType::Symlink)
}

/// What bears this name in a directory, itself rather than what it leads to.
pub(crate) fn stat(dir: impl AsFd, name: &str) -> Result<Option<Stat>, FileError> {
    match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(file_error(error)),
    }
}

/// What kind of thing it is.
pub(crate) fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// What no other file has: device and inode.
#[cfg_attr(
    target_os = "linux",
    expect(clippy::unnecessary_cast, reason = "other systems have other widths")
)]
pub(crate) fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev as u64, stat.st_ino as u64)
}

/// When it was last changed.
#[cfg_attr(
    target_os = "linux",
    expect(clippy::unnecessary_cast, reason = "other systems have other widths")
)]
pub(crate) fn modified(stat: &Stat) -> Timestamp {
    let seconds = u64::try_from(stat.st_mtime).unwrap_or_default();
    Timestamp::from_ms(
        seconds.saturating_mul(1000).saturating_add(stat.st_mtime_nsec as u64 / 1_000_000),
    )
}

/// Gives a name in `.ois` or a tree another one in a tree, without replacing.
pub(crate) fn rename_new(
    from: (impl AsFd, &OsStr),
    to: (impl AsFd, &str),
) -> Result<(), FileError> {
    let flags = rustix::fs::RenameFlags::NOREPLACE;
    match rustix::fs::renameat_with(&from.0, from.1, &to.0, to.1, flags) {
        // For a file system that cannot: the caller holds the lock that all our writers hold.
        Err(Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP) => {
            if stat(&to.0, to.1)?.is_some() {
                return Err(FileError::Exists);
            }
            rustix::fs::renameat(&from.0, from.1, &to.0, to.1).map_err(file_error)
        }
        renamed => renamed.map_err(file_error),
    }
}

/// A path as the place where it stands, links resolved.
pub(crate) fn absolute(path: &Path) -> io::Result<PathBuf> {
    std::fs::canonicalize(path)
}

/// What an error of the system means to the caller.
pub(crate) fn file_error(error: Errno) -> FileError {
    match error {
        Errno::NOENT => FileError::NotFound,
        Errno::EXIST | Errno::NOTEMPTY => FileError::Exists,
        Errno::ISDIR => FileError::IsDirectory,
        Errno::NOTDIR => FileError::NotDirectory,
        Errno::LOOP | Errno::ACCESS | Errno::PERM | Errno::NXIO | Errno::INVAL => FileError::Denied,
        Errno::NOSPC | Errno::DQUOT | Errno::FBIG => FileError::Full,
        error => FileError::Io(error.into()),
    }
}

/// The same, of an error that came through the standard library.
pub(crate) fn io_file_error(error: io::Error) -> FileError {
    match Errno::from_io_error(&error) {
        Some(errno) => file_error(errno),
        None if error.kind() == io::ErrorKind::StorageFull => FileError::Full,
        None => FileError::Io(error),
    }
}

const READ: OFlags =
    OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn path(text: &str) -> StorePath {
        text.parse().unwrap()
    }

    /// What both ways of resolving must say of a tree full of traps.
    fn resolves(resolve: impl Fn(&Tree, &StorePath, OFlags) -> Result<OwnedFd, Errno>) {
        let outside = tempfile::tempdir().unwrap();
        std::fs::create_dir(outside.path().join("root")).unwrap();
        let root = outside.path().join("root");
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::write(root.join("a/b/file"), "x").unwrap();
        std::fs::write(outside.path().join("secret"), "x").unwrap();
        symlink("a", root.join("inside")).unwrap();
        symlink("../secret", root.join("outside")).unwrap();
        symlink("nowhere", root.join("dangling")).unwrap();
        symlink("b", root.join("a/middle")).unwrap();
        symlink("/proc/self/root", root.join("magic")).unwrap();
        let tree = Tree::open(&root).unwrap();
        let open = |text, flags| resolve(&tree, &path(text), flags).map(drop);
        assert_eq!(open("a/b/file", OFlags::empty()), Ok(()));
        assert_eq!(open("a/b", OFlags::DIRECTORY), Ok(()));
        assert_eq!(open("", OFlags::DIRECTORY), Ok(()));
        for link in ["inside", "inside/b/file", "outside", "dangling", "a/middle/file", "magic/etc"]
        {
            assert_eq!(open(link, OFlags::empty()), Err(Errno::LOOP), "{link}");
        }
        for link in ["inside", "inside/b", "a/middle", "magic"] {
            assert_eq!(open(link, OFlags::DIRECTORY), Err(Errno::LOOP), "{link}");
        }
        assert_eq!(open("a/b/file/c", OFlags::empty()), Err(Errno::NOTDIR));
        assert_eq!(open("a/b/file", OFlags::DIRECTORY), Err(Errno::NOTDIR));
        assert_eq!(open("a/none", OFlags::empty()), Err(Errno::NOENT));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_kernel_follows_no_link_for_us() {
        resolves(Tree::resolve_at_once);
    }

    #[test]
    fn going_step_by_step_follows_no_link_either() {
        resolves(Tree::resolve_by_steps);
    }
}
