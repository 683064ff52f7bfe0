//! Points in time as the wire writes them: RFC 3339 in UTC with milliseconds.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::parsed;

/// Milliseconds since 1970-01-01T00:00:00Z, printed as `2026-02-06T12:34:56.789Z`.
///
/// Times always come in from outside, because no code in this crate reads a clock. Years range from
/// 1970 to 9999.
///
/// ```
/// use ois_protocol::Timestamp;
/// let time: Timestamp = "2026-02-06T20:34:56.789+08:00".parse().unwrap();
/// assert_eq!(time.to_string(), "2026-02-06T12:34:56.789Z");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The last moment that four digits of a year can express: 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// Returns the time this many milliseconds after the epoch, at most [`Timestamp::MAX`].
    pub const fn from_ms(ms: u64) -> Self {
        if ms > Self::MAX.0 { Self::MAX } else { Self(ms) }
    }

    /// Returns the milliseconds since the epoch.
    pub const fn ms(self) -> u64 {
        self.0
    }

    /// Returns the time this many milliseconds later, at most [`Timestamp::MAX`].
    #[must_use]
    pub const fn after_ms(self, ms: u64) -> Self {
        Self::from_ms(self.0.saturating_add(ms))
    }

    /// Returns the milliseconds from `earlier` until this time; 0 if `earlier` is later.
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the day of this moment at a fixed offset from UTC, counted from 1970-01-01.
    pub fn day(self, offset: UtcOffset) -> i64 {
        let seconds = (self.0 / 1000) as i64 + i64::from(offset.minutes) * 60;
        seconds.div_euclid(86_400)
    }

    /// Returns the date and the time of day at this moment, at a fixed offset from UTC.
    pub fn civil(self, offset: UtcOffset) -> Civil {
        let seconds = (self.0 / 1000) as i64 + i64::from(offset.minutes) * 60;
        let (year, month, day) = date_of(seconds.div_euclid(86_400));
        let of_day = seconds.rem_euclid(86_400);
        Civil {
            year,
            month,
            day,
            hour: (of_day / 3600) as u8,
            minute: (of_day / 60 % 60) as u8,
            second: (of_day % 60) as u8,
            ms: (self.0 % 1000) as u16,
        }
    }

    /// Returns the moment at which a calendar at this offset shows `civil`, or `None` before 1970
    /// or if there is no such date or time.
    pub fn from_civil(civil: Civil, offset: UtcOffset) -> Option<Self> {
        let days = days_of(civil.year, civil.month, civil.day)?;
        if civil.hour > 23 || civil.minute > 59 || civil.second > 59 || civil.ms > 999 {
            return None;
        }
        let of_day = i64::from(civil.hour) * 3600 + i64::from(civil.minute) * 60;
        let seconds = days * 86_400 + of_day + i64::from(civil.second);
        let utc = u64::try_from(seconds - i64::from(offset.minutes) * 60).ok()?;
        Some(Self::from_ms(utc * 1000 + u64::from(civil.ms)))
    }
}

impl Timestamp {
    /// Returns the text of the wire. Every message has a time, and `format!` took nearly half of
    /// the time that encoding a message takes.
    fn written(self) -> [u8; 24] {
        let Civil { year, month, day, hour, minute, second, ms } = self.civil(UtcOffset::UTC);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let mut put = |end: usize, digits: usize, mut number: u32| {
            for place in text[end - digits..end].iter_mut().rev() {
                *place = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        put(4, 4, year.unsigned_abs());
        put(7, 2, month.into());
        put(10, 2, day.into());
        put(13, 2, hour.into());
        put(16, 2, minute.into());
        put(19, 2, second.into());
        put(23, 3, ms.into());
        text
    }
}

fn ascii(text: &[u8]) -> &str {
    std::str::from_utf8(text).expect("digits and marks are ASCII")
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ascii(&self.written()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(ascii(&self.written()))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    /// Parses RFC 3339: `T` or a space between date and time, any fraction, and `Z` or an offset.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        parse(text).ok_or(TimeError)
    }
}

/// The error for a text that is no RFC 3339 time between 1970 and 9999.
///
/// ```
/// assert!("yesterday".parse::<ois_protocol::Timestamp>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time between 1970 and 9999")]
pub struct TimeError;

/// A date and a time of day at some offset, as a calendar and a clock show them.
///
/// ```
/// use ois_protocol::{Timestamp, UtcOffset};
/// let civil = Timestamp::from_ms(1_771_200_000_000).civil(UtcOffset::UTC);
/// assert_eq!((civil.date().as_str(), civil.hour_minute().as_str()), ("2026-02-16", "00:00"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Civil {
    /// The year, 1970 to 9999.
    pub year: i32,
    /// The month, 1 to 12.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
    /// The hour of the day, 0 to 23.
    pub hour: u8,
    /// The minute of the hour, 0 to 59.
    pub minute: u8,
    /// The second of the minute, 0 to 59.
    pub second: u8,
    /// The millisecond of the second, 0 to 999.
    pub ms: u16,
}

impl Civil {
    /// Returns the date in the form `2026-02-06`.
    pub fn date(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// Returns the time of day in the form `12:34`.
    pub fn hour_minute(&self) -> String {
        format!("{:02}:{:02}", self.hour, self.minute)
    }
}

/// A fixed distance from UTC in minutes, written `+08:00`. It knows no rules of daylight saving.
///
/// ```
/// let offset: ois_protocol::UtcOffset = "+08:00".parse().unwrap();
/// assert_eq!(offset, ois_protocol::UtcOffset::LEGACY);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UtcOffset {
    minutes: i16,
}

impl UtcOffset {
    /// The offset of UTC itself.
    pub const UTC: Self = Self { minutes: 0 };

