//! Reads the markup of a text as the page shows it: blocks, code, addresses, links, comments, and the
//! places at which a member may be mentioned.
//!
//! The grammar stands in `specs/message-format.md` ("Markup"). It is Markdown as people write it in a
//! chat, and smaller than CommonMark. The page has the same reader in JavaScript
//! (`ois-http/web/markdown.js`); the cases in `specs/texts.json` hold for both, and a generator compares
//! the two on random texts.
//!
//! A [`Reader`] is told each part in the order of the text. The work grows with the text's length, and
//! nesting is bounded, because texts come from others.

mod address;
mod block;
mod inline;

/// Takes the parts of a text, in their order.
pub(crate) trait Reader {
    /// A block begins.
    fn block(&mut self, block: Block<'_>);

    /// A part of the present block follows.
    fn part(&mut self, part: Part<'_>);

    /// Returns how many bytes a mention takes whose sign stands at this offset, if one does. The text is
    /// what surrounds the sign within the same emphasis; `previous` is where the mention before it ends
    /// there, or 0.
    fn mention(&mut self, text: &str, at: usize, previous: usize) -> Option<usize>;
}

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Block<'t> {
    /// Lines of text.
    Paragraph,
    /// One line behind one to six `#`, which is the level.
    Heading(usize),
    /// Lines between fences, with the word behind the first one.
    Code {
        /// The language that the first fence names; empty if it names none.
        language: &'t str,
        /// The lines between the fences.
        text: &'t str,
    },
    /// Lines behind `>`. What they hold is not read: nobody is mentioned in it.
    Quote,
    /// A list; its items follow.
    List,
    /// An item of the list.
    Item,
    /// A line across.
    Rule,
    /// An HTML comment of several lines.
    Comment(&'t str),
}

/// A part of a paragraph, a heading or an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'t> {
    /// Plain words, also those of an emphasis.
    Words(&'t str),
    /// The end of a line inside a block.
    Break,
    /// A span between backticks, without them.
    Code(&'t str),
    /// A web or mail address that stands in the text by itself.
    Address(&'t str),
    /// `[label](target)`.
    Link {
        /// The words that are shown.
        label: &'t str,
        /// The address behind them, of any kind.
        target: &'t str,
    },
    /// An HTML comment, with its marks.
    Comment(&'t str),
}

/// Reads a text. Lines end with a line feed, a carriage return, or both.
pub(crate) fn read(text: &str, reader: &mut impl Reader) {
    if text.contains('\r') {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        block::read(text.split('\n').collect(), 0, reader);
    } else {
        block::read(text.split('\n').collect(), 0, reader);
    }
}

/// How deep blocks and emphasis may be nested; what is deeper is plain text.
const DEEPEST: usize = 6;

/// Whether a character makes a word longer: a digit, an underscore, or a letter of a script that
/// separates words by spaces (Latin, Greek and Cyrillic with their extensions, and the full-width
/// forms).
pub(crate) fn is_word(c: char) -> bool {
    match c {
        '_' | '0'..='9' | '０'..='９' => true,
        '\0'..='\u{52f}'
        | '\u{1c80}'..='\u{1fff}'
        | '\u{2c60}'..='\u{2c7f}'
        | '\u{a640}'..='\u{a69f}'
        | '\u{a720}'..='\u{a7ff}'
        | '\u{ab30}'..='\u{ab6f}'
        | '\u{ff21}'..='\u{ff5a}' => c.is_alphabetic(),
        _ => false,
    }
}

/// Whether a character is white space to JavaScript's `\s`, which the page's reader uses.
fn is_space(c: char) -> bool {
    c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}')
}
