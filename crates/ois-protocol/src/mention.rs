//! Finds the members that a text calls: `@HKH`, `@reviewer`, `@所有人`, also between Chinese
//! characters without a space.
//!
//! A text calls a member when `@` (or the full-width `＠`) is followed by the whole short name, in
//! any case and width; the emoji at a name's end may be left out. The sign must stand free: behind a
//! Latin letter, a digit or one of `_ . - + \ /` it is part of something else, such as an address;
//! behind a Chinese character it is a sign. A name that ends in a letter or a digit ends there: `@HKHx`,
//! `@HKH-x` and `@HKH/x` call nobody, `@HKH看` calls HKH. Any character may follow another name, and the
//! longest name wins. Nobody is called in code, quotes, addresses, links and comments, which
//! [`markup`](crate::markup) finds.
//!
//! A duty is written like a name and calls every member who has it; a member's name wins over a
//! duty of the same word. `@one:reviewer` (also `＠one：reviewer`) offers the message to the agents
//! that have the duty, and the first of them that claims it is woken.
//!
//! This module decides which members a text names. `ois-chat` decides who is woken.

mod code;
mod named;
mod outline;
mod roster;

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

pub use self::outline::outline;
use self::{named::Named, roster::Roster};
use crate::{
    markup::{self, Block, Part, Reader, is_word},
    member::Member,
    name::ShortName,
    notice::Offer,
};

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
    let roster = Roster::new(team);
    let mut finder =
        Finder { roster: &roster, named: Named::default(), words: String::new(), last: None };
    markup::read(text, &mut finder);
    finder.named.settle()
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

/// Collects the mentions while a text is read.
struct Finder<'r, 'a> {
    roster: &'r Roster<'a>,
    named: Named<'r, 'a>,
    /// What is shown in this block since the last mention, with one character for a part that is not
    /// plain words. It ends in `fyi` where somebody is named as context only.
    words: String,
    /// The last mention in this block, because `fyi` applies to several in a row.
    last: Option<Tone>,
}

impl Finder<'_, '_> {
    fn tone(&self) -> Tone {
        let before = self.words.trim_end_matches([' ', '\t', '\u{3000}']);
        if let (true, Some(last)) = (before.is_empty(), self.last) {
            return last;
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

impl Reader for Finder<'_, '_> {
    fn block(&mut self, _: Block<'_>) {
        self.words.clear();
        self.last = None;
    }

    fn part(&mut self, part: Part<'_>) {
        match part {
            Part::Words(words) => self.words.push_str(words),
            Part::Break => self.words.push('\n'),
            _ => self.words.push(char::REPLACEMENT_CHARACTER),
        }
    }

    fn mention(&mut self, text: &str, at: usize, previous: usize) -> Option<usize> {
        let (found, length) = begins(self.roster, text, at, previous)?;
        let tone = self.tone();
        self.named.add(tone, &found);
        self.words.clear();
        self.last = Some(tone);
        Some(length)
    }
}

/// Returns the mention whose sign stands at this offset, and how many bytes it takes.
fn begins<'r, 'a>(
    roster: &'r Roster<'a>,
    text: &str,
    at: usize,
    previous: usize,
) -> Option<(roster::Found<'r, 'a>, usize)> {
    let sign = text[at..].chars().next().map_or(0, char::len_utf8);
    if !stands_free(&text[..at], previous) {
        return None;
    }
    let found = roster.find(&text[at + sign..])?;
    let length = sign + found.length;
    Some((found, length))
}

/// Whether a sign behind this text is one. `previous` is where the last mention in it ends: in
/// `@HKH/@ARIA` the second sign is one as well, other than in a path.
fn stands_free(before: &str, previous: usize) -> bool {
    if let Some(path) = before.strip_suffix('/') {
        return previous > 0 && previous == path.len();
    }
    !ends_in_word(before) && !before.ends_with(['.', '-', '+', '\\'])
}

fn ends_in_word(text: &str) -> bool {
    text.chars().rev().find(|c| !is_combining_mark(*c)).is_some_and(is_word)
}

#[cfg(test)]
mod tests;
