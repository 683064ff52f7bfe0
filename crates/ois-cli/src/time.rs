//! Durations as people write them.

/// Parses `24h`, `30m`, `90s`, `250ms` or `7d` into milliseconds; for clap's `value_parser`.
///
/// ```
/// assert_eq!(ois_cli::duration_ms("90s"), Ok(90_000));
/// ```
///
/// # Errors
/// Fails with a message for the person who wrote the duration.
pub fn duration_ms(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no time such as 24h, 30m or 90s");
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "d" => 24 * 3600 * 1000,
        "h" => 3600 * 1000,
        "m" => 60 * 1000,
        "s" => 1000,
        "ms" => 1,
        _ => return Err(wrong()),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_ms)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit() {
        assert_eq!(duration_ms("24h"), Ok(86_400_000));
        assert_eq!(duration_ms("90s"), Ok(90_000));
        for wrong in ["", "5", "h", "5 h", "-1s", "99999999999999999999h"] {
            assert!(duration_ms(wrong).is_err(), "{wrong}");
        }
    }
}
