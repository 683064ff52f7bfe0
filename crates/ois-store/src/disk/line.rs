//! How a record stands in its segment: one line, a header and a payload.
//!
//! ```text
//! ID MS KIND ROOM AUTHOR NONCE DIGEST CHAIN⇥{"type":"message",…}⏎
//! ```
//!
//! `-` stands for what is absent. In room, author and nonce, white space, controls and `%` are
//! written as percent and hex. DIGEST is of the payload, CHAIN of this header and all before it, so
//! a payload can be blanked later (with spaces, or cut to nothing) while the chain still holds.

use ois_protocol::{EventId, EventKind, Nonce, RoomName, ShortName, Timestamp};

use super::chain::{Hash, Key};
use crate::{NonceSeen, Record};

/// What a header says, before it is written.
pub(crate) struct Entry<'a> {
    /// Its place.
    pub(crate) id: EventId,
    /// When it was stored.
    pub(crate) time: Timestamp,
    /// What it is.
    pub(crate) kind: EventKind,
    /// Where it is seen.
    pub(crate) room: &'a str,
    /// Who caused it.
    pub(crate) author: &'a str,
    /// The author's own name for it.
    pub(crate) nonce: Option<&'a str>,
    /// What its receivers get: one line.
    pub(crate) payload: &'a [u8],
}

impl Entry<'_> {
    /// Appends the record's line to `out`; answers with the chain after it.
    pub(crate) fn write(
        &self,
        key: &Key,
        chain: Hash,
        out: &mut Vec<u8>,
        scratch: &mut Vec<u8>,
    ) -> Hash {
        let start = out.len();
        number(self.id.get(), out);
        out.push(b' ');
        number(self.time.ms(), out);
        out.push(b' ');
        out.extend_from_slice(self.kind.word().as_bytes());
        for word in [Some(self.room), Some(self.author), self.nonce] {
            out.push(b' ');
            escape(word.unwrap_or_default(), out);
        }
        out.push(b' ');
        Hash::of(self.payload).write(out);
        let chain = key.chain(chain, &out[start..], scratch);
        out.push(b' ');
        chain.write(out);
        out.push(b'\t');
        out.extend_from_slice(self.payload);
        out.push(b'\n');
        chain
    }
}

/// A record's line, taken apart but not yet believed.
pub(crate) struct Line<'a> {
    /// Its place.
    pub(crate) id: EventId,
    /// When it was stored.
    pub(crate) time: Timestamp,
    kind: &'a str,
    room: &'a str,
    author: &'a str,
    nonce: &'a str,
    digest: &'a str,
    chain: &'a str,
    signed: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Line<'a> {
    /// Takes a line without its end apart; `None` if it is no record.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        let tab = memchr::memchr(b'\t', line)?;
        let header = std::str::from_utf8(&line[..tab]).ok()?;
        let mut rest = header;
        let mut word = || {
            let (word, after) = rest.split_at(memchr::memchr(b' ', rest.as_bytes())?);
            rest = &after[1..];
            Some(word)
        };
        let id = EventId::new(word()?.parse().ok()?)?;
        let time = Timestamp::from_ms(word()?.parse().ok()?);
        let (kind, room, author, nonce, digest) = (word()?, word()?, word()?, word()?, word()?);
        let chain = rest;
        let signed = &line[..tab.checked_sub(chain.len() + 1)?];
        let payload = &line[tab + 1..];
        Some(Self { id, time, kind, room, author, nonce, digest, chain, signed, payload })
    }

    /// The chain after this record if it continues `before`.
    pub(crate) fn follows(&self, key: &Key, before: Hash, scratch: &mut Vec<u8>) -> Option<Hash> {
        let chain = key.chain(before, self.signed, scratch);
        chain.is(self.chain.as_bytes()).then_some(chain)
    }

    /// The chain as it is written here.
    pub(crate) fn claimed_chain(&self) -> Option<Hash> {
        Hash::parse(self.chain.as_bytes())
    }

    /// Whether the payload is what was written, or was blanked.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_blank() || self.is_as_written()
    }

    /// Whether the payload is what was written.
    pub(crate) fn is_as_written(&self) -> bool {
        Hash::of(self.payload).is(self.digest.as_bytes())
    }

    /// Whether the payload was taken out.
    pub(crate) fn is_blank(&self) -> bool {
        self.payload.iter().all(|byte| *byte == b' ')
    }

    /// Whether nothing at all is left of the payload, as if the line had ended early.
    pub(crate) fn is_empty(&self) -> bool {
        self.payload.is_empty()
    }

    /// The record, or `None` if it is not what was written.
    pub(crate) fn record(&self) -> Option<Record<&'a [u8]>> {
        let payload = match self.is_blank() {
            true => &[],
            false if self.is_as_written() => self.payload,
            false => return None,
        };
        let room = match self.room {
            RoomName::MAIN => RoomName::main(),
            room => unescape(room)?.parse().ok()?,
        };
        let kind = EventKind::from_word(self.kind);
        Some(Record { id: self.id, time: self.time, kind, room, payload })
    }

    /// Who used which nonce for it, if anyone did.
    pub(crate) fn nonce(&self) -> Option<NonceSeen> {
        if self.nonce == ABSENT {
            return None;
        }
        let author: ShortName = unescape(self.author)?.parse().ok()?;
        let nonce: Nonce = unescape(self.nonce)?.parse().ok()?;
        Some(NonceSeen { author, nonce, id: self.id, time: self.time })
    }
}

