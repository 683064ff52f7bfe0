//! Messages of every length at which a header changes, and frames that are no client's.

use super::Case;
use crate::frames::{BINARY, Heard, TEXT, frame};

pub(super) fn lengths() -> Vec<Case> {
    let mut cases = Vec::new();
    for length in [0, 1, 125, 126, 127, 128, 65_535, 65_536, 1 << 20] {
        let text = vec![b'*'; length];
        let bytes: Vec<u8> = (0..length).map(|at| (at * 7) as u8).collect();
        let name = |kind| format!("{kind} of {length} bytes");
        cases.push(Case::new(name("text"), frame(TEXT, &text), vec![Heard::Text(text)]));
        cases.push(Case::new(name("binary"), frame(BINARY, &bytes), vec![Heard::Binary(bytes)]));
    }
    cases.extend([unmasked("text", &[TEXT, 2, b'h', b'i']), unmasked("ping", &[0x89, 0])]);
    cases.push(Case::refused("length beyond 63 bits", [&[TEXT], &[0xff; 9][..]].concat(), 1002));
    cases
}

fn unmasked(name: &str, bytes: &[u8]) -> Case {
    Case::refused(format!("{name} without a mask"), bytes.to_vec(), 1002)
}
