//! Divides the text of a block into parts.

use std::{borrow::Cow, collections::BTreeSet};

use super::{DEEPEST, Part, Reader, address, is_space, is_word};

/// Reads the text of one block.
pub(super) fn read(text: &str, reader: &mut impl Reader) {
    Scan { text, depth: 0, missed: BTreeSet::new(), said: 0, mentioned: 0 }.run(reader);
}

/// The text of a block, or of an emphasis in it.
struct Scan<'t> {
    text: &'t str,
    depth: usize,
    /// The marks that nothing closes, so that a text full of them costs no more than any other.
    missed: BTreeSet<&'t str>,
    /// Up to where the reader was told the words.
    said: usize,
    /// Where the last mention ended.
    mentioned: usize,
}

/// What stands at a special character.
enum Found<'t> {
    /// Plain words up to this offset.
    Plain(usize),
    /// The character behind a backslash, which ends at this offset.
    Escaped(usize),
    /// A part that ends at this offset.
    Part(Part<'t>, usize),
    /// A code span, whose text is a line, and which ends at this offset.
    Code(Cow<'t, str>, usize),
    /// An emphasis around this text, which ends at this offset.
    Emphasis(&'t str, usize),
    /// The sign of a mention.
    Sign,
}

impl<'t> Scan<'t> {
    fn run(&mut self, reader: &mut impl Reader) {
        let (text, mut at) = (self.text, 0);
        while let Some(next) = text[at..].find(SPECIAL) {
            at += next;
            let found = self.found(at);
            if !matches!(found, Found::Plain(_)) {
                self.say(at, reader);
            }
            at = match found {
                Found::Plain(end) => {
                    at = end;
                    continue;
                }
                Found::Escaped(end) => {
                    // The character itself is told with the words that follow.
                    self.said = at + 1;
                    at = end;
                    continue;
                }
                Found::Sign => match reader.mention(text, at, self.mentioned) {
                    Some(length) => {
                        self.mentioned = at + length;
                        self.mentioned
                    }
                    None => {
                        at += text[at..].chars().next().map_or(1, char::len_utf8);
                        continue;
                    }
                },
                Found::Part(part, end) => {
                    reader.part(part);
                    end
                }
                Found::Code(code, end) => {
                    reader.part(Part::Code(&code));
                    end
                }
                Found::Emphasis(inside, end) => {
                    let (depth, missed) = (self.depth + 1, BTreeSet::new());
                    Scan { text: inside, depth, missed, said: 0, mentioned: 0 }.run(reader);
                    end
                }
            };
            self.said = at;
        }
        self.say(text.len(), reader);
    }

    fn say(&mut self, end: usize, reader: &mut impl Reader) {
        if self.said < end {
            reader.part(Part::Words(&self.text[self.said..end]));
        }
        self.said = end;
    }

    fn found(&mut self, at: usize) -> Found<'t> {
        let text = &self.text[at..];
        let part = match text.as_bytes()[0] {
            b'\n' => Some((Part::Break, 1)),
            b'\\' if is_escaped(text) => return Found::Escaped(at + 2),
            b'`' => return self.code(at),
            b'*' | b'_' => return self.emphasis(at),
            b'[' | b'!' => self.link(text),
            b'<' => self.bracketed(text),
            b'h' | b'H' | b'm' | b'M' => self.address(at),
            b'@' => return Found::Sign,
            _ if text.starts_with('＠') => return Found::Sign,
            _ => None,
        };
        match part {
            Some((part, length)) => Found::Part(part, at + length),
            None => Found::Plain(at + 1),
        }
    }

    fn code(&mut self, at: usize) -> Found<'t> {
        let start = at + run(&self.text[at..]);
        match self.code_end(at) {
            Some((close, end)) => {
                let code = &self.text[start..close];
                let line =
                    if code.contains('\n') { code.replace('\n', " ").into() } else { code.into() };
                Found::Code(without_padding(line), end)
            }
            None => Found::Plain(start),
        }
    }

    /// Returns where the code span that begins here is closed, and where the closing run ends: a run of
    /// the same length closes it.
    fn code_end(&mut self, at: usize) -> Option<(usize, usize)> {
        let length = run(&self.text[at..]);
        let mark = &self.text[at..at + length];
        if self.missed.contains(mark) {
            return None;
        }
        let mut from = at + length;
        while let Some(next) = self.text[from..].find('`') {
            let close = from + next;
            let end = close + run(&self.text[close..]);
            if end - close == length {
                return Some((close, end));
            }
            from = end;
        }
        self.missed.insert(mark);
        None
    }

    fn emphasis(&mut self, at: usize) -> Found<'t> {
        let length = run(&self.text[at..]);
        let start = at + length;
        let mark = &self.text[at..start];
        let is_closed_in = mark.starts_with('_') && ends_in_letter(&self.text[..at]);
        let opens =
            self.text[start..].chars().next().is_some_and(|c| !is_space(c)) && !is_closed_in;
        if length > 3 || !opens || self.depth >= DEEPEST || self.missed.contains(mark) {
            return Found::Plain(start);
        }
        match self.closing(start, mark) {
            Some(close) => Found::Emphasis(&self.text[start..close], close + length),
            None => {
                self.missed.insert(mark);
                Found::Plain(start)
            }
        }
    }

    /// Returns where a mark is closed: behind something that is no white space, by a run of the same
    /// length, and not in a code span.
    fn closing(&mut self, start: usize, mark: &str) -> Option<usize> {
        let (text, mut at) = (self.text, start);
        while let Some(next) = text[at..].find(['\\', '`', '*', '_']) {
            at += next;
            match text.as_bytes()[at] {
                b'\\' => at += if is_escaped(&text[at..]) { 2 } else { 1 },
                b'`' => at = self.code_end(at).map_or(at + run(&text[at..]), |(_, end)| end),
                sign => {
                    let end = at + run(&text[at..]);
                    let is_same = mark.as_bytes()[0] == sign && end - at == mark.len();
                    let is_behind =
                        text[start..at].chars().next_back().is_some_and(|c| !is_space(c));
                    let is_inside = sign == b'_' && begins_with_letter(&text[end..]);
                    if is_same && is_behind && !is_inside {
                        return Some(at);
                    }
                    at = end;
                }
            }
        }
        None
    }

    fn link(&self, text: &'t str) -> Option<(Part<'t>, usize)> {
        let link = address::link(text).filter(|_| self.depth < DEEPEST)?;
        Some((Part::Link { label: link.label, target: link.target }, link.length))
    }

    fn bracketed(&mut self, text: &'t str) -> Option<(Part<'t>, usize)> {
        if let Some(inside) = text.strip_prefix(COMMENT) {
            if !self.missed.contains(COMMENT) {
                if let Some(length) = inside.find("-->") {
                    let length = COMMENT.len() + length + 3;
                    return Some((Part::Comment(&text[..length]), length));
                }
                self.missed.insert(COMMENT);
            }
            return None;
        }
        let length = address::in_brackets(&text[1..])?;
        Some((Part::Address(&text[1..=length]), length + 2))
    }

    fn address(&self, at: usize) -> Option<(Part<'t>, usize)> {
        let is_in_word = self.text[..at].chars().next_back().is_some_and(is_word);
        if is_in_word || self.depth >= DEEPEST {
            return None;
        }
        let length = address::in_words(&self.text[at..])?;
        Some((Part::Address(&self.text[at..at + length]), length))
    }
}

