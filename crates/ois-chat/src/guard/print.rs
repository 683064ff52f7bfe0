//! What a text says, small enough to be kept with each message and cheap to compare.
//!
//! Two texts are nearly the same if of all the words that stand in either, four fifths stand in both
//! (Jaccard's measure on sets of words). Sets, since a loop shuffles and doubles words; words and not
//! pairs of them, since one other word in a line of five must not hide it; four fifths, since that is
//! one word in five, or one in four more. A text of one to three words must be the same.
//!
//! Words are folded as names are, a run of digits is one sign, a letter of a script without spaces is
//! a word, and neither punctuation, emoji nor whom it calls (`@name`) counts: two agents that thank
//! each other say the same. Texts without any word are the same.
//!
//! Kept are the [`MOST`] smallest hashes of the words: that is the whole text up to so many different
//! words, and a fair sample of a longer one. Of a long text the two ends are read.

use std::collections::BTreeSet;

use ois_protocol::name::fold;
use serde::{Deserialize, Serialize};

use super::hash::Hash;

/// The smallest hashes of a text's words, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Print(Vec<u32>);

impl Print {
    pub(super) fn of(text: &str) -> Self {
        let mut words = Words::default();
        for end in ends(text) {
            if end.is_ascii() {
                end.chars().for_each(|c| words.take(c.to_ascii_lowercase()));
            } else {
                fold(end).chars().for_each(|c| words.take(c));
            }
            words.take(' ');
        }
        Self(words.seen.into_iter().collect())
    }

    pub(super) fn is_nearly(&self, other: &Self) -> bool {
        let whole = self.0.len() < MOST && other.0.len() < MOST;
        let either: BTreeSet<&u32> = self.0.iter().chain(&other.0).collect();
        let either = either.into_iter().take(if whole { usize::MAX } else { MOST });
        let (mut all, mut both) = (0, 0);
        for word in either {
            all += 1;
            both += usize::from(
                self.0.binary_search(word).is_ok() && other.0.binary_search(word).is_ok(),
            );
        }
        both * 5 >= all * 4
    }
}

/// What is read of a text: all of it, or so many bytes of its beginning and of its end.
fn ends(text: &str) -> impl Iterator<Item = &str> {
    let (head, rest) = text.split_at(boundary(text, END));
    let (_, tail) = rest.split_at(boundary(rest, rest.len().saturating_sub(END)));
    [head, tail].into_iter()
}

/// The first boundary between characters at this byte or after it.
fn boundary(text: &str, at: usize) -> usize {
    (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// Gathers the words of a text, one character after the other.
#[derive(Default)]
struct Words {
    /// The smallest hashes so far.
    seen: BTreeSet<u32>,
    word: Option<Hash>,
    /// The last character of the word was a digit.
    in_number: bool,
    /// What comes is a name that is called.
    is_name: bool,
}

impl Words {
    fn take(&mut self, c: char) {
        match c {
            'a'..='z' => self.push(c),
            '-' | '_' | '\'' | '’' if self.word.is_some() => {}
            _ if c.is_numeric() => {
                if !self.in_number {
                    self.push('0');
                }
                self.in_number = true;
            }
            _ if c.is_ascii() || !c.is_alphanumeric() => {
                self.end();
                self.is_name = c == '@';
            }
            _ if is_alone(c) => {
                self.end();
                self.push(c);
                self.end();
            }
            _ => self.push(c),
        }
    }

    fn push(&mut self, c: char) {
        self.in_number = false;
        self.word = Some(self.word.unwrap_or_default().and(c));
    }

    fn end(&mut self) {
        self.in_number = false;
        let Some(word) = self.word.take() else { return };
        if std::mem::take(&mut self.is_name) {
            return;
        }
        self.seen.insert((word.value() >> 32) as u32);
        if self.seen.len() > MOST {
            self.seen.pop_last();
        }
    }
}

/// A letter of a script that puts no spaces between words: Han, kana.
fn is_alone(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
        || matches!(c, '\u{20000}'..='\u{3ffff}')
}

/// How many hashes are kept: an estimate from 32 of them is off by 0.07 (standard error at 0.8).
const MOST: usize = 32;

/// How many bytes are read at either end of a long text.
const END: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        Print::of(one).is_nearly(&Print::of(other))
    }

    #[test]
    fn thanks_are_thanks_whoever_is_thanked() {
        assert!(same("@ARIA Thank you!", "thank you, @HKH 🙏"));
        assert!(same("谢谢@ARIA！", "＠HKH 谢谢"));
        assert!(same("You’re welcome", "YOU'RE WELCOME..."));
        assert!(same("@build-bot ok", "@test-runner ok"));
    }

    #[test]
    fn one_word_in_five_does_not_make_another_text() {
        assert!(same("I will look at it", "I will look at it soon"));
        assert!(same("step 1 of 200 is done", "Step 2 of 200 is done"));
        assert!(!same("I will look", "I will not look"));
        assert!(!same("the build is green", "the build is red"));
        assert!(!same("yes", "no"));
        assert!(!same("构建成功了", "测试失败了"));
    }

    #[test]
    fn nothing_said_is_the_same_as_nothing_said() {
        assert!(same("@ARIA 👍", "@HKH 🎉 …"));
        assert!(!same("👍", "ok"));
    }

    #[test]
    fn a_long_text_is_known_by_a_sample() {
        let text = |from: usize| {
            let words = (from..from + 400).map(|n| format!("w{}", name(n)));
            words.collect::<Vec<String>>().join(" ")
        };
        assert!(same(&text(0), &text(4)));
        assert!(!same(&text(0), &text(200)));
        assert_eq!(Print::of(&text(0)).0.len(), MOST);
    }

    #[test]
    fn both_ends_of_a_very_long_text_are_read() {
        let middle = "é".repeat(100_000);
        assert!(same(&format!("begin {middle} end"), &format!("begin {middle} end")));
        assert!(!same(&format!("a {middle} b"), &format!("c {middle} d")));
    }

    /// Digits are all one, so a counter in letters.
    fn name(n: usize) -> String {
        n.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
    }
}
