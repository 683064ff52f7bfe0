//! Arbitrary input from clients and files is either parsed as what it is or refused.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod daylog;
mod frames;
mod mentions;
mod paths;
