//! Tickets: one path, one minute, one member, in a URL.
//!
//! A link that the browser opens cannot carry a header, so it carries a ticket, which says who
//! may download what and until when, and a keyed hash over that. Nothing of it is kept: a process that
//! has the [`TicketKey`] can check it, and tickets end with the process that has drawn the key.
//! A ticket may be used several times within its minute, since downloads are resumed.

use std::fmt;

use ois_protocol::{ShortName, StorePath, Timestamp};

use crate::Entropy;

/// The secret with which one process seals its tickets.
#[derive(Clone)]
pub struct TicketKey([u8; 32]);

impl TicketKey {
    /// How long a ticket is good, in milliseconds.
    pub const LIFETIME_MS: u64 = 60_000;

    /// Uses these bytes, which nobody else may know.
    pub fn new(bytes: [u8; 32]) -> TicketKey {
        TicketKey(bytes)
    }

    /// Draws a key.
    pub fn random(entropy: &mut impl Entropy) -> TicketKey {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        TicketKey(bytes)
    }

    /// A ticket for this member to download this path, good for a minute from now.
    ///
    /// The text has digits, lower-case letters and points and needs no escapes in a URL:
    /// `EXPIRY.NAME.SEAL`, the expiry in milliseconds, the others in hex.
    ///
    /// ```
    /// use ois_auth::TicketKey;
    /// use ois_protocol::{ShortName, StorePath, Timestamp};
    ///
    /// let (key, noon) = (TicketKey::new([7; 32]), Timestamp::from_ms(1_770_379_200_000));
    /// let (aria, plan): (ShortName, StorePath) =
    ///     ("ARIA".parse().unwrap(), "shared/plan.md".parse().unwrap());
    /// let ticket = key.issue(&plan, &aria, noon);
    /// assert_eq!(key.check(&ticket, &plan, noon.after_ms(59_999)), Ok(aria));
    /// assert!(key.check(&ticket, &StorePath::root(), noon).is_err());
    /// ```
    pub fn issue(&self, path: &StorePath, member: &ShortName, now: Timestamp) -> String {
        let expires = now.after_ms(Self::LIFETIME_MS);
        let seal = self.seal(path, member.as_str(), expires);
        let name: String = member.as_str().bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("{}.{name}.{}", expires.ms(), seal.to_hex())
    }

    /// The member whose ticket this is. The caller still asks what that member may do now.
    ///
    /// # Errors
    ///
    /// [`TicketError::Invalid`] for a text that this key has not sealed for this path, and
    /// [`TicketError::Expired`] when its minute is over.
    pub fn check(
        &self,
        ticket: &str,
        path: &StorePath,
        now: Timestamp,
    ) -> Result<ShortName, TicketError> {
        let (expires, name, seal) = parts(ticket).ok_or(TicketError::Invalid)?;
        if self.seal(path, &name, expires) != seal {
            return Err(TicketError::Invalid);
        }
        if now >= expires {
            return Err(TicketError::Expired);
        }
        name.parse().map_err(|_| TicketError::Invalid)
    }

    /// Each part is preceded by its length, so that nothing can be moved from one to another.
    fn seal(&self, path: &StorePath, name: &str, expires: Timestamp) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(b"ois download ticket 1");
        hasher.update(&expires.ms().to_le_bytes());
        for part in [&path.to_string(), name] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize()
    }
}

impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketKey(hidden)")
    }
}

/// Why a ticket opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TicketError {
    /// It is no ticket, or one for something else, or from another process.
    #[error("ticket is not valid for this path")]
    Invalid,
    /// Its minute is over.
    #[error("ticket has expired")]
    Expired,
}

/// Expiry, name and seal, as the text claims them.
fn parts(ticket: &str) -> Option<(Timestamp, String, blake3::Hash)> {
    let (expires, rest) = ticket.split_once('.')?;
    let (name, seal) = rest.split_once('.')?;
    let name = String::from_utf8(unhex(name)?).ok()?;
    let seal = blake3::Hash::from_hex(seal).ok()?;
    Some((Timestamp::from_ms(expires.parse().ok()?), name, seal))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text.chars().map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entropy::tests::Seeded;

    const NOON: Timestamp = Timestamp::from_ms(1_770_379_200_000);

    fn key() -> TicketKey {
        TicketKey::random(&mut Seeded(0))
    }

    fn plan() -> StorePath {
        "shared/计划.md".parse().unwrap()
    }

    fn name(text: &str) -> ShortName {
        text.parse().unwrap()
    }

    #[test]
    fn a_ticket_says_whose_it_is() {
        let ticket = key().issue(&plan(), &name("小明"), NOON);
        let bearer = key().check(&ticket, &plan(), NOON).unwrap();
        assert_eq!(bearer.as_str(), "小明");
    }

    #[test]
    fn it_is_good_for_a_minute_and_no_longer() {
        let ticket = key().issue(&plan(), &name("ada"), NOON);
        assert!(key().check(&ticket, &plan(), NOON.after_ms(59_999)).is_ok());
        let late = key().check(&ticket, &plan(), NOON.after_ms(60_000));
        assert_eq!(late, Err(TicketError::Expired));
    }

    #[test]
    fn it_opens_no_other_path() {
        let ticket = key().issue(&plan(), &name("ada"), NOON);
        assert_eq!(
            key().check(&ticket, &"shared".parse().unwrap(), NOON),
            Err(TicketError::Invalid)
        );
    }

    #[test]
    fn a_ticket_of_another_process_opens_nothing() {
        let ticket = TicketKey::new([1; 32]).issue(&plan(), &name("ada"), NOON);
        assert_eq!(key().check(&ticket, &plan(), NOON), Err(TicketError::Invalid));
    }

    #[test]
    fn a_longer_life_cannot_be_written_into_it() {
        let ticket = key().issue(&plan(), &name("ada"), NOON);
        let (_, rest) = ticket.split_once('.').unwrap();
        let forged = format!("{}.{rest}", NOON.after_ms(3_600_000).ms());
        assert_eq!(key().check(&forged, &plan(), NOON), Err(TicketError::Invalid));
    }

    #[test]
    fn debug_does_not_show_the_key() {
        assert_eq!(format!("{:?}", key()), "TicketKey(hidden)");
    }

    proptest! {
        #[test]
        fn a_ticket_needs_no_escapes_and_comes_back(path in "[a-z明 ]{1,9}(/[a-z明]{1,9}){0,3}", who in "[a-z🐱明]{1,20}") {
            let path: StorePath = path.parse().unwrap();
            let ticket = key().issue(&path, &name(&who), NOON);
            prop_assert!(ticket.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.'));
            prop_assert_eq!(key().check(&ticket, &path, NOON), Ok(name(&who)));
        }

        #[test]
        fn no_other_text_is_a_ticket(text in "\\PC{0,120}") {
            prop_assert_eq!(key().check(&text, &plan(), NOON), Err(TicketError::Invalid));
        }

        #[test]
        fn a_changed_character_spoils_it(at in 0usize..1000, c in "[0-9a-f.]") {
            let ticket = key().issue(&plan(), &name("ada"), NOON);
            let at = at % ticket.len();
            let mut other = ticket.clone();
            other.replace_range(at..=at, &c);
            prop_assume!(other != ticket);
            prop_assert_eq!(key().check(&other, &plan(), NOON), Err(TicketError::Invalid));
        }
    }
}
