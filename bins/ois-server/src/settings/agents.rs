//! How long a mention may wait, and when the guard stops agents that go round in circles.

use std::ops::RangeInclusive;

use clap::{Args, builder::RangedU64ValueParser};
use ois_chat::{DeskSettings, guard::GuardSettings, ladder::Limits};
use ois_protocol::UtcOffset;

/// The limits for deliveries and chains.
#[derive(Debug, Args)]
#[command(next_help_heading = "Agents")]
pub(crate) struct Agents {
    /// After this time without a word a mention is given up and its sender told, as 24h or 90m
    #[arg(long, env = "OIS_DELIVERY_DEADLINE", default_value = "24h", value_parser = deadline_ms, value_name = "TIME")]
    delivery_deadline: u64,
    /// After this time a turn of an agent is stopped and its sender told, as 6h or 90m; 0s for no limit
    #[arg(long, env = "OIS_TURN_LIMIT", default_value = "6h", value_parser = turn_ms, value_name = "TIME")]
    turn_limit: u64,
    /// The most tokens, read and written each, that a monitor is believed to have used in one turn
    #[arg(long, env = "OIS_TURN_TOKENS_MAX", default_value_t = DeskSettings::default().turn_tokens_max, value_parser = tokens(), value_name = "NUMBER")]
    turn_tokens_max: u64,
    /// How many messages of agents in a row may wake agents, until a person speaks
    #[arg(long, env = "OIS_LOOP_HOPS", default_value_t = GuardSettings::default().hops, value_parser = often(), value_name = "NUMBER")]
    loop_hops: u32,
    /// How many of those messages may be one agent's
    #[arg(long, env = "OIS_LOOP_RETURNS", default_value_t = GuardSettings::default().returns, value_parser = often(), value_name = "NUMBER")]
    loop_returns: u32,
    /// How many earlier ones of those messages may be nearly the same as a new one
    #[arg(long, env = "OIS_LOOP_REPEATS", default_value_t = GuardSettings::default().repeats, value_parser = often(), value_name = "NUMBER")]
    loop_repeats: u32,
}

impl Agents {
    /// Returns the settings of the desk for a team whose days begin at this offset's midnight.
    pub(crate) fn desk(&self, offset: UtcOffset) -> DeskSettings {
        let guard = GuardSettings {
            hops: self.loop_hops,
            returns: self.loop_returns,
            repeats: self.loop_repeats,
            ..GuardSettings::default()
        };
        let limits = Limits { deadline_ms: self.delivery_deadline, turn_ms: self.turn_limit };
        DeskSettings { limits, turn_tokens_max: self.turn_tokens_max, guard, offset }
    }
}

/// The deadlines that are allowed, in milliseconds: from a second, for trials, to thirty days.
const DEADLINE_MS: RangeInclusive<u64> = 1000..=30 * 24 * 3600 * 1000;

/// The range of the loop limits. Zero would stop chains that have not begun, and a limit beyond a
/// thousand would limit nothing.
fn often() -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(1..=1000)
}

/// The range of what is believed of one turn: below a thousand tokens no turn is.
fn tokens() -> RangedU64ValueParser<u64> {
    RangedU64ValueParser::new().range(1000..=1_000_000_000_000)
}

/// The limits of a turn that are allowed, in milliseconds: none, or from a second to thirty days.
fn turn_ms(text: &str) -> Result<u64, String> {
    let ms = ois_cli::duration_ms(text)?;
    if ms == 0 || DEADLINE_MS.contains(&ms) {
        Ok(ms)
    } else {
        Err("a turn may take from 1s to 30d, or 0s for any time".to_owned())
    }
}

fn deadline_ms(text: &str) -> Result<u64, String> {
    let ms = ois_cli::duration_ms(text)?;
    if DEADLINE_MS.contains(&ms) {
        Ok(ms)
    } else {
        Err("a mention may wait from 1s to 30d".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_has_bounds() {
        assert_eq!(deadline_ms("36h"), Ok(36 * 3600 * 1000));
        for wrong in ["0s", "999ms", "31d"] {
            assert_eq!(deadline_ms(wrong), Err("a mention may wait from 1s to 30d".to_owned()));
        }
        assert!(deadline_ms("soon").unwrap_err().contains("is no time"));
    }

    #[test]
    fn a_turn_has_a_limit_or_none() {
        assert_eq!((turn_ms("90m"), turn_ms("0s")), (Ok(90 * 60 * 1000), Ok(0)));
        assert!(turn_ms("31d").is_err());
    }
}
