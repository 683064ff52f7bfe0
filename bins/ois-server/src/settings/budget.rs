//! The commands and flags for what agents may use in a day.

use clap::{Args, Subcommand, ValueEnum, value_parser};
use ois_protocol::{Budget, Policy, RoomName, ShortName};

/// What to do with budgets.
#[derive(Debug, Subcommand)]
pub(crate) enum BudgetCommand {
    /// What may be used in a day
    List {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Set what an agent, a room, an agent in a room, or without both everything together may use
    /// in a day, in place of what was set for the same
    Set {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        most: Most,
        /// What happens when it is used up: nobody is woken (`stop`), mentions are gathered
        /// (`digest`), or a person is asked (`ask`)
        #[arg(long, value_enum, default_value_t, value_name = "POLICY")]
        on_breach: OnBreach,
        /// `digest`: how often mentions are handed over; `ask`: how long an answer is waited for
        #[arg(long, default_value_t = Budget::MINUTES, value_parser = value_parser!(u32).range(1..=WEEK_MINUTES), value_name = "NUMBER")]
        minutes: u32,
    },
    /// Remove what was set for an agent, a room, an agent in a room, or without both for everything
    Remove {
        #[command(flatten)]
        of: Of,
    },
}

/// The agent and the room that a budget is for.
#[derive(Debug, Args)]
pub(crate) struct Of {
    /// The agent whose turns count; every agent's if left out
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<ShortName>,
    /// The room whose turns count; every room's if left out
    #[arg(long, value_name = "NAME")]
    pub(crate) room: Option<RoomName>,
}

/// The quantities that a budget limits.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Most {
    /// Number of turns
    #[arg(long, value_name = "NUMBER")]
    turns: Option<u64>,
    /// Number of tokens read, as far as runtimes report them
    #[arg(long, value_name = "NUMBER")]
    input_tokens: Option<u64>,
    /// Number of tokens written, as far as runtimes report them
    #[arg(long, value_name = "NUMBER")]
    output_tokens: Option<u64>,
    /// US dollars, as 2.50, as far as runtimes report them
    #[arg(long, value_parser = micro_usd, value_name = "AMOUNT")]
    usd: Option<u64>,
}

/// What the server does when a budget is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnBreach {
    /// Nobody is woken until the next day.
    #[default]
    Stop,
    /// Mentions are gathered.
    Digest,
    /// A person is asked.
    Ask,
}

impl Of {
    /// Returns the budget that these flags describe.
    pub(crate) fn budget(self, most: &Most, on_breach: OnBreach, minutes: u32) -> Budget {
        let policy = match on_breach {
            OnBreach::Stop => Policy::Stop,
            OnBreach::Digest => Policy::Digest,
            OnBreach::Ask => Policy::Ask,
        };
        Budget {
            agent: self.agent,
            room: self.room,
            turns: most.turns,
            input_tokens: most.input_tokens,
            output_tokens: most.output_tokens,
            micro_usd: most.usd,
            policy,
            minutes,
        }
    }
}

const WEEK_MINUTES: i64 = 7 * 24 * 60;

/// Parses dollars such as `2.50` into millionths.
fn micro_usd(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no amount such as 2 or 2.50");
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || part.len() > 6 {
        return Err(wrong());
    }
    let micro = format!("{whole}{part:0<6}").parse();
    micro.map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_read_to_the_millionth() {
        assert_eq!(micro_usd("2.50"), Ok(2_500_000));
        assert_eq!(micro_usd("0.000001"), Ok(1));
        assert_eq!(micro_usd("12"), Ok(12_000_000));
        for wrong in ["", ".5", "5.", "-1", "1,5", "1e3", "0.0000001", "99999999999999999999"] {
            assert!(micro_usd(wrong).is_err(), "{wrong}");
        }
    }
}
