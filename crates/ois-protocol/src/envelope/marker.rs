//! Words in brackets that say something about the text in which they stand.

/// A marker inside a text, recognised in any case.
///
/// ```
/// use ois_protocol::envelope::Marker;
/// let found = Marker::find("[AUTO] key is [REDACTED]; [action required] [auto]");
/// assert_eq!(found, [Marker::Auto, Marker::Redacted, Marker::ActionRequired]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Marker {
    /// `[REDACTED]`: something secret was left out.
    Redacted,
    /// `[PENDING]`: something is not decided or not done yet.
    Pending,
    /// `[ACTION REQUIRED]`: a person has to act.
    ActionRequired,
    /// `[AUTO]`: a program wrote the text.
    Auto,
}

impl Marker {
    /// Every marker that the format knows.
    pub const ALL: [Self; 4] = [Self::Redacted, Self::Pending, Self::ActionRequired, Self::Auto];

    /// Returns the marker as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Redacted => "[REDACTED]",
            Self::Pending => "[PENDING]",
            Self::ActionRequired => "[ACTION REQUIRED]",
            Self::Auto => "[AUTO]",
        }
    }

    /// Returns the markers in a text, in the order of their first appearance.
    pub fn find(text: &str) -> Vec<Self> {
        let text = text.to_ascii_uppercase();
        let mut found: Vec<_> = Self::ALL
            .into_iter()
            .filter_map(|marker| Some((text.find(marker.as_str())?, marker)))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, marker)| marker).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_without_brackets_is_no_marker() {
        assert_eq!(Marker::find("auto [ AUTO ] (PENDING)"), []);
        assert_eq!(Marker::find("中[PENDING]文"), [Marker::Pending]);
    }
}
