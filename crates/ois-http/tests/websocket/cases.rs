//! What a client may send and what comes back, after the sections of the Autobahn test suite.
//!
//! The answers are those of a server that says back what it hears. One that says something else
//! answers each message with one of its own.
//!
//! The paths are written out, since the example `ws-echo` is held to the same cases.

#[path = "cases/close.rs"]
mod close;
#[path = "cases/control.rs"]
mod control;
#[path = "cases/fragments.rs"]
mod fragments;
#[path = "cases/framing.rs"]
mod framing;
#[path = "cases/limits.rs"]
mod limits;
#[path = "cases/utf8.rs"]
mod utf8;

use crate::frames::{Heard, close as good_bye};

/// One conversation.
pub(crate) struct Case {
    /// What it is about.
    pub(crate) name: String,
    /// All that the client sends.
    pub(crate) sent: Vec<u8>,
    /// All that comes back.
    pub(crate) back: Vec<Heard>,
}

impl Case {
    fn new(name: impl Into<String>, sent: Vec<u8>, back: Vec<Heard>) -> Self {
        let (mut sent, mut back) = (sent, back);
        // Who is not closed closes, so that the end of every conversation can be waited for.
        if !matches!(back.last(), Some(Heard::Close(_))) {
            sent.extend(good_bye(1000, b""));
            back.push(Heard::Close(1000));
        }
        Self { name: name.into(), sent, back }
    }

    /// Something for which the connection is closed with this code.
    fn refused(name: impl Into<String>, sent: Vec<u8>, code: u16) -> Self {
        Self::new(name, sent, vec![Heard::Close(code)])
    }
}

/// What the cases of a section are about, and the cases for a server whose messages have at the
/// most so many bytes.
pub(crate) type Section = (&'static str, fn(usize) -> Vec<Case>);

/// All of them.
pub(crate) const SECTIONS: [Section; 8] = [
    ("framing", |_| framing::lengths()),
    ("pings and pongs", |_| control::pings()),
    ("reserved bits", |_| control::reserved_bits()),
    ("opcodes", |_| control::opcodes()),
    ("fragmentation", |_| fragments::cases()),
    ("utf-8", |_| utf8::cases()),
    ("closing", |_| close::cases()),
    ("limits", limits::cases),
];
