//! How a record stands in its segment: one line, a header and a payload.
//!
//! ```text
//! ID MS KIND ROOM AUTHOR NONCE DIGEST CHAIN⇥{"type":"message",…}⏎
//! ```
//!
//! `-` stands for what is absent. In room, author and nonce, white space, controls and `%` are
//! written as percent and hex. DIGEST is of the payload, CHAIN of this header and all before it, so
//! a payload can be blanked later (with spaces, or cut to nothing) while the chain still holds.

use std::borrow::Cow;

use ois_protocol::{EventId, EventKind, Nonce, RoomName, ShortName, Timestamp};

use super::chain::{Hash, Key};
use crate::{Filter, Record};

/// A record before it is written.
pub(crate) struct Entry<'a> {
    /// The event's place in the log.
    pub(crate) id: EventId,
    /// The time at which it is stored.
    pub(crate) time: Timestamp,
    /// The kind of event.
    pub(crate) kind: EventKind,
    /// The room in which it is seen.
    pub(crate) room: &'a str,
    /// The short name of the member that caused it.
    pub(crate) author: &'a str,
    /// The author's own name for it, if the author gave one.
    pub(crate) nonce: Option<&'a str>,
    /// The JSON that its receivers get, one line without its end.
    pub(crate) payload: &'a [u8],
}

impl Entry<'_> {
    /// Appends the record's line to `out` and answers with the chain after it. `scratch` saves an
    /// allocation.
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
    /// The event's place in the log.
    pub(crate) id: EventId,
    /// The time at which it was stored.
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
    /// Takes a line apart that is given without its end; `None` if it is no record.
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

    /// The chain as the line has it, which nobody has checked.
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

    /// Whether there is a tab in the payload. None is ever written there: another record follows
    /// without a line end between them, or a byte is damaged.
    pub(crate) fn has_tab(&self) -> bool {
        memchr::memchr(b'\t', self.payload).is_some()
    }

    /// Whether a reader with this filter wants the record. A room is compared as it is written.
    pub(crate) fn is_wanted(&self, filter: &Filter) -> bool {
        let Filter { rooms, kinds } = filter;
        let kinds = kinds.as_deref();
        kinds.is_none_or(|kinds| kinds.iter().any(|kind| kind.word() == self.kind))
            && rooms.as_deref().is_none_or(|rooms| {
                let here = unescape(self.room);
                here.is_some_and(|here| rooms.iter().any(|room| *here == *room.as_str()))
            })
    }

    /// The length of the payload in bytes.
    pub(crate) fn payload_length(&self) -> usize {
        self.payload.len()
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

    /// The author's own name for the event, if the author gave one.
    pub(crate) fn nonce(&self) -> Option<Cow<'a, str>> {
        if self.nonce == ABSENT { None } else { unescape(self.nonce) }
    }

    /// The short name of the member that caused the event, if it is one.
    pub(crate) fn author(&self) -> Option<ShortName> {
        unescape(self.author)?.parse().ok()
    }

    /// The author as the line has it, by which authors can be told apart without parsing.
    pub(crate) fn author_word(&self) -> &'a str {
        self.author
    }

    /// Whether this author has stored the event under this nonce.
    pub(crate) fn bears(&self, author: &ShortName, nonce: &Nonce) -> bool {
        self.nonce().is_some_and(|found| found == nonce.as_str())
            && self.author().is_some_and(|found| found == *author)
    }
}

const ABSENT: &str = "-";

/// Writes a word so that it holds neither spaces nor line ends. An empty word becomes [`ABSENT`].
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

/// Reads what [`escape`] has written; `None` if it cannot have written that.
fn unescape(word: &str) -> Option<Cow<'_, str>> {
    if word == ABSENT {
        return Some(Cow::Borrowed(""));
    }
    if !word.contains('%') {
        return Some(Cow::Borrowed(word));
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
    String::from_utf8(bytes).ok().map(Cow::Owned)
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
        assert_eq!(Line::parse(&line).unwrap().nonce().unwrap(), "-");
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
            prop_assert_eq!(line.nonce().unwrap(), nonce.as_str());
            prop_assert!(line.bears(&author.parse().unwrap(), &nonce.parse().unwrap()));
        }

        #[test]
        fn any_word_survives_the_header(word in "\\PC*|.*") {
            let mut escaped = Vec::new();
            escape(&word, &mut escaped);
            let escaped = String::from_utf8(escaped).unwrap();
            prop_assert!(!escaped.contains(char::is_whitespace) && !escaped.is_empty());
            prop_assert_eq!(unescape(&escaped), Some(word.into()));
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
                line.author();
            }
        }
    }
}
