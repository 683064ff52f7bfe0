//! The open sessions, by the hashes of their tokens.

use std::collections::BTreeMap;

use ois_protocol::{DisplayName, ShortName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::TokenHash;

/// All sessions. As JSON an object: `{"<64 hex>":{"bearer":{"account":"ada"},"expires":"…"}}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sessions(BTreeMap<TokenHash, Session>);

/// A session that a token stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The member who signed in.
    pub bearer: Bearer,
    /// From this moment on the token is nobody's.
    pub expires: Timestamp,
}

/// The member who signed in, by the password that proved it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bearer {
    /// Somebody with a password of their own, found in the register.
    Account(ShortName),
    /// Somebody with the shared password, under the name they gave.
    Shared(DisplayName),
}

impl Bearer {
    /// The name under which this member is addressed.
    pub fn name(&self) -> ShortName {
        match self {
            Bearer::Account(name) => name.clone(),
            Bearer::Shared(display) => display.short(),
        }
    }
}

impl Sessions {
    /// How long a session lasts, in milliseconds: seven days, from its beginning.
    pub const LIFETIME_MS: u64 = 7 * 24 * 3_600_000;

    /// The most sessions that are kept. One more ends the one that would have ended next.
    pub const MOST: usize = 10_000;

    /// How many there are, those that have run out but were not swept included.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn open(&mut self, token: TokenHash, bearer: Bearer, now: Timestamp) {
        if self.0.len() >= Self::MOST {
            self.sweep(now);
        }
        if self.0.len() >= Self::MOST
            && let Some(next) = self.next_to_expire()
        {
            self.0.remove(&next);
        }
        self.0.insert(token, Session { bearer, expires: now.after_ms(Self::LIFETIME_MS) });
    }

    pub(super) fn bearer(&self, token: &TokenHash, now: Timestamp) -> Option<&Bearer> {
        self.0.get(token).filter(|session| now < session.expires).map(|session| &session.bearer)
    }

    pub(super) fn close(&mut self, token: &TokenHash) -> bool {
        self.0.remove(token).is_some()
    }

    /// Ends those of this member, and says how many.
    pub(super) fn close_all_of(&mut self, name: &ShortName) -> usize {
        self.close_where(|session| session.bearer.name() == *name)
    }

    pub(super) fn close_shared(&mut self) -> usize {
        self.close_where(|session| matches!(session.bearer, Bearer::Shared(_)))
    }

    /// Ends those that were opened with the shared password under names for which `ends` is true, and
    /// says how many.
    pub(super) fn close_shared_where(&mut self, ends: impl Fn(&ShortName) -> bool) -> usize {
        self.close_where(|session| match &session.bearer {
            Bearer::Shared(display) => ends(&display.short()),
            Bearer::Account(_) => false,
        })
    }

    /// Whether somebody is signed in with the shared password under a name for which `is` is true.
    pub(super) fn has_shared(&self, now: Timestamp, is: impl Fn(&ShortName) -> bool) -> bool {
        self.0.values().any(|session| match &session.bearer {
            Bearer::Shared(display) => now < session.expires && is(&display.short()),
            Bearer::Account(_) => false,
        })
    }

    pub(super) fn sweep(&mut self, now: Timestamp) -> usize {
        self.close_where(|session| session.expires <= now)
    }

    fn next_to_expire(&self) -> Option<TokenHash> {
        self.0.iter().min_by_key(|(_, session)| session.expires).map(|(hash, _)| *hash)
    }

    fn close_where(&mut self, ends: impl Fn(&Session) -> bool) -> usize {
        let before = self.0.len();
        self.0.retain(|_, session| !ends(session));
        before - self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Token, entropy::tests::Seeded};

    const NOON: Timestamp = Timestamp::from_ms(1_770_379_200_000);

    fn shared(name: &str) -> Bearer {
        Bearer::Shared(name.parse().unwrap())
    }

    #[test]
    fn one_session_too_many_ends_the_oldest() {
        let mut entropy = Seeded(0);
        let mut sessions = Sessions::default();
        let tokens: Vec<_> =
            (0..=Sessions::MOST).map(|_| Token::random(&mut entropy).hash()).collect();
        for (n, token) in (0..).zip(&tokens) {
            sessions.open(*token, shared("ada"), NOON.after_ms(n));
        }
        let now = NOON.after_ms(Sessions::MOST as u64);
        assert_eq!(sessions.len(), Sessions::MOST);
        assert_eq!(sessions.bearer(&tokens[0], now), None);
        assert!(sessions.bearer(&tokens[1], now).is_some());
    }

    #[test]
    fn they_are_written_as_documented_and_read_back() {
        let mut sessions = Sessions::default();
        let hash = Token::parse("abc").unwrap().hash();
        sessions.open(hash, Bearer::Account("Ada".parse().unwrap()), NOON);
        let json = serde_json::to_string(&sessions).unwrap();
        let expected = format!(
            r#"{{"{hash}":{{"bearer":{{"account":"Ada"}},"expires":"2026-02-13T12:00:00.000Z"}}}}"#
        );
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<Sessions>(&json).unwrap(), sessions);
    }
}
