//! The real binaries against the real outside.
//!
//! A test starts what it needs, a [`Server`](server::Server), a [`Monitor`](monitor::Monitor), an
//! OpenClaw [`Gateway`](gateway::Gateway), a [`Browser`](browser::Browser), talks to it as a member
//! would, through a [`Room`](room::Room) or [`Rest`](rest::Rest), and drops it. Everything listens on
//! a free port of the loopback device and says which; nothing guesses a port and nothing sleeps.
//! Each wait has a deadline, and what a process said is printed when it is dropped, so that a test
//! that failed shows it.

pub mod binary;
pub mod browser;
pub mod gateway;
pub mod monitor;
pub mod process;
pub mod rest;
pub mod room;
pub mod server;
pub mod socket;
