//! A request's address, decoded once.

use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map::Entry},
};

use hyper::Uri;
use percent_encoding::percent_decode_str;

use crate::reply::Refusal;

/// Path and query without escapes.
#[derive(Debug)]
pub(crate) struct Target {
    /// The path, beginning with a slash.
    pub(crate) path: String,
    /// Sorted by name, so that a query of many names costs no comparison of each with each.
    query: BTreeMap<String, String>,
}

impl Target {
    /// Decodes path and query. In a query `+` is a space, as the original had it.
    ///
    /// # Errors
    /// 400 for an escape that is not `%` and two hex digits, for bytes that are not UTF-8 once
    /// decoded, and for a name that is given twice, since two readers would not agree on which of
    /// its values counts.
    pub(crate) fn parse(uri: &Uri) -> Result<Self, Refusal> {
        let path = decode(uri.path())?;
        let mut query = BTreeMap::new();
        for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if let Err(name) = insert_new(&mut query, decode_query(name)?, decode_query(value)?) {
                let name: String = name.chars().take(SHOWN_CHARS).collect();
                return Err(Refusal::bad(format!("the query gives {name:?} twice")));
            }
        }
        Ok(Self { path, query })
    }

    /// The part of the path where the route's pattern has braces; empty if it has none there.
    pub(crate) fn parameter(&self, pattern: &str) -> &str {
        held(pattern, &self.path).unwrap_or_default()
    }

    /// A value of the query.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// Whether a switch of the query is on: `name=1` or `name=true`.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        matches!(self.get(name), Some("1" | "true"))
    }

    /// A value of the query that has to be there, though it may be empty.
    ///
    /// # Errors
    /// 400 that names what is missing.
    pub(crate) fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::bad(format!("the query lacks {name:?}")))
    }
}

/// Adds a value under a key that is new; fails with the key if it is known.
fn insert_new<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: V) -> Result<(), K> {
    match map.entry(key) {
        Entry::Vacant(place) => {
            place.insert(value);
            Ok(())
        }
        Entry::Occupied(known) => Err(known.remove_entry().0),
    }
}

/// The part of a path where the pattern has braces; `None` if the path does not fit the pattern.
pub(crate) fn held<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let (before, rest) = pattern.split_once('{')?;
    let (_, after) = rest.split_once('}')?;
    path.strip_prefix(before)?.strip_suffix(after)
}

/// A name or value of a query without escapes, and with a space for each `+`.
fn decode_query(text: &str) -> Result<String, Refusal> {
    if text.contains('+') { decode(&text.replace('+', " ")) } else { decode(text) }
}

/// Text without its escapes.
fn decode(text: &str) -> Result<String, Refusal> {
    if !has_whole_escapes(text) {
        return Err(Refusal::bad("the address holds an escape that is none"));
    }
    let decoded = percent_decode_str(text).decode_utf8().map(Cow::into_owned);
    decoded.map_err(|_| Refusal::bad("the address is not UTF-8"))
}

/// Whether two hex digits follow every `%`. The decoder leaves other escapes as they stand, and
/// programs behind each other would not agree on what they mean.
fn has_whole_escapes(text: &str) -> bool {
    let is_hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    text.split('%').skip(1).all(|rest| {
        let bytes = rest.as_bytes();
        is_hex(bytes.first()) && is_hex(bytes.get(1))
    })
}

/// The most characters of a peer's own text that an error repeats.
const SHOWN_CHARS: usize = 60;

#[cfg(test)]
mod tests {
    use std::{cell::Cell, cmp::Ordering, rc::Rc};

    use super::*;
    use crate::escape::encode;

    /// A name that counts how often it is compared with another one.
    struct Counted(usize, Rc<Cell<usize>>);

    impl Ord for Counted {
        fn cmp(&self, other: &Self) -> Ordering {
            self.1.set(self.1.get() + 1);
            self.0.cmp(&other.0)
        }
    }

    impl PartialOrd for Counted {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    impl PartialEq for Counted {
        fn eq(&self, other: &Self) -> bool {
            self.cmp(other) == Ordering::Equal
        }
    }

    impl Eq for Counted {}

    /// How many comparisons a query of this many names takes.
    #[expect(clippy::mutable_key_type, reason = "the count is no part of the order")]
    fn comparisons(names: usize) -> usize {
        let count = Rc::new(Cell::new(0));
        let mut query = BTreeMap::new();
        for at in 0..names {
            // Not in order, so that the map cannot profit from it.
            let name = Counted(at.wrapping_mul(0x9e37_79b1) % 1_000_003, Rc::clone(&count));
            assert!(insert_new(&mut query, name, ()).is_ok(), "{at}");
        }
        count.get()
    }

    #[test]
    fn twice_as_many_names_take_about_twice_as_many_comparisons() {
        let [few, more, most] = [5_000, 10_000, 20_000].map(comparisons);
        assert!(2 * more < 5 * few && 2 * most < 5 * more, "{few} {more} {most}");
        // The longest address that is read holds some 30,000 names.
        assert!(comparisons(30_000) < 30_000 * 40);
    }

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
    fn a_plus_is_a_space_in_a_query_only() {
        let target = target("/a+b?c+d=e+%2B").unwrap();
        assert_eq!((target.path.as_str(), target.get("c d")), ("/a+b", Some("e +")));
    }

    #[test]
    fn bad_escapes_other_bytes_than_utf8_and_repeated_names_are_refused() {
        for uri in ["/?a=%", "/?a=%4", "/?a=%zz", "/%ff", "/?a=%C3", "/?a=1&a=2", "/?%2541=%+1"] {
            assert!(target(uri).is_err(), "{uri}");
        }
    }

    #[test]
    fn what_is_encoded_comes_back() {
        let text = "日本語/a b+c&d=%25'\"";
        assert_eq!(target(&format!("/?x={}", encode(text))).unwrap().get("x"), Some(text));
    }

    #[test]
    fn a_switch_is_on_by_two_words() {
        let target = target("/?a=1&b=true&c=0&d").unwrap();
        let on = ["a", "b", "c", "d", "e"].map(|name| target.is_on(name));
        assert_eq!(on, [true, true, false, false, false]);
    }
}
