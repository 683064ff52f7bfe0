//! The members that the settings of this start admit.

use std::path::PathBuf;

use clap::{Args, builder::FalseyValueParser};

/// The people and agents that may sign in.
#[derive(Debug, Args)]
#[command(next_help_heading = "Members")]
pub(crate) struct People {
    /// One password that all people share; a person who has it picks a name
    #[arg(long, env = "PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    pub(crate) password: Option<String>,
    /// A file that holds that password
    #[arg(long, env = "OIS_PASSWORD_FILE", value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Agents as token:display,token:display
    #[arg(long, env = "AGENT_TOKENS", hide_env_values = true, value_name = "TOKENS")]
    pub(crate) agent_tokens: Option<String>,
    /// Add a small built-in agent that answers mentions
    #[arg(long, env = "OIS_DEMO", value_parser = FalseyValueParser::new())]
    pub(crate) demo: bool,
}
