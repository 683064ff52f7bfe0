//! The day's log, `chat/YYYY-MM-DD.md`, which people and agents read: writing it and parsing it.
//!
//! ```text
//! # 2026-02-06 Chat Log
//!
//! ## 12:34 - HKH 🐱
//!
//! one line
//! or more
//!
//! ---
//! ```
//!
//! A line of text that would be read as a heading or a rule is written with a leading backslash and
//! read back without it. Reading is tolerant, because the files were also written by older programs
//! and by hand: it accepts a hyphen or a dash, CRLF, a byte order mark, a missing blank line, lines
//! before the first heading, and a missing rule at the end. An entry ends only where the next one
//! begins, so a rule inside a text stays.
//!
//! Some things are not kept, and [`kept`] treats texts that differ only in them as equal: carriage
//! returns (they become line feeds), blank lines at the end of a text, and line breaks or outer
//! white space in a name.

mod line;

use std::borrow::Cow;

use self::line::{heading, is_rule, unescaped};
use crate::time::{Civil, Timestamp, UtcOffset};

/// One message of a day's log.
///
/// ```
/// use ois_protocol::{UtcOffset, daylog};
/// let entry = &daylog::parse("## 12:34 - Mira\n\nhi\n")[0];
/// let time = entry.time(daylog::day_of("2026-02-06.md").unwrap(), UtcOffset::LEGACY);
/// assert_eq!(time.unwrap().to_string(), "2026-02-06T04:34:00.000Z");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The hour of the message's time, 0 to 23, in the file's zone.
    pub hour: u8,
    /// The minute of the message's time, 0 to 59.
    pub minute: u8,
    /// The display name of the author.
    pub user: String,
    /// What was written. Lines are separated by line feeds, and the last line has none.
    pub text: String,
    /// The line number of the entry's heading in the file, counted from 1.
    pub line: usize,
}

impl Entry {
    /// Returns the start of the entry's minute, given the day of its log and the offset of the zone
    /// in which the log was kept; `None` before 1970.
    pub fn time(&self, day: Civil, offset: UtcOffset) -> Option<Timestamp> {
        let Self { hour, minute, .. } = *self;
        Timestamp::from_civil(Civil { hour, minute, second: 0, ms: 0, ..day }, offset)
    }
}

/// Returns the file name of this day's log, for example `2026-02-06.md`.
pub fn file_name(day: Civil) -> String {
    format!("{}.md", day.date())
}

/// Returns midnight of the day whose log has this file name; `None` if the name is not one of a
/// day's log.
///
/// ```
/// use ois_protocol::daylog;
/// let day = daylog::day_of("2026-02-06.md").unwrap();
/// assert_eq!(daylog::file_name(day), "2026-02-06.md");
/// assert_eq!(daylog::day_of("2026-02-30.md"), None);
/// ```
pub fn day_of(file_name: &str) -> Option<Civil> {
    let midnight = format!("{}T00:00:00Z", file_name.strip_suffix(".md")?);
    Some(midnight.parse::<Timestamp>().ok()?.civil(UtcOffset::UTC))
}

/// Appends the heading with which a day's log begins.
pub fn write_header(log: &mut String, day: Civil) {
    log.push_str("# ");
    log.push_str(&day.date());
    log.push_str(" Chat Log\n\n");
}

/// Appends one message to a log that ends with a line feed.
///
/// ```
/// use ois_protocol::daylog;
/// let day = daylog::day_of("2026-02-06.md").unwrap();
/// let mut log = String::new();
/// daylog::write_header(&mut log, day);
/// daylog::write_entry(&mut log, day, "HKH 🐱", "---");
/// assert_eq!(log, "# 2026-02-06 Chat Log\n\n## 00:00 - HKH 🐱\n\n\\---\n\n---\n\n");
/// assert_eq!(daylog::parse(&log)[0].text, "---");
/// ```
pub fn write_entry(log: &mut String, time: Civil, user: &str, text: &str) {
    log.push_str("## ");
    log.push_str(&time.hour_minute());
    log.push_str(" - ");
    log.push_str(&kept_name(user));
    log.push_str("\n\n");
    for line in kept(text).split('\n') {
        log.push_str(line::escape(line));
        log.push_str(line);
        log.push('\n');
    }
    log.push_str("\n---\n\n");
}

