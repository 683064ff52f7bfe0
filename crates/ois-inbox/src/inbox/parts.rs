//! An answer that is too long for one message, in several.

use std::ops::Range;

use ois_protocol::mention::code_ranges;

/// A text as the messages in which it is said: one if it is at the most `most` bytes long, else several,
/// each of which begins with its number. What is code stays code in every part, so that a name in it
/// calls nobody. Beyond [`PARTS_MOST`] the last part says how much is left out.
pub(super) fn parts(text: &str, most: usize) -> Vec<String> {
    if fitting(text, most) == text.len() {
        return vec![text.to_owned()];
    }
    let code = code_ranges(text);
    let room = most.saturating_sub(EXTRA_BYTES).max(LEAST_BYTES);
    let (mut start, mut opening) = (0, String::new());
    let mut pieces = Vec::new();
    while start < text.len() && pieces.len() < PARTS_MOST {
        let end = cut(text, start, room, &code);
        let fence = open_code(&code, end).map(|range| Fence::of(&text[range]));
        let (closing, next) = fence.map_or_else(Default::default, Fence::split);
        pieces.push(format!("{opening}{}{closing}", &text[start..end]));
        (start, opening) = (end, next);
    }
    let left = text.len() - start;
    if let Some(last) = pieces.last_mut().filter(|_| left > 0) {
        last.push_str(&format!("\n[{left} more bytes of the answer are left out.]"));
    }
    let of = pieces.len();
    pieces
        .into_iter()
        .zip(1..)
        .map(|(piece, part)| format!("[Part {part} of {of}]\n{piece}"))
        .collect()
}

/// Where the part that begins at `start` ends: behind a line outside code if there is one in its second
/// half, else behind a line or a word, else between two characters.
fn cut(text: &str, start: usize, room: usize, code: &[Range<usize>]) -> usize {
    let rest = &text[start..];
    let most = fitting(rest, room);
    if most == rest.len() {
        return text.len();
    }
    let window = &rest[..most];
    let is_code = |at: usize| code.iter().any(|range| range.start < at && at < range.end);
    let half = most / 2;
    let lines = || window.rmatch_indices('\n').map(|(at, _)| at + 1).take_while(|at| *at > half);
    let word = || window.rfind(char::is_whitespace).filter(|at| *at > half);
    let end = lines().find(|at| !is_code(start + at)).or_else(|| lines().next()).or_else(word);
    let end = start + end.unwrap_or(most);
    // Never between the backticks that open a piece of code.
    let opened = open_code(code, end).filter(|range| {
        range.start > start && end < range.start + Fence::of(&text[range.clone()]).opening_bytes
    });
    opened.map_or(end, |range| range.start)
}

/// The piece of code in the middle of which `end` stands.
fn open_code(code: &[Range<usize>], end: usize) -> Option<Range<usize>> {
    code.iter().find(|range| range.start < end && end < range.end).cloned()
}

/// How a piece of code begins.
struct Fence<'a> {
    /// Its backticks or tildes.
    mark: &'a str,
    /// How long it is up to their end.
    opening_bytes: usize,
    /// Whether it is a block of lines.
    is_block: bool,
}

impl<'a> Fence<'a> {
    fn of(code: &'a str) -> Self {
        let bare = code.trim_start();
        let sign = bare.chars().next().unwrap_or('`');
        let behind = bare.trim_start_matches(sign);
        let mark = &bare[..bare.len() - behind.len()];
        let line = behind.lines().next().unwrap_or_default();
        let opening_bytes = code.len() - behind.len();
        Self { mark, opening_bytes, is_block: mark.len() >= 3 && !line.contains('`') }
    }

    /// What closes it at the end of a part, and what opens it again in the next one.
    fn split(self) -> (String, String) {
        if self.mark.len() > MARK_MOST {
            return (String::new(), String::new());
        }
        let mark = self.mark;
        if self.is_block {
            return (format!("\n{mark}"), format!("{mark}\n"));
        }
        (mark.to_owned(), mark.to_owned())
    }
}