const ABSENT: &str = "-";

/// Writes a word so that it holds neither spaces nor line ends; nothing becomes [`ABSENT`].
fn escape(word: &str, out: &mut Vec<u8>) {
    if word.is_empty() || word == ABSENT {
        out.extend_from_slice(if word.is_empty() { b"-" } else { b"%2D" });
        return;
    }
    for c in word.chars() {
        let mut bytes = [0; 4];
        let bytes = c.encode_utf8(&mut bytes).as_bytes();
        if c == '%' || c.is_whitespace() || c.is_control() {
            bytes.iter().for_each(|byte| out.extend_from_slice(format!("%{byte:02X}").as_bytes()));
        } else {
            out.extend_from_slice(bytes);
        }
    }
}

fn unescape(word: &str) -> Option<String> {
    if word == ABSENT {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'%' {
            let hex = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Appends a number in decimal; `write!` costs three times as much here.
fn number(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(author: &str, nonce: Option<&str>, payload: &[u8]) -> Vec<u8> {
        let entry = Entry {
            id: EventId::new(7).unwrap(),
            time: Timestamp::from_ms(9),
            kind: EventKind::Message,
            room: "main",
            author,
            nonce,
            payload,
        };
        let mut out = Vec::new();
        entry.write(&Key::new([1; 32]), Hash::default(), &mut out, &mut Vec::new());
        assert_eq!(out.pop(), Some(b'\n'));
        out
    }

    #[test]
    fn a_blanked_payload_keeps_its_header_in_the_chain() {
        let line = written("ARIA", Some("n1"), b"{}");
        let tab = line.iter().position(|b| *b == b'\t').unwrap();
        for rest in [&b"  "[..], b""] {
            let blanked = [&line[..=tab], rest].concat();
            let line = Line::parse(&blanked).unwrap();
            assert!(line.is_whole() && line.is_blank());
            assert!(line.follows(&Key::new([1; 32]), Hash::default(), &mut Vec::new()).is_some());
            assert!(line.record().unwrap().payload.is_empty());
        }
    }

    #[test]
    fn a_nonce_that_looks_absent_is_not() {
        let line = written("ARIA", Some("-"), b"{}");
        assert_eq!(Line::parse(&line).unwrap().nonce().unwrap().nonce.as_str(), "-");
        let line = written("ARIA", None, b"{}");
        assert_eq!(Line::parse(&line).unwrap().nonce(), None);
    }

    proptest! {
        #[test]
        fn a_record_reads_back_what_was_written(
            author in "[^\\s\\p{C}]{1,20}", nonce in "[!-~]{1,40}", payload in "\\{[^\n]{0,200}"
        ) {
            let line = written(&author, Some(&nonce), payload.as_bytes());
            prop_assert!(!line.contains(&b'\n'));
            let line = Line::parse(&line).unwrap();
            let record = line.record().unwrap();
            prop_assert_eq!(record.payload, payload.as_bytes());
            prop_assert_eq!((record.id.get(), record.time.ms()), (7, 9));
            let seen = line.nonce().unwrap();
            prop_assert_eq!(seen.nonce.as_str(), nonce);
        }

        #[test]
        fn any_word_survives_the_header(word in "\\PC*|.*") {
            let mut escaped = Vec::new();
            escape(&word, &mut escaped);
            let escaped = String::from_utf8(escaped).unwrap();
            prop_assert!(!escaped.contains(char::is_whitespace) && !escaped.is_empty());
            prop_assert_eq!(unescape(&escaped), Some(word));
        }

        #[test]
        fn an_altered_byte_is_noticed(at in 0_usize..300, to: u8) {
            let line = written("ARIA", Some("n1"), b"{\"type\":\"message\",\"message\":{}}");
            let at = at % line.len();
            let mut altered = line.clone();
            altered[at] = to;
            let key = Key::new([1; 32]);
            let accepted = Line::parse(&altered).is_some_and(|line| {
                line.follows(&key, Hash::default(), &mut Vec::new()).is_some() && line.is_whole()
            });
            prop_assert_eq!(accepted, altered == line);
        }

        #[test]
        fn no_line_makes_the_parser_panic(line: Vec<u8>) {
            if let Some(line) = Line::parse(&line) {
                line.record();
                line.nonce();
            }
        }
    }
}
