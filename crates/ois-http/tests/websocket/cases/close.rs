//! Good-byes: codes, reasons, and what comes too late.

use super::Case;
use crate::frames::{BINARY, CLOSE, FIN, Heard, MIDDLE, PING, TEXT, close, frame, halves};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::refused("no code", frame(CLOSE, b""), 1000),
        Case::refused("half a code", frame(CLOSE, &[3]), 1002),
        Case::refused("the longest reason", close(1000, &[b'x'; 123]), 1000),
        Case::refused("a reason of one byte too many", close(1000, &[b'x'; 124]), 1002),
        Case::refused("a reason in UTF-8", close(1000, "再见 👋".as_bytes()), 1000),
        Case::refused("a reason that is no UTF-8", close(1000, &[0xce, 0xba, 0xff]), 1007),
        Case::refused("a reason cut in a character", close(1000, &[0xe2, 0x82]), 1007),
        Case::refused("a good-bye in pieces", halves(CLOSE, &1000_u16.to_be_bytes(), 2), 1002),
    ];
    for code in (1000..=1003).chain(1007..=1014).chain([3000, 3999, 4000, 4999]) {
        cases.push(Case::refused(format!("code {code}"), close(code, b"bye"), code));
    }
    let reserved = [1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999];
    for code in [0, 1, 999].into_iter().chain(reserved).chain([5000, 65_535]) {
        cases.push(Case::refused(format!("code {code}"), close(code, b"bye"), 1002));
    }
    cases.extend(too_late());
    cases
}

/// Nothing behind a good-bye is heard, not even what is wrong.
fn too_late() -> Vec<Case> {
    let bye = close(1000, b"");
    let begun = frame(TEXT & !FIN, b"begun");
    let late: [(&str, Vec<u8>); 8] = [
        ("a text", frame(TEXT, b"late")),
        ("bytes", frame(BINARY, &[0; 300])),
        ("a ping", frame(PING, b"late")),
        ("another good-bye", close(4000, b"")),
        ("a wrong code", close(1005, b"")),
        ("a stray piece", frame(MIDDLE, b"late")),
        ("a wrong frame", frame(0xff, b"late")),
        ("64 KiB of text", frame(TEXT, &[b'x'; 1 << 16])),
    ];
    let behind = late.map(|(name, late)| {
        let sent = [&frame(TEXT, b"first"), &bye, &late[..]].concat();
        let back = vec![Heard::Text(b"first".to_vec()), Heard::Close(1000)];
        Case::new(format!("{name} behind a good-bye"), sent, back)
    });
    let inside = [begun.clone(), bye].concat();
    let pinged = [begun, frame(PING, b"?"), close(3000, b"")].concat();
    let mut cases: Vec<Case> = behind.into();
    cases.push(Case::refused("a good-bye inside a message", inside, 1000));
    let back = vec![Heard::Pong(b"?".to_vec()), Heard::Close(3000)];
    cases.push(Case::new("a ping and a good-bye inside a message", pinged, back));
    cases
}
