//! Where our own binaries lie, and that they are not older than their sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::SystemTime;

use anyhow::{Context, Result, bail, ensure};

/// The environment variable with which a runner says that it has built everything just now.
pub const BUILT: &str = "OIS_E2E_BUILT";

/// The path of the binary `name` (its package has the same name), beside this test's own.
///
/// It is built first when it is missing or older than the sources, unless [`BUILT`] is set.
///
/// # Errors
/// When it cannot be built.
pub fn path(name: &str) -> Result<PathBuf> {
    let path = profile_dir()?.join(name);
    if std::env::var_os(BUILT).is_none() {
        let _one_at_a_time = BUILDING.lock();
        if !is_fresh(&path)? {
            build(name)?;
        }
    }
    ensure!(path.is_file(), "no binary {}", path.display());
    Ok(path)
}

/// The target directory, in which tests may leave what people want to look at.
///
/// # Errors
/// When the test does not lie in a target directory.
pub fn target_dir() -> Result<PathBuf> {
    let profile = profile_dir()?;
    Ok(profile.parent().context("no target directory")?.to_owned())
}

/// The root of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// `target/debug`: a test lies in `target/debug/deps`.
fn profile_dir() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find the test's own path")?;
    let deps = own.parent().context("the test lies nowhere")?;
    Ok(deps.parent().context("the test does not lie in a target directory")?.to_owned())
}

fn build(name: &str) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace()).args(["build", "--quiet", "--package", name, "--bin", name]);
    // The variables that cargo sets for this test's package would make build scripts run again.
    let about_us =
        |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(about_us)) {
        command.env_remove(name);
    }
    if profile_dir()?.file_name().is_some_and(|profile| profile == "release") {
        command.arg("--release");
    }
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("cannot build {name} ({status})");
    }
    Ok(())
}

fn is_fresh(binary: &Path) -> Result<bool> {
    let Ok(built) = fs::metadata(binary).and_then(|data| data.modified()) else {
        return Ok(false);
    };
    let mut newest = SystemTime::UNIX_EPOCH;
    for group in ["crates", "bins", "examples"] {
        for package in fs::read_dir(workspace().join(group)).context("cannot list packages")? {
            let package = package?.path();
            for part in ["src", "web"] {
                newest = newest.max(newest_in(&package.join(part))?);
            }
        }
    }
    Ok(newest <= built)
}

fn newest_in(dir: &Path) -> Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    if !dir.is_dir() {
        return Ok(newest);
    }
    for entry in fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))? {
        let entry = entry?;
        let data = entry.metadata()?;
        let time = if data.is_dir() { newest_in(&entry.path())? } else { data.modified()? };
        newest = newest.max(time);
    }
    Ok(newest)
}

/// Tests of one process build one after another; cargo itself keeps processes apart.
static BUILDING: Mutex<()> = Mutex::new(());
