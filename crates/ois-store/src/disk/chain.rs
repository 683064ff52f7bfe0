//! The keyed chain that ties each record to all before it.
//!
//! Nobody without `.ois/key` can write a record that continues the chain, or take one out of the
//! middle. Only the end can be cut off unnoticed; against that, the operator notes what `verify`
//! prints.

use std::fmt;

use ois_protocol::ShortName;

/// 128 bits of blake3, of a payload or of everything up to a record.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Hash([u8; 16]);

impl Hash {
    /// The chain before a log's first segment.
    #[cfg(test)]
    pub(crate) const ZERO: Self = Self([0; 16]);

    /// The hash of a payload. It needs no key: the header that holds it is in the chain.
    pub(crate) fn of(payload: &[u8]) -> Self {
        Self::from(blake3::hash(payload))
    }

    /// Appends 32 hex digits.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.hex());
    }

    /// Whether these hex digits stand for this hash.
    pub(crate) fn is(self, hex: &[u8]) -> bool {
        // This is asked of each record that is read: writing the digits takes a fifth of the time
        // that parsing does.
        hex == self.hex()
    }

    fn hex(self) -> [u8; 32] {
        let mut hex = [0; 32];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        hex
    }

    /// Reads 32 lower-case hex digits.
    pub(crate) fn parse(hex: &[u8]) -> Option<Self> {
        let mut bytes = [0; 16];
        if hex.len() != 32 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(bytes))
    }
}

impl From<blake3::Hash> for Hash {
    fn from(hash: blake3::Hash) -> Self {
        let (first, _) = hash.as_bytes().split_at(16);
        Self(first.try_into().expect("half of 32 bytes"))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The team's secret for its chain. It shows nothing in `Debug`.
#[derive(Clone)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// The key with these bytes.
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What the chain is after `header`, having been `before`. `scratch` saves an allocation.
    pub(crate) fn chain(&self, before: Hash, header: &[u8], scratch: &mut Vec<u8>) -> Hash {
        scratch.clear();
        scratch.extend_from_slice(&before.0);
        scratch.extend_from_slice(header);
        Hash::from(blake3::keyed_hash(&self.0, scratch))
    }

    /// The secret for the hashes of nonces, which tells nothing of this one.
    pub(crate) fn for_nonces(&self) -> NonceKey {
        NonceKey(blake3::derive_key("ois-store 2026 index of nonces", &self.0))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// The secret under which nonces are hashed: members choose their nonces, and without it they cannot
/// choose any whose hashes are the same. It shows nothing in `Debug`.
#[derive(Clone)]
pub(crate) struct NonceKey([u8; 32]);

impl NonceKey {
    /// The hash of an author's nonce. Names that are the same to people have the same hash.
    pub(crate) fn hash(&self, author: &ShortName, nonce: &str) -> u64 {
        // No short name has a space in it, so no two pairs make the same text.
        let mut text = [0; LONGEST];
        let parts = [author.folded().as_bytes(), b" ", nonce.as_bytes()];
        let length = parts.iter().map(|part| part.len()).sum();
        let hash = match text.get_mut(..length) {
            Some(text) => {
                let mut rest = &mut *text;
                for part in parts {
                    let (here, after) = rest.split_at_mut(part.len());
                    here.copy_from_slice(part);
                    rest = after;
                }
                blake3::keyed_hash(&self.0, text)
            }
            None => blake3::keyed_hash(&self.0, &parts.concat()),
        };
        let (first, _) = hash.as_bytes().split_at(8);
        u64::from_le_bytes(first.try_into().expect("a quarter of 32 bytes"))
    }
}

impl fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NonceKey")
    }
}

/// Most names and nonces together are shorter than this; for those nothing is allocated.
const LONGEST: usize = 192;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_back_what_it_wrote() {
        let hash = Hash::of(b"payload");
        let mut hex = Vec::new();
        hash.write(&mut hex);
        assert_eq!(Hash::parse(&hex), Some(hash));
        assert_eq!(hex, hash.to_string().as_bytes());
        assert!(!hash.is(&hex.to_ascii_uppercase()));
        assert!(!hash.is(&hex[1..]));
    }

    #[test]
    fn another_key_or_another_past_makes_another_chain() {
        let (one, two) = (Key::new([1; 32]), Key::new([2; 32]));
        let mut scratch = Vec::new();
        let chain = one.chain(Hash::default(), b"header", &mut scratch);
        assert_ne!(chain, two.chain(Hash::default(), b"header", &mut scratch));
        assert_ne!(chain, one.chain(chain, b"header", &mut scratch));
        assert_eq!(chain, one.chain(Hash::default(), b"header", &mut scratch));
    }
}
