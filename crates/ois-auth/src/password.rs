//! Passwords, which people type to sign in, and their hashes.
//!
//! An account's password rests as an Argon2id hash ([`PasswordHash`]), which takes tens of
//! milliseconds and 19 MiB to make and to check; callers do both outside of locks and of event
//! loops. The password that a whole team shares comes from the settings at every start and is
//! compared in constant time ([`SharedPassword`]).

mod argon;

use std::fmt;

use argon2::Params;
use serde::{Deserialize, Serialize};

use crate::Entropy;

/// An Argon2id hash with its salt and costs, as a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$…`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PasswordHash(String);

impl PasswordHash {
    /// The fewest characters of a password that somebody chooses.
    pub const FEWEST_CHARS: usize = 8;
    /// The most bytes of a password that somebody chooses.
    pub const MOST_BYTES: usize = 1024;

    /// Hashes a password that somebody chose. Slow: tens of milliseconds.
    ///
    /// # Errors
    ///
    /// [`PasswordError`] when it is too short or too long.
    pub fn of(password: &str, entropy: &mut impl Entropy) -> Result<PasswordHash, PasswordError> {
        if password.chars().count() < Self::FEWEST_CHARS {
            return Err(PasswordError::TooShort);
        }
        if password.len() > Self::MOST_BYTES {
            return Err(PasswordError::TooLong);
        }
        Ok(PasswordHash::unchecked(password, entropy))
    }

    /// Hashes whatever it is given: the operator's own choice is not judged. Slow.
    pub(crate) fn unchecked(password: &str, entropy: &mut impl Entropy) -> PasswordHash {
        let mut salt = [0; argon2::RECOMMENDED_SALT_LEN];
        entropy.fill(&mut salt);
        let hash = argon::hash(password.as_bytes(), &salt)
            .expect("the salt and the password are long and short enough, and 33 MiB can be had");
        PasswordHash(hash.to_string())
    }

    /// A hash of a password that nobody knows, at the usual cost: checking somebody unknown
    /// against it takes as long as checking somebody known.
    pub(crate) fn decoy() -> PasswordHash {
        PasswordHash(DECOY.to_owned())
    }

    /// Reads a PHC string.
    ///
    /// # Errors
    ///
    /// [`NoPasswordHash`] unless it is a whole Argon2id hash.
    pub fn parse(text: &str) -> Result<PasswordHash, NoPasswordHash> {
        let hash = argon2::PasswordHash::new(text).map_err(|_| NoPasswordHash)?;
        let whole = hash.salt.is_some() && hash.hash.is_some() && Params::try_from(&hash).is_ok();
        if !whole || hash.algorithm != argon2::ARGON2ID_IDENT {
            return Err(NoPasswordHash);
        }
        Ok(PasswordHash(text.to_owned()))
    }

    /// Whether this is the password. Slow, at the costs that the hash names; takes as long for a
    /// wrong password as for the right one.
    pub fn matches(&self, password: &str) -> bool {
        argon2::PasswordHash::new(&self.0)
            .is_ok_and(|hash| argon::matches(&hash, password.as_bytes()))
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(hidden)")
    }
}

impl From<PasswordHash> for String {
    fn from(hash: PasswordHash) -> String {
        hash.0
    }
}

impl TryFrom<String> for PasswordHash {
    type Error = NoPasswordHash;

    fn try_from(text: String) -> Result<PasswordHash, NoPasswordHash> {
        PasswordHash::parse(&text)
    }
}

/// Why a password is not taken for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Somebody could go through all of these.
    #[error("password is shorter than {} characters", PasswordHash::FEWEST_CHARS)]
    TooShort,
    /// Nobody types this.
    #[error("password is longer than {} bytes", PasswordHash::MOST_BYTES)]
    TooLong,
}

/// The text is no Argon2id hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("password hash is not an Argon2id PHC string")]
pub struct NoPasswordHash;

/// The one password with which everybody may sign in as a plain member.
///
/// It is never stored. Two hashes are compared, so that neither the place of the first wrong
/// character nor the length shows in the time it takes.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedPassword(blake3::Hash);

impl SharedPassword {
    /// The password as it stands in the settings.
    pub fn new(password: &str) -> SharedPassword {
        SharedPassword(blake3::hash(password.as_bytes()))
    }

    /// Whether this is the password, in constant time.
    pub fn matches(&self, password: &str) -> bool {
        self.0 == blake3::hash(password.as_bytes())
    }
}

impl fmt::Debug for SharedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedPassword(hidden)")
    }
}

