//! A real `ois-monitor`.

use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::binary;
use crate::process::Process;
use crate::program::{Launch, Program};
use crate::rest::Rest;

/// How a monitor is started.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server (`ws://127.0.0.1:8800/`).
    pub ois_url: String,
    /// The agent's token there.
    pub token: String,
    /// The agent's short name.
    pub name: String,
    /// The directory of the monitor's state.
    pub state: PathBuf,
    /// The gateway's port on 127.0.0.1 and its token, for an agent behind a gateway.
    pub gateway: Option<(u16, String)>,
    /// More command line arguments.
    pub flags: Vec<String>,
    /// More environment variables.
    pub env: Vec<(String, String)>,
}

/// A monitor that runs, or may be started again on the same state and local port.
pub type Monitor = Program<Settings>;

/// The findings of `ois-monitor doctor`.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    /// The exit status of the command.
    pub status: ExitStatus,
    /// The links of the chain: `link`, `verdict` (`good`, `unsure`, `broken`), `seen`, `advice`.
    pub checks: Vec<Value>,
    /// The whole output of the command, both streams.
    pub words: String,
}

impl Monitor {
    /// A client of the local port, which serves the agent on the same host.
    #[must_use]
    pub fn local(&self) -> Rest {
        Rest::new(&self.url())
    }
}

impl Settings {
    /// Runs `ois-monitor doctor --json` with these settings and answers when it has ended.
    ///
    /// # Errors
    /// When it does not end in time, or what it prints is no JSON.
    pub fn doctor(&self) -> Result<Diagnosis> {
        let mut command = self.command(0)?;
        command.args(["doctor", "--json"]);
        let doctor = Process::start("doctor", command)?;
        let status = doctor.ended()?;
        let words = doctor.log();
        let json: Value = serde_json::from_str(&doctor.printed())
            .with_context(|| format!("no JSON, {status}: {words}"))?;
        let checks = json.as_array().or_else(|| json["checks"].as_array()).cloned();
        let checks = checks.with_context(|| format!("no checks in {words}"))?;
        Ok(Diagnosis { status, checks, words })
    }
}

impl Launch for Settings {
    const NAME: &'static str = "ois-monitor";
    const READY: &'static str = "monitor ready on ";

    fn command(&self, port: u16) -> Result<Command> {
        let mut command = Command::new(binary::path(Self::NAME)?);
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
