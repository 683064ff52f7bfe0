//! Finds addresses and links.

use super::{is_space, is_word};

/// Returns the length of the web or mail address with which the text begins, without the marks that
/// belong to the sentence around it.
pub(super) fn in_words(text: &str) -> Option<usize> {
    let (scheme, length) = whole(text)?;
    let address = &text[..length];
    let count = |sign| address.bytes().filter(|byte| *byte == sign).count();
    let (opened, mut closed, has_bracket) = (count(b'('), count(b')'), address.contains('['));
    let mut end = length;
    for last in address.bytes().rev() {
        match last {
            b'.' | b',' | b';' | b':' | b'!' | b'?' | b'*' | b'_' | b'~' => {}
            b')' if closed > opened => closed -= 1,
            b']' if !has_bracket => {}
            _ => break,
        }
        end -= 1;
    }
    (end > scheme).then_some(end)
}

/// Returns the length of the address with which a text between `<` and `>` begins, if the `>` follows.
pub(super) fn in_brackets(text: &str) -> Option<usize> {
    let (_, length) = whole(text)?;
    text[length..].starts_with('>').then_some(length)
}

/// Returns the lengths of the scheme and of the whole address.
fn whole(text: &str) -> Option<(usize, usize)> {
    let begins = |scheme: &&str| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    let scheme = ["https://", "http://", "mailto:"].into_iter().find(begins)?.len();
    let length = text.find(|c| !is_address(c)).unwrap_or(text.len());
    (length > scheme).then_some((scheme, length))
}

/// Whether an address may hold the character: ASCII without quotes and angle brackets, and letters of
/// scripts that separate words by spaces. In other scripts the sentence goes on behind an address
/// without a space.
fn is_address(c: char) -> bool {
    match c {
        '"' | '\'' | '<' | '>' | '`' => false,
        '!'..='~' => true,
        c => !c.is_ascii() && c < '\u{ff00}' && is_word(c),
    }
}

/// A link in the form `[label](target "title")`; a picture's `!` before it changes nothing.
pub(super) struct Link<'t> {
    pub(super) label: &'t str,
    pub(super) target: &'t str,
    /// How many bytes the link takes.
    pub(super) length: usize,
}

/// Returns the link with which the text begins.
pub(super) fn link(text: &str) -> Option<Link<'_>> {
    let rest = text.strip_prefix('!').unwrap_or(text).strip_prefix('[')?;
    let (label, rest) = take(rest, 500, |c| c != ']' && c != '\n');
    let rest = rest.strip_prefix("](")?.trim_start_matches(is_space);
    let rest = rest.strip_prefix('<').unwrap_or(rest);
    let start = rest;
    let (first, mut rest) = take(start, 2000, is_target);
    if first.is_empty() || label.is_empty() {
        return None;
    }
    if let Some(inner) = rest.strip_prefix('(') {
        let (_, inner) = take(inner, 500, is_target);
        (_, rest) = take(inner.strip_prefix(')')?, 500, is_target);
    }
    let target = &start[..start.len() - rest.len()];
    let rest = rest.strip_prefix('>').unwrap_or(rest);
    let mut tail = rest.trim_start_matches(is_space);
    if tail.len() < rest.len()
        && let Some(title) = tail.strip_prefix('"')
    {
        let (_, behind) = take(title, 300, |c| c != '"' && c != '\n');
        tail = behind.strip_prefix('"')?.trim_start_matches(is_space);
    }
    let tail = tail.strip_prefix(')')?;
    Some(Link { label, target, length: text.len() - tail.len() })
}

fn is_target(c: char) -> bool {
    !is_space(c) && !matches!(c, '<' | '>' | '(' | ')')
}

/// Splits a text behind its first characters that fit, of which there are this many at the most.
fn take(text: &str, most: usize, fits: impl Fn(char) -> bool) -> (&str, &str) {
    let first = text.char_indices().take(most).take_while(|(_, c)| fits(*c));
    text.split_at(first.last().map_or(0, |(at, c)| at + c.len_utf8()))
}
