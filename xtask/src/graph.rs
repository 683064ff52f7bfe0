//! What `cargo metadata` knows about packages and their arrows.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// Packages with what they ask for.
#[derive(Debug, Deserialize)]
pub(crate) struct Graph {
    /// Our own packages, or all that are compiled, depending on who asked.
    pub(crate) packages: Vec<Package>,
    /// The ids of our own.
    pub(crate) workspace_members: Vec<String>,
}

/// One package.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Package {
    /// Cargo's own name for this one and no other.
    pub(crate) id: String,
    /// The crate's name.
    pub(crate) name: String,
    /// The crate's version.
    #[serde(default)]
    pub(crate) version: String,
    /// An SPDX expression.
    #[serde(default)]
    pub(crate) license: Option<String>,
    /// Where it comes from; none for a path.
    #[serde(default)]
    pub(crate) source: Option<String>,
    /// What it asks for.
    #[serde(default)]
    pub(crate) dependencies: Vec<Dependency>,
    /// What it builds.
    #[serde(default)]
    pub(crate) targets: Vec<Target>,
    /// Its `Cargo.toml`.
    #[serde(default)]
    pub(crate) manifest_path: PathBuf,
}

/// One line under `[dependencies]`.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Dependency {
    /// The crate's name.
    pub(crate) name: String,
    /// The versions that would do.
    #[serde(default)]
    pub(crate) req: String,
    /// `dev`, `build` or none.
    #[serde(default)]
    pub(crate) kind: Option<String>,
}

/// One thing that a package builds.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Target {
    /// Its name.
    pub(crate) name: String,
    /// `lib`, `bin`, `test`, …
    pub(crate) kind: Vec<String>,
    /// Features without which it is left out.
    #[serde(default, rename = "required-features")]
    pub(crate) required_features: Vec<String>,
}

/// Our own packages.
pub(crate) fn own() -> Result<Graph> {
    metadata(&["--no-deps"])
}

/// Our own packages and everything that they need, in every feature.
pub(crate) fn all() -> Result<Graph> {
    metadata(&["--all-features"])
}

fn metadata(more: &[&str]) -> Result<Graph> {
    let mut command = Command::new(crate::command::cargo());
    command.args(["metadata", "--format-version", "1"]).args(more).stderr(Stdio::inherit());
    command.current_dir(crate::command::workspace());
    let output = command.output().context("cannot run cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata failed ({})", output.status);
    serde_json::from_slice(&output.stdout).context("cannot read what cargo metadata said")
}
