//! Small values of a team by key: the trait of everything that keeps them.

use crate::{Pending, RecordError};

/// Small values by their keys, each with a version by which concurrent changes are noticed.
pub trait Records: Send + Sync + 'static {
    /// The value of this key and its version, which [`Records::put_record`] wants; `None` if the
    /// key was never set.
    ///
    /// # Errors
    /// [`RecordError`] if the engine cannot give it.
    fn record<'a>(&'a self, key: &'a str) -> Pending<'a, Result<Option<Versioned>, RecordError>>;

    /// Sets the value of this key, if its version is still `expected` (`None` for a key that was
    /// never set). Answers with the new version once the value is durable.
    ///
    /// # Errors
    /// [`RecordError::Changed`] if the version is another one.
    fn put_record<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        expected: Option<u64>,
    ) -> Pending<'a, Result<u64, RecordError>>;
}

/// A small value and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// The bytes as they were set.
    pub value: Vec<u8>,
    /// A number that grows with every change of this key.
    pub version: u64,
}
