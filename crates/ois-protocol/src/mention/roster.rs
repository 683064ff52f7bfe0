//! The names that can be called, in an order in which the longest that a text begins with is found
//! by narrowing down letter by letter.

use std::iter;

use unicode_normalization::{
    IsNormalized, UnicodeNormalization, char::canonical_combining_class, is_nfkc_quick,
};

use super::{ALL, is_word};
use crate::name::{ShortName, fold};

/// Who or what a mention stands for.
#[derive(Clone, Copy)]
pub(super) enum Called<'a> {
    /// Everybody.
    All,
    /// The member with this short name.
    Member(&'a ShortName),
}

/// Everything that can stand behind the sign, sorted by what it is compared by.
pub(super) struct Roster<'a> {
    entries: Vec<(String, Called<'a>)>,
}

impl<'a> Roster<'a> {
    /// Those with these names, and everybody.
    pub(super) fn new(names: impl IntoIterator<Item = &'a ShortName>) -> Self {
        let everybody = [ALL, "所有人"].map(|word| (word.to_owned(), Called::All));
        let members = names.into_iter().map(|name| (key(name.folded()), Called::Member(name)));
        let mut entries: Vec<_> = everybody.into_iter().chain(members).collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Self { entries }
    }

    /// The longest name that `text` begins with, and how many bytes of `text` it takes.
    pub(super) fn longest(&self, text: &str) -> Option<(Called<'a>, usize)> {
        let (mut entries, mut written, mut longest) =
            (self.entries.as_slice(), String::new(), None);
        for (start, end) in units(text) {
            match &text.as_bytes()[start..end] {
                [ascii] => written.push(char::from(ascii.to_ascii_lowercase())),
                _ => written.push_str(&key(&fold(&text[start..end]))),
            }
            entries = &entries[entries.partition_point(|(name, _)| *name < written)..];
            entries = &entries[..entries.partition_point(|(name, _)| name.starts_with(&written))];
            let Some((name, called)) = entries.first() else { break };
            if *name == written && ends_with_word(name, &text[end..]) {
                longest = Some((*called, end));
            }
        }
        longest
    }
}

/// Greek writes its s differently at the end of a word, which a name inside a text may not be.
fn key(folded: &str) -> String {
    folded.replace('ς', "σ")
}

/// The parts of a text, as pairs of start and end, that can be folded one by one: a part begins
/// with a character that joins none before it.
fn units(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut starts = text.char_indices().skip(1).filter(|(_, c)| begins_unit(*c)).map(|(at, _)| at);
    let mut start = 0;
    iter::from_fn(move || {
        let end = starts.next().unwrap_or(text.len());
        let unit = (start, end);
        start = end;
        (unit.0 < unit.1).then_some(unit)
    })
}

fn begins_unit(c: char) -> bool {
    if c.is_ascii() {
        return true;
    }
    let first = iter::once(c).nfkd().next().unwrap_or(c);
    canonical_combining_class(first) == 0 && is_nfkc_quick(iter::once(first)) != IsNormalized::Maybe
}

/// Whether a name is whole with this behind it: one that ends in a letter or a digit goes on with
/// the next one, also across a hyphen.
fn ends_with_word(name: &str, after: &str) -> bool {
    let mut after = after.chars();
    let goes_on = match after.next() {
        Some('-') => after.next().is_some_and(is_word),
        Some(c) => is_word(c),
        None => false,
    };
    !goes_on || !name.chars().next_back().is_some_and(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_where_nothing_joins_it_any_more() {
        let parts = |text: &'static str| -> Vec<&str> {
            units(text).map(|(start, end)| &text[start..end]).collect()
        };
        assert_eq!(parts("ae\u{301}b"), ["a", "e\u{301}", "b"]);
        assert_eq!(parts("\u{301}a"), ["\u{301}", "a"]);
        assert_eq!(parts("\u{1112}\u{1161}\u{11ab}x"), ["\u{1112}\u{1161}\u{11ab}", "x"]);
        assert_eq!(parts("ﾊﾞ"), ["ﾊﾞ"]);
        assert_eq!(parts(""), [""; 0]);
    }

    #[test]
    fn a_long_name_that_does_not_fit_leaves_the_short_one() {
        let names: [ShortName; 2] = ["小明", "小明明abc"].map(|name| name.parse().unwrap());
        let roster = Roster::new(&names);
        let (called, length) = roster.longest("小明明ab").unwrap();
        assert!(matches!(called, Called::Member(name) if *name == names[0]));
        assert_eq!(length, "小明".len());
    }
}
