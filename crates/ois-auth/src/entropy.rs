//! The one door through which randomness comes in.
//!
//! Whatever draws takes `&mut impl Entropy`, so that a test can hand in bytes it knows. Outside
//! of tests there is one source, [`OsEntropy`].

/// A source of bytes that nobody can guess.
pub trait Entropy {
    /// Overwrites all of `bytes`.
    fn fill(&mut self, bytes: &mut [u8]);
}

/// The operating system's source.
#[derive(Debug, Clone)]
pub struct OsEntropy(());

impl OsEntropy {
    /// Draws once, so that a system without a source is noticed at the start and not later.
    ///
    /// # Errors
    ///
    /// [`NoEntropy`] when the operating system gives no bytes; its source says why.
    pub fn open() -> Result<OsEntropy, NoEntropy> {
        getrandom::fill(&mut [0; 32]).map_err(|error| NoEntropy(Box::new(error)))?;
        Ok(OsEntropy(()))
    }
}

impl Entropy for OsEntropy {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("a source that has given bytes once goes on giving them");
    }
}

/// The operating system has no randomness to give.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct NoEntropy(#[source] Box<dyn std::error::Error + Send + Sync>);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Bytes that differ at every call and are the same in every run.
    pub(crate) struct Seeded(pub(crate) u64);

    impl Entropy for Seeded {
        fn fill(&mut self, bytes: &mut [u8]) {
            self.0 += 1;
            blake3::Hasher::new().update(&self.0.to_le_bytes()).finalize_xof().fill(bytes);
        }
    }

    #[test]
    fn the_system_gives_other_bytes_every_time() {
        let mut os = OsEntropy::open().unwrap();
        let (mut first, mut second) = ([0; 32], [0; 32]);
        os.fill(&mut first);
        os.fill(&mut second);
        assert_ne!(first, second);
    }
}