/// Returns a text as it comes back from a log, so that a text that was in a log can be compared
/// with one that was not.
pub fn kept(text: &str) -> Cow<'_, str> {
    match unix_lines(text) {
        Cow::Borrowed(text) => Cow::Borrowed(without_blank_end(text)),
        Cow::Owned(text) => Cow::Owned(without_blank_end(&text).to_owned()),
    }
}

/// Returns a name as it comes back from a log. A name of which nothing would be left becomes `?`.
pub fn kept_name(user: &str) -> Cow<'_, str> {
    if user.contains(['\n', '\r']) {
        return Cow::Owned(kept_name(&user.replace(['\n', '\r'], " ")).into_owned());
    }
    Cow::Borrowed(if user.trim().is_empty() { "?" } else { user.trim() })
}

/// Parses a log. Lines before the first heading are skipped, and nothing else is.
///
/// ```
/// let log = "\u{feff}notes\r\n## 9:05 – Mira\r\nhello\r\n\r\nagain\r\n";
/// let entries = ois_protocol::daylog::parse(log);
/// assert_eq!((entries[0].hour, entries[0].minute), (9, 5));
/// assert_eq!((entries[0].user.as_str(), entries[0].text.as_str()), ("Mira", "hello\n\nagain"));
/// ```
pub fn parse(log: &str) -> Vec<Entry> {
    let log = unix_lines(log.strip_prefix('\u{feff}').unwrap_or(log));
    let mut entries: Vec<Entry> = Vec::new();
    let mut body: Vec<&str> = Vec::new();
    for (at, line) in log.split('\n').enumerate() {
        if let Some((hour, minute, user)) = heading(line) {
            finish(&mut entries, &mut body);
            let user = user.to_owned();
            entries.push(Entry { hour, minute, user, text: String::new(), line: at + 1 });
        } else {
            body.push(line);
        }
    }
    finish(&mut entries, &mut body);
    entries
}

/// Gives the last entry the lines that were read since its heading.
fn finish(entries: &mut [Entry], body: &mut Vec<&str>) {
    if let Some(entry) = entries.last_mut() {
        entry.text = text_of(body);
    }
    body.clear();
}

/// Returns the text between a heading and the next one, without the blank line that begins it and
/// without the blank lines and the rule that end it.
fn text_of(lines: &[&str]) -> String {
    let mut lines = match lines {
        [first, rest @ ..] if first.trim().is_empty() => rest,
        lines => lines,
    };
    lines = without_blank_lines(lines);
    if let [rest @ .., last] = lines
        && is_rule(last)
    {
        lines = without_blank_lines(rest);
    }
    let lines: Vec<&str> = lines.iter().map(|line| unescaped(line)).collect();
    lines.join("\n")
}

fn without_blank_lines<'a, 'b>(lines: &'a [&'b str]) -> &'a [&'b str] {
    let end = lines.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
    &lines[..end]
}

/// Returns the text up to the end of its last line that is not blank.
fn without_blank_end(text: &str) -> &str {
    let Some(last) = text.rfind(|c: char| !c.is_whitespace()) else { return "" };
    let end = text[last..].find('\n').map_or(text.len(), |end| last + end);
    &text[..end]
}

