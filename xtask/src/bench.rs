//! `cargo xtask bench`: builds for release and runs the benchmark, which is a crate of its own.

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use crate::command::{cargo_with, workspace};

/// Builds the benchmark and the programs that it measures, then runs it with these words.
pub(crate) fn run(words: &[&str]) -> Result<ExitCode> {
    for program in PROGRAMS {
        // Each program is built alone: crates that are built together get the features of all.
        let build = cargo_with(&["build", "--release", "-p", program]).status();
        ensure!(build.context("cannot run cargo")?.success(), "the build failed");
    }
    // Copies are measured, so that another build meanwhile changes nothing.
    let (from, to) = (workspace().join("target/release"), workspace().join("target/bench/bin"));
    fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
    for program in PROGRAMS {
        let copy = to.join(program);
        if copy.exists() {
            // A program that still runs cannot be written to.
            fs::remove_file(&copy).with_context(|| format!("cannot remove {}", copy.display()))?;
        }
        fs::copy(from.join(program), &copy).with_context(|| format!("cannot copy {program}"))?;
    }
    let status = Command::new(to.join("bench")).args(words).status();
    let status = status.context("cannot run the benchmark")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

const PROGRAMS: [&str; 3] = ["bench", "ois-server", "ois-monitor"];
