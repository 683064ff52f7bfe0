//! A request's address, decoded once.

use hyper::Uri;

use crate::reply::Refusal;

/// Path and query without escapes.
#[derive(Debug)]
pub(crate) struct Target {
    /// The path, beginning with a slash.
    pub(crate) path: String,
    query: Vec<(String, String)>,
}

impl Target {
    /// Decodes path and query. In a query `+` is a space, as the original had it.
    ///
    /// # Errors
    /// A refusal for escapes that are none, for what is no UTF-8 once decoded, and for a name that
    /// is given twice, since two readers would not agree on which one counts.
    pub(crate) fn parse(uri: &Uri) -> Result<Self, Refusal> {
        let path = decode(uri.path(), b'+')?;
        let mut query: Vec<(String, String)> = Vec::new();
        for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name, b' ')?;
            let value = decode(value, b' ')?;
            if query.iter().any(|(other, _)| *other == name) {
                return Err(Refusal::bad(format!("the query gives {name:?} twice")));
            }
            query.push((name, value));
        }
        Ok(Self { path, query })
    }

    /// What stands in the path between these two, which the route has found there.
    pub(crate) fn between(&self, before: &str, after: &str) -> &str {
        let rest = self.path.strip_prefix(before).unwrap_or_default();
        rest.strip_suffix(after).unwrap_or_default()
    }

    /// A value of the query.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let pair = self.query.iter().find(|(other, _)| other == name);
        pair.map(|(_, value)| value.as_str())
    }

    /// A value of the query that has to be there, though it may be empty.
    ///
    /// # Errors
    /// A refusal that names what is missing.
    pub(crate) fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::bad(format!("the query lacks {name:?}")))
    }
}

/// Text as a value in a query or a header: all but unreserved characters (RFC 3986) escaped.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => write!(encoded, "%{byte:02X}").expect("a String takes all"),
        }
    }
    encoded
}

/// Text without its escapes, and with `plus` for each `+`.
fn decode(text: &str, plus: u8) -> Result<String, Refusal> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |digit: Option<u8>| char::from(digit.unwrap_or(b'%')).to_digit(16);
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                let (Some(high), Some(low)) = (high, low) else {
                    return Err(Refusal::bad("the address holds an escape that is none"));
                };
                u8::try_from(high * 16 + low).expect("two hex digits are a byte")
            }
            b'+' => plus,
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| Refusal::bad("the address is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(uri: &str) -> Result<Target, Refusal> {
        Target::parse(&uri.parse().unwrap())
    }

    #[test]
    fn escapes_are_decoded_once() {
        let target = target("/a%20b?path=%2Fnotes%2Fa+b%2525.txt&empty=&flag").unwrap();
        assert_eq!(target.path, "/a b");
        assert_eq!(target.get("path"), Some("/notes/a b%25.txt"));
        assert_eq!((target.get("empty"), target.get("flag")), (Some(""), Some("")));
        assert!(target.need("other").is_err());
    }

    #[test]
    fn what_is_no_escape_no_utf8_or_ambiguous_is_refused() {
        for uri in ["/?a=%", "/?a=%4", "/?a=%zz", "/%ff", "/?a=%C3", "/?a=1&a=2", "/?%2541=%+1"] {
            assert!(target(uri).is_err(), "{uri}");
        }
    }

    #[test]
    fn what_is_encoded_comes_back() {
        let text = "日本語/a b+c&d=%25'\"";
        assert_eq!(target(&format!("/?x={}", encode(text))).unwrap().get("x"), Some(text));
    }
}
