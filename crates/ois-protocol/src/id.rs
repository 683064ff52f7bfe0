//! The number of an event in its team's log.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The number of an event: a JSON number, strictly increasing within a team, below 2^53.
///
/// Ids of native events are dense. The ids of imported messages are the milliseconds that the old
/// server gave them. A cursor is an id and means "everything after it".
///
/// ```
/// use ois_protocol::EventId;
/// let id = EventId::new(1_771_200_000_000).unwrap();
/// assert_eq!(id.next().get(), 1_771_200_000_001);
/// assert!(EventId::new(1 << 53).is_none());
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "u64", into = "u64")]
pub struct EventId(u64);

impl EventId {
    /// The id before every event: the cursor of a reader that has seen nothing.
    pub const ZERO: Self = Self(0);

    /// The greatest id, 2^53 - 1, the largest that a JSON number holds exactly in every client.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// Returns the id with this number, or `None` if the number does not fit a JSON number (2^53
    /// and above).
    pub fn new(number: u64) -> Option<Self> {
        (number <= Self::MAX.0).then_some(Self(number))
    }

    /// Returns the number of this id.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the id after this one. It stays at [`EventId::MAX`], which a team that writes a
    /// million events per second would reach after two centuries.
    #[must_use]
    pub fn next(self) -> Self {
        Self((self.0 + 1).min(Self::MAX.0))
    }

    /// Returns the id before this one; [`EventId::ZERO`] stays.
    #[must_use]
    pub fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl From<Timestamp> for EventId {
    /// Returns the id that the old server would have given at this time: its milliseconds.
    fn from(time: Timestamp) -> Self {
        Self(time.ms().min(Self::MAX.0))
    }
}

impl TryFrom<u64> for EventId {
    type Error = IdError;

    fn try_from(number: u64) -> Result<Self, IdError> {
        Self::new(number).ok_or(IdError)
    }
}

impl From<EventId> for u64 {
    fn from(id: EventId) -> Self {
        id.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for EventId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().ok().and_then(Self::new).ok_or(IdError)
    }
}

/// The error for a number that is no event id.
///
/// ```
/// assert!("9007199254740992".parse::<ois_protocol::EventId>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event id is a whole number below 2^53")]
pub struct IdError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_javascript_would_round_is_refused() {
        assert!(serde_json::from_str::<EventId>("9007199254740991").is_ok());
        assert!(serde_json::from_str::<EventId>("9007199254740992").is_err());
        assert!(serde_json::from_str::<EventId>("-1").is_err());
    }

    #[test]
    fn the_last_id_stays_the_last() {
        assert_eq!(EventId::MAX.next(), EventId::MAX);
        assert_eq!(EventId::ZERO.before(), EventId::ZERO);
    }
}
