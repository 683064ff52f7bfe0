//! The frames of RFC 6455 as a server sees them: bytes in, messages out, and headers.
//!
//! A [`Decoder`] is fed what a socket gave and borrows it: nothing is copied but the pieces of
//! fragmented messages. It opens no socket and answers nothing; who drives it does.

/// What a peer sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item<'a> {
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
pub(crate) enum Violation {
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
    pub(crate) fn code(self) -> u16 {
        match self {
            Self::Protocol(_) => 1002,
            Self::Utf8 => 1007,
            Self::TooLong => 1009,
        }
    }
}

/// What is remembered between frames: the pieces of a fragmented message.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    pieces: Vec<u8>,
    kind: Option<Opcode>,
    complete: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

#[derive(Clone, Copy, Debug)]
struct Header {
    fin: bool,
    opcode: Opcode,
    mask: [u8; 4],
    /// Length of the header itself.
    start: usize,
    /// Length of the payload.
    len: usize,
}

impl Decoder {
    /// The next item in `input` and how many bytes it took; `None` if there is not a whole frame
    /// yet. `input` is unmasked in place. `limit` is the most bytes that a message may have.
    ///
    /// # Errors
    /// [`Violation`]; nothing more can be read from this peer.
    pub(crate) fn next<'a>(
        &'a mut self,
        input: &'a mut [u8],
        limit: usize,
    ) -> Result<Option<(usize, Item<'a>)>, Violation> {
        if std::mem::take(&mut self.complete) {
            self.pieces = Vec::new();
        }
        let Some(header) = header(input, limit.saturating_sub(self.pieces.len()))? else {
            return Ok(None);
        };
        let end = header.start + header.len;
        let Some(payload) = input.get_mut(header.start..end) else { return Ok(None) };
        unmask(payload, header.mask);
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
            return Ok(Item::Piece);
        }
        self.kind = None;
        self.complete = true;
        whole(kind, &self.pieces)
    }
}

/// Writes the header of an unmasked, unfragmented frame (RFC 6455, 5.2).
pub(crate) fn write_header(out: &mut Vec<u8>, opcode: u8, len: usize) {
    out.push(0x80 | opcode);
    if len < 126 {
        out.push(len as u8);
    } else if let Ok(len) = u16::try_from(len) {
        out.push(126);
        out.extend_from_slice(&len.to_be_bytes());
    } else {
        out.push(127);
        out.extend_from_slice(&(len as u64).to_be_bytes());
    }
}

/// Appends a whole text frame.
pub(crate) fn write_text(out: &mut Vec<u8>, payload: &[u8]) {
    write_header(out, TEXT, payload.len());
    out.extend_from_slice(payload);
}

/// Appends a close frame with a status code.
pub(crate) fn write_close(out: &mut Vec<u8>, code: u16) {
    write_header(out, CLOSE, 2);
    out.extend_from_slice(&code.to_be_bytes());
}

/// The payload of a frame that [`write_text`] wrote.
pub(crate) fn payload(frame: &[u8]) -> &[u8] {
    let start = match frame.get(1) {
        Some(126) => 4,
        Some(127) => 10,
        _ => 2,
    };
    frame.get(start..).unwrap_or_default()
}

/// Opcode of a text frame.
const TEXT: u8 = 1;
/// Opcode of a close frame.
const CLOSE: u8 = 8;
/// Opcode of a ping.
pub(crate) const PING: u8 = 9;
/// Opcode of a pong.
pub(crate) const PONG: u8 = 10;

