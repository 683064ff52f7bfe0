//! The part of a file that is asked for (RFC 9110, section 14).

/// The part of a file that an answer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    /// The whole file.
    Whole,
    /// The bytes from the first offset up to, but not including, the second.
    Part(u64, u64),
    /// A part that lies outside of the file.
    Outside,
}

impl Range {
    /// Reads the header `Range` for a file of this length in bytes. A text that is not a range, or is
    /// several, is ignored, so that the peer gets the whole file.
    pub(super) fn parse(text: &str, length: u64) -> Self {
        let spec = text.trim().strip_prefix("bytes=").map(str::trim);
        let Some((first, last)) = spec.and_then(|spec| spec.split_once('-')) else {
            return Self::Whole;
        };
        match (number(first), number(last)) {
            (Some(Some(first)), Some(Some(last))) if first > last => Self::Whole,
            (Some(Some(first)), Some(_)) if first >= length => Self::Outside,
            (Some(Some(first)), Some(last)) => {
                Self::Part(first, last.map_or(length, |last| last.saturating_add(1).min(length)))
            }
            (Some(None), Some(Some(0))) => Self::Outside,
            (Some(None), Some(Some(_))) if length == 0 => Self::Outside,
            (Some(None), Some(Some(most))) => Self::Part(length.saturating_sub(most), length),
            _ => Self::Whole,
        }
    }
}

/// A number (`Some(Some)`) or an empty text (`Some(None)`); `None` for anything else.
fn number(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    // A number that does not fit lies behind the end of every file.
    digits.then(|| Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_cut_at_the_end_of_the_file() {
        for (text, part) in [
            ("bytes=2-7", Range::Part(2, 8)),
            ("bytes=2-", Range::Part(2, 10)),
            ("bytes=-3", Range::Part(7, 10)),
            ("bytes=-30", Range::Part(0, 10)),
            ("bytes=9-99999999999999999999", Range::Part(9, 10)),
            ("bytes=0-0", Range::Part(0, 1)),
        ] {
            assert_eq!(Range::parse(text, 10), part, "{text}");
        }
    }

    #[test]
    fn a_part_behind_the_end_is_outside() {
        for text in ["bytes=10-", "bytes=10-12", "bytes=99999999999999999999-", "bytes=-0"] {
            assert_eq!(Range::parse(text, 10), Range::Outside, "{text}");
        }
        assert_eq!(Range::parse("bytes=0-", 0), Range::Outside);
        assert_eq!(Range::parse("bytes=-1", 0), Range::Outside);
    }

    #[test]
    fn what_is_not_one_range_is_everything() {
        for text in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=a-b",
            "lines=1-2",
            "bytes=0-1,3-4",
            "bytes=+1-2",
        ] {
            assert_eq!(Range::parse(text, 10), Range::Whole, "{text}");
        }
    }
}
