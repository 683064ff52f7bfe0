//! The longest messages, messages longer than these, and very many.

use super::Case;
use crate::frames::{BINARY, FIN, Heard, MIDDLE, TEXT, frame, pieces};

pub(super) fn cases(limit: usize) -> Vec<Case> {
    let longest = vec![b'*'; limit];
    let back = || vec![Heard::Binary(longest.clone())];
    let mut cases = vec![
        Case::new("the longest message", frame(BINARY, &longest), back()),
        Case::new("… in pieces", pieces(BINARY, &longest, 65_536), back()),
        Case::new(
            "the longest text, its first half in a piece",
            pieces(TEXT, &longest, limit / 2),
            vec![Heard::Text(longest.clone())],
        ),
    ];
    // A header is enough to see that too much will follow.
    for length in [limit as u64 + 1, u64::from(u32::MAX), (1 << 63) - 1] {
        let name = format!("{length} bytes announced");
        cases.push(Case::refused(name, header(BINARY, length), 1009));
    }
    let half = frame(BINARY & !FIN, &longest[..limit / 2]);
    for piece in [MIDDLE, MIDDLE | FIN] {
        let name = format!("{piece:#x} with which the whole is too long");
        let sent = [&half[..], &header(piece, (limit - limit / 2) as u64 + 1)].concat();
        cases.push(Case::refused(name, sent, 1009));
    }
    for (kind, heard) in [(TEXT, Heard::Text as fn(Vec<u8>) -> Heard), (BINARY, Heard::Binary)] {
        let many = (0..1000).map(|at| format!("message {at}").into_bytes());
        let back = many.clone().map(heard).collect();
        let sent = many.flat_map(|payload| frame(kind, &payload)).collect();
        cases.push(Case::new(format!("1000 small messages of {kind:#x}"), sent, back));
    }
    let empty = frame(TEXT, b"").repeat(500);
    cases.push(Case::new("500 empty messages", empty, vec![Heard::Text(vec![]); 500]));
    cases
}

/// The beginning of a frame of eight bytes of length, up to its length.
fn header(first: u8, length: u64) -> Vec<u8> {
    [&[first, 0xff], &length.to_be_bytes()[..]].concat()
}
