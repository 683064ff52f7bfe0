//! A blocked Bloom filter over hashes: whether a set may hold one, for one cache line's cost.
//!
//! The hashes come from a keyed hash, so their bits are as good as random: the highest choose a
//! block of 64 bytes, and the lowest 48 choose one bit in each of its eight words. The layout is on
//! disk and does not change without a new format, which is why no library's filter is used.

/// A set that never misses what was added and rarely takes for added what was not: with
/// [`BITS_PER_HASH`], about one hash in a thousand.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bloom(Vec<Block>);

type Block = [u64; 8];

impl Bloom {
    /// The length in bytes of a filter for so many hashes.
    pub(crate) fn length(hashes: usize) -> usize {
        blocks(hashes) * BLOCK
    }

    /// A filter of these hashes.
    pub(crate) fn of(hashes: impl ExactSizeIterator<Item = u64>) -> Self {
        let mut bloom = Self(vec![Block::default(); blocks(hashes.len())]);
        for hash in hashes {
            let mask = Mask::of(hash);
            let at = bloom.block(hash);
            bloom.0[at].iter_mut().zip(mask.0).for_each(|(word, bit)| *word |= bit);
        }
        bloom
    }

    /// Whether this hash may have been added. `mask` is that of the hash.
    pub(crate) fn may_hold(&self, hash: u64, mask: &Mask) -> bool {
        let block = &self.0[self.block(hash)];
        // Without a branch for each word: a mispredicted one would wait for the block to come from
        // memory, and with it the look at the next filter.
        block.iter().zip(&mask.0).fold(0, |missing, (word, bit)| missing | bit & !word) == 0
    }

    /// The filter as it stands in a file, to be read by [`Bloom::read`].
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.0.iter().flatten().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
    }

    /// The filter with these bytes, whose number is a [`Bloom::length`].
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("8 bytes"));
        let block = |bytes: &[u8]| std::array::from_fn(|at| word(&bytes[at * 8..][..8]));
        Self(bytes.chunks_exact(BLOCK).map(block).collect())
    }

    /// Which block is the hash's: the highest bits choose, whatever the number of blocks.
    fn block(&self, hash: u64) -> usize {
        (((hash >> 32) * self.0.len() as u64) >> 32) as usize
    }
}

/// The bits that stand for a hash within its block. It is the same for every filter.
pub(crate) struct Mask(Block);

impl Mask {
    /// The bits of this hash.
    pub(crate) fn of(hash: u64) -> Self {
        Self(std::array::from_fn(|word| 1 << (hash >> (6 * word) & 63)))
    }
}

/// At least one, so that every hash has a block.
fn blocks(hashes: usize) -> usize {
    (hashes * BITS_PER_HASH).div_ceil(BLOCK * 8).max(1)
}

const BLOCK: usize = size_of::<Block>();

/// Two bytes of memory for each nonce of the last days.
const BITS_PER_HASH: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u64) -> u64 {
        let hash = blake3::hash(&number.to_le_bytes());
        u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap())
    }

    #[test]
    fn what_was_added_is_held_and_little_else() {
        let bloom = Bloom::of((0..20_000).map(hash).collect::<Vec<_>>().into_iter());
        let holds = |number| bloom.may_hold(hash(number), &Mask::of(hash(number)));
        assert!((0..20_000).all(holds));
        let mistaken = (20_000..220_000).filter(|number| holds(*number)).count();
        assert!(mistaken < 400, "{mistaken} of 200,000");
    }

    #[test]
    fn a_filter_reads_back_what_it_wrote() {
        for count in [0, 1, 33, 500] {
            let hashes: Vec<u64> = (0..count).map(hash).collect();
            let bloom = Bloom::of(hashes.iter().copied());
            let mut bytes = Vec::new();
            bloom.write(&mut bytes);
            assert_eq!(bytes.len(), Bloom::length(hashes.len()));
            assert_eq!(Bloom::read(&bytes), bloom);
        }
    }
}
