//! WebSocket frames: the rules of RFC 6455, at the codec and over a socket.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cases;
mod codec;
mod endpoint;
mod frames;
#[path = "../http/house.rs"]
#[expect(dead_code, reason = "the tests of HTTP use the rest of it")]
mod house;
mod peer;
