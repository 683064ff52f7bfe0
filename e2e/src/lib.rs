//! The real binaries against the real outside.
//!
//! A test starts what it needs, a [`Server`](server::Server), a [`Monitor`](monitor::Monitor), an
//! OpenClaw [`Gateway`](gateway::Gateway), a [`Browser`](browser::Browser), talks to it as a member
//! would, through a [`Room`](room::Room) or [`Rest`](rest::Rest), and drops it. Everything listens on
//! a free port of the loopback device and says which; nothing guesses a port and nothing sleeps.
//! Each wait has a deadline, and what a process said is printed when it is dropped, so that a test
//! that failed shows it.

pub mod admin;
pub mod binary;
pub mod browser;
pub mod fake_gateway;
pub mod gateway;
pub mod monitor;
pub mod person;
pub mod process;
pub mod program;
pub mod proxy;
pub mod rest;
pub mod room;
pub mod server;
pub mod socket;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// How long a test waits for anything that must happen.
///
/// The bound is the same everywhere and far above what a slow, busy machine needs: it ends a test
/// that hangs and never decides whether the code is fast enough.
pub const TIMEOUT: Duration = Duration::from_secs(300);

/// Calls `holds` again and again until it answers yes, for a state that can only be asked for.
///
/// Where an event announces the state, a frame or a line, the test waits for the event instead.
///
/// # Errors
/// When the state, named `what`, is not reached within [`TIMEOUT`], or when asking fails.
pub fn until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + TIMEOUT;
    while !holds()? {
        ensure!(Instant::now() < end, "not within {TIMEOUT:?}: {what}");
        // Nothing wakes this thread: parking only leaves the processor to the process that is asked.
        std::thread::park_timeout(BETWEEN_LOOKS);
    }
    Ok(())
}

/// The pause between two looks at a state that announces itself by no event.
pub(crate) const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
