//! Finds the parts of a text that are code: spans between backticks and fenced blocks, as the page
//! shows them.

use std::{collections::BTreeMap, ops::Range};

/// Returns the byte ranges of `text` that are code, in order. A fence that is never closed extends
/// to the end of the text. A span must end within its paragraph; otherwise it is no code.
pub(super) fn ranges(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !text.contains(['`', '~']) {
        return found;
    }
    let (mut paragraph, mut fence, mut start) = (0, None, 0);
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        match fence {
            Some((opened, mark)) if closes(line, mark) => {
                found.push(opened..end);
                (fence, paragraph) = (None, end);
            }
            Some(_) => {}
            None => {
                let mark = opens(line);
                if mark.is_some() || line.trim().is_empty() {
                    add_spans(text, paragraph..start, &mut found);
                    paragraph = end;
                }
                fence = mark.map(|mark| (start, mark));
            }
        }
        start = end;
    }
    match fence {
        Some((opened, _)) => found.push(opened..text.len()),
        None => add_spans(text, paragraph..text.len(), &mut found),
    }
    found
}

/// A fence: its character and how many of them stand in a row.
type Mark = (char, usize);

fn mark(line: &str) -> Option<(Mark, &str)> {
    let line = line.trim();
    let sign = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let rest = line.trim_start_matches(sign);
    let length = line.len() - rest.len();
    (length >= 3).then_some(((sign, length), rest))
}

fn opens(line: &str) -> Option<Mark> {
    mark(line).filter(|(_, rest)| !rest.contains('`')).map(|(mark, _)| mark)
}

fn closes(line: &str, (sign, length): Mark) -> bool {
    mark(line).is_some_and(|(mark, rest)| mark.0 == sign && mark.1 >= length && rest.is_empty())
}

/// Adds the spans of one paragraph. Each begins with a run of backticks and ends with the next run
/// of the same length. Runs are looked up by length, so that lone runs cost no second reading.
fn add_spans(text: &str, paragraph: Range<usize>, found: &mut Vec<Range<usize>>) {
    let runs = runs(text, paragraph);
    let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, run) in runs.iter().enumerate() {
        by_length.entry(run.len()).or_default().push(at);
    }
    let mut at = 0;
    while let Some(run) = runs.get(at) {
        let start = run.start + usize::from(is_escaped(text, run.start));
        let same = by_length.get(&(run.end - start)).map_or(&[][..], Vec::as_slice);
        let close = same.get(same.partition_point(|other| *other <= at));
        if let Some(close) = close {
            found.push(start..runs[*close].end);
            at = *close;
        }
        at += 1;
    }
}

fn runs(text: &str, paragraph: Range<usize>) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in text[paragraph.clone()].match_indices('`') {
        let at = paragraph.start + at;
        match runs.last_mut() {
            Some(last) if last.end == at => last.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

fn is_escaped(text: &str, at: usize) -> bool {
    text[..at].bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Vec<&str> {
        ranges(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn a_span_ends_with_a_run_of_its_own_length() {
        assert_eq!(code("a `b` c ``d ` e`` f"), ["`b`", "``d ` e``"]);
        assert_eq!(code("a ` b `` c"), [""; 0]);
    }

    #[test]
    fn an_escaped_backtick_opens_nothing_but_closes() {
        assert_eq!(code(r"\`a` b`"), ["` b`"]);
        assert_eq!(code(r"`a\` b`"), [r"`a\`"]);
        assert_eq!(code(r"\\`a`"), ["`a`"]);
    }

    #[test]
    fn a_fence_ends_with_one_at_least_as_long() {
        assert_eq!(code("````\na\n```\nb\n````\n`c`"), ["````\na\n```\nb\n````\n", "`c`"]);
        assert_eq!(code("~~~\n```\n~~~ x\n"), ["~~~\n```\n~~~ x\n"]);
        assert_eq!(code("a\n```rust\nb"), ["```rust\nb"]);
    }

    #[test]
    fn a_span_does_not_reach_beyond_its_paragraph() {
        assert_eq!(code("a ` b\n\nc ` d"), [""; 0]);
        assert_eq!(code("a ` b\r\n \r\nc ` d"), [""; 0]);
    }
}
