//! Frames as a client writes them, and as it reads them.

/// Opcodes, with FIN set.
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;
/// The last piece of a message; without FIN, one in the middle.
pub(crate) const LAST: u8 = 0x80;
pub(crate) const MIDDLE: u8 = 0x00;
/// Taken from a first byte, it makes a piece of a whole.
pub(crate) const FIN: u8 = 0x80;

/// What a server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A message, text or binary.
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16),
}

/// A masked frame with this first byte.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        short @ ..126 => frame.push(0x80 | short as u8),
        long @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(long as u16).to_be_bytes());
        }
        long => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// A message cut into pieces of so many bytes; nothing is cut into one empty frame.
pub(crate) fn pieces(first: u8, payload: &[u8], bytes: usize) -> Vec<u8> {
    let count = payload.len().div_ceil(bytes).max(1);
    let cut = |at: usize| &payload[at * bytes..payload.len().min((at + 1) * bytes)];
    let piece = |at: usize| {
        let opcode = if at == 0 { first & !FIN } else { MIDDLE };
        frame(if at + 1 == count { opcode | FIN } else { opcode }, cut(at))
    };
    (0..count).flat_map(piece).collect()
}

/// A message in two pieces, cut here.
pub(crate) fn halves(first: u8, payload: &[u8], at: usize) -> Vec<u8> {
    [frame(first & !FIN, &payload[..at]), frame(LAST, &payload[at..])].concat()
}

/// A close frame with this code and reason.
pub(crate) fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// All that a server has sent, which must be whole frames, unmasked and in one piece each.
pub(crate) fn read(mut bytes: &[u8]) -> Vec<Heard> {
    let mut heard = Vec::new();
    while let [first, length, rest @ ..] = bytes {
        let (length, rest) = match length {
            126 => (usize::from(u16::from_be_bytes(rest[..2].try_into().unwrap())), &rest[2..]),
            127 => (u64::from_be_bytes(rest[..8].try_into().unwrap()) as usize, &rest[8..]),
            short => (usize::from(*short), rest),
        };
        let (payload, rest) = rest.split_at(length);
        bytes = rest;
        heard.push(match *first {
            TEXT => Heard::Text(payload.to_vec()),
            BINARY => Heard::Binary(payload.to_vec()),
            PONG => Heard::Pong(payload.to_vec()),
            CLOSE => Heard::Close(u16::from_be_bytes(payload[..2].try_into().unwrap())),
            other => panic!("a server does not send {other:#x}"),
        });
    }
    assert!(bytes.is_empty(), "half a frame: {bytes:?}");
    heard
}

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
