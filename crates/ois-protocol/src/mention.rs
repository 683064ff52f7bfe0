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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::name::RESERVED;

    fn team() -> Vec<ShortName> {
        ["HKH", "ARIA", "Mikasa", "小明", "小明明", "Ann-Lee", "🐱", "Élan", "ΟΔΟΣ"]
            .map(|name| name.parse().unwrap())
            .into()
    }

    fn called(text: &str) -> Vec<String> {
        find(text, &team()).wire()
    }

    #[test]
    fn the_recorded_mentions_are_found_as_recorded() {
        assert_eq!(called("@HKH please"), ["HKH"]);
        assert_eq!(called("hey @aria and @MIKASA"), ["ARIA", "Mikasa"]);
        assert_eq!(called("ping @all"), ["all"]);
        assert_eq!(called("大家 @所有人 看"), ["all"]);
        assert_eq!(called("@HKH @hkh"), ["HKH"]);
        assert!(called("no mention").is_empty());
    }

    #[test]
    fn a_sign_inside_a_word_or_behind_a_backslash_calls_nobody() {
        for text in [
            "mail@ariadne",
            "mail@aria",
            "a.@aria",
            "a-@aria",
            "a+@aria",
            "_@aria",
            "7@aria",
            "７@aria",
            "é@aria",
            "cafe\u{301}@aria",
            "я@aria",
            r"\@aria",
        ] {
            assert!(called(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_latin_name_ends_where_its_word_ends() {
        for text in ["@HKHx", "@HKH2", "@HKH_", "@HKH-x", "@HKHé", "@HKHe\u{301}", "@allx", "@Ann"]
        {
            assert!(called(text).is_empty(), "{text}");
        }
        for text in ["@HKH", "@HKH.", "@HKH's", "@HKH-", "@HKH - x", "@HKH看", "@HKH는", "(@HKH)"]
        {
            assert_eq!(called(text), ["HKH"], "{text}");
        }
        assert_eq!(called("@ann-lee: hi"), ["Ann-Lee"]);
    }

    #[test]
    fn names_are_found_between_chinese_characters_and_the_longest_wins() {
        assert_eq!(called("请@ARIA看一下"), ["ARIA"]);
        assert_eq!(called("请＠ａｒｉａ看一下"), ["ARIA"]);
        assert_eq!(called("@小明你好"), ["小明"]);
        assert_eq!(called("@小明明你好"), ["小明明"]);
        assert_eq!(called("@所有人看@小明@小明明"), ["小明", "小明明", "all"]);
        assert_eq!(called("@🐱x"), ["🐱"]);
    }

    #[test]
    fn names_are_found_however_they_are_composed() {
        assert_eq!(called("@e\u{301}lan"), ["Élan"]);
        assert_eq!(called("@οδος @οδοσ"), ["ΟΔΟΣ"]);
        assert!(called("@ARIA\u{301}").is_empty(), "that is another letter");
    }

    #[test]
    fn in_code_nobody_is_called() {
        for text in [
            "`@HKH`",
            "run `a @HKH b` now",
            "``a ` @HKH``",
            "```\n@HKH\n```",
            "text\n~~~sh\n@HKH\n\n@all",
            "`a\n@HKH`",
        ] {
            assert!(called(text).is_empty(), "{text}");
        }
        for text in ["` @HKH", "`a` @HKH `b`", "```\nx\n```\n@HKH", "`a\n\n@HKH`", r"\`@HKH`"] {
            assert_eq!(called(text), ["HKH"], "{text}");
        }
    }

    #[test]
    fn fyi_names_without_calling() {
        let found = find("FYI @HKH @aria, @Mikasa please; 请fyi @小明", &team());
        assert_eq!(found.wire(), ["Mikasa"]);
        assert_eq!(found.fyi, ["HKH", "ARIA", "小明"].map(|name| name.parse().unwrap()));
        assert!(called("fyi @all").is_empty());
        assert_eq!(called("notfyi @HKH"), ["HKH"]);
        assert_eq!(called("fyi\n@HKH"), ["HKH"]);
        let both = find("fyi @HKH: done. @HKH thanks", &team());
        assert_eq!((both.wire(), both.fyi), (vec!["HKH".to_owned()], vec![]));
    }

    #[test]
    fn one_of_a_duty_is_nobody_yet() {
        assert!(called("@one:reviewer @one:HKH @reviewer").is_empty());
    }

    proptest! {
        #[test]
        fn only_registered_names_come_out_and_none_twice(
            text in r"([@＠`~ \n\\.a-cHK所有人小明]|@HKH|@小明明|@all|fyi |```|\PC){0,60}"
        ) {
            let found = find(&text, &team());
            let named: Vec<_> = found.names.iter().chain(&found.fyi).collect();
            for (at, name) in named.iter().enumerate() {
                prop_assert!(team().iter().any(|member| member.as_str() == name.as_str()));
                prop_assert!(!named[..at].contains(name));
            }
        }

        #[test]
        fn a_mention_between_chinese_characters_is_found(
            before in "[一-龥ぁ-んァ-ヴ가-힣，。]{0,9}", after in "[一-龥ぁ-んァ-ヴ가-힣，。]{0,9}"
        ) {
            for (sign, name) in [("@", "ARIA"), ("＠", "mikasa"), ("@", "🐱")] {
                let found = find(&format!("{before}{sign}{name}{after}"), &team());
                prop_assert_eq!(&found.names, &[name.parse::<ShortName>().unwrap()]);
            }
        }

        #[test]
        fn whoever_can_be_registered_can_be_called(name in r"\PC{1,12}", after in "[ ,!。]?") {
            let Ok(name) = name.parse::<ShortName>() else { return Ok(()) };
            prop_assume!(!RESERVED.contains(&name.folded()));
            for written in [name.as_str(), name.folded()] {
                let found = find(&format!("@{written}{after}"), [&name]);
                prop_assert_eq!(&found.names[..], std::slice::from_ref(&name), "{}", written);
            }
        }
    }
}
