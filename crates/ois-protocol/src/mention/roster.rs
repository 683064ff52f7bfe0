//! Everything that can follow the sign, sorted so that the longest entry with which a text begins
//! is found by narrowing down letter by letter.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    iter, slice,
};

use unicode_normalization::{
    IsNormalized, UnicodeNormalization, char::is_combining_mark, is_nfkc_quick,
};

use super::{ALL, is_word};
use crate::{
    member::Member,
    name::{ShortName, bare, fold, seen},
};

/// What a mention stands for.
pub(super) enum Called<'a> {
    /// The mention calls everybody.
    All,
    /// The mention calls this member.
    Member(&'a Member),
    /// The mention names a duty, with the members that have it in the order of the register.
    Duty(&'a ShortName, Vec<&'a Member>),
}

impl<'a> Called<'a> {
    /// Adds the holders of the same duty. An entry that is a name or everybody stays what it is.
    fn merge(&mut self, other: &mut Self) {
        if let (Called::Duty(_, holders), Called::Duty(_, more)) = (self, other) {
            more.retain(|one| holders.last().is_none_or(|last| last.name != one.name));
            holders.append(more);
        }
    }

    /// Returns the name or the duty, as registered; `None` for everybody.
    pub(super) fn word(&self) -> Option<&'a ShortName> {
        match self {
            Called::All => None,
            Called::Member(member) => Some(&member.name),
            Called::Duty(duty, _) => Some(duty),
        }
    }

    /// Returns the members that this stands for; none if it is everybody.
    pub(super) fn members(&self) -> &[&'a Member] {
        match self {
            Called::All => &[],
            Called::Member(member) => slice::from_ref(member),
            Called::Duty(_, holders) => holders,
        }
    }
}

/// The entry with which a text begins.
pub(super) struct Found<'r, 'a> {
    pub(super) called: &'r Called<'a>,
    /// Whether it is written as `one:…`.
    pub(super) one: bool,
    /// How many bytes of the text it takes.
    pub(super) length: usize,
}

/// Everything that can follow the sign, sorted by the key that it is compared by.
pub(super) struct Roster<'a> {
    entries: Vec<Entry<'a>>,
    /// The index at which the entries with this first byte begin. Most signs need no further
    /// look-up.
    starts: [usize; 257],
}

type Entry<'a> = (Cow<'a, str>, Called<'a>);

impl<'a> Roster<'a> {
    /// Creates the roster of these members with their duties, and everybody. A word stands for
    /// everybody rather than for a member, and for a member rather than for a duty.
    pub(super) fn new(team: impl IntoIterator<Item = &'a Member>) -> Self {
        let mut entries: Vec<Entry<'a>> = EVERYBODY.map(|all| (all.into(), Called::All)).into();
        let team: Vec<&Member> = team.into_iter().collect();
        for member in &team {
            entries.push((key(member.name.folded()), Called::Member(member)));
        }
        for member in &team {
            let of = |duty| Called::Duty(duty, vec![member]);
            entries.extend(member.duties.iter().map(|duty| (key(duty.folded()), of(duty))));
        }
        entries.extend(without_symbols(&team));
        // The sort is stable, so of equal words the first stays.
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.dedup_by(|(word, called), (kept_word, kept)| {
            let same = word == kept_word;
            if same {
                kept.merge(called);
            }
            same
        });
        Self { starts: starts(&entries), entries }
    }

    /// Finds the longest entry with which `text` begins: a name or a duty, or one of them after
    /// `one:`.
    pub(super) fn find(&self, text: &str) -> Option<Found<'_, 'a>> {
        let whole = self.longest(text).map(|(called, length)| Found { called, one: false, length });
        let one = after_one(text).and_then(|start| {
            let (called, length) = self.longest(&text[start..])?;
            let one = Found { called, one: true, length: start + length };
            (!matches!(called, Called::All)).then_some(one)
        });
        // Of two equally long matches this takes the last, because a member may be called `one:x`.
        [one, whole].into_iter().flatten().max_by_key(|found| found.length)
    }

    fn longest(&self, text: &str) -> Option<(&Called<'a>, usize)> {
        let (mut entries, mut matched, mut longest) = (self.entries.as_slice(), 0, None);
        for (start, end) in units(text) {
            for byte in piece(&text[start..end]).bytes() {
                entries = if matched == 0 {
                    self.starting(byte)
                } else {
                    narrowed(entries, matched, byte)
                };
                matched += 1;
            }
            let Some((word, called)) = entries.first() else { break };
            if word.len() == matched && ends_with_word(word, &text[end..]) {
                longest = Some((called, end));
            }
        }
        longest
    }

    fn starting(&self, byte: u8) -> &[Entry<'a>] {
        let at = usize::from(byte);
        &self.entries[self.starts[at]..self.starts[at + 1]]
    }
}

