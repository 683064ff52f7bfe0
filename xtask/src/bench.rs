//! `cargo xtask bench`: builds for release and runs the benchmark, which is a crate of its own.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::command::{cargo_with, workspace};

/// Builds the benchmark and what it measures, then runs it with these words.
pub(crate) fn run(words: &[&str]) -> Result<ExitCode> {
    let mut build = cargo_with(&["build", "--release"]);
    build.args(["-p", "bench", "-p", "ois-server", "-p", "ois-monitor"]);
    let status = build.status().context("cannot run cargo")?;
    ensure!(status.success(), "the build failed");
    let binary = workspace().join("target/release/bench");
    let status = std::process::Command::new(&binary).args(words).status();
    let status = status.with_context(|| format!("cannot run {}", binary.display()))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
