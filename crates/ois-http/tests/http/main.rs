//! The doors from outside: requests over a socket, as clients in the field send them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod chat;
mod durable;
mod files;
mod frames;
mod gate;
mod house;
mod multipart;
mod order;
mod page;
mod people;
mod protocol;
mod resume;
mod rights;
mod uploads;
