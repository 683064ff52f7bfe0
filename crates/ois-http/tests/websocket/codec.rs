//! The codec by itself, fed in pieces of every size.

use ois_http::codec::{self, Decoder, Item, Violation};
use proptest::prelude::*;

use crate::{
    cases::SECTIONS,
    frames::{FIN, Heard, frame, read},
};

/// A peer of the codec that says back what it hears, as long as it hears anything.
#[derive(Default)]
struct Echo {
    decoder: Decoder,
    pending: Vec<u8>,
    said: Vec<u8>,
    ended: bool,
}

impl Echo {
    fn hear(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        let mut used = 0;
        while !self.ended {
            match self.decoder.next(&mut self.pending[used..], LIMIT) {
                Ok(None) => break,
                Ok(Some((took, item))) => {
                    assert!(took > 0);
                    used += took;
                    self.ended = matches!(item, Item::Close(_));
                    answer(&mut self.said, &item);
                }
                Err(violation) => {
                    self.ended = true;
                    codec::write_close(&mut self.said, violation.code());
                }
            }
        }
        self.pending.drain(..used);
    }

    /// All that is said to these bytes, in pieces of these lengths over and over.
    fn to(bytes: &[u8], lengths: &[usize]) -> Vec<Heard> {
        let mut echo = Self::default();
        let mut rest = bytes;
        for length in lengths.iter().cycle() {
            let (now, later) = rest.split_at((*length).clamp(1, rest.len().max(1)).min(rest.len()));
            echo.hear(now);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        read(&echo.said)
    }
}

fn answer(out: &mut Vec<u8>, item: &Item<'_>) {
    match item {
        Item::Text(text) => codec::write_text(out, text.as_bytes()),
        Item::Binary(bytes) => codec::write_binary(out, bytes),
        Item::Ping(bytes) => codec::write_pong(out, bytes),
        Item::Close(code) => codec::write_close(out, *code),
        Item::Pong | Item::Piece => {}
    }
}

/// Holds the codec to a section.
fn hold(section: usize) {
    let (name, cases) = SECTIONS[section];
    for case in cases(LIMIT) {
        for length in [1, 2, 997, 65_536, usize::MAX] {
            // Byte by byte a long message is asked for once a byte, which proves nothing more.
            if length > 2 || case.sent.len() < 5_000 {
                let heard = Echo::to(&case.sent, &[length]);
                assert!(heard == case.back, "{name}: {}, in pieces of {length}", case.name);
            }
        }
    }
}

#[test]
fn messages_of_every_length_come_back_whole() {
    hold(0);
}

#[test]
fn a_ping_is_answered_at_once_and_a_pong_never() {
    hold(1);
}

#[test]
fn a_reserved_bit_ends_the_connection() {
    hold(2);
}

#[test]
fn an_opcode_that_means_nothing_ends_the_connection() {
    hold(3);
}

#[test]
fn pieces_make_one_message_and_only_control_frames_come_between() {
    hold(4);
}

#[test]
fn text_is_utf8_wherever_it_is_cut_and_what_never_will_be_is_refused_at_once() {
    hold(5);
}

#[test]
fn a_good_bye_is_answered_in_kind_and_nothing_is_heard_behind_it() {
    hold(6);
}

#[test]
fn the_longest_message_is_taken_and_one_byte_more_is_refused_by_its_header() {
    hold(7);
}

#[test]
fn every_violation_has_the_code_that_the_rfc_gives_it() {
    let codes = [Violation::Protocol("any"), Violation::Utf8, Violation::TooLong];
    assert_eq!(codes.map(Violation::code), [1002, 1007, 1009]);
}

/// Frames, most of them right, with what a fuzzer puts between them.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => prop::sample::select(vec![0x81, 0x82, 0x01, 0x02, 0x80, 0x00, 0x89, 0x8a]),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        4 => "\\PC{0,40}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..300),
    ];
    let noise = prop_oneof![12 => Just(vec![]), 1 => prop::collection::vec(any::<u8>(), 0..20)];
    let one = (first, payload, noise).prop_map(|(first, payload, noise)| {
        let control = first & 0x08 != 0;
        let payload = if control { &payload[..payload.len().min(125)] } else { &payload[..] };
        [noise, frame(first, payload)].concat()
    });
    prop::collection::vec(one, 0..12).prop_map(|frames| frames.concat())
}

proptest! {
    #[test]
    fn what_is_heard_does_not_depend_on_how_the_bytes_come(
        bytes in stream(), lengths in prop::collection::vec(1_usize..400, 1..20)
    ) {
        let whole = Echo::to(&bytes, &[usize::MAX]);
        prop_assert_eq!(&Echo::to(&bytes, &[1]), &whole);
        prop_assert_eq!(&Echo::to(&bytes, &lengths), &whole);
    }

    #[test]
    fn any_bytes_are_answered_and_never_end_the_process(bytes: Vec<u8>, lengths in prop::collection::vec(1_usize..50, 1..5)) {
        let heard = Echo::to(&bytes, &lengths);
        let good_byes = heard.iter().filter(|heard| matches!(heard, Heard::Close(_))).count();
        prop_assert!(good_byes <= 1);
        if good_byes == 1 {
            prop_assert!(matches!(heard.last(), Some(Heard::Close(_))));
        }
    }

    #[test]
    fn what_a_client_wrote_is_read_and_said_back(
        messages in prop::collection::vec((any::<bool>(), "\\PC{0,200}", 1_usize..80), 0..6)
    ) {
        let (mut sent, mut expected) = (Vec::new(), Vec::new());
        for (text, payload, cut) in &messages {
            let bytes = payload.as_bytes();
            let first = if *text { 0x81 } else { 0x82 };
            let cut = (*cut).min(bytes.len());
            sent.extend(frame(first & !FIN, &bytes[..cut]));
            sent.extend(frame(0x80, &bytes[cut..]));
            let heard = if *text { Heard::Text } else { Heard::Binary };
            expected.push(heard(bytes.to_vec()));
        }
        prop_assert_eq!(Echo::to(&sent, &[usize::MAX]), expected);
    }
}

const LIMIT: usize = 1 << 20;
