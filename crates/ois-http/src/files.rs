//! The team's files: list, read, write, move, remove.
//!
//! Paths are parsed here and checked by the store, which alone touches the tree.

mod change;
mod give;
mod store_body;

pub(crate) use change::{make_dir, put, remove, rename, write};
pub(crate) use give::{download, list, read};
pub(crate) use store_body::Room;
