//! A real `ois-monitor`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::NamedTempFile;

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

/// What `ois-monitor doctor` found.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    /// How it ended.
    pub status: ExitStatus,
    /// The links of the chain: `link`, `verdict` (`good`, `unsure`, `broken`), `seen`, `advice`.
    pub checks: Vec<Value>,
    /// Everything that it said, both streams.
    pub words: String,
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

    /// How it was started.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The process itself.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }
}

impl Settings {
    /// Runs `ois-monitor doctor --json` with these settings and answers when it has ended.
    ///
    /// # Errors
    /// When it does not end within a minute, or what it says is no JSON.
    pub fn doctor(&self) -> Result<Diagnosis> {
        let said = NamedTempFile::new()?;
        let complained = NamedTempFile::new()?;
        let mut command = self.command(0)?;
        command.args(["doctor", "--json"]).stdin(Stdio::null());
        command.stdout(said.reopen()?).stderr(complained.reopen()?);
        let mut child = command.spawn().context("cannot start the doctor")?;
        let until = Instant::now() + DOCTOR;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if Instant::now() > until {
                child.kill()?;
                child.wait()?;
                bail!("the doctor took more than {DOCTOR:?}");
            }
            std::thread::park_timeout(BETWEEN_LOOKS);
        };
        let said = fs::read_to_string(said.path())?;
        let complained = fs::read_to_string(complained.path())?;
        let json: Value = serde_json::from_str(&said)
            .with_context(|| format!("no JSON, {status}: {said}\n{complained}"))?;
        let checks = json.as_array().or_else(|| json["checks"].as_array()).cloned();
        let checks = checks.with_context(|| format!("no checks in {said}"))?;
        Ok(Diagnosis { status, checks, words: said + &complained })
    }

    /// The command line of a monitor with these settings.
    fn command(&self, port: u16) -> Result<Command> {
        let mut command = Command::new(binary::path("ois-monitor")?);
        let ours = |name: &str| name.starts_with("OIS_") || name.starts_with("GATEWAY_");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
            command.env_remove(name);
        }
        command
            .arg("--state")
            .arg(&self.state)
            .args(["--local-port", &port.to_string()])
            .args(&self.flags)
            .env("OIS_URL", &self.ois_url)
            .env("OIS_AGENT_TOKEN", &self.token)
            .env("OIS_AGENT_NAME", &self.name);
        if let Some((port, token)) = &self.gateway {
            command
                .env("GATEWAY_HOST", "127.0.0.1")
                .env("GATEWAY_PORT", port.to_string())
                .env("GATEWAY_TOKEN", token);
        }
        command.envs(self.env.iter().cloned());
        Ok(command)
    }
}

impl Diagnosis {
    /// The links that do not hold, by their names.
    #[must_use]
    pub fn broken(&self) -> Vec<&str> {
        let broken = self.checks.iter().filter(|check| check["verdict"] == "broken");
        broken.filter_map(|check| check["link"].as_str()).collect()
    }
}

fn spawn(settings: &Settings, port: u16) -> Result<(Process, u16)> {
    let process = Process::start("ois-monitor", settings.command(port)?)?;
    let port = process.line(START, |line| port_after(line, "monitor ready on "))?;
    Ok((process, port))
}

const START: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(20);
const DOCTOR: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
