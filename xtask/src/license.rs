//! Whether an SPDX licence expression is satisfied by a list of licences.

use std::iter::Peekable;
use std::vec::IntoIter;

/// Whether the licences of `allowed` satisfy `expression`.
///
/// `OR`, `AND`, `WITH`, parentheses and the old slash are understood; anything else is refused.
pub(crate) fn is_satisfied(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<String> = spaced.split_whitespace().map(str::to_owned).collect();
    let mut words = words.into_iter().peekable();
    any(&mut words, allowed) == Some(true) && words.peek().is_none()
}

type Words = Peekable<IntoIter<String>>;

fn any(words: &mut Words, allowed: &[String]) -> Option<bool> {
    let mut found = every(words, allowed)?;
    while words.next_if_eq("OR").is_some() {
        found |= every(words, allowed)?;
    }
    Some(found)
}

fn every(words: &mut Words, allowed: &[String]) -> Option<bool> {
    let mut found = one(words, allowed)?;
    while words.next_if_eq("AND").is_some() {
        found &= one(words, allowed)?;
    }
    Some(found)
}

fn one(words: &mut Words, allowed: &[String]) -> Option<bool> {
    let word = words.next()?;
    if word == "(" {
        let found = any(words, allowed)?;
        words.next_if_eq(")")?;
        return Some(found);
    }
    let mut licence = word;
    if words.next_if_eq("WITH").is_some() {
        licence = format!("{licence} WITH {}", words.next()?);
    }
    Some(allowed.contains(&licence))
}

#[cfg(test)]
mod tests {
    use super::is_satisfied;

    fn satisfied(expression: &str) -> bool {
        is_satisfied(expression, &["MIT".into(), "Unicode-3.0".into(), "A WITH x".into()])
    }

    #[test]
    fn one_of_several_is_enough_and_all_are_needed_for_and() {
        assert!(satisfied("MIT"));
        assert!(satisfied("Apache-2.0 OR MIT"));
        assert!(satisfied("MIT/Apache-2.0"));
        assert!(satisfied("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!satisfied("MIT AND GPL-3.0"));
        assert!(!satisfied("GPL-3.0 OR MIT AND GPL-2.0"));
    }

    #[test]
    fn an_exception_makes_another_licence() {
        assert!(satisfied("A WITH x"));
        assert!(!satisfied("A"));
        assert!(!satisfied("MIT WITH x"));
    }

    #[test]
    fn what_is_not_understood_satisfies_nothing() {
        for odd in ["", "MIT MIT", "(MIT", "MIT OR", ") MIT"] {
            assert!(!satisfied(odd), "{odd}");
        }
    }
}
