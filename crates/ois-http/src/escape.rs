//! Percent-escapes in what the server writes.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Text as a value in a query or a header: everything but unreserved characters (RFC 3986) escaped.
///
/// Of `a/b c` it makes `a%2Fb%20c`.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// What [`encode`] escapes.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stand_as_they_are() {
        assert_eq!(encode("aZ09-._~"), "aZ09-._~");
        assert_eq!(encode("é/ +&\"*"), "%C3%A9%2F%20%2B%26%22%2A");
    }
}
