//! The test binaries of the workspace, built once with everything that they start.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use cargo_metadata::{Artifact, Message, Package};

use crate::command::{Log, cargo_with, workspace};
use crate::graph;
use crate::suite::Suite;

/// The test binaries of one build.
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

/// The flags that every build shares, so that no crate is built twice.
pub(super) const SELECTION: [&str; 2] = ["--workspace", "--all-features"];

impl Built {
    /// Builds libraries, binaries and tests of the whole workspace.
    pub(super) fn make(log: &mut Log) -> Result<Self> {
        let listing = workspace().join("target/xtask/build.json");
        let mut build = cargo_with(&["build", "--lib", "--bins", "--tests", "--examples"]);
        build.args(SELECTION).arg("--message-format=json-render-diagnostics");
        run_into(build, &listing, log)?;
        let listing = File::open(&listing).context("cannot read what was built")?;
        let packages = graph::own()?.packages;
        let mut tests = Vec::new();
        for message in Message::parse_stream(BufReader::new(listing)) {
            if let Message::CompilerArtifact(artifact) = message.context("cannot read cargo")? {
                tests.extend(test_binary(artifact, &packages));
            }
        }
        Ok(Self { tests })
    }

    /// The path of a program of ours; the test binaries lie in the folder `deps` beside it.
    pub(super) fn binary(&self, name: &str) -> Result<PathBuf> {
        let test = self.tests.first().context("nothing was built")?;
        let profile = test.path.parent().and_then(Path::parent);
        Ok(profile.context("a test lies in no target directory")?.join(name))
    }

    /// The test binaries that belong to one suite.
    pub(super) fn of(&self, suite: Suite) -> impl Iterator<Item = &TestBinary> {
        self.tests.iter().filter(move |test| test.suite == suite)
    }
}

impl TestBinary {
    /// The command that runs the test binary as cargo would.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.current_dir(&self.package_dir).env("OIS_E2E_BUILT", "1");
        command
    }
}

/// Runs a build; its standard output goes into `listing`, its standard error into the log.
fn run_into(build: Command, listing: &Path, log: &mut Log) -> Result<()> {
    let out = File::create(listing).context("cannot write what was built")?;
    log.run_with_output(build, out, LIMIT)
}

fn test_binary(artifact: Artifact, packages: &[Package]) -> Option<TestBinary> {
    let target = artifact.target;
    let path = artifact.executable.filter(|_| artifact.profile.test)?.into_std_path_buf();
    let package = packages.iter().find(|package| package.id == artifact.package_id)?;
    let is_integration = target.is_test();
    // The listing does not say which features a target requires.
    let known =
        package.targets.iter().find(|known| known.name == target.name && known.kind == target.kind);
    let required = known.map(|known| known.required_features.as_slice()).unwrap_or_default();
    let suite =
        if is_integration { Suite::of_test_target(&target.name, required) } else { Suite::Unit };
    Some(TestBinary {
        package: package.name.to_string(),
        target: target.name,
        is_integration,
        suite,
        path,
        package_dir: package.manifest_path.parent()?.as_std_path().to_owned(),
    })
}

/// More than the build needs on two slow cores that do other work as well.
const LIMIT: Duration = Duration::from_secs(60 * 60);
