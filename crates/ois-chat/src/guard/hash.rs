//! Hashes that are kept, and so are the same in every version.

/// An agent's name, hashed: `@all` in a large team names hundreds.
pub(super) type Key = u64;

/// FNV-1a, of one character after the other.
#[derive(Clone, Copy)]
pub(super) struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    pub(super) fn and(self, c: char) -> Self {
        let mut bytes = [0; 4];
        Self(c.encode_utf8(&mut bytes).bytes().fold(self.0, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        }))
    }

    /// The hash, its bits mixed by the finalizer of SplitMix64: FNV leaves those of the last
    /// characters at the low end.
    pub(super) fn value(self) -> u64 {
        let hash = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 31)
    }
}
