//! Finds the members that a text calls: `@HKH`, `@reviewer`, `@所有人`, also between Chinese
//! characters without a space.
//!
//! A text calls a member when `@` (or the full-width `＠`) is followed by the whole short name, in
//! any case and width. The sign must stand free: behind a Latin letter, a digit or one of `_ . - +
//! \` it is part of something else, such as an address; behind a Chinese character it is a sign. A
//! name that ends in a letter or a digit ends there: `@HKHx` and `@HKH-x` call nobody, `@HKH看`
//! calls HKH. Any character may follow another name, and the longest name wins. Text in `code` and
//! in fenced blocks calls nobody.
//!
//! A duty is written like a name and calls every member who has it; a member's name wins over a
//! duty of the same word. `@one:reviewer` (also `＠one：reviewer`) offers the message to the agents
//! that have the duty, and the first of them that claims it is woken.
//!
//! This module decides which members a text names. `ois-chat` decides who is woken.

mod code;
mod named;
mod roster;

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

use self::{named::Named, roster::Roster};
use crate::{member::Member, name::ShortName, notice::Offer};

/// The word in a message's `mentions` that stands for everybody.
pub const ALL: &str = "all";

/// The members that a text calls. No member stands in two of the lists, nor twice in one: a member
/// who is called is neither offered the message nor listed in `fyi`, and a member who is offered it
/// is not listed in `fyi`. Names stand in the order of the text, and the holders of a duty in the
/// order of the register.
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
    /// The members who are called by name or by a duty, as the register writes them.
    pub names: Vec<ShortName>,
    /// Whether everybody is called.
    pub all: bool,
    /// One offer for each duty that is written as `@one:duty`, with the agents that have the duty
    /// and are not called anyway; the first of them that claims the message is woken. An offer to
    /// nobody is left out, and there are no offers when everybody is called. An agent that has
    /// several of the duties stands in several offers.
    pub offers: Vec<Offer>,
    /// The members who are named as context only, by `fyi @name` or `fyi @duty`. They are not in
    /// [`Mentions::names`], so clients that do not know this field do not wake them.
    pub fyi: Vec<ShortName>,
}

impl Mentions {
    /// Returns what a message's `mentions` hold: the names as registered, then [`ALL`] if everybody
    /// is called. Old clients wake by that list, so it contains neither offers nor `fyi`.
    pub fn wire(&self) -> Vec<String> {
        let names = self.names.iter().map(ShortName::to_string);
        names.chain(self.all.then(|| ALL.to_owned())).collect()
    }
}

/// Finds the members whom `text` calls in this team.
///
/// `@all` and `@所有人` call everybody. `@one:` before a member's name calls just that member, and
/// before anything else that is no duty it names nobody. `fyi`, followed by white space, applies to
/// all the mentions that follow it with nothing but spaces between them; it makes `@one:duty`
/// context for every member who has the duty, like `@duty`.
///
/// The work grows with the text's length and with the logarithm of the team's size.
pub fn find<'a>(text: &str, team: impl IntoIterator<Item = &'a Member>) -> Mentions {
    // `memchr` finds one sign at a time; a search for both at once would go char by char.
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

/// Returns the byte ranges of a text that are code and so call nobody: spans between backticks and
/// fenced blocks, in order. A fence that is never closed extends to the end of the text.
///
/// ```
/// use ois_protocol::mention::code_ranges;
/// assert_eq!(code_ranges("say `NO_REPLY` then"), [4..14]);
/// ```
pub fn code_ranges(text: &str) -> Vec<Range<usize>> {
    code::ranges(text)
}

/// The characters that can begin a mention. A text without them calls nobody.
pub const SIGNS: [char; 2] = ['@', '＠'];

/// Whether a mention asks for something or only informs.
#[derive(Clone, Copy)]
enum Tone {
    Call,
    Fyi,
}

/// The mention before the present one, because `fyi` applies to several in a row.
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

/// Whether a character makes a name longer: a digit, or a letter of a script that separates words
/// by spaces.
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
