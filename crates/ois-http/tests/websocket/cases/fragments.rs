//! Messages in pieces, and what may stand between them.

use super::Case;
use crate::frames::{BINARY, FIN, Heard, LAST, MIDDLE, PING, PONG, TEXT, frame, halves, pieces};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = in_pieces();
    cases.extend(with_control_between());
    cases.extend(out_of_place());
    cases
}

fn in_pieces() -> Vec<Case> {
    let mut cases = Vec::new();
    for (length, bytes) in [(20, 1), (20, 7), (20, 20), (5000, 997), (65_536, 1300), (65_536, 64)] {
        let payload = vec![b'*'; length];
        let name = |kind| format!("{kind} of {length} bytes in pieces of {bytes}");
        let (text, binary) = (pieces(TEXT, &payload, bytes), pieces(BINARY, &payload, bytes));
        cases.push(Case::new(name("text"), text, vec![Heard::Text(payload.clone())]));
        cases.push(Case::new(name("binary"), binary, vec![Heard::Binary(payload)]));
    }
    let empty = [frame(TEXT & !FIN, b""), frame(MIDDLE, b""), frame(LAST, b"")].concat();
    cases.push(Case::new("three empty pieces", empty, vec![Heard::Text(vec![])]));
    let middle = [frame(TEXT & !FIN, b""), frame(MIDDLE, b"x"), frame(LAST, b"")].concat();
    cases.push(Case::new("only the middle says something", middle, said("x")));
    let two = [pieces(TEXT, b"one", 1), pieces(BINARY, b"two", 1), frame(TEXT, b"three")].concat();
    let back = [said("one"), vec![Heard::Binary(b"two".to_vec())], said("three")].concat();
    cases.push(Case::new("one message behind the other", two, back));
    cases
}

fn with_control_between() -> Vec<Case> {
    let (first, last) = (frame(TEXT & !FIN, b"fragment1"), frame(LAST, b"fragment2"));
    let ping = frame(PING, b"between");
    let pong = || Heard::Pong(b"between".to_vec());
    let both = Heard::Text(b"fragment1fragment2".to_vec());
    let once = [&first[..], &ping, &last].concat();
    let unasked = [&first[..], &frame(PONG, b"unasked"), &last].concat();
    let many: Vec<u8> = [&first[..], &ping.repeat(50), &last].concat();
    let every = b"12345".map(|byte| [ping.clone(), frame(MIDDLE, &[byte])].concat()).concat();
    let every = [frame(BINARY & !FIN, b""), every, ping, frame(LAST, b"")].concat();
    vec![
        Case::new("a ping between", once, vec![pong(), both.clone()]),
        Case::new("a pong between", unasked, vec![both.clone()]),
        Case::new("50 pings between", many, [vec![pong(); 50], vec![both]].concat()),
        Case::new(
            "a ping before every piece",
            every,
            [vec![pong(); 6], vec![Heard::Binary(b"12345".to_vec())]].concat(),
        ),
        Case::refused("a ping in pieces between", [first, halves(PING, b"x", 0)].concat(), 1002),
    ]
}

/// Pieces of nothing, and messages inside messages.
fn out_of_place() -> Vec<Case> {
    let (begun, text) = (frame(TEXT & !FIN, b"begun"), frame(TEXT, b"whole"));
    let refused = |name: &str, parts: &[&[u8]]| Case::refused(name, parts.concat(), 1002);
    let mut cases = vec![
        refused("text inside text", &[&begun, &text]),
        refused("binary inside text", &[&begun, &frame(BINARY, b"x")]),
        refused("the beginning of a text inside text", &[&begun, &begun]),
        refused("an empty text inside text", &[&begun, &frame(TEXT, b"")]),
    ];
    for piece in [LAST, MIDDLE] {
        let stray = frame(piece, b"stray");
        cases.push(refused(&format!("{piece:#x} of nothing"), &[&stray]));
        let empty = frame(piece, b"");
        cases.push(refused(&format!("empty {piece:#x} of nothing"), &[&empty, &text]));
        let name = format!("{piece:#x} behind a message that has ended");
        let sent = [halves(TEXT, b"whole", 2), stray.clone(), text.clone()].concat();
        cases.push(Case::new(name, sent, [said("whole"), vec![Heard::Close(1002)]].concat()));
    }
    cases
}

fn said(text: &str) -> Vec<Heard> {
    vec![Heard::Text(text.as_bytes().to_vec())]
}
