//! The programs that are measured, each started as a process of its own.

mod bare;
mod bun;
mod fetch;
mod nats;
mod nginx;
pub(crate) mod ois;
mod tungstenite;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::load::flow::{Flow, Pattern};
use crate::load::{Speech, Swarm, TEXT, Target, chat};
use crate::process::Process;
pub(crate) use fetch::Fetched;
pub(crate) use ois::Durability;

/// A program that offers a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// The release binary of OIS.
    Ois(Durability),
    /// Bun's WebSocket publish with the same frames; it stores nothing.
    Bun,
    /// A task for each connection and a broadcast channel; it stores nothing.
    Tungstenite,
    /// One write of prepared bytes for each receiver, which is the limit of the kernel.
    Bare,
    /// NATS JetStream on file, synced after every message.
    Nats,
    /// nginx with a folder of files.
    Nginx,
}

/// A room that accepts connections.
#[derive(Debug)]
pub(crate) struct Running {
    /// The process that is measured.
    pub(crate) process: Process,
    /// The address to connect to; for NATS that of the first member.
    pub(crate) target: Target,
    /// The folder in which it stores; it is removed with this value.
    _root: Option<TempDir>,
}

impl Peer {
    /// Returns the name that tables show.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ois(Durability::Os) => "OIS",
            Self::Ois(Durability::Sync) => "OIS, sync",
            Self::Bun => "Bun",
            Self::Tungstenite => "tokio-tungstenite",
            Self::Bare => "bare system calls",
            Self::Nats => "NATS JetStream",
            Self::Nginx => "nginx",
        }
    }

    /// Starts the program with an empty room.
    ///
    /// # Errors
    /// Fails when the program does not start.
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
            Self::Nats => {
                let nats = fetched.nats.as_ref().context("NATS is not there")?;
                let root = TempDir::new_in(roots).context("no folder for NATS")?;
                let process = Process::start("nats-server", nats::command(nats, root.path())?)?;
                let address = process.line(nats::address_in)?;
                nats::make_stream(address)?;
                Ok(Running { process, target: nats::target(address, 0), _root: Some(root) })
            }
            Self::Nginx => {
                let nginx = fetched.nginx.as_ref().context("nginx is not there")?;
                let root = TempDir::new_in(roots).context("no folder for nginx")?;
                let (command, address) = nginx::command(nginx, root.path())?;
                let process = Process::start("nginx", command)?;
                nginx::wait_for(address)?;
                Ok(Running { process, target: Target::room(address, ""), _root: Some(root) })
            }
            Self::Tungstenite => own("tungstenite"),
            Self::Bare => own("bare"),
        }
    }
}

impl Running {
    /// Starts a room with this command.
    ///
    /// # Errors
    /// Fails when the program does not start.
    pub(crate) fn of(name: &str, command: Command, root: Option<TempDir>) -> Result<Self> {
        let process = Process::start(name, command)?;
        let address = process.line(address_in)?;
        Ok(Self { process, target: Target::room(address, ois::TOKEN), _root: root })
    }

    /// Lets this many members join, who receive every message from now on.
    ///
    /// # Errors
    /// Fails when the members cannot sign in.
    pub(crate) fn join(&self, swarm: &mut Swarm, members: usize) -> Result<()> {
        if self.target.speech == Speech::WebSocket {
            return swarm.join(&self.target, members, AT_ONCE);
        }
        for member in 0..members {
            swarm.join(&nats::target(self.target.address, member), 1, 1)?;
            nats::make_consumer(self.target.address, member)?;
        }
        Ok(())
    }

    /// Returns the bytes that a member sends to say `bytes` bytes.
    pub(crate) fn message(&self, bytes: usize) -> Vec<u8> {
        match self.target.speech {
            Speech::WebSocket => chat(bytes),
            // The payload is as long as OIS makes it around a text.
            Speech::Nats => nats::message(&vec![b'x'; bytes + 101]),
        }
    }

    /// Fills the history with fifty messages of the usual length.
    ///
    /// # Errors
    /// Fails when the room does not take them.
    pub(crate) fn say_fifty(&self) -> Result<()> {
        let mut swarm = Swarm::new()?;
        self.join(&mut swarm, 1)?;
        let message = self.message(TEXT);
        Flow::new(&mut swarm, 1, Pattern::Window(1), &message).send_all(50).map(drop)
    }

    /// Waits until the room has finished its earlier work, because files are written in the
    /// background.
    ///
    /// # Errors
    /// Fails when the room does not come to rest.
    pub(crate) fn settle(&self, crowd: &mut Swarm) -> Result<()> {
        for _ in 0..MOST_RESTS {
            let before = self.process.cpu()?;
            crowd.rest(REST)?;
            if self.process.cpu()? - before < REST / 50 {
                return Ok(());
            }
        }
        bail!("the server does not come to rest")
    }
}

/// A time that is longer than OIS pauses between two writes of `chat/`.
const REST: Duration = Duration::from_millis(1250);
const MOST_RESTS: u32 = 24;

/// Runs a peer; this is the hidden command of our own binary.
///
/// # Errors
/// Fails when no peer has this name, or the peer cannot listen.
pub(crate) fn become_peer(name: &str) -> Result<()> {
    match name {
        "bare" => bare::run(),
        "tungstenite" => tungstenite::run(),
        other => bail!("no peer {other}"),
    }
}

/// The number of connections that sign in at the same time.
const AT_ONCE: usize = 64;

/// Returns the address in a ready line.
pub(crate) fn address_in(line: &str) -> Option<std::net::SocketAddr> {
    line.split_once("listening on ")?.1.split_whitespace().next()?.parse().ok()
}
