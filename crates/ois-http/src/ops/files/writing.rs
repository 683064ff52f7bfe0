//! A file on its way in: counted against the limit, and gone if it does not come to its end.

use ois_store::FileWriter;

use super::FilesError;

/// How much a file may still grow. The limit itself is not allowed: as of old, a file of exactly
/// the limit is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SizeLimit {
    /// In bytes; the limit is exclusive.
    limit: u64,
    taken: u64,
}

/// A file reaches the limit of this many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("File too large: it must be shorter than {0} bytes")]
pub(crate) struct TooLarge(pub(crate) u64);

/// A file that is being written. Dropped before [`Writing::finish`], it leaves nothing.
pub(crate) struct Writing {
    writer: Box<dyn FileWriter>,
    limit: SizeLimit,
}

impl SizeLimit {
    /// Allows less than `limit` bytes.
    ///
    /// # Errors
    /// [`TooLarge`] if as many or more are announced.
    pub(crate) fn below(limit: u64, announced: Option<u64>) -> Result<Self, TooLarge> {
        if announced.is_some_and(|announced| announced >= limit) {
            return Err(TooLarge(limit));
        }
        Ok(Self { limit, taken: 0 })
    }

    /// Counts so many bytes.
    ///
    /// # Errors
    /// [`TooLarge`] once the limit is reached.
    fn take(&mut self, bytes: usize) -> Result<(), TooLarge> {
        self.taken = self.taken.saturating_add(bytes as u64);
        if self.taken >= self.limit { Err(TooLarge(self.limit)) } else { Ok(()) }
    }
}

impl Writing {
    /// Writes with this writer as much as the limit allows.
    pub(crate) fn new(writer: Box<dyn FileWriter>, limit: SizeLimit) -> Self {
        Self { writer, limit }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`FilesError::TooLarge`] once the limit is reached, and what the store says.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), FilesError> {
        self.limit.take(bytes.len())?;
        Ok(self.writer.write(bytes).await?)
    }

    /// How many bytes were taken.
    pub(crate) fn len(&self) -> u64 {
        self.limit.taken
    }

    /// Makes the file durable and visible, if its precondition still holds; answers with its tag.
    ///
    /// # Errors
    /// What the store says; then the file is as before.
    pub(crate) async fn finish(self) -> Result<String, FilesError> {
        Ok(self.writer.finish().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_too_much() {
        assert!(SizeLimit::below(10, Some(9)).is_ok());
        assert_eq!(SizeLimit::below(10, Some(10)).unwrap_err(), TooLarge(10));
        let mut limit = SizeLimit::below(10, None).unwrap();
        assert_eq!(limit.take(9), Ok(()));
        assert_eq!(limit.taken, 9);
        assert_eq!(limit.take(1), Err(TooLarge(10)));
    }
}
