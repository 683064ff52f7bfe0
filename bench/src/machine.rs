//! The machine that the benchmark ran on.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::context::{Bench, workspace};
use crate::peer::ois;

/// Names and values for the first table of the page.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) facts: Vec<(String, String)>,
}

/// Reads what the machine, the disk and the versions are.
///
/// # Errors
/// Fails when `/proc` does not tell.
pub(crate) fn describe(bench: &Bench) -> Result<Machine> {
    let mut facts = vec![
        ("CPU".to_owned(), cpu()?),
        ("memory".to_owned(), memory()?),
        ("kernel".to_owned(), read("/proc/sys/kernel/osrelease")?.trim().to_owned()),
        ("file system".to_owned(), file_system(&bench.roots)?),
        ("load before".to_owned(), bench.load_before.clone()),
        ("OIS".to_owned(), ours()?),
    ];
    let peers = [
        ("Bun", &bench.fetched.bun, "--version"),
        ("nats-server", &bench.fetched.nats, "--version"),
        ("nginx", &bench.fetched.nginx, "-v"),
    ];
    for (name, path, flag) in peers {
        if let Some(path) = path {
            facts.push((name.to_owned(), first_line(Command::new(path).arg(flag))?));
        }
    }
    Ok(Machine { facts })
}

fn cpu() -> Result<String> {
    let info = read("/proc/cpuinfo")?;
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism()?;
    Ok(format!("{}, {cores} cores", model.map_or("unknown", |(_, model)| model)))
}

fn memory() -> Result<String> {
    let info = read("/proc/meminfo")?;
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    Ok(format!("{} GiB", kib.context("no MemTotal")?.div_ceil(1 << 20)))
}

/// Returns the type of the file system that is mounted nearest above `dir`.
fn file_system(dir: &Path) -> Result<String> {
    let dir = dir.canonicalize()?;
    let mounts = read("/proc/self/mounts")?;
    let above = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind) = (fields.next()?, fields.next()?);
        dir.starts_with(point).then_some((point.len(), kind))
    });
    let (_, kind) = above.max_by_key(|(length, _)| *length).context("no mount")?;
    Ok(kind.to_owned())
}

fn ours() -> Result<String> {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty"]).current_dir(workspace());
    let version = first_line(Command::new(ois::binary("ois-server")?).arg("--version"))?;
    // An unpacked archive has no history.
    Ok(first_line(&mut git).map_or(version.clone(), |commit| format!("{version}, {commit}")))
}

fn first_line(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    let both = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&both).into_owned();
    anyhow::ensure!(output.status.success(), "{command:?}: {text}");
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
}
