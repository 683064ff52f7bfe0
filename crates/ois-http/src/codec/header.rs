//! The header of a frame from a client (RFC 6455, 5.2).

use super::Violation;

/// What a frame is. Anything else is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

/// A header that keeps to the rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) fin: bool,
    pub(super) opcode: Opcode,
    pub(super) mask: [u8; 4],
    /// Length of the header itself.
    pub(super) start: usize,
    /// Length of the payload.
    pub(super) len: usize,
}

impl Header {
    /// Reads it; `None` if it is not whole yet. What is wrong is refused as soon as it can be seen.
    /// `room` is the most bytes that the payload of a data frame may have.
    pub(super) fn parse(input: &[u8], room: usize) -> Result<Option<Self>, Violation> {
        let [first, second, ..] = *input else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err(Violation::Protocol("a reserved bit is set"));
        }
        let fin = first & 0x80 != 0;
        let opcode = opcode(first & 0x0f)?;
        if second & 0x80 == 0 {
            return Err(Violation::Protocol("frame is not masked"));
        }
        let (len, after) = match second & 0x7f {
            126 => match input.get(2..4) {
                Some(bytes) => (u64::from(u16::from_be_bytes([bytes[0], bytes[1]])), 4),
                None => return Ok(None),
            },
            127 => match input.get(2..10).and_then(|bytes| bytes.try_into().ok()) {
                Some(bytes) => (u64::from_be_bytes(bytes), 10),
                None => return Ok(None),
            },
            short => (u64::from(short), 2),
        };
        let control = matches!(opcode, Opcode::Close | Opcode::Ping | Opcode::Pong);
        if control && (!fin || len > 125) {
            return Err(Violation::Protocol("a control frame is fragmented or too long"));
        }
        if len >> 63 != 0 {
            return Err(Violation::Protocol("length is negative"));
        }
        let len = usize::try_from(len)
            .ok()
            .filter(|len| control || *len <= room)
            .ok_or(Violation::TooLong)?;
        let Some(mask) = input.get(after..after + 4).and_then(|bytes| bytes.try_into().ok()) else {
            return Ok(None);
        };
        Ok(Some(Self { fin, opcode, mask, start: after + 4, len }))
    }
}

fn opcode(bits: u8) -> Result<Opcode, Violation> {
    match bits {
        0 => Ok(Opcode::Continuation),
        1 => Ok(Opcode::Text),
        2 => Ok(Opcode::Binary),
        8 => Ok(Opcode::Close),
        9 => Ok(Opcode::Ping),
        10 => Ok(Opcode::Pong),
        _ => Err(Violation::Protocol("unknown opcode")),
    }
}
