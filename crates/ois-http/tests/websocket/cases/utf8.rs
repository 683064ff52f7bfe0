//! Text that is UTF-8, and text that is none, wherever it is cut.

use super::Case;
use crate::frames::{BINARY, FIN, Heard, LAST, MIDDLE, PING, TEXT, frame, halves, pieces};

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = GOOD.iter().flat_map(|text| good(text.as_bytes())).collect();
    cases.extend(NEVER.iter().flat_map(|bytes| never(bytes)));
    cases.extend(UNFINISHED.iter().flat_map(|bytes| unfinished(bytes)));
    cases.extend((0..MIXED.len()).flat_map(altered));
    let bytes = [NEVER.concat(), UNFINISHED.concat()].concat();
    let sent = pieces(BINARY, &bytes, 3);
    cases.push(Case::new("bytes need not be UTF-8", sent, vec![Heard::Binary(bytes)]));
    cases
}

/// Whole, in two pieces cut anywhere, each byte by itself with a ping before it.
fn good(text: &[u8]) -> Vec<Case> {
    let back = || vec![Heard::Text(text.to_vec())];
    let name = |how: &str| format!("{:?} {how}", String::from_utf8_lossy(text));
    let mut cases = vec![Case::new(name("whole"), frame(TEXT, text), back())];
    for at in 0..=text.len() {
        cases.push(Case::new(name(&format!("cut at {at}")), halves(TEXT, text, at), back()));
    }
    let mut sent = frame(TEXT & !FIN, b"");
    for byte in text {
        sent.extend([frame(PING, b""), frame(MIDDLE, &[*byte])].concat());
    }
    sent.extend(frame(LAST, b""));
    let back = [vec![Heard::Pong(vec![]); text.len()], back()].concat();
    cases.push(Case::new(name("byte by byte"), sent, back));
    cases
}

/// What cannot become UTF-8 is refused with the piece in which that is seen, and nobody waits for
/// the end of it.
fn never(bytes: &[u8]) -> Vec<Case> {
    let name = |how: &str| format!("{bytes:02x?} {how}");
    let long = [GREETING, bytes, b"edited"].concat();
    let mut cases = vec![
        Case::refused(name("whole"), frame(TEXT, bytes), 1007),
        Case::refused(name("in a sentence"), frame(TEXT, &long), 1007),
        Case::refused(name("as a beginning"), frame(TEXT & !FIN, bytes), 1007),
        Case::refused(name("byte by byte"), pieces(TEXT, &long, 1), 1007),
    ];
    for at in 0..bytes.len() {
        let begun = frame(TEXT & !FIN, &[GREETING, &bytes[..at]].concat());
        let sent = [begun, frame(MIDDLE, &bytes[at..])].concat();
        cases.push(Case::refused(name(&format!("cut at {at}")), sent, 1007));
    }
    cases
}

/// What stops in the middle of a character may go on, but not end there.
fn unfinished(bytes: &[u8]) -> Vec<Case> {
    let name = |how: &str| format!("{bytes:02x?} {how}");
    let begun = [GREETING, bytes].concat();
    let ended = [frame(TEXT & !FIN, &begun), frame(LAST, b"")].concat();
    let another = [frame(TEXT & !FIN, &begun), frame(LAST, b"x")].concat();
    let open = [frame(TEXT & !FIN, &begun), frame(PING, b"?")].concat();
    vec![
        Case::refused(name("and no more"), frame(TEXT, &begun), 1007),
        Case::refused(name("and an empty end"), ended, 1007),
        Case::refused(name("and a letter"), another, 1007),
        Case::new(name("may go on"), open, vec![Heard::Pong(b"?".to_vec())]),
    ]
}

/// A text with one byte that never stands in UTF-8.
fn altered(at: usize) -> [Case; 2] {
    let mut text = MIXED.as_bytes().to_vec();
    text[at] = 0xff;
    [
        Case::refused(format!("0xff at {at}"), frame(TEXT, &text), 1007),
        Case::refused(format!("0xff at {at} of a piece"), frame(TEXT & !FIN, &text), 1007),
    ]
}

const GREETING: &[u8] = "κόσμε".as_bytes();
const MIXED: &str = "Hello-µ@ßöäüàá-UTF-8!! 写真 👩‍💻";

/// The first and last character of each length, those around the surrogates, and noncharacters.
const GOOD: [&str; 14] = [
    "Hello-µ@ßöäüàá-UTF-8!!",
    "κόσμε",
    "\0",
    "\u{7f}\u{80}",
    "\u{7ff}\u{800}",
    "\u{d7ff}\u{e000}",
    "\u{fffd}",
    "\u{fdd0}\u{fdef}",
    "\u{fffe}\u{ffff}",
    "\u{10000}",
    "\u{1fffe}\u{1ffff}",
    "\u{10fffe}\u{10ffff}",
    "\u{feff}byte order mark",
    "a\u{301}\u{200d}",
];

/// Bytes that are wrong whatever follows.
const NEVER: [&[u8]; 27] = [
    // Continuations of nothing.
    &[0x80],
    &[0xbf],
    &[0x80, 0xbf, 0x80, 0xbf],
    // Beginnings without what belongs to them.
    &[0xc2, b' '],
    &[0xe0, 0xa0, b' '],
    &[0xf0, 0x90, 0x80, b' '],
    &[0xc3, 0xc3],
    &[0xe2, 0x28, 0xa1],
    // Bytes that are none.
    &[0xfe],
    &[0xff],
    &[0xfe, 0xfe, 0xff, 0xff],
    &[0xf8, 0x88, 0x80, 0x80, 0x80],
    &[0xfc, 0x84, 0x80, 0x80, 0x80, 0x80],
    // Longer than they need be.
    &[0xc0, 0xaf],
    &[0xc0, 0x80],
    &[0xc1, 0xbf],
    &[0xe0, 0x80, 0xaf],
    &[0xe0, 0x9f, 0xbf],
    &[0xf0, 0x80, 0x80, 0xaf],
    &[0xf0, 0x8f, 0xbf, 0xbf],
    // Surrogates, alone and in pairs.
    &[0xed, 0xa0, 0x80],
    &[0xed, 0xbf, 0xbf],
    &[0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80],
    &[0xed, 0xaf, 0xbf, 0xed, 0xbf, 0xbf],
    // Beyond the last character.
    &[0xf4, 0x90, 0x80, 0x80],
    &[0xf5, 0x80, 0x80, 0x80],
    &[0xf7, 0xbf, 0xbf, 0xbf],
];

/// Characters that are not whole yet.
const UNFINISHED: [&[u8]; 10] = [
    &[0xc2],
    &[0xdf],
    &[0xe0],
    &[0xe0, 0xa0],
    &[0xed, 0x9f],
    &[0xef, 0xbf],
    &[0xf0],
    &[0xf0, 0x90],
    &[0xf0, 0x90, 0x80],
    &[0xf4, 0x8f, 0xbf],
];