/// How many bytes of a text fit into a message: at the most `most`, and no more than a frame of JSON
/// takes.
fn fitting(text: &str, most: usize) -> usize {
    let (mut bytes, mut escaped) = (0, 0);
    for c in text.chars() {
        escaped += match c {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            c if c < ' ' => 6,
            c => c.len_utf8(),
        };
        if bytes + c.len_utf8() > most || escaped > ESCAPED_MOST {
            break;
        }
        bytes += c.len_utf8();
    }
    bytes
}

/// Beyond so many parts an answer is a flood.
const PARTS_MOST: usize = 64;
/// A text of this many bytes, as JSON writes it, fits into a frame of 1 MiB with all that goes along.
const ESCAPED_MOST: usize = 1_000_000;
/// For a part's number, what closes and opens code, and how much is left out.
const EXTRA_BYTES: usize = 3 * MARK_MOST + 128;
/// So much of the text stands in every part, however little is allowed.
const LEAST_BYTES: usize = 64;
/// A longer mark of code is not closed and opened again.
const MARK_MOST: usize = 64;

#[cfg(test)]
mod tests {
    use ois_protocol::{Kind, Member, Role, mention};
    use proptest::prelude::*;

    use super::*;

    fn without_number(part: &str) -> &str {
        part.split_once('\n').unwrap().1
    }

    fn calls_somebody(text: &str) -> bool {
        let team = [Member::new("ARIA".parse().unwrap(), Kind::Agent, Role::Agent)];
        let found = mention::find(text, &team);
        !found.names.is_empty() || found.all
    }

    #[test]
    fn what_fits_is_said_whole() {
        assert_eq!(parts("hello", 5), ["hello"]);
        let text = "早".repeat(1000);
        assert_eq!(parts(&text, 3000), [text]);
    }

    #[test]
    fn longer_texts_come_in_numbered_parts_that_end_behind_lines() {
        let text = "a line of the answer\n".repeat(200);
        let parts = parts(&text, 2000);
        assert!(parts.len() > 2 && parts.iter().all(|part| part.len() <= 2000));
        for (at, part) in parts.iter().enumerate() {
            assert!(part.starts_with(&format!("[Part {} of {}]\n", at + 1, parts.len())));
            assert!(part.ends_with('\n'));
        }
        assert_eq!(parts.iter().map(|part| without_number(part)).collect::<String>(), text);
    }

    #[test]
    fn a_name_in_code_calls_nobody_in_any_part() {
        let block = format!("```text\n{}```\n", "@ARIA is in code\n".repeat(200));
        let span = format!("so `{}`", "@ARIA ".repeat(400));
        for text in [block, span] {
            assert!(!calls_somebody(&text));
            let parts = parts(&text, 1500);
            assert!(parts.len() > 1);
            for part in parts {
                assert!(!calls_somebody(&part), "{part}");
            }
        }
    }

    #[test]
    fn a_text_that_json_makes_long_is_cut_sooner() {
        let text = "\u{1}".repeat(250_000);
        let parts = parts(&text, 256 << 10);
        assert!(parts.len() > 1);
        for part in parts {
            assert!(serde_json::to_string(&part).unwrap().len() < (1 << 20) - 4096);
        }
    }

    #[test]
    fn a_flood_ends_and_says_how_much_is_left_out() {
        let text = "x".repeat(1 << 20);
        let parts = parts(&text, 2000);
        assert_eq!(parts.len(), PARTS_MOST);
        assert!(parts[PARTS_MOST - 1].ends_with("more bytes of the answer are left out.]"));
        assert!(parts.iter().all(|part| part.len() <= 2000));
    }

    proptest! {
        #[test]
        fn nothing_of_a_plain_text_is_lost(text in "[a-z@ \n早]{0,3000}", most in 500_usize..900) {
            let parts = parts(&text, most);
            prop_assert!(parts.iter().all(|part| part.len() <= most));
            if parts.len() == 1 {
                prop_assert_eq!(&parts[0], &text);
            } else {
                let whole: String = parts.iter().map(|part| without_number(part)).collect();
                prop_assert_eq!(whole, text);
            }
        }

        #[test]
        fn parts_of_any_text_are_short_enough(text in "(`{1,4}|~~~|\n|@ARIA|x){0,400}", most in 500_usize..900) {
            for part in parts(&text, most) {
                prop_assert!(part.len() <= most, "{}", part.len());
            }
        }
    }
}
