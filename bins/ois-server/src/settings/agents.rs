//! How long the operator lets a mention wait, and when agents go round in circles.

use std::ops::RangeInclusive;

use clap::{Args, builder::RangedU64ValueParser};
use ois_chat::{DeskSettings, guard::GuardSettings};
use ois_protocol::UtcOffset;

/// When enough is enough.
#[derive(Debug, Args)]
#[command(next_help_heading = "Agents")]
pub(crate) struct Agents {
    /// After this time without a word a mention is given up and its sender told, as 24h or 90m
    #[arg(long, env = "OIS_DELIVERY_DEADLINE", default_value = "24h", value_parser = deadline_ms, value_name = "TIME")]
    delivery_deadline: u64,
    /// How many messages of agents in a row may wake agents, until a person speaks
    #[arg(long, env = "OIS_LOOP_HOPS", default_value_t = GuardSettings::default().hops, value_parser = often(), value_name = "NUMBER")]
    loop_hops: u32,
    /// How many of them may be one agent's
    #[arg(long, env = "OIS_LOOP_RETURNS", default_value_t = GuardSettings::default().returns, value_parser = often(), value_name = "NUMBER")]
    loop_returns: u32,
    /// How often nearly the same may have been said among them before
    #[arg(long, env = "OIS_LOOP_REPEATS", default_value_t = GuardSettings::default().repeats, value_parser = often(), value_name = "NUMBER")]
    loop_repeats: u32,
}

impl Agents {
    /// How the desk decides, in a team with this midnight.
    pub(crate) fn desk(&self, offset: UtcOffset) -> DeskSettings {
        let guard = GuardSettings {
            hops: self.loop_hops,
            returns: self.loop_returns,
            repeats: self.loop_repeats,
            ..GuardSettings::default()
        };
        DeskSettings { deadline_ms: self.delivery_deadline, guard, offset }
    }
}

/// What a deadline may be: from a second, for trials, to thirty days.
const DEADLINE_MS: RangeInclusive<u64> = 1000..=30 * 24 * 3600 * 1000;

/// Zero would stop what nobody has begun; beyond a thousand a limit is none.
fn often() -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(1..=1000)
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
}
