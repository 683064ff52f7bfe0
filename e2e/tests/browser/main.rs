//! The real page in a real browser, against the real server.
//!
//! Each test starts a server and a browser of its own, does what a person does, and waits for what a
//! person would see. Nothing reaches into the page to change it. At the end of a visit nothing may
//! have gone wrong in it (console, policy) and nothing may have been asked of another origin.

mod conversation;
mod deliveries;
mod driver;
mod files;
mod hostile;
mod keyboard;
mod login;
mod looks;
mod looks_deliveries;
mod monitor;
mod outage;
mod phone;
mod room;
mod steering;
mod streaming;
mod visit;
mod words;
mod work;
mod writing;
