//! Bun, with a room of ours in JavaScript.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::ois::TOKEN;

/// The room's script on this binary; the script is laid into `dir`.
///
/// # Errors
/// When it cannot be written.
pub(super) fn command(bun: &Path, dir: &Path) -> Result<Command> {
    let script = dir.join("room.js");
    fs::write(&script, ROOM).context("cannot write the room's script")?;
    let mut command = Command::new(bun);
    command.arg("run").arg(script).env("BENCH_TOKEN", TOKEN);
    Ok(command)
}

const ROOM: &str = include_str!("room.js");
