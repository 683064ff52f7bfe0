//! Log lines on standard error.

mod line;

use std::io::IsTerminal;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use self::line::EscapedStderr;

/// How a program writes its log, as flags and environment variables.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Log")]
pub struct Logging {
    /// How log lines are written, to standard error
    #[arg(
        long,
        env = "OIS_LOG_FORMAT",
        default_value = "text",
        global = true,
        value_name = "FORMAT"
    )]
    pub log_format: LogFormat,
    /// What is logged: error, warn, info, debug, trace, or per module as ois_http=debug
    #[arg(long, env = "OIS_LOG", default_value = "info", global = true, value_name = "FILTER")]
    pub log: String,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line of text per event, for people
    Text,
    /// One JSON object per line
    Json,
}

impl Logging {
    /// Starts to write log lines.
    ///
    /// # Errors
    /// Fails if the filter is invalid, or if the process writes log lines already.
    pub fn begin(&self) -> Result<()> {
        let filter: Targets = self.log.parse().with_context(|| format!("--log {:?}", self.log))?;
        let has_colours = std::io::stderr().is_terminal();
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(EscapedStderr { has_colours })
            .with_ansi(has_colours);
        let all = tracing_subscriber::registry();
        match self.log_format {
            LogFormat::Text => all.with(lines.with_target(false).with_filter(filter)).try_init(),
            LogFormat::Json => {
                all.with(lines.json().flatten_event(true).with_filter(filter)).try_init()
            }
        }
        .map_err(|error| anyhow::anyhow!("{error}"))
    }
}