fn unix_lines(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        return Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"));
    }
    Cow::Borrowed(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(messages: &[(&str, &str)]) -> String {
        let day = day_of("2026-02-06.md").unwrap();
        let mut log = String::new();
        write_header(&mut log, day);
        for (user, text) in messages {
            write_entry(&mut log, Civil { hour: 12, minute: 34, ..day }, user, text);
        }
        log
    }

    fn texts(log: &str) -> Vec<String> {
        parse(log).into_iter().map(|entry| entry.text).collect()
    }

    #[test]
    fn an_entry_is_written_as_the_original_wrote_it() {
        let log = "# 2026-02-06 Chat Log\n\n## 12:34 - HKH 🐱\n\na\nb\n\n---\n\n";
        assert_eq!(written(&[("HKH 🐱", "a\nb")]), log);
    }

    #[test]
    fn entries_know_their_line_and_their_time() {
        let entries = parse(&written(&[("HKH 🐱", "a\nb"), ("小明 – x", "")]));
        assert_eq!(entries[0].line, 3);
        assert_eq!(entries[1].line, 10);
        assert_eq!((entries[1].user.as_str(), entries[1].text.as_str()), ("小明 – x", ""));
        let time = entries[0].time(day_of("2026-02-06.md").unwrap(), UtcOffset::LEGACY);
        assert_eq!(time.unwrap().to_string(), "2026-02-06T04:34:00.000Z");
    }

    #[test]
    fn files_from_the_field_are_read() {
        let log = "## 08:00 - A\nno blank line\n## 08:01:30 — B B\n\n\nblank first\n\n\nand within\n\n---\n";
        assert_eq!(texts(log), ["no blank line", "\nblank first\n\n\nand within"]);
        assert_eq!(texts("## 08:00 - A\r\n\r\nx\r\n\r\n---"), ["x"]);
        assert_eq!(texts("## 08:00 - A"), [""]);
        assert_eq!(texts(""), [""; 0]);
        assert_eq!(texts("# 2026-02-06 Chat Log\n\nnobody spoke\n\n---\n"), [""; 0]);
    }

    #[test]
    fn a_rule_inside_an_old_text_does_not_cut_it() {
        assert_eq!(texts("## 08:00 - A\n\nx\n\n---\n\ny\n\n---\n\n"), ["x\n\n---\n\ny"]);
    }

    #[test]
    fn what_looks_like_markup_is_written_with_a_backslash_and_read_without() {
        let text = "---\n## 12:30 - A\n\\---\n\\\\## 1:02 – B\n\\x\n# Title\n## Plan";
        let log = written(&[("A", text)]);
        assert!(
            log.contains("\n\\---\n\\## 12:30 - A\n\\\\---\n\\\\\\## 1:02 – B\n\\x\n# Title\n")
        );
        assert_eq!(texts(&log), [text]);
    }

    #[test]
    fn a_name_cannot_begin_a_line() {
        let entries = parse(&written(&[(" A\n## 01:00 - B ", "x"), (" \r", "y")]));
        let users: Vec<_> = entries.iter().map(|entry| entry.user.as_str()).collect();
        assert_eq!(users, ["A ## 01:00 - B", "?"]);
    }

    proptest! {
        #[test]
        fn what_was_said_comes_back_as_far_as_it_can(
            said in prop::collection::vec(
                (r"\PC{0,12}", r"([\\#\- \t\n\r:0-9]|---|## 12:30 - |\n|.){0,40}"), 0..5)
        ) {
            let said: Vec<_> = said.iter().map(|(u, t)| (u.as_str(), t.as_str())).collect();
            let read: Vec<_> = parse(&written(&said)).into_iter().map(|e| (e.user, e.text)).collect();
            let kept: Vec<_> = said.iter().map(|(u, t)| (kept_name(u).into_owned(), kept(t).into_owned())).collect();
            prop_assert_eq!(read, kept);
        }

        #[test]
        fn keeping_twice_is_keeping_once(text in r"([ \n\r]|.){0,20}") {
            let once = kept(&text);
            prop_assert_eq!(&kept(&once), &once);
        }

        #[test]
        fn anything_can_be_read(log in r"([\\#\- \n\r:0-9]|---|## 12:30 - |.){0,80}") {
            for entry in parse(&log) {
                prop_assert!(entry.hour < 24 && entry.minute < 60 && !entry.user.is_empty());
            }
        }
    }
}