/// Returns how often the first character, which is ASCII, stands in a row.
fn run(text: &str) -> usize {
    text.bytes().take_while(|byte| *byte == text.as_bytes()[0]).count()
}

/// Whether the backslash with which the text begins takes the meaning from the character behind it.
fn is_escaped(text: &str) -> bool {
    text.as_bytes().get(1).is_some_and(|byte| ESCAPABLE.contains(byte))
}

fn ends_in_letter(text: &str) -> bool {
    text.chars().next_back().is_some_and(char::is_alphanumeric)
}

fn begins_with_letter(text: &str) -> bool {
    text.chars().next().is_some_and(char::is_alphanumeric)
}

/// Returns the code without one space at either end, which sets it apart from backticks of its own.
fn without_padding(code: Cow<'_, str>) -> Cow<'_, str> {
    let is_padded = code.len() > 2 && code.starts_with(' ') && code.ends_with(' ');
    if is_padded && code.contains(|c| c != ' ') {
        code[1..code.len() - 1].to_owned().into()
    } else {
        code
    }
}

/// The characters at which something may begin.
const SPECIAL: [char; 14] =
    ['\\', '`', '*', '_', '[', '!', '<', '@', '＠', '\n', 'h', 'H', 'm', 'M'];

const ESCAPABLE: &[u8] = b"\\`*_[](){}<>#+-.!|~@";

const COMMENT: &str = "<!--";
