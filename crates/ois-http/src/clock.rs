//! The system's clock, as the server's time stamps.

use std::time::{SystemTime, UNIX_EPOCH};

use ois_protocol::Timestamp;

/// The current time in milliseconds since 1970; a clock that is set before that counts as 1970.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