/// Returns the names and duties that end in symbols without these, unless several would be the same.
fn without_symbols<'a>(team: &[&'a Member]) -> Vec<Entry<'a>> {
    let ends_in_symbols = |name: &ShortName| {
        let folded = name.folded();
        !folded.is_ascii() && bare(folded).len() < seen(folded).len()
    };
    let mut entries: Vec<Entry<'a>> = Vec::new();
    for member in team.iter().filter(|member| ends_in_symbols(&member.name)) {
        entries.push((bare_key(&member.name), Called::Member(member)));
    }
    for member in team {
        for duty in member.duties.iter().filter(|duty| ends_in_symbols(duty)) {
            entries.push((bare_key(duty), Called::Duty(duty, vec![member])));
        }
    }
    let mut words: BTreeMap<&str, BTreeSet<Option<&ShortName>>> = BTreeMap::new();
    for (key, called) in &entries {
        words.entry(key).or_default().insert(called.word());
    }
    let unique: Vec<bool> = entries
        .iter()
        .map(|(key, _)| words.get(&**key).is_some_and(|words| words.len() == 1))
        .collect();
    entries.into_iter().zip(unique).filter_map(|(entry, unique)| unique.then_some(entry)).collect()
}

fn bare_key<'a>(name: &ShortName) -> Cow<'a, str> {
    key(&bare(name.folded())).into_owned().into()
}

fn starts(entries: &[Entry<'_>]) -> [usize; 257] {
    let mut starts = [0; 257];
    for (word, _) in entries {
        starts[word.bytes().next().map_or(0, usize::from) + 1] += 1;
    }
    for byte in 1..starts.len() {
        starts[byte] += starts[byte - 1];
    }
    starts
}

/// Returns those of the entries, which are equal before `at`, that have this byte there.
fn narrowed<'r, 'a>(entries: &'r [Entry<'a>], at: usize, byte: u8) -> &'r [Entry<'a>] {
    let there = |(word, _): &Entry<'a>| word.as_bytes().get(at).copied();
    let from = entries.partition_point(|entry| there(entry) < Some(byte));
    let to = entries.partition_point(|entry| there(entry) <= Some(byte));
    &entries[from..to]
}

/// Returns the key by which a name or a duty is looked up: what is seen of it. Greek writes its s
/// differently at the end of a word, and a name inside a text need not stand at the end of one.
fn key(folded: &str) -> Cow<'_, str> {
    let seen = seen(folded);
    let seen = if seen.is_empty() { folded.into() } else { seen };
    if seen.contains('ς') { seen.replace('ς', "σ").into() } else { seen }
}

/// Returns a part of a text in the form in which it is compared.
fn piece(unit: &str) -> Cow<'_, str> {
    match unit.as_bytes() {
        [b'A'..=b'Z'] => unit.to_ascii_lowercase().into(),
        [_] => unit.into(),
        _ => seen(&fold(unit)).replace('ς', "σ").into(),
    }
}

/// Returns the offset at which the name or the duty begins in a text that begins with `one:`, in
/// any case and width.
fn after_one(text: &str) -> Option<usize> {
    let mut rest = text;
    for written in ONE {
        rest = rest.strip_prefix(written)?;
    }
    Some(text.len() - rest.len())
}

/// Returns the parts of a text that can be folded one by one, as pairs of start and end. A part
/// begins with a character that joins none before it.
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
    !is_combining_mark(first) && is_nfkc_quick(iter::once(first)) != IsNormalized::Maybe
}

/// Whether a name is complete when `after` follows it. A name that ends in a letter or a digit is
/// continued by a letter or a digit, also across a hyphen, and across a slash as in the name of a
/// package.
fn ends_with_word(name: &str, after: &str) -> bool {
    let mut after = after.chars();
    let goes_on = match after.next() {
        Some('-' | '/') => after.next().is_some_and(is_word),
        Some(c) => is_word(c),
        None => false,
    };
    !goes_on || !name.chars().next_back().is_some_and(is_word)
}

/// The words that call everybody.
const EVERYBODY: [&str; 2] = [ALL, "所有人"];

/// The prefix of a duty of which only the first holder that claims is woken, with the spellings of
/// each letter.
const ONE: [&[char]; 4] =
    [&['o', 'O', 'ｏ', 'Ｏ'], &['n', 'N', 'ｎ', 'Ｎ'], &['e', 'E', 'ｅ', 'Ｅ'], &[':', '：']];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::member::{Kind, Role};

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
        let team = ["小明", "小明明abc"]
            .map(|name| Member::new(name.parse().unwrap(), Kind::Human, Role::Member));
        let roster = Roster::new(&team);
        let (called, length) = roster.longest("小明明ab").unwrap();
        assert!(matches!(called, Called::Member(member) if member.name == team[0].name));
        assert_eq!(length, "小明".len());
    }
}
