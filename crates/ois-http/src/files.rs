//! The routes of the team's files. Paths are parsed here; the operations (`ops::files`) decide, and
//! the store checks the paths against its tree.

mod change;
mod read;

pub(crate) use change::{make_dir, put, remove, rename, write};
pub(crate) use read::{download, list, read};
