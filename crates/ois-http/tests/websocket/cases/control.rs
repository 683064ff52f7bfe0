//! Pings and pongs, reserved bits, opcodes that mean nothing.

use super::Case;
use crate::frames::{BINARY, CLOSE, FIN, Heard, LAST, PING, PONG, TEXT, frame};

pub(super) fn pings() -> Vec<Case> {
    let payloads: [&[u8]; 4] = [b"", b"Hello", &[0x00, 0xff, 0xfe, 0xc3, 0x28], &[0xfe; 125]];
    let mut cases: Vec<Case> = payloads
        .map(|payload| {
            let name = format!("ping of {} bytes", payload.len());
            Case::new(name, frame(PING, payload), vec![Heard::Pong(payload.to_vec())])
        })
        .into();
    for kind in [PING, PONG, CLOSE] {
        let long = frame(kind, &[0xfe; 126]);
        cases.push(Case::refused(format!("{kind:#x} of 126 bytes"), long, 1002));
        let open = frame(kind & !FIN, b"");
        cases.push(Case::refused(format!("{kind:#x} without FIN"), open, 1002));
    }
    let unasked = [frame(PONG, b""), frame(PONG, b"unasked")].concat();
    cases.push(Case::new("pongs that nobody asked for", unasked.clone(), vec![]));
    let then_ping = [unasked, frame(PING, b"ask")].concat();
    cases.push(Case::new("… and then a ping", then_ping, vec![Heard::Pong(b"ask".to_vec())]));
    for count in [10, 1000] {
        let many = (0..count).map(|at| format!("payload-{at}").into_bytes());
        let back = many.clone().map(Heard::Pong).collect();
        let sent = many.flat_map(|payload| frame(PING, &payload)).collect();
        cases.push(Case::new(format!("{count} pings"), sent, back));
    }
    cases
}

pub(super) fn reserved_bits() -> Vec<Case> {
    let mut cases = Vec::new();
    for bits in 1..8 {
        for kind in [TEXT, BINARY, LAST, CLOSE, PING, PONG, TEXT & !FIN] {
            let name = format!("{kind:#x} with reserved bits {bits:03b}");
            cases.push(after_a_message(name, &frame(kind | bits << 4, b"")));
        }
    }
    cases
}

pub(super) fn opcodes() -> Vec<Case> {
    let mut cases = Vec::new();
    for opcode in (3..8).chain(11..16) {
        for (payload, fin) in [(&b""[..], FIN), (b"reserved", FIN), (b"reserved", 0)] {
            let name = format!("opcode {opcode} with {payload:?} and FIN {fin:#x}");
            cases.push(after_a_message(name, &frame(opcode | fin, payload)));
        }
    }
    cases
}

/// A message, which is answered; then something wrong; then a ping, which is not.
fn after_a_message(name: String, wrong: &[u8]) -> Case {
    let sent = [&frame(TEXT, b"Hello"), wrong, &frame(PING, b"lost")].concat();
    Case::new(name, sent, vec![Heard::Text(b"Hello".to_vec()), Heard::Close(1002)])
}