fn header(input: &[u8], room: usize) -> Result<Option<Header>, Violation> {
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
    Ok(Some(Header { fin, opcode, mask, start: after + 4, len }))
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

/// XORs eight bytes at a time; the compiler makes wider steps of it.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut words = payload.chunks_exact_mut(8);
    for word in &mut words {
        let mixed = u64::from_ne_bytes(word.try_into().expect("chunks of eight")) ^ wide;
        word.copy_from_slice(&mixed.to_ne_bytes());
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 1 << 20;
    const MASK: [u8; 4] = [1, 2, 3, 4];

    fn client(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        write_header(&mut frame, 0, payload.len());
        frame[0] = first;
        frame[1] |= 0x80;
        frame.extend_from_slice(&MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
        frame
    }

    /// Everything in `input`, as text for comparing.
    fn all(mut input: Vec<u8>) -> Result<Vec<String>, Violation> {
        let mut decoder = Decoder::default();
        let mut shown = Vec::new();
        let mut rest = input.as_mut_slice();
        while let Some((took, item)) = decoder.next(rest, LIMIT)? {
            shown.push(format!("{item:?}"));
            rest = &mut rest[took..];
        }
        assert!(rest.is_empty(), "{} bytes left", rest.len());
        Ok(shown)
    }

    #[test]
    fn a_ping_between_two_pieces_is_seen_at_once_and_the_pieces_make_one_message() {
        let input = [client(0x01, b"Hel"), client(0x89, b"!"), client(0x80, b"lo")].concat();
        assert_eq!(all(input).unwrap(), ["Piece", "Ping([33])", "Text(\"Hello\")"]);
    }

    #[test]
    fn what_the_rfc_forbids_is_refused_with_its_code() {
        let unmasked = vec![0x81, 0x01, b'x'];
        let wrong: [(Vec<u8>, u16); 16] = [
            (unmasked, 1002),
            (client(0xc1, b"x"), 1002),
            (client(0x83, b"x"), 1002),
            (client(0x8b, b""), 1002),
            (client(0x09, b""), 1002),
            (client(0x89, &[0; 126]), 1002),
            (client(0x80, b"x"), 1002),
            ([client(0x01, b"x"), client(0x81, b"y")].concat(), 1002),
            (client(0x81, &[0xff]), 1007),
            ([client(0x01, &[0xe4]), client(0x80, b"x")].concat(), 1007),
            (client(0x88, &[3]), 1002),
            (client(0x88, &1005_u16.to_be_bytes()), 1002),
            (client(0x88, &999_u16.to_be_bytes()), 1002),
            (client(0x88, &[0x03, 0xe8, 0xff]), 1007),
            (client(0x82, &vec![0; LIMIT + 1]), 1009),
            (vec![0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1], 1002),
        ];
        for (at, (input, code)) in wrong.into_iter().enumerate() {
            assert_eq!(all(input).unwrap_err().code(), code, "case {at}");
        }
    }

    #[test]
    fn a_message_in_pieces_is_held_to_the_limit_as_a_whole() {
        let half = vec![b'x'; LIMIT / 2 + 1];
        let input = [client(0x01, &half), client(0x80, &half)].concat();
        assert_eq!(all(input), Err(Violation::TooLong));
    }

    #[test]
    fn a_good_bye_is_answered_in_kind() {
        assert_eq!(all(client(0x88, b"")).unwrap(), ["Close(1000)"]);
        assert_eq!(all(client(0x88, &4001_u16.to_be_bytes())).unwrap(), ["Close(4001)"]);
    }

    #[test]
    fn text_is_checked_at_every_position() {
        let text = "añ€𐍈".as_bytes();
        for cut in 0..=text.len() {
            let input = [client(0x01, &text[..cut]), client(0x80, &text[cut..])].concat();
            assert_eq!(all(input).unwrap().len(), 2, "cut at {cut}");
            let whole = std::str::from_utf8(&text[..cut]).is_ok();
            assert_eq!(all(client(0x81, &text[..cut])).is_ok(), whole, "end at {cut}");
        }
    }

    #[test]
    fn an_incomplete_frame_takes_nothing() {
        let frame = client(0x81, &[b'x'; 200]);
        for end in 0..frame.len() {
            assert_eq!(Decoder::default().next(&mut frame[..end].to_vec(), LIMIT).unwrap(), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_items_or_a_violation(input in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut decoder = Decoder::default();
            let mut rest = input;
            while let Ok(Some((took, _))) = decoder.next(&mut rest, 64) {
                prop_assert!(took > 0);
                rest.drain(..took);
            }
        }

        #[test]
        fn what_is_written_is_read(payload in proptest::collection::vec(any::<u8>(), 0..70_000)) {
            let shown = all(client(0x82, &payload)).unwrap();
            prop_assert_eq!(shown, vec![format!("{:?}", Item::Binary(&payload))]);
            let mut framed = Vec::new();
            write_text(&mut framed, &payload);
            prop_assert_eq!(super::payload(&framed), &payload[..]);
        }
    }
}
