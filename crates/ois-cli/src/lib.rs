//! What every OIS program does when it starts: reading a file of settings and setting up the log.
//! The crate is for binaries only.
//!
//! ```
//! use clap::{CommandFactory, Parser};
//!
//! #[derive(Parser)]
//! struct Settings {
//!     #[command(flatten)]
//!     logging: ois_cli::Logging,
//! }
//!
//! let settings: Settings = ois_cli::settings(["program", "--log", "warn"].map(Into::into), |_| None).unwrap();
//! assert_eq!(settings.logging.log, "warn");
//! ```

mod env_file;
mod logging;
mod time;

use std::ffi::OsString;

use anyhow::Result;
use clap::Parser;

pub use logging::{LogFormat, Logging};
pub use time::duration_ms;

/// Returns a program's settings from its command line, the environment and the file that one of
/// them names. It prints a message and ends the process if the command line is invalid or asks for
/// help.
///
/// # Errors
/// Fails if the file cannot be read or parsed.
pub fn settings<S: Parser>(
    args: impl IntoIterator<Item = OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<S> {
    let args = env_file::merge(&S::command(), args.into_iter().collect(), environment)?;
    Ok(S::from_arg_matches(&S::command().get_matches_from(args))?)
}
