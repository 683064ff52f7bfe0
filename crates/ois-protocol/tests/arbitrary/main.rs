//! Whatever anybody sends or leaves in a file: it is read as what it is or refused, never worse.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod daylog;
mod frames;
mod mentions;
mod paths;
