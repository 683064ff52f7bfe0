//! The test binaries of the workspace, built once with everything that they start.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::command::{Log, cargo_with, workspace};
use crate::graph;
use crate::suite::Suite;

/// What was built.
#[derive(Debug, Clone, Default)]
pub(super) struct Built {
    /// Every test binary, in cargo's order.
    pub(super) tests: Vec<TestBinary>,
}

/// One test binary.
#[derive(Debug, Clone)]
pub(super) struct TestBinary {
    /// The package's name.
    pub(super) package: String,
    /// The target's name.
    pub(super) target: String,
    /// Whether it is a target under `tests/`.
    pub(super) is_integration: bool,
    /// The suite that runs it.
    pub(super) suite: Suite,
    path: PathBuf,
    package_dir: PathBuf,
}

/// What the unit tests, cargo-nextest and the outside suites share, so that nothing is built twice.
pub(super) const SELECTION: [&str; 2] = ["--workspace", "--all-features"];

#[derive(Deserialize)]
struct Artifact {
    reason: String,
    #[serde(default)]
    package_id: String,
    #[serde(default)]
    target: graph::Target,
    #[serde(default)]
    profile: Profile,
    #[serde(default)]
    executable: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
struct Profile {
    test: bool,
}

impl Built {
    /// Builds libraries, binaries and tests of the whole workspace.
    pub(super) fn make(log: &mut Log) -> Result<Self> {
        let listing = workspace().join("target/xtask/build.json");
        let mut build = cargo_with(&["build", "--lib", "--bins", "--tests", "--examples"]);
        build.args(SELECTION).arg("--message-format=json-render-diagnostics");
        run_into(build, &listing, log)?;
        let listing = fs::read_to_string(&listing).context("cannot read what was built")?;
        let graph = graph::own()?;
        let artifacts =
            listing.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
        let tests = artifacts.filter_map(|artifact| test_binary(artifact, &graph)).collect();
        Ok(Self { tests })
    }

    /// A program of ours; the test binaries lie in the folder `deps` beside it.
    pub(super) fn binary(&self, name: &str) -> Result<PathBuf> {
        let test = self.tests.first().context("nothing was built")?;
        let profile = test.path.parent().and_then(Path::parent);
        Ok(profile.context("a test lies in no target directory")?.join(name))
    }

    /// The binaries of one suite.
    pub(super) fn of(&self, suite: Suite) -> impl Iterator<Item = &TestBinary> {
        self.tests.iter().filter(move |test| test.suite == suite)
    }
}

impl TestBinary {
    /// The binary, to be run as cargo runs it.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.current_dir(&self.package_dir).env("OIS_E2E_BUILT", "1");
        command
    }
}

/// Runs a build whose standard output is wanted, its standard error in the log.
fn run_into(build: Command, listing: &Path, log: &mut Log) -> Result<()> {
    let out = File::create(listing).context("cannot write what was built")?;
    log.run_with_output(build, out, LIMIT)
}

fn test_binary(artifact: Artifact, graph: &graph::Graph) -> Option<TestBinary> {
    if artifact.reason != "compiler-artifact" || !artifact.profile.test {
        return None;
    }
    let package = graph.packages.iter().find(|package| package.id == artifact.package_id)?;
    let name = artifact.target.name;
    let is_integration = artifact.target.kind.iter().any(|kind| kind == "test");
    // The listing does not say which features a target requires.
    let known = package
        .targets
        .iter()
        .find(|target| target.name == name && target.kind == artifact.target.kind);
    let required = known.map(|target| target.required_features.as_slice()).unwrap_or_default();
    let suite = if is_integration { Suite::of_test_target(&name, required) } else { Suite::Unit };
    Some(TestBinary {
        package: package.name.clone(),
        target: name,
        is_integration,
        suite,
        path: artifact.executable?,
        package_dir: package.manifest_path.parent()?.to_owned(),
    })
}

/// More than the build needs on two slow cores that do other work as well.
const LIMIT: Duration = Duration::from_secs(60 * 60);
