//! Divides lines into blocks.

use super::{Block, DEEPEST, Reader, inline, is_space};

/// Reads lines that stand this deep inside others.
pub(super) fn read(mut lines: Vec<&str>, depth: usize, reader: &mut impl Reader) {
    let (mut paragraph, mut at) = (Vec::new(), 0);
    let mut comments = Comments { may_close: true };
    while let Some(line) = lines.get(at).copied() {
        let found = (depth < DEEPEST).then(|| begins(line, !paragraph.is_empty())).flatten();
        let found =
            found.filter(|found| !matches!(found, Begins::Comment) || comments.close(&lines, at));
        let Some(found) = found else {
            if line.chars().all(is_space) {
                flush(&mut paragraph, reader);
            } else {
                paragraph.push(line);
            }
            at += 1;
            continue;
        };
        flush(&mut paragraph, reader);
        at = match found {
            Begins::Fence(mark) => code(&lines, at, &mark, reader),
            Begins::Heading { level, text } => {
                reader.block(Block::Heading(level));
                inline::read(text, reader);
                at + 1
            }
            Begins::Quote => {
                reader.block(Block::Quote);
                at + lines[at..].iter().take_while(|line| is_quoted(line)).count()
            }
            Begins::Rule => {
                reader.block(Block::Rule);
                at + 1
            }
            Begins::Item(marker) => list(&lines, at, depth, marker.is_ordered, reader),
            Begins::Comment => comment(&mut lines, at, reader),
        };
    }
    flush(&mut paragraph, reader);
}

/// What begins with a line.
enum Begins<'t> {
    Fence(Fence<'t>),
    Heading { level: usize, text: &'t str },
    Quote,
    Rule,
    Item(Marker<'t>),
    Comment,
}

fn begins(line: &str, in_paragraph: bool) -> Option<Begins<'_>> {
    let text = unindented(line)?;
    match text.as_bytes().first()? {
        b'`' | b'~' => fence(line).map(Begins::Fence),
        b'#' => heading(text),
        b'>' => Some(Begins::Quote),
        b'<' => opens_comment(text).then_some(Begins::Comment),
        _ if is_rule(line) => Some(Begins::Rule),
        _ => {
            // In the middle of a paragraph a number is no list, unless it is 1.
            let marker = marker(line)?;
            (!in_paragraph || !marker.is_ordered || marker.number == 1)
                .then_some(Begins::Item(marker))
        }
    }
}

/// Returns a line without the spaces before it, if there are three at the most.
fn unindented(line: &str) -> Option<&str> {
    let text = line.trim_start_matches(' ');
    (line.len() - text.len() <= 3).then_some(text)
}

fn flush(paragraph: &mut Vec<&str>, reader: &mut impl Reader) {
    if !paragraph.is_empty() {
        reader.block(Block::Paragraph);
        inline::read(&paragraph.join("\n"), reader);
        paragraph.clear();
    }
}

/// A line of three or more backticks or tildes.
struct Fence<'t> {
    sign: char,
    length: usize,
    /// What stands behind the signs, without white space around it.
    info: &'t str,
}

fn fence(line: &str) -> Option<Fence<'_>> {
    let text = unindented(line)?;
    let sign = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let info = text.trim_start_matches(sign);
    let length = text.len() - info.len();
    (length >= 3 && !info.contains('`')).then(|| Fence {
        sign,
        length,
        info: info.trim_matches(is_space),
    })
}

/// Reads a fenced block, which ends with the lines if nothing closes it.
fn code(lines: &[&str], at: usize, open: &Fence<'_>, reader: &mut impl Reader) -> usize {
    let closes = |line: &&str| {
        fence(line).is_some_and(|close| {
            close.sign == open.sign && close.length >= open.length && close.info.is_empty()
        })
    };
    let body = &lines[at + 1..];
    let length = body.iter().position(closes).unwrap_or(body.len());
    let language = open.info.split(is_space).next().unwrap_or_default();
    reader.block(Block::Code { language, text: &body[..length].join("\n") });
    at + length + 2
}

