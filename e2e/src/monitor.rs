//! A real `ois-monitor`.

use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::Result;

use crate::binary;
use crate::process::Process;
use crate::rest::Rest;
use crate::server::port_after;

/// How a monitor is started.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server (`ws://127.0.0.1:8800/`).
    pub ois_url: String,
    /// The agent's token there.
    pub token: String,
    /// The agent's short name.
    pub name: String,
    /// The directory in which it remembers.
    pub state: PathBuf,
    /// The gateway's port on 127.0.0.1 and its token, for an agent behind a gateway.
    pub gateway: Option<(u16, String)>,
    /// More command line arguments.
    pub flags: Vec<String>,
    /// More environment variables.
    pub env: Vec<(String, String)>,
}

/// A monitor that runs, or may be started again on the same state and local port.
#[derive(Debug)]
pub struct Monitor {
    settings: Settings,
    process: Process,
    port: u16,
}

impl Monitor {
    /// Starts a monitor and waits until its local port is open.
    ///
    /// # Errors
    /// When it does not come up; the error carries what it said.
    pub fn start(settings: Settings) -> Result<Self> {
        let (process, port) = spawn(&settings, 0)?;
        Ok(Self { settings, process, port })
    }

    /// The local port, for the agent on the same host.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A client of the local port.
    #[must_use]
    pub fn local(&self) -> Rest {
        Rest::new(&format!("http://127.0.0.1:{}", self.port))
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

    /// Starts it again on the same state and port; ends it first (SIGKILL) if it runs.
    ///
    /// # Errors
    /// When it does not come up; the error carries what it said.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        self.process = spawn(&self.settings, self.port)?.0;
        Ok(())
    }

    /// The process itself.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }
}

fn spawn(settings: &Settings, port: u16) -> Result<(Process, u16)> {
    let mut command = Command::new(binary::path("ois-monitor")?);
    command
        .arg("--state")
        .arg(&settings.state)
        .args(["--local-port", &port.to_string()])
        .args(&settings.flags)
        .env("OIS_URL", &settings.ois_url)
        .env("OIS_AGENT_TOKEN", &settings.token)
        .env("OIS_AGENT_NAME", &settings.name);
    if let Some((port, token)) = &settings.gateway {
        command
            .env("GATEWAY_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("GATEWAY_TOKEN", token);
    }
    command.envs(settings.env.iter().cloned());
    let process = Process::start("ois-monitor", command)?;
    let port = process.line(START, |line| port_after(line, "monitor ready on "))?;
    Ok((process, port))
}

const START: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(20);
