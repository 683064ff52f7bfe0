//! The real OpenClaw gateway, with a stub for a model: from a mention to the answer in the room.
//!
//! A gateway takes a quarter of a minute to start and a gigabyte to run, so the stories of one that
//! is well share it, and no two run at once.

mod ladder;
mod outages;
mod team;
mod well;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lock that a test holds while it runs a gateway.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static RUNS: Mutex<()> = Mutex::new(());
    // A test that failed has stopped its gateway all the same.
    RUNS.lock().unwrap_or_else(PoisonError::into_inner)
}
