//! Which characters of a name can be seen, and which are symbols.
//!
//! The sets are ranges, so that the page's reader can have the same ones
//! (`specs/message-format.md`, "Names").

use super::NameError;

/// Whether nobody sees the character where fonts follow Unicode: its property
/// `Default_Ignorable_Code_Point`, the controls that Unicode adds to annotations, and the blank Braille
/// pattern.
pub(super) fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// How many bytes the symbols take with which a text ends.
pub(super) fn trailing_symbols(text: &str) -> usize {
    text.len() - text.trim_end_matches(is_symbol).len()
}

/// Refuses a text with a character that nobody sees. A variation selector may stand behind a symbol, a
/// joiner between two of them, and both are part of the emoji then.
pub(super) fn check_seen(text: &str) -> Result<(), NameError> {
    let chars: Vec<char> = text.chars().collect();
    let is_allowed = |(at, c): (usize, &char)| {
        let before = at.checked_sub(1).map(|before| chars[before]);
        let after = chars.get(at + 1).copied();
        match c {
            '\u{fe0e}' | '\u{fe0f}' => before.is_some_and(is_emoji) || after == Some(KEYCAP),
            '\u{200d}' => {
                before.is_some_and(|c| is_emoji(c) || c == '\u{fe0f}')
                    && after.is_some_and(is_emoji)
            }
            c => !is_unseen(*c),
        }
    };
    if chars.iter().enumerate().all(is_allowed) { Ok(()) } else { Err(NameError::Character) }
}

/// Whether the character may begin or go on an emoji: a symbol, or one of those older characters that
/// are emoji in other blocks.
fn is_emoji(c: char) -> bool {
    is_symbol(c) || matches!(c, '©' | '®' | '‼' | '⁉' | '™' | 'ℹ' | '\u{3030}' | '〽' | '㊗' | '㊙')
}

/// Whether the character is a symbol: the blocks from Arrows to Miscellaneous Symbols and Arrows
/// without Braille, and those of the pictographs.
fn is_symbol(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{27ff}' | '\u{2900}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// The mark that makes a digit and a variation selector a key.
const KEYCAP: char = '\u{20e3}';
