//! The frames of RFC 6455 as a server sees them: bytes in, messages out, and frames to send.
//!
//! A [`Decoder`] is fed what a socket gave and borrows it: nothing is copied but the pieces of
//! fragmented messages. It holds a peer to the whole of the RFC without extensions. It looks at
//! whole frames only, so text that is wrong is refused with the frame that it is in, which may be a
//! piece of a message. It opens no socket and answers nothing: who drives it does, and closes the
//! connection with [`Violation::code`] when the peer has broken a rule.
//!
//! ```
//! use ois_http::codec::{self, Decoder, Item};
//! let mut heard = [0x81, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2, 0x89];
//! let mut decoder = Decoder::default();
//! let (took, item) = decoder.next(&mut heard, 1024).unwrap().unwrap();
//! assert_eq!((took, item), (8, Item::Text("hi"))); // a ping begins behind it
//! let mut said = Vec::new();
//! codec::write_text(&mut said, b"hi");
//! assert_eq!(said, b"\x81\x02hi");
//! ```

mod header;
mod mask;
#[cfg(test)]
mod tests;
mod write;

use self::header::{Header, Opcode};
pub(crate) use self::write::{PING, PONG, payload, write_header};
pub use self::write::{write_binary, write_close, write_pong, write_text};

/// What a peer sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A whole text message, valid UTF-8.
    Text(&'a str),
    /// A whole binary message.
    Binary(&'a [u8]),
    /// To be answered with a pong of the same bytes.
    Ping(&'a [u8]),
    /// An answer to a ping, or a sign of life.
    Pong,
    /// The peer says good-bye; to be answered with this code.
    Close(u16),
    /// A piece of something longer; nothing to do yet.
    Piece,
}

/// How a peer broke the protocol. The connection is closed with [`Violation::code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// Anything the RFC forbids.
    #[error("{0}")]
    Protocol(&'static str),
    /// Text that is no UTF-8.
    #[error("text is not UTF-8")]
    Utf8,
    /// A message longer than the limit.
    #[error("frame is too long")]
    TooLong,
}

impl Violation {
    /// The status code of the close frame (RFC 6455, 7.4.1).
    pub fn code(self) -> u16 {
        match self {
            Self::Protocol(_) => 1002,
            Self::Utf8 => 1007,
            Self::TooLong => 1009,
        }
    }
}

/// What is remembered between frames: the pieces of a fragmented message.
#[derive(Debug, Default)]
pub struct Decoder {
    pieces: Vec<u8>,
    /// How much of the pieces is known to be UTF-8.
    checked: usize,
    kind: Option<Opcode>,
    complete: bool,
}

impl Decoder {
    /// The next item in `input` and how many bytes it took; `None` if there is not a whole frame
    /// yet. `input` is unmasked in place. `limit` is the most bytes that a message may have.
    ///
    /// # Errors
    /// [`Violation`]; nothing more can be read from this peer.
    pub fn next<'a>(
        &'a mut self,
        input: &'a mut [u8],
        limit: usize,
    ) -> Result<Option<(usize, Item<'a>)>, Violation> {
        if std::mem::take(&mut self.complete) {
            (self.pieces, self.checked) = (Vec::new(), 0);
        }
        let room = limit.saturating_sub(self.pieces.len());
        let Some(header) = Header::parse(input, room)? else { return Ok(None) };
        let end = header.start + header.len;
        let Some(payload) = input.get_mut(header.start..end) else { return Ok(None) };
        mask::unmask(payload, header.mask);
        let item = match header.opcode {
            Opcode::Close => Item::Close(close_code(payload)?),
            Opcode::Ping => Item::Ping(payload),
            Opcode::Pong => Item::Pong,
            data => self.data(data, header.fin, payload)?,
        };
        Ok(Some((end, item)))
    }

    fn data<'a>(
        &'a mut self,
        opcode: Opcode,
        fin: bool,
        payload: &'a [u8],
    ) -> Result<Item<'a>, Violation> {
        let kind = match (opcode, self.kind) {
            (Opcode::Continuation, None) => {
                return Err(Violation::Protocol("continuation of nothing"));
            }
            (Opcode::Continuation, Some(kind)) => kind,
            (_, Some(_)) => return Err(Violation::Protocol("a new message inside another")),
            (first, None) if fin => return whole(first, payload),
            (first, None) => first,
        };
        self.pieces.extend_from_slice(payload);
        self.kind = Some(kind);
        if !fin {
            if kind == Opcode::Text {
                self.check()?;
            }
            return Ok(Item::Piece);
        }
        self.kind = None;
        self.complete = true;
        whole(kind, &self.pieces)
    }

    /// Refuses text that is no UTF-8 however it goes on.
    fn check(&mut self) -> Result<(), Violation> {
        match std::str::from_utf8(&self.pieces[self.checked..]) {
            Ok(_) => self.checked = self.pieces.len(),
            Err(cut) if cut.error_len().is_none() => self.checked += cut.valid_up_to(),
            Err(_) => return Err(Violation::Utf8),
        }
        Ok(())
    }
}

fn whole(kind: Opcode, payload: &[u8]) -> Result<Item<'_>, Violation> {
    match kind {
        Opcode::Text => std::str::from_utf8(payload).map(Item::Text).map_err(|_| Violation::Utf8),
        _ => Ok(Item::Binary(payload)),
    }
}

/// The code to answer a close frame with: its own if it may be sent, 1000 if it has none.
fn close_code(payload: &[u8]) -> Result<u16, Violation> {
    let [high, low, reason @ ..] = payload else {
        return if payload.is_empty() {
            Ok(1000)
        } else {
            Err(Violation::Protocol("half a close code"))
        };
    };
    std::str::from_utf8(reason).map_err(|_| Violation::Utf8)?;
    match u16::from_be_bytes([*high, *low]) {
        code @ (1000..=1003 | 1007..=1014 | 3000..=4999) => Ok(code),
        _ => Err(Violation::Protocol("a close code that must not be sent")),
    }
}