fn heading(text: &str) -> Option<Begins<'_>> {
    let rest = text.trim_start_matches('#');
    let level = text.len() - rest.len();
    let body = rest.trim_start_matches(is_space);
    if level > 6 || body.len() == rest.len() {
        return None;
    }
    // Signs that close a heading stand behind white space.
    let end = body.trim_end_matches(is_space);
    let bare = end.trim_end_matches('#');
    let closed = bare.len() < end.len() && bare.ends_with(is_space);
    Some(Begins::Heading {
        level,
        text: if closed { bare.trim_end_matches(is_space) } else { body },
    })
}

fn is_quoted(line: &str) -> bool {
    unindented(line).is_some_and(|text| text.starts_with('>'))
}

fn is_rule(line: &str) -> bool {
    let text = unindented(line).unwrap_or_default().trim_end_matches(is_space);
    let sign = text.chars().next().filter(|c| matches!(c, '-' | '*' | '_'));
    sign.is_some_and(|sign| text.len() >= 3 && text.chars().all(|c| c == sign))
}

/// The mark of a list's item.
struct Marker<'t> {
    is_ordered: bool,
    number: u32,
    /// The text behind the mark.
    text: &'t str,
}

fn marker(line: &str) -> Option<Marker<'_>> {
    let text = unindented(line)?;
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (is_ordered, rest) = match digits {
        0 => (false, text.strip_prefix(['-', '*', '+'])?),
        1..=9 => (true, text[digits..].strip_prefix(['.', ')'])?),
        _ => return None,
    };
    let body = rest.trim_start_matches(is_space);
    let number = text[..digits].parse().unwrap_or_default();
    let is_item = body.len() < rest.len() && !body.is_empty();
    is_item.then_some(Marker { is_ordered, number, text: body })
}

fn list(
    lines: &[&str],
    mut at: usize,
    depth: usize,
    is_ordered: bool,
    reader: &mut impl Reader,
) -> usize {
    reader.block(Block::List);
    while let Some(item) = lines.get(at).filter(|line| !is_rule(line)).and_then(|line| marker(line))
        && item.is_ordered == is_ordered
    {
        let mut body = vec![item.text];
        at += 1;
        while belongs(lines, at) {
            body.push(outdented(lines[at]));
            at += 1;
        }
        reader.block(Block::Item);
        read(body, depth + 1, reader);
    }
    at
}

/// Whether a line goes on with the item above it: it is indented, or blank before an indented one.
fn belongs(lines: &[&str], at: usize) -> bool {
    let is_indented = |line: &str| line.starts_with('\t') || line.starts_with("  ");
    match lines.get(at) {
        None => false,
        Some(line) if line.chars().all(is_space) => lines.get(at + 1).is_some_and(|next| {
            let text = match next.strip_prefix('\t') {
                Some(text) => text,
                None if next.starts_with("  ") => next.trim_start_matches(' '),
                None => return false,
            };
            text.chars().next().is_some_and(|c| !is_space(c))
        }),
        Some(line) => is_indented(line),
    }
}

/// Returns a line without one tab or up to four spaces before it.
fn outdented(line: &str) -> &str {
    if let Some(text) = line.strip_prefix('\t') {
        return text;
    }
    let spaces = line.bytes().take(4).take_while(|byte| *byte == b' ').count();
    &line[spaces..]
}

/// Whether the comments of several lines that follow can be closed, so that a text of openings costs no
/// more than any other.
struct Comments {
    may_close: bool,
}

impl Comments {
    fn close(&mut self, lines: &[&str], at: usize) -> bool {
        self.may_close = self.may_close && lines[at + 1..].iter().any(|line| line.contains("-->"));
        self.may_close
    }
}

/// Whether a line opens an HTML comment and does not close it.
fn opens_comment(text: &str) -> bool {
    text.starts_with("<!--") && !text.contains("-->")
}

/// Reads a comment that a later line closes. What stands behind its end is read as a line.
fn comment(lines: &mut [&str], at: usize, reader: &mut impl Reader) -> usize {
    let length = lines[at + 1..].iter().position(|line| line.contains("-->")).unwrap_or_default();
    let last = at + 1 + length;
    let end = lines[last].find("-->").map_or(lines[last].len(), |end| end + 3);
    let (inside, behind) = lines[last].split_at(end);
    let text = [&lines[at..last], &[inside]].concat().join("\n");
    reader.block(Block::Comment(&text));
    lines[last] = behind;
    last
}