/// A password to be read aloud and typed: four groups of four, `k7mf-q2xa-9trb-wz4n`, 80 bits.
/// No character looks like another one.
pub fn generate_password(entropy: &mut impl Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    let letters: Vec<char> =
        bytes.iter().map(|b| char::from(LETTERS[usize::from(b & 31)])).collect();
    letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// Made of 32 zero bytes as output: what would have to be typed is not known to anybody.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// 32 of them, so that five random bits choose one evenly.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

#[cfg(test)]
pub(crate) mod tests {
    use argon2::{Algorithm, Argon2, PasswordHasher, PasswordVerifier, Version};

    use super::*;
    use crate::entropy::tests::Seeded;

    /// A hash of this password at a cost that only tests can afford.
    pub(crate) fn cheap(password: &str) -> PasswordHash {
        let cost = Params::new(8, 1, 1, None).unwrap();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost);
        let hash = argon2.hash_password_with_salt(password.as_bytes(), b"salt of a test").unwrap();
        PasswordHash::parse(&hash.to_string()).unwrap()
    }

    #[test]
    fn the_right_password_matches_and_no_other_does() {
        let hash = PasswordHash::of("correct horse", &mut Seeded(0)).unwrap();
        assert!(hash.matches("correct horse"));
        assert!(!hash.matches("correct horsf"));
    }

    #[test]
    fn the_hash_names_the_recommended_costs() {
        let hash = String::from(PasswordHash::of("correct horse", &mut Seeded(0)).unwrap());
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    }

    #[test]
    fn the_same_password_hashes_differently_each_time() {
        let mut entropy = Seeded(0);
        let first = PasswordHash::of("correct horse", &mut entropy).unwrap();
        assert_ne!(first, PasswordHash::of("correct horse", &mut entropy).unwrap());
    }

    #[test]
    fn a_hash_is_what_everybody_else_makes_of_the_password() {
        let hash = String::from(PasswordHash::of("correct horse", &mut Seeded(0)).unwrap());
        let whole = argon2::PasswordHash::new(&hash).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse", &whole).is_ok());
    }

    #[test]
    fn a_cheap_hash_matches_at_its_own_cost() {
        assert!(cheap("one").matches("one"));
        assert!(!cheap("one").matches("two"));
    }

    #[test]
    fn the_decoy_is_a_hash_at_the_usual_cost_that_nothing_matches() {
        let decoy = PasswordHash::parse(DECOY).unwrap();
        assert!(DECOY.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!decoy.matches(""));
    }

    #[test]
    fn a_password_of_seven_characters_is_too_short_and_one_of_eight_is_not() {
        assert_eq!(
            PasswordHash::of("密码密码密码密", &mut Seeded(0)),
            Err(PasswordError::TooShort)
        );
        assert!(PasswordHash::of("密码密码密码密码", &mut Seeded(0)).is_ok());
    }

    #[test]
    fn a_password_that_nobody_types_is_too_long() {
        let long = "x".repeat(PasswordHash::MOST_BYTES + 1);
        assert_eq!(PasswordHash::of(&long, &mut Seeded(0)), Err(PasswordError::TooLong));
    }

    #[test]
    fn what_is_no_whole_argon2id_hash_is_refused() {
        let other = DECOY.replace("argon2id", "argon2i");
        let cut = DECOY.rsplit_once('$').unwrap().0;
        for text in ["", "secret", "$2b$12$abc", &other, cut] {
            assert_eq!(PasswordHash::parse(text), Err(NoPasswordHash), "{text}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", cheap("one")), "PasswordHash(hidden)");
        assert_eq!(format!("{:?}", SharedPassword::new("one")), "SharedPassword(hidden)");
    }

    #[test]
    fn the_shared_password_matches_itself_only() {
        let shared = SharedPassword::new("ois2026");
        assert!(shared.matches("ois2026"));
        assert!(!shared.matches("ois2026 "));
        assert!(!shared.matches(""));
    }

    #[test]
    fn a_generated_password_is_four_groups_of_four() {
        let password = generate_password(&mut Seeded(7));
        let groups: Vec<&str> = password.split('-').collect();
        assert_eq!(groups.len(), 4);
        assert!(groups.iter().all(|g| g.len() == 4 && g.bytes().all(|b| LETTERS.contains(&b))));
    }

    #[test]
    fn the_letters_of_a_generated_password_are_32_different_ones() {
        let different: std::collections::BTreeSet<_> = LETTERS.iter().collect();
        assert_eq!(different.len(), 32);
    }
}
