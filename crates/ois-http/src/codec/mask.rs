//! The mask over what a client sends (RFC 6455, 5.3).

/// XORs eight bytes at a time; the compiler makes wider steps of it.
pub(super) fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut words = payload.chunks_exact_mut(8);
    for word in &mut words {
        let mixed = u64::from_ne_bytes(word.try_into().expect("chunks of eight")) ^ wide;
        word.copy_from_slice(&mixed.to_ne_bytes());
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}
