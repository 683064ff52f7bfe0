//! Writes down how a text is read, so that other readers can be compared with this one.

use super::{begins, roster::Roster};
use crate::{
    markup::{self, Block, Part, Reader},
    member::Member,
};

/// Returns how `text` is read in this team: one line for each block and each part, in order, which
/// begins with what it is. The reader of every door says the same; `specs/texts.json` holds examples.
///
/// ```
/// let lines = ois_protocol::mention::outline("run `ls`", []);
/// assert_eq!(lines, ["paragraph", "words run ", "code ls"]);
/// ```
pub fn outline<'a>(text: &str, team: impl IntoIterator<Item = &'a Member>) -> Vec<String> {
    let roster = Roster::new(team);
    let mut outline = Outline { roster: &roster, lines: Vec::new() };
    markup::read(text, &mut outline);
    outline.lines
}

struct Outline<'r, 'a> {
    roster: &'r Roster<'a>,
    lines: Vec<String>,
}

impl Reader for Outline<'_, '_> {
    fn block(&mut self, block: Block<'_>) {
        self.lines.push(match block {
            Block::Paragraph => "paragraph".to_owned(),
            Block::Heading(level) => format!("heading {level}"),
            Block::Code { language, text } => format!("block {language} {text}"),
            Block::Quote => "quote".to_owned(),
            Block::List => "list".to_owned(),
            Block::Item => "item".to_owned(),
            Block::Rule => "rule".to_owned(),
            Block::Comment(text) => format!("comment {text}"),
        });
    }

    fn part(&mut self, part: Part<'_>) {
        let line = match part {
            Part::Words(words) => {
                // An escaped character divides words, and a reader does not see where.
                match self.lines.last_mut() {
                    Some(last) if last.starts_with("words ") => last.push_str(words),
                    _ => self.lines.push(format!("words {words}")),
                }
                return;
            }
            Part::Break => "break".to_owned(),
            Part::Code(code) => format!("code {code}"),
            Part::Address(address) => format!("address {address}"),
            Part::Link { label, target } => format!("link {label} {target}"),
            Part::Comment(text) => format!("comment {text}"),
        };
        self.lines.push(line);
    }

    fn mention(&mut self, text: &str, at: usize, previous: usize) -> Option<usize> {
        let (_, length) = begins(self.roster, text, at, previous)?;
        self.lines.push(format!("mention {}", &text[at..at + length]));
        Some(length)
    }
}
