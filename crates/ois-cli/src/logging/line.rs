//! Keeps what comes from outside from writing lines of its own into the log.
//!
//! Names, paths and errors of peers stand in log lines. Line ends and other control characters in
//! them are written as escapes, so that each event stays one line and no terminal obeys it.

use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

/// Writes lines to standard error, each escaped. The subscriber hands over one event at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct EscapedStderr {
    /// Whether the subscriber colours its lines: colours are passed on then.
    pub(super) has_colours: bool,
}

impl MakeWriter<'_> for EscapedStderr {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

impl Write for EscapedStderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        io::stderr().write_all(escape(&text, self.has_colours).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// The line with every control character escaped but the end of the line, and with colours if there
/// are any to be kept.
fn escape(line: &str, has_colours: bool) -> String {
    let (line, end) = match line.strip_suffix('\n') {
        Some(line) => (line, "\n"),
        None => (line, ""),
    };
    let mut escaped = String::with_capacity(line.len() + end.len());
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let colour = if has_colours { colour(rest) } else { 0 };
        let length = colour.max(c.len_utf8());
        if colour == 0 && (c.is_control() || is_format(c)) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push_str(&rest[..length]);
        }
        rest = &rest[length..];
    }
    escaped + end
}

/// The length of the colour code that the text begins with (SGR of ECMA-48); 0 if there is none.
fn colour(text: &str) -> usize {
    let Some(parameters) = text.strip_prefix("\u{1b}[") else { return 0 };
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';');
    end.filter(|end| parameters[*end..].starts_with('m')).map_or(0, |end| end + 3)
}

/// Whether a character ends a line for some readers, or turns the direction of what follows.
fn is_format(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_writes_no_line_of_its_own() {
        let line = "INFO run=x\nERROR all is lost\u{1b}[31m\r\u{202e}\n";
        let escaped = escape(line, false);
        assert_eq!(escaped, "INFO run=x\\nERROR all is lost\\u{1b}[31m\\r\\u{202e}\n");
    }

    #[test]
    fn colours_pass_where_lines_have_them_and_nothing_else_does() {
        let line = "\u{1b}[32m INFO\u{1b}[0m é\u{1b}[2J\u{1b}]0;title\u{7}";
        let escaped = escape(line, true);
        assert_eq!(escaped, "\u{1b}[32m INFO\u{1b}[0m é\\u{1b}[2J\\u{1b}]0;title\\u{7}");
    }
}
