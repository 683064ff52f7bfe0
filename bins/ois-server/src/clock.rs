//! The clock of this program.

use std::time::{SystemTime, UNIX_EPOCH};

use ois_protocol::Timestamp;

/// Returns the system's time.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
