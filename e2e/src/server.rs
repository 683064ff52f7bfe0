//! A real `ois-server` on a free port of the loopback device.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::binary;
use crate::program::{Launch, Program};
use crate::rest::Rest;
use crate::room::{Credential, Room};

/// The shared web password of every server that a test starts.
pub const PASSWORD: &str = "pw-under-test";

/// The agents of every server that a test starts: token and display name.
pub const AGENTS: [(&str, &str); 3] =
    [("token-of-hkh", "HKH 🐱"), ("token-of-aria", "ARIA ⚔️"), ("token-of-mikasa", "Mikasa 🌸")];

/// How a server is started, beyond its port.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The team's root directory.
    pub root: PathBuf,
    /// More command line arguments.
    pub flags: Vec<String>,
    /// More environment variables; they win over [`PASSWORD`] and [`AGENTS`].
    pub env: Vec<(String, String)>,
    /// The root directory, where the server made it: it is removed with the last of these settings.
    _own_root: Option<Arc<TempDir>>,
}

/// A server that runs, or may be started again on the same root and port.
pub type Server = Program<Settings>;

impl Settings {
    /// A server on `root` with nothing special.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), flags: Vec::new(), env: Vec::new(), _own_root: None }
    }
}

impl Launch for Settings {
    const NAME: &'static str = "ois-server";
    const READY: &'static str = "listening on ";

    fn command(&self, port: u16) -> Result<Command> {
        let mut command = Command::new(binary::path(Self::NAME)?);
        let agents: Vec<String> =
            AGENTS.iter().map(|(token, display)| format!("{token}:{display}")).collect();
        command
            .arg("--listen")
            .arg(format!("127.0.0.1:{port}"))
            .arg("--root")
            .arg(&self.root)
            .args(&self.flags)
            .env("PASSWORD", PASSWORD)
            .env("AGENT_TOKENS", agents.join(","))
            // A connection of a test answers pings only while the test waits for a frame of it.
            .env("OIS_PING_SECONDS", PING_SECONDS.to_string())
            .envs(self.env.iter().cloned());
        Ok(command)
    }
}

impl Server {
    /// Starts a server on an empty root of its own.
    ///
    /// # Errors
    /// When it does not come up; the error carries what it said.
    pub fn fresh() -> Result<Self> {
        Self::with_flags(&[])
    }

    /// Starts a server with these flags on an empty root of its own.
    ///
    /// # Errors
    /// When it does not come up; the error carries what it said.
    pub fn with_flags(flags: &[&str]) -> Result<Self> {
        let root = TempDir::new().context("no temporary directory")?;
        let settings = Settings::at(root.path());
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Self::start(Settings { flags, _own_root: Some(Arc::new(root)), ..settings })
    }

    /// The address of the WebSocket: `ws://127.0.0.1:PORT/`.
    #[must_use]
    pub fn ws_url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port())
    }

    /// The team's root directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.settings().root
    }

    /// An HTTP client without a token.
    #[must_use]
    pub fn rest(&self) -> Rest {
        Rest::new(&self.url())
    }

    /// An HTTP client and a room connection of `username`, logged in with [`PASSWORD`].
    ///
    /// # Errors
    /// When the server refuses.
    pub fn person(&self, username: &str) -> Result<(Rest, Room)> {
        let token = self.rest().login(username, PASSWORD)?;
        let (room, _) = Room::join(&self.ws_url(), Credential::Session(&token))?;
        Ok((self.rest().with_token(&token), room))
    }

    /// A room connection of the agent with this token.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn agent(&self, token: &str) -> Result<Room> {
        Ok(Room::join(&self.ws_url(), Credential::Agent(token))?.0)
    }
}

/// Longer than any test takes, so that no connection is closed because its test was slow.
const PING_SECONDS: u64 = 3600;
