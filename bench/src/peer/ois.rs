//! OIS itself, as its operator starts it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// When a message counts as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// A message counts as stored when the system has it.
    Os,
    /// A message counts as stored when the disk has it.
    Sync,
}

/// The token of every agent in every room of the benchmark.
pub(crate) const TOKEN: &str = "token-of-the-bench";

/// The token of a second agent, for members that must not be the first.
pub(crate) const OTHER_TOKEN: &str = "token-of-the-other";

/// Returns the command for `ois-server` on this folder and a free port, with its defaults except
/// for no limit of the chat rate and a high limit of uploads.
///
/// # Errors
/// Fails when the binary is not built.
pub(crate) fn server(root: &Path, durability: Durability) -> Result<Command> {
    let mut command = Command::new(binary("ois-server")?);
    clean(&mut command);
    command
        .args(["--listen", "127.0.0.1:0", "--chat-rate", "0", "--log", "warn"])
        .args(["--durability", durability.name(), "--max-upload", "2147483648"])
        .arg("--root")
        .arg(root)
        .env("AGENT_TOKENS", format!("{TOKEN}:Bench,{OTHER_TOKEN}:Other"));
    Ok(command)
}

/// Returns the command for `ois-monitor` for the other agent, with a gateway.
///
/// # Errors
/// Fails when the binary is not built.
pub(crate) fn monitor(room: &str, state: &Path, gateway: (u16, &str)) -> Result<Command> {
    let mut command = Command::new(binary("ois-monitor")?);
    clean(&mut command);
    command
        .args(["--local-port", "0"])
        .arg("--state")
        .arg(state)
        .env("OIS_URL", room)
        .env("OIS_AGENT_TOKEN", OTHER_TOKEN)
        .env("OIS_AGENT_NAME", "Other")
        .env("GATEWAY_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", gateway.0.to_string())
        .env("GATEWAY_TOKEN", gateway.1);
    Ok(command)
}

impl Durability {
    /// Returns the word of the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Os => "os",
            Self::Sync => "sync",
        }
    }
}

/// Removes the variables that the caller's environment would set.
fn clean(command: &mut Command) {
    let ours = |name: &str| {
        let words = ["PORT", "PASSWORD", "AGENT_TOKENS", "UPLOAD_DIR", "RUST_LOG"];
        words.contains(&name) || ["OIS_", "GATEWAY_"].iter().any(|start| name.starts_with(start))
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
        command.env_remove(name);
    }
}

/// Returns the path of a binary that was built beside this one.
pub(crate) fn binary(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find the own path")?;
    let path = own.with_file_name(name);
    ensure!(path.is_file(), "no {}: start with cargo xtask bench, which builds it", path.display());
    Ok(path)
}
