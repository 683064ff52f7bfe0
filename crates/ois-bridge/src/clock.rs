//! The clock and the dice: what the quiet parts are given.

use std::time::{SystemTime, UNIX_EPOCH};

use ois_protocol::{Nonce, Timestamp};

/// Now, by the system's clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Any number.
pub(crate) fn dice() -> u32 {
    u32::from_be_bytes(random())
}

/// A nonce that nobody else uses.
pub(crate) fn fresh_nonce() -> Nonce {
    let number = u128::from_be_bytes(random());
    format!("{number:032x}").parse().expect("hex digits are a nonce")
}

/// A word that nobody else uses: 16 random bytes in hex.
pub(crate) fn fresh_word() -> String {
    format!("{:032x}", u128::from_be_bytes(random()))
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("a system that runs programs has random bytes");
    bytes
}
