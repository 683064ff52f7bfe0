//! Those that are measured, each started as a process of its own.

mod bare;
mod bun;
mod fetch;
pub(crate) mod nats;
pub(crate) mod nginx;
pub(crate) mod ois;
mod tungstenite;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::load::Target;
use crate::process::Process;
pub(crate) use fetch::Fetched;
pub(crate) use ois::Durability;

/// Somebody who has a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// The release binary.
    Ois(Durability),
    /// Bun's WebSocket publish with the same frames; stores nothing.
    Bun,
    /// A task for each connection and a broadcast channel; stores nothing.
    Tungstenite,
    /// One write of prepared bytes for each receiver: the limit.
    Bare,
}

/// A room that takes connections.
#[derive(Debug)]
pub(crate) struct Running {
    /// What is measured.
    pub(crate) process: Process,
    /// Where to connect.
    pub(crate) target: Target,
    /// Where it stores; removed with it.
    _root: Option<TempDir>,
}

impl Peer {
    /// The word for tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ois(Durability::Os) => "OIS",
            Self::Ois(Durability::Sync) => "OIS, sync",
            Self::Bun => "Bun",
            Self::Tungstenite => "tokio-tungstenite",
            Self::Bare => "bare system calls",
        }
    }

    /// Starts it with an empty room.
    ///
    /// # Errors
    /// When it does not come up.
    pub(crate) fn start(self, fetched: &Fetched, roots: &Path) -> Result<Running> {
        let own = |name: &str| -> Result<Running> {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["peer", name]);
            Running::of(name, command, None)
        };
        match self {
            Self::Ois(durability) => {
                let root = TempDir::new_in(roots).context("no folder for the room")?;
                let command = ois::server(root.path(), durability)?;
                Running::of("ois-server", command, Some(root))
            }
            Self::Bun => {
                let bun = fetched.bun.as_ref().context("Bun is not there")?;
                Running::of("bun", bun::command(bun, roots)?, None)
            }
            Self::Tungstenite => own("tungstenite"),
            Self::Bare => own("bare"),
        }
    }
}

impl Running {
    fn of(name: &str, command: Command, root: Option<TempDir>) -> Result<Self> {
        let process = Process::start(name, command)?;
        let address = process.line(address_in)?;
        Ok(Self { process, target: Target::room(address, ois::TOKEN), _root: root })
    }
}

/// Becomes a peer: the hidden command of our own binary.
///
/// # Errors
/// When there is no such peer, or it cannot listen.
pub(crate) fn become_peer(name: &str) -> Result<()> {
    match name {
        "bare" => bare::run(),
        "tungstenite" => tungstenite::run(),
        other => bail!("no peer {other}"),
    }
}

/// The address in a ready line.
pub(crate) fn address_in(line: &str) -> Option<std::net::SocketAddr> {
    line.split_once("listening on ")?.1.split_whitespace().next()?.parse().ok()
}
