//! One line of a day's log: how headings, rules and text are told apart.

/// Parses `## HH:MM - Name` into hour, minute and name. Seconds, an hour of one digit, and a dash
/// instead of the hyphen are accepted.
pub(super) fn heading(line: &str) -> Option<(u8, u8, &str)> {
    let (time, user) = line.strip_prefix("## ")?.split_once(['-', '–', '—'])?;
    let mut parts = time.trim().split(':');
    let hour = number(parts.next()?, 1, 23)?;
    let minute = number(parts.next()?, 2, 59)?;
    if let Some(second) = parts.next() {
        number(second, 2, 59)?;
    }
    let user = user.trim();
    (parts.next().is_none() && !user.is_empty()).then_some((hour, minute, user))
}

/// Whether a line is a rule, that is, three hyphens or more.
pub(super) fn is_rule(line: &str) -> bool {
    let line = line.trim_end();
    line.len() >= 3 && line.bytes().all(|b| b == b'-')
}

/// Returns the prefix that keeps a line of text from being read as a heading or a rule: a backslash
/// or nothing.
pub(super) fn escape(line: &str) -> &'static str {
    if is_markup(line.trim_start_matches('\\')) { "\\" } else { "" }
}

/// Returns a line of text as it was before [`escape`] prefixed it.
pub(super) fn unescaped(line: &str) -> &str {
    match line.strip_prefix('\\') {
        Some(rest) if is_markup(rest.trim_start_matches('\\')) => rest,
        _ => line,
    }
}

fn is_markup(line: &str) -> bool {
    is_rule(line) || heading(line).is_some()
}

fn number(digits: &str, least_digits: usize, most: u8) -> Option<u8> {
    let fits = (least_digits..=2).contains(&digits.len());
    let plain = fits && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok())?.filter(|number| *number <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_has_a_time_a_dash_and_a_name() {
        assert_eq!(heading("## 12:34 - HKH 🐱"), Some((12, 34, "HKH 🐱")));
        assert_eq!(heading("##  9:05:59–a - b "), Some((9, 5, "a - b")));
        for line in ["## 24:00 - A", "## 12:60 - A", "## 12:5 - A", "## 12:30 A", "## 12:30 -"] {
            assert_eq!(heading(line), None, "{line}");
        }
        for line in ["## Plan - A", " ## 12:30 - A", "### 12:30 - A", "## +1:30 - A", "##12:30 - A"]
        {
            assert_eq!(heading(line), None, "{line}");
        }
    }

    #[test]
    fn a_rule_is_hyphens_only() {
        assert!(is_rule("---") && is_rule("----- "));
        assert!(!is_rule("--") && !is_rule(" ---") && !is_rule("--- x") && !is_rule("***"));
    }
}
