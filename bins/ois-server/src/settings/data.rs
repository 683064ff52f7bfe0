//! The place where the team is kept, and how safely.

use std::path::PathBuf;

use clap::{Args, ValueEnum, builder::FalseyValueParser};
use ois_protocol::UtcOffset;

/// The folders and files of the team.
#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct Place {
    /// The team's folder: chat/, shared files, and .ois with the server's own
    #[arg(long, env = "OIS_ROOT", default_value = "./ois-data", global = true, value_name = "DIR")]
    pub(crate) root: PathBuf,
    /// Where uploads are kept, if not in the team's folder
    #[arg(long, env = "UPLOAD_DIR", global = true, value_name = "DIR")]
    pub(crate) upload_dir: Option<PathBuf>,
    /// When a message counts as stored: `sync` on the disk, `os` in the system's cache
    #[arg(long, env = "OIS_DURABILITY", default_value = "sync", value_name = "WHEN")]
    pub(crate) durability: Durability,
    /// The zone of the day files chat/YYYY-MM-DD.md, as +08:00 [default: +08:00 where an old
    /// deployment's chat was imported, else UTC]
    #[arg(
        long,
        env = "OIS_UTC_OFFSET",
        global = true,
        allow_hyphen_values = true,
        value_name = "OFFSET"
    )]
    pub(crate) utc_offset: Option<UtcOffset>,
    /// Start without what of the log is damaged or missing; a copy of damaged lines is kept aside
    #[arg(long, env = "OIS_REPAIR", value_parser = FalseyValueParser::new())]
    pub(crate) repair: bool,
    /// Read settings from this file of NAME=VALUE lines, as the original's .env; flags and the
    /// environment go before it
    #[arg(long, env = "OIS_ENV_FILE", global = true, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
}

/// When an append is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Durability {
    /// The append is acknowledged after `fdatasync`.
    Sync,
    /// The append is acknowledged after `write`.
    Os,
}
