//! What only the inside can be asked; all that a peer sees is in `tests/websocket`.

use proptest::prelude::*;

use super::*;

/// A masked frame.
fn client(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    write_header(&mut frame, 0, payload.len());
    frame[0] = first;
    frame[1] |= 0x80;
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

#[test]
fn an_incomplete_frame_takes_nothing() {
    let frame = client(0x81, &[b'x'; 200]);
    for end in 0..frame.len() {
        assert_eq!(Decoder::default().next(&mut frame[..end].to_vec(), LIMIT).unwrap(), None);
    }
}

#[test]
fn a_message_in_pieces_is_let_go_of_when_the_next_frame_is_asked_for() {
    let mut decoder = Decoder::default();
    for (mut frame, held) in [(client(0x01, b"Hel"), 3), (client(0x80, b"lo"), 5)] {
        decoder.next(&mut frame, LIMIT).unwrap();
        assert_eq!(decoder.pieces.len(), held);
    }
    assert_eq!(decoder.next(&mut [], LIMIT).unwrap(), None);
    assert_eq!(decoder.pieces.capacity(), 0);
}

#[test]
fn what_is_known_to_be_utf8_is_not_read_again_with_every_piece() {
    let mut decoder = Decoder::default();
    for (frame, checked) in [("aé", 3), ("", 3), ("€", 6)] {
        let opcode = if decoder.pieces.is_empty() { 0x01 } else { 0x00 };
        decoder.next(&mut client(opcode, frame.as_bytes()), LIMIT).unwrap();
        assert_eq!(decoder.checked, checked);
    }
    decoder.next(&mut client(0x00, &[0xf0, 0x9f]), LIMIT).unwrap();
    assert_eq!((decoder.checked, decoder.pieces.len()), (6, 8));
}

proptest! {
    #[test]
    fn a_mask_is_taken_off_byte_by_byte(payload: Vec<u8>, mask: [u8; 4]) {
        let expected: Vec<u8> =
            payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]).collect();
        let mut unmasked = payload;
        mask::unmask(&mut unmasked, mask);
        prop_assert_eq!(unmasked, expected);
    }

    #[test]
    fn the_payload_of_a_written_frame_is_what_was_written(
        payload in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..300),
            (65_530_usize..65_540).prop_map(|length| vec![b'x'; length]),
        ]
    ) {
        let mut framed = Vec::new();
        write_text(&mut framed, &payload);
        prop_assert_eq!(super::payload(&framed), &payload[..]);
    }
}

const LIMIT: usize = 1 << 20;
const MASK: [u8; 4] = [1, 2, 3, 4];
