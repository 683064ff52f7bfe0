//! Bun, with a room in JavaScript.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::ois::TOKEN;

/// Returns the command that runs the room's script with this binary; the script is written into
/// `dir`.
///
/// # Errors
/// Fails when the script cannot be written.
pub(super) fn command(bun: &Path, dir: &Path) -> Result<Command> {
    let script = dir.join("room.js");
    fs::write(&script, ROOM).context("cannot write the room's script")?;
    let mut command = Command::new(bun);
    command.arg("run").arg(script).env("BENCH_TOKEN", TOKEN);
    Ok(command)
}

const ROOM: &str = include_str!("room.js");
