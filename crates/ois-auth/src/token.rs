//! Tokens: secrets that prove which member sends a request.
//!
//! Two kinds look alike here: session tokens and agent tokens made by OIS, which are 32 random
//! bytes in hex, and agent tokens that an operator made up, which are any text. A [`Token`] stays
//! in memory and out of logs; what is kept is its [`TokenHash`], and only hashes are compared.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Entropy;

/// A secret that stands for a member. It is neither printable nor comparable: [`Token::reveal`]
/// is the one way to its text.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// The longest token that is looked at, in bytes.
    pub const LONGEST: usize = 1024;

    /// A fresh token: 32 random bytes as 64 lower-case hex digits.
    pub fn random(entropy: &mut impl Entropy) -> Token {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        Token(blake3::Hash::from_bytes(bytes).to_hex().to_string())
    }

    /// Takes a token as it was shown. Any text is one, since deployed agents have tokens that
    /// somebody made up; nothing is trimmed.
    ///
    /// # Errors
    ///
    /// [`TokenError`] for an empty text and for one beyond [`Token::LONGEST`]. The error never
    /// holds the text.
    pub fn parse(text: &str) -> Result<Token, TokenError> {
        match text.len() {
            0 => Err(TokenError::Empty),
            1..=Token::LONGEST => Ok(Token(text.to_owned())),
            _ => Err(TokenError::TooLong),
        }
    }

    /// The secret itself, for the one place that hands it out.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The hash of the token, which may be stored.
    pub fn hash(&self) -> TokenHash {
        TokenHash(*blake3::hash(self.0.as_bytes()).as_bytes())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// There is nothing.
    #[error("token is empty")]
    Empty,
    /// It has more than [`Token::LONGEST`] bytes.
    #[error("token is longer than {} bytes", Token::LONGEST)]
    TooLong,
}

/// The BLAKE3 hash of a token's text, written as 64 hex digits. Only this is stored on disk.
///
/// A fast hash is enough for a token that OIS made, as nobody guesses 32 random bytes. A token
/// that an operator made up is as safe as it is long. Hashes have an order, so that one is found
/// without going through all: how long that takes tells of the hash, and a hash leads nowhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Reads 64 hex digits.
    ///
    /// # Errors
    ///
    /// [`NoTokenHash`] for anything else.
    pub fn parse(text: &str) -> Result<TokenHash, NoTokenHash> {
        blake3::Hash::from_hex(text)
            .map(|hash| TokenHash(*hash.as_bytes()))
            .map_err(|_| NoTokenHash)
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for TokenHash {
    /// The first digits, enough to tell two apart in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

impl From<TokenHash> for String {
    fn from(hash: TokenHash) -> String {
        hash.to_string()
    }
}

impl TryFrom<String> for TokenHash {
    type Error = NoTokenHash;

    fn try_from(text: String) -> Result<TokenHash, NoTokenHash> {
        TokenHash::parse(&text)
    }
}

/// The text is not 64 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("token hash is not 64 hex digits")]
pub struct NoTokenHash;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entropy::tests::Seeded;

    #[test]
    fn a_fresh_token_is_64_lower_case_hex_digits() {
        let token = Token::random(&mut Seeded(0));
        assert_eq!(token.reveal().len(), 64);
        assert!(token.reveal().bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
    }

    #[test]
    fn two_fresh_tokens_differ() {
        let mut entropy = Seeded(0);
        assert_ne!(Token::random(&mut entropy).hash(), Token::random(&mut entropy).hash());
    }

    #[test]
    fn debug_does_not_show_the_token() {
        let token = Token::parse("very-secret").unwrap();
        assert_eq!(format!("{token:?}"), "Token(hidden)");
    }

    #[test]
    fn an_empty_and_an_endless_text_are_no_tokens() {
        assert_eq!(Token::parse("").unwrap_err(), TokenError::Empty);
        assert!(Token::parse(&"x".repeat(Token::LONGEST)).is_ok());
        assert_eq!(Token::parse(&"x".repeat(Token::LONGEST + 1)).unwrap_err(), TokenError::TooLong);
    }

    #[test]
    fn the_hash_is_plain_blake3_so_that_an_operator_can_check_it() {
        let hash = Token::parse("abc").unwrap().hash();
        let known = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
        assert_eq!(hash.to_string(), known);
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        for text in ["", "00", &"g".repeat(64), &"0".repeat(65)] {
            assert_eq!(TokenHash::parse(text), Err(NoTokenHash));
        }
    }

    proptest! {
        #[test]
        fn any_made_up_token_is_taken_and_its_hash_survives_json(text in "\\PC{1,80}") {
            let token = Token::parse(&text).unwrap();
            prop_assert_eq!(token.reveal(), text);
            let json = serde_json::to_string(&token.hash()).unwrap();
            prop_assert_eq!(serde_json::from_str::<TokenHash>(&json).unwrap(), token.hash());
        }
    }
}
