//! Reading headers that hold lists of words.

use hyper::header::{HeaderMap, HeaderName};

/// Whether a header that lists words, such as `Connection`, has this one, in upper or lower case.
pub(crate) fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
}
