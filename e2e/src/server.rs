//! A real `ois-server` on a free port of the loopback device.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::binary;
use crate::process::Process;
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
}

/// A server that runs, or may be started again on the same root and port.
#[derive(Debug)]
pub struct Server {
    settings: Settings,
    process: Process,
    port: u16,
    /// Removed with the server, when the server made it.
    _own_root: Option<TempDir>,
}

impl Settings {
    /// A server on `root` with nothing special.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), flags: Vec::new(), env: Vec::new() }
    }
}

impl Server {
    /// Starts a server on an empty root of its own.
    ///
    /// # Errors
    /// When it does not come up; the error carries what it said.
    pub fn fresh() -> Result<Self> {
        let root = TempDir::new().context("no temporary directory")?;
        let mut server = Self::start(Settings::at(root.path()))?;
        server._own_root = Some(root);
        Ok(server)
    }

    /// Starts a server and waits until it listens.
    ///
    /// # Errors
    /// When it does not come up; the error carries what it said.
    pub fn start(settings: Settings) -> Result<Self> {
        let (process, port) = spawn(&settings, 0)?;
        Ok(Self { settings, process, port, _own_root: None })
    }

    /// The port that it listens on; a restart keeps it.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// `ws://127.0.0.1:PORT/`.
    #[must_use]
    pub fn ws_url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port)
    }

    /// The team's root directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.settings.root
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

    /// Ends it as a power cut does (SIGKILL).
    ///
    /// # Errors
    /// When the process stays.
    pub fn kill(&self) -> Result<()> {
        self.process.kill().map(drop)
    }

    /// Asks it to end (SIGTERM) and waits.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn stop(&self) -> Result<ExitStatus> {
        self.process.terminate(STOP)
    }

    /// Starts it again on the same root and port; ends it first (SIGKILL) if it runs.
    ///
    /// # Errors
    /// When it does not come up; the error carries what it said.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        self.process = spawn(&self.settings, self.port)?.0;
        Ok(())
    }

    /// The settings of the next [`restart`](Self::restart).
    pub fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// The process itself.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }
}

fn spawn(settings: &Settings, port: u16) -> Result<(Process, u16)> {
    let mut command = Command::new(binary::path("ois-server")?);
    let agents: Vec<String> =
        AGENTS.iter().map(|(token, display)| format!("{token}:{display}")).collect();
    command
        .arg("--listen")
        .arg(format!("127.0.0.1:{port}"))
        .arg("--root")
        .arg(&settings.root)
        .args(&settings.flags)
        .env("PASSWORD", PASSWORD)
        .env("AGENT_TOKENS", agents.join(","))
        .envs(settings.env.iter().cloned());
    let process = Process::start("ois-server", command)?;
    let port = process.line(START, |line| port_after(line, "listening on "))?;
    Ok((process, port))
}

/// The port at the end of the address that follows `words` in a line.
pub(crate) fn port_after(line: &str, words: &str) -> Option<u16> {
    let address = line.split_once(words)?.1.split_whitespace().next()?;
    address.trim_end_matches('/').rsplit_once(':')?.1.parse().ok()
}

const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::port_after;

    #[test]
    fn the_port_is_read_from_the_ready_line() {
        assert_eq!(port_after("listening on 127.0.0.1:41233", "listening on "), Some(41233));
        assert_eq!(port_after("listening on http://127.0.0.1:80/ (x)", "listening on "), Some(80));
        assert_eq!(port_after("monitor ready on 127.0.0.1:7", "monitor ready on "), Some(7));
        assert_eq!(port_after("nothing here", "listening on "), None);
    }
}
