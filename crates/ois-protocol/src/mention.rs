//! Who is called in a text: `@HKH`, `@reviewer`, `@所有人`, also between Chinese characters without
//! a space.
//!
//! A text calls a member when `@` (or the full-width `＠`) is followed by the whole short name, in
//! any case and width. The sign must stand free: behind a Latin letter, a digit or one of
//! `_ . - + \` it is part of something else, such as an address; behind a Chinese character it is
//! a sign. A name that ends in a letter or a digit ends there: `@HKHx` and `@HKH-x` call nobody,
//! `@HKH看` calls HKH. Behind any other name anything may follow, and the longest one wins.
//! In `code` and in fenced blocks nobody is called.
//!
//! A duty is written like a name and calls all who have it; a member's name wins over a duty of
//! the same word. `@one:reviewer` (also `＠one：reviewer`) offers the message to those who have the
//! duty, of whom the first that claims it is woken.
//!
//! This module decides whom a text names, not who is woken: that is `ois-chat`'s.

mod code;
mod named;
mod roster;

use unicode_normalization::char::is_combining_mark;

use self::{named::Named, roster::Roster};
use crate::{member::Member, name::ShortName, notice::Offer};

/// The word in a message's `mentions` that stands for everybody.
pub const ALL: &str = "all";

/// Those whom a text calls. Nobody stands in two of the lists, nor twice in one: who is called is
/// neither offered nor told the same, and who is offered it is not told. Everybody is named in the
/// order in which the text does, and those who have a duty in the order of the register.
///
/// ```
/// use ois_protocol::{Kind, Member, Role, mention};
/// let mut team = ["HKH", "ARIA", "Nova"]
///     .map(|name| Member::new(name.parse().unwrap(), Kind::Agent, Role::Agent));
/// team[1].duties = vec!["reviewer".parse().unwrap()];
/// team[2].duties = vec!["reviewer".parse().unwrap()];
///
/// let called = mention::find("请@reviewer看一下, fyi @HKH @all", &team);
/// assert_eq!(called.wire(), ["ARIA", "Nova"]);
/// assert_eq!(called.fyi, ["HKH".parse().unwrap()]);
///
/// let called = mention::find("@Nova, and @one:reviewer too", &team);
/// assert_eq!(called.wire(), ["Nova"]);
/// assert_eq!(called.offers[0].agents, ["ARIA".parse().unwrap()]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Members who are called by name or by a duty, as the register writes them.
    pub names: Vec<ShortName>,
    /// Whether everybody is called.
    pub all: bool,
    /// Each duty of which the first agent that claims is meant, by `@one:duty`, with the agents
    /// that have it and are not called anyway. An offer to nobody is none, and with everybody
    /// called there is none. An agent that has several of the duties stands in several offers.
    pub offers: Vec<Offer>,
    /// Members who are named as context only, by `fyi @name` or `fyi @duty`. They are not in
    /// [`Mentions::names`], so clients that know nothing of it do not wake them.
    pub fyi: Vec<ShortName>,
}

impl Mentions {
    /// What a message's `mentions` hold: the names as registered, then [`ALL`] if all are called.
    /// Old clients wake by it, so offers and `fyi` are not in it.
    pub fn wire(&self) -> Vec<String> {
        let names = self.names.iter().map(ShortName::to_string);
        names.chain(self.all.then(|| ALL.to_owned())).collect()
    }
}

/// Finds whom `text` calls in this team.
///
/// `@all` and `@所有人` call everybody. `@one:` before a member's name is just that member, and
/// before anything but a name or a duty it names nobody. `fyi`, then white space, goes for all the
/// mentions that follow it with nothing but spaces between them; it makes `@one:duty` context for
/// all who have the duty, like `@duty`.
///
/// The work grows with the text's length and with the logarithm of the team's size.
pub fn find<'a>(text: &str, team: impl IntoIterator<Item = &'a Member>) -> Mentions {
    // One sign at a time is what `memchr` finds; both at once would be looked for char by char.
    if !SIGNS.into_iter().any(|sign| text.contains(sign)) {
        return Mentions::default();
    }
    let (roster, code) = (Roster::new(team), code::ranges(text));
    let mut named = Named::default();
    let mut last = Last { end: 0, tone: Tone::Call };
    for (at, sign) in text.match_indices(SIGNS) {
        if at < last.end || code::holds(&code, at) || !stands_free(&text[..at]) {
            continue;
        }
        let start = at + sign.len();
        let Some(found) = roster.find(&text[start..]) else { continue };
        last = Last { tone: last.tone_at(text, at), end: start + found.length };
        named.add(last.tone, &found);
    }
    named.settle()
}

const SIGNS: [char; 2] = ['@', '＠'];

/// Whether a mention asks for something or only lets somebody know.
#[derive(Clone, Copy)]
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
