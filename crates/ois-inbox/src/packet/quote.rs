//! Somebody's words as lines and names that cannot leave their place.

use super::marks::disarm;

/// A text as lines that each begin with `| `, in at the most `most` bytes (but at least one line).
/// What does not fit is cut off and counted in a line of the frame.
pub(super) fn block(text: &str, most: usize) -> String {
    let mut quoted = String::new();
    let mut taken = 0;
    for line in text_lines(text) {
        // Longer than what may come out can only be read for nothing.
        let start = &line[..floor(line, most.saturating_mul(4))];
        let clean = disarm(start);
        let used = quoted.len() + PREFIX.len() + 1 + CUT_BYTES;
        if used + clean.len() > most || start.len() < line.len() {
            let part = &clean[..floor(&clean, most.saturating_sub(used))];
            if !part.is_empty() || quoted.is_empty() {
                push(&mut quoted, part);
            }
            let left = text.len().saturating_sub(taken + part.len());
            quoted.push_str(&format!("+ cut here, about {left} bytes more\n"));
            return quoted;
        }
        push(&mut quoted, &clean);
        taken += line.len() + 1;
    }
    quoted
}

/// Somebody's name for something, for a place between `«` and `»`: one line of at most 64
/// characters.
pub(super) fn name(text: &str) -> String {
    inline(text, NAME_CHARS)
}

/// A text as a part of a line, between `«` and `»`, of at most so many characters.
pub(super) fn inline(text: &str, most_chars: usize) -> String {
    let head: String = text.chars().take(most_chars.saturating_mul(4)).collect();
    let words: Vec<&str> = text_lines(&head).collect();
    let clean = disarm(words.join(" ").trim()).replace(['«', '»'], "\"");
    match clean.chars().count() {
        0 => "?".to_owned(),
        count if count > most_chars => clean.chars().take(most_chars).chain(['…']).collect(),
        _ => clean,
    }
}

/// The lines of a text, by every character that any reader takes for the end of one; `\r\n` is one
/// end. A text that ends with a line break has no empty last line.
pub(super) fn text_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(at) = text.find(LINE_ENDS) else {
            rest = None;
            return Some(text);
        };
        let end = text[at..].chars().next().map_or(0, char::len_utf8);
        let end = if text[at..].starts_with("\r\n") { 2 } else { end };
        let after = &text[at + end..];
        rest = (!after.is_empty()).then_some(after);
        Some(&text[..at])
    })
}

fn push(quoted: &mut String, line: &str) {
    quoted.push_str(PREFIX);
    quoted.push_str(line);
    quoted.push('\n');
}

/// The greatest end of a character that is not behind `most` bytes.
fn floor(text: &str, most: usize) -> usize {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

/// LF, VT, FF, CR, NEL and the two separators of Unicode.
pub(super) const LINE_ENDS: [char; 7] =
    ['\n', '\u{b}', '\u{c}', '\r', '\u{85}', '\u{2028}', '\u{2029}'];
/// What every line of somebody's text begins with, and no line of the frame.
const PREFIX: &str = "| ";
/// For the line that says what is cut off.
const CUT_BYTES: usize = 48;
const NAME_CHARS: usize = 64;