    /// The offset in which deployments of the original server wrote their day files: +08:00.
    pub const LEGACY: Self = Self { minutes: 480 };
}

impl FromStr for UtcOffset {
    type Err = TimeError;

    /// Parses `Z`, `+08:00`, `-0530` or `+8`, at most 14 hours (the widest in use).
    fn from_str(text: &str) -> Result<Self, TimeError> {
        if text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("utc") {
            return Ok(Self::UTC);
        }
        let (sign, rest) = match text.as_bytes().first() {
            Some(b'+') => (1, &text[1..]),
            Some(b'-') => (-1, &text[1..]),
            _ => return Err(TimeError),
        };
        let digits: String = rest.chars().filter(|c| *c != ':').collect();
        let number: i16 = match digits.len() {
            1 | 2 => digits.parse::<i16>().map(|hours| hours * 60),
            4 => digits.parse::<i16>().map(|both| both / 100 * 60 + both % 100),
            _ => return Err(TimeError),
        }
        .map_err(|_| TimeError)?;
        if !(0..=14 * 60).contains(&number) || digits.len() == 4 && &digits[2..] > "59" {
            return Err(TimeError);
        }
        Ok(Self { minutes: sign * number })
    }
}

impl fmt::Display for UtcOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minutes < 0 { '-' } else { '+' };
        let minutes = self.minutes.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let number = |range: std::ops::Range<usize>| -> Option<u32> {
        let digits = text.get(range)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let mark = |at: usize, marks: &[u8]| text.as_bytes().get(at).is_some_and(|b| marks.contains(b));
    let marks =
        mark(4, b"-") && mark(7, b"-") && mark(10, b"Tt ") && mark(13, b":") && mark(16, b":");
    if !marks {
        return None;
    }
    let after = text.get(19..)?;
    let fraction = after
        .strip_prefix('.')
        .map_or("", |rest| &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())]);
    let zone = &after[if fraction.is_empty() { 0 } else { fraction.len() + 1 }..];
    if zone.len() != 1 && zone.len() != 6 {
        return None;
    }
    // Digits beyond milliseconds are cut off; missing ones are zeros.
    let digits = fraction.bytes().chain(*b"00").take(3);
    let ms = digits.fold(0, |ms, digit| ms * 10 + u16::from(digit - b'0'));
    let civil = Civil {
        year: number(0..4)? as i32,
        month: number(5..7)? as u8,
        day: number(8..10)? as u8,
        hour: number(11..13)? as u8,
        minute: number(14..16)? as u8,
        second: (number(17..19)? as u8).min(59), // a leap second is its predecessor
        ms,
    };
    Timestamp::from_civil(civil, zone.parse().ok()?)
}

/// Converts days since the epoch into a date of the proleptic Gregorian calendar. Eras of 400 years
/// begin on the 1st of March, so that the leap day is the last of its year.
fn date_of(days: i64) -> (i32, u8, u8) {
    let shifted = days + 719_468; // from 0000-03-01
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month as u8, day as u8)
}

/// Converts a date into days since the epoch; `None` if the calendar has no such date.
fn days_of(year: i32, month: u8, day: u8) -> Option<i64> {
    if !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    let march_year = i64::from(year) - i64::from(month <= 2);
    let march_month = if month > 2 { i64::from(month) - 3 } else { i64::from(month) + 9 };
    let of_year = (153 * march_month + 2) / 5 + i64::from(day) - 1;
    let year_of_era = march_year.rem_euclid(400);
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    let days = march_year.div_euclid(400) * 146_097 + of_era - 719_468;
    (date_of(days) == (year, month, day)).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_written_as_the_old_server_wrote_them() {
        assert_eq!(Timestamp::from_ms(1_771_200_000_000).to_string(), "2026-02-16T00:00:00.000Z");
        assert_eq!(Timestamp::from_ms(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn offsets_fractions_and_leap_days_are_understood() {
        assert_eq!(at("2026-02-06T20:34:56+08:00"), at("2026-02-06T12:34:56Z"));
        assert_eq!(at("2026-02-06T12:34:56.7Z").ms() % 1000, 700);
        assert_eq!(at("2026-02-06 12:34:56.123456Z").ms() % 1000, 123);
        assert_eq!(at("2024-02-29T00:00:00Z").civil(UtcOffset::UTC).date(), "2024-02-29");
        assert_eq!(at("2026-02-06T23:00:00Z").civil(UtcOffset::LEGACY).date(), "2026-02-07");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let wrong = [
            "",
            "yesterday",
            "2026-02-30T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-02-06T24:00:00Z",
            "2026-02-06T12:34:56",
            "1969-12-31T23:59:59Z",
            "2026-02-06T12:34:56.Z",
            "2026-02-0６T12:34:56Z",
        ];
        for text in wrong {
            assert_eq!(text.parse::<Timestamp>(), Err(TimeError), "{text}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_comes_back_as_it_went() {
        for days in 0..146_097 {
            let (year, month, day) = date_of(days);
            assert_eq!(days_of(year, month, day), Some(days));
        }
    }

    #[test]
    fn offsets_are_read_in_the_forms_people_write() {
        for (text, shown) in
            [("+08:00", "+08:00"), ("-0530", "-05:30"), ("+8", "+08:00"), ("Z", "+00:00")]
        {
            assert_eq!(text.parse::<UtcOffset>().unwrap().to_string(), shown);
        }
        for text in ["8", "+15:00", "+08:75", "+", "+-8", "east"] {
            assert!(text.parse::<UtcOffset>().is_err(), "{text}");
        }
    }
}
