//! Who is called in a text: `@HKH`, `@所有人`, also between Chinese characters without a space.
//!
//! A text calls a member when `@` (or the full-width `＠`) is followed by the whole short name, in
//! any case and width. The sign must stand free: behind a Latin letter, a digit or one of
//! `_ . - + \` it is part of something else, such as an address; behind a Chinese character it is
//! a sign. A name that ends in a letter or a digit ends there: `@HKHx` and `@HKH-x` call nobody,
//! `@HKH看` calls HKH. Behind any other name anything may follow, and the longest one wins.
//! In `code` and in fenced blocks nobody is called.
//!
//! This module decides whom a text names, not who is woken: that is `ois-chat`'s.

mod code;
mod roster;

use std::collections::BTreeSet;

use unicode_normalization::char::is_combining_mark;

use self::roster::{Called, Roster};
use crate::name::ShortName;

/// The word in a message's `mentions` that stands for everybody.
pub const ALL: &str = "all";

/// Those whom a text calls; nobody is named twice, and everybody is named in the order in which
/// the text does.
///
/// ```
/// use ois_protocol::{ShortName, mention};
/// let team: Vec<ShortName> = ["HKH", "ARIA"].map(|name| name.parse().unwrap()).into();
/// let called = mention::find("请@aria看一下, fyi @HKH @all", &team);
/// assert_eq!(called.wire(), ["ARIA"]);
/// assert_eq!(called.fyi, ["HKH".parse().unwrap()]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Members who are called by name, as the register writes them.
    pub names: Vec<ShortName>,
    /// Whether everybody is called.
    pub all: bool,
    /// Members who are named as context only, by `fyi @name`, and nowhere called by name. They are
    /// not in [`Mentions::names`], so clients that know nothing of it do not wake them.
    pub fyi: Vec<ShortName>,
}

impl Mentions {
    /// What a message's `mentions` hold: the names as registered, then [`ALL`] if all are called.
    pub fn wire(&self) -> Vec<String> {
        let names = self.names.iter().map(ShortName::to_string);
        names.chain(self.all.then(|| ALL.to_owned())).collect()
    }
}

/// Finds whom `text` calls among the members with these short names.
///
/// `@all` and `@所有人` call everybody. `fyi`, then white space, goes for all the mentions that
/// follow it with nothing but spaces between them.
///
/// Duties will be found here as well: `@reviewer` (all with that duty) as further entries of the
/// roster, and `@one:reviewer` (the first who claims) by its prefix. Until then `@one:…` names
/// nobody, since `one` is nobody's name and `:` ends it.
///
/// The work grows with the text's length and with the logarithm of the team's size.
pub fn find<'a>(text: &str, roster: impl IntoIterator<Item = &'a ShortName>) -> Mentions {
    let mut mentions = Mentions::default();
    if !text.contains(SIGNS) {
        return mentions;
    }
    let (roster, code) = (Roster::new(roster), code::ranges(text));
    let mut last = Last { end: 0, tone: Tone::Call };
    let mut seen = BTreeSet::new();
    for (at, sign) in text.match_indices(SIGNS) {
        if at < last.end || code::holds(&code, at) || !stands_free(&text[..at]) {
            continue;
        }
        let start = at + sign.len();
        let Some((called, length)) = roster.longest(&text[start..]) else { continue };
        last = Last { tone: last.tone_at(text, at), end: start + length };
        match (called, last.tone) {
            (Called::All, tone) => mentions.all |= tone == Tone::Call,
            (Called::Member(name), tone) if !seen.insert((tone, name)) => {}
            (Called::Member(name), Tone::Call) => mentions.names.push(name.clone()),
            (Called::Member(name), Tone::Fyi) => mentions.fyi.push(name.clone()),
        }
    }
    mentions.fyi.retain(|name| !seen.contains(&(Tone::Call, name)));
    mentions
}

const SIGNS: [char; 2] = ['@', '＠'];

/// Whether a mention asks for something or only lets somebody know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tone {
    Call,
    Fyi,
}

/// The mention before, since `fyi` goes on over several.
struct Last {
    end: usize,
    tone: Tone,
}

impl Last {
    fn tone_at(&self, text: &str, at: usize) -> Tone {
        let before = text[self.end..at].trim_end_matches([' ', '\t', '\u{3000}']);
        if before.is_empty() && self.end > 0 {
            return self.tone;
        }
        let word = before.len().checked_sub(3).and_then(|start| before.split_at_checked(start));
        match word {
            Some((rest, word)) if word.eq_ignore_ascii_case("fyi") && !ends_in_word(rest) => {
                Tone::Fyi
            }
            _ => Tone::Call,
        }
    }
}

fn stands_free(before: &str) -> bool {
    !ends_in_word(before) && !before.ends_with(['.', '-', '+', '\\'])
}

fn ends_in_word(text: &str) -> bool {
    text.chars().rev().find(|c| !is_combining_mark(*c)).is_some_and(is_word)
}

/// A character of scripts that separate words by spaces, or a digit: what makes a name longer.
fn is_word(c: char) -> bool {
    match c {
        '_' | '0'..='9' | '０'..='９' => true,
        // Latin, Greek and Cyrillic with their extensions, and the full-width forms.
        '\0'..='\u{52f}'
        | '\u{1c80}'..='\u{1fff}'
        | '\u{2c60}'..='\u{2c7f}'
        | '\u{a640}'..='\u{a69f}'
        | '\u{a720}'..='\u{a7ff}'
        | '\u{ab30}'..='\u{ab6f}'
        | '\u{ff21}'..='\u{ff5a}' => c.is_alphabetic(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
