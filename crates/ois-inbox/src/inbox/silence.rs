//! What agents write when they want to say nothing.

use ois_protocol::mention::code_ranges;

/// What of an agent's last words is to be said in the room; `None` if it wants to say nothing.
///
/// The word for silence alone is silence, also in quotation marks, in emphasis or with punctuation. On
/// a line of its own before or after other words it is left out, unless that line is code.
///
/// ```
/// use ois_inbox::spoken;
/// assert_eq!(spoken(" **NO_REPLY**\n"), None);
/// assert_eq!(spoken("The backup ran.\n\nNO_REPLY"), Some("The backup ran."));
/// assert_eq!(spoken("NO_REPLY is what I say"), Some("NO_REPLY is what I say"));
/// ```
pub fn spoken(text: &str) -> Option<&str> {
    let text = text.trim_matches(is_blank);
    if text.is_empty() || (!text.contains('\n') && is_silence(text, is_decoration)) {
        return None;
    }
    let code = code_ranges(text);
    let is_code = |at: usize| code.iter().any(|range| range.contains(&at));
    let is_silent = |line: &str, at: usize| {
        // Within other words, backticks make the word a quotation.
        is_silence(line, |c| c != '`' && is_decoration(c)) && !is_code(at)
    };
    let (mut start, mut end) = (0, text.len());
    loop {
        let rest = text[start..end].trim_start_matches(is_blank);
        start = end - rest.len();
        end = start + rest.trim_end_matches(is_blank).len();
        let rest = &text[start..end];
        let first = rest.find('\n').unwrap_or(rest.len());
        let last = rest.rfind('\n').map_or(0, |at| at + 1);
        if rest.is_empty() {
            return None;
        } else if is_silent(&rest[..first], start) {
            start += first;
        } else if is_silent(&rest[last..], start + last) {
            end = start + last;
        } else {
            return Some(rest);
        }
    }
}

/// Whether a text is one of the words for silence once these characters around it are gone.
fn is_silence(text: &str, is_around: impl Fn(char) -> bool) -> bool {
    let word = text.trim_matches(|c| is_blank(c) || is_around(c));
    SILENCES.iter().any(|silence| word.eq_ignore_ascii_case(silence))
}

/// What agents say instead of nothing.
const SILENCES: [&str; 4] = ["NO_REPLY", "HEARTBEAT_OK", "REPLY_SKIP", "ANNOUNCE_SKIP"];

/// White space, and what nobody sees: a text of these only is empty to whoever looks at it.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Quotation marks, emphasis and punctuation, as they stand around a word.
fn is_decoration(c: char) -> bool {
    c.is_ascii_punctuation()
        || "“”„‟‘’‚‛«»‹›「」『』《》〈〉【】（）。．！？，、；：…·—–＿＊".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_recognised_as_agents_write_it() {
        for text in [
            "",
            " \n\u{200b}",
            "NO_REPLY",
            " no_reply. ",
            "**NO_REPLY**",
            "__NO_REPLY__",
            "_NO_REPLY_!",
            "`NO_REPLY`",
            "\"NO_REPLY\"",
            "“NO_REPLY”",
            "「NO_REPLY」。",
            "> NO_REPLY",
            "[NO_REPLY]",
            "(NO_REPLY)",
            "HEARTBEAT_OK",
            "NO_REPLY\n\n**NO_REPLY**",
            "NO_REPLY\r\n\u{200b}HEARTBEAT_OK",
        ] {
            assert_eq!(spoken(text), None, "{text:?}");
        }
    }

    #[test]
    fn on_a_line_of_its_own_it_is_left_out_and_the_rest_is_said() {
        for (text, said) in [
            ("The backup ran, nothing to do.\n\nNO_REPLY", "The backup ran, nothing to do."),
            ("NO_REPLY\n\nBut see this.", "But see this."),
            ("**NO_REPLY**\r\nHi\r\nNO_REPLY.\r\n", "Hi"),
            ("Hi\nNO_REPLY\nHEARTBEAT_OK", "Hi"),
        ] {
            assert_eq!(spoken(text), Some(said), "{text:?}");
        }
    }

    #[test]
    fn what_speaks_of_silence_is_said_whole() {
        for text in [
            "NO_REPLY is what I say",
            "I say NO_REPLY",
            "one\nNO_REPLY\ntwo",
            "To stay silent, say\n`NO_REPLY`",
            "```\nNO_REPLY\n```",
            "To stay silent, say\n```\nNO_REPLY",
            "NO_REPLY_AT_ALL",
        ] {
            assert_eq!(spoken(text), Some(text), "{text:?}");
        }
    }
}
