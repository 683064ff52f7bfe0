//! The frame layer: it reads the same messages however the bytes are cut, and it can read what it
//! writes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ois_http::codec::{self, Decoder, Item};

// The first byte is the length of the pieces in which the others come.
fuzz_target!(|data: &[u8]| {
    let Some((piece, bytes)) = data.split_first() else { return };
    let whole = echo(bytes, usize::MAX);
    assert_eq!(echo(bytes, usize::from(*piece).max(1)), whole);
    assert_eq!(echo(bytes, 1), whole);
});

/// Returns what an echo answers to these bytes, which come in pieces of this length.
fn echo(bytes: &[u8], piece: usize) -> Vec<u8> {
    let (mut decoder, mut pending, mut said) = (Decoder::default(), Vec::new(), Vec::new());
    for piece in bytes.chunks(piece) {
        pending.extend_from_slice(piece);
        let mut used = 0;
        loop {
            match decoder.next(&mut pending[used..], 1 << 16) {
                Ok(None) => break,
                Ok(Some((took, item))) => {
                    assert!(took > 0);
                    used += took;
                    match item {
                        Item::Text(text) => codec::write_text(&mut said, text.as_bytes()),
                        Item::Binary(bytes) => codec::write_binary(&mut said, bytes),
                        Item::Ping(bytes) => codec::write_pong(&mut said, bytes),
                        Item::Pong | Item::Piece => {}
                        Item::Close(code) => {
                            codec::write_close(&mut said, code);
                            return said;
                        }
                    }
                }
                Err(violation) => {
                    codec::write_close(&mut said, violation.code());
                    return said;
                }
            }
        }
        pending.drain(..used);
    }
    said
}
