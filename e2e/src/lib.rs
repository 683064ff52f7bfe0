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
pub mod proxy;
pub mod rest;
pub mod room;
pub mod server;
pub mod socket;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// Asks again and again until `holds` says yes, for what can be seen only from outside.
///
/// Where something tells when it has happened, a frame or a line, wait for that instead.
///
/// # Errors
/// When it is not so within 20 s, naming it as `what`, or when asking fails.
pub fn until(what: &str, holds: impl FnMut() -> Result<bool>) -> Result<()> {
    until_within(room::PATIENCE, what, holds)
}

/// Asks as [`until`] does, for as long as `within`.
///
/// # Errors
/// When it is not so in time, naming it as `what`, or when asking fails.
pub fn until_within(
    within: Duration,
    what: &str,
    mut holds: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let end = Instant::now() + within;
    while !holds()? {
        ensure!(Instant::now() < end, "not within {within:?}: {what}");
        // Nobody wakes this thread: it only leaves the processor to those who are asked.
        std::thread::park_timeout(BETWEEN_LOOKS);
    }
    Ok(())
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
