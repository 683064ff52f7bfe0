//! A real OpenClaw gateway with a stub model behind it.
//!
//! `openclaw/openclaw-gateway.sh` installs the npm package once and keeps a gateway in the
//! foreground; the model is `openclaw/stub_model.py`, a process of its own, so that a gateway that is
//! killed and started again finds the same one. The marks in a message that the stub obeys
//! (`[[say:…]]`, `[[until:…]]`, `[[fail:…]]`, `[[tool:…]]`) are listed at the head of its file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal};
use serde_json::Value;

use crate::binary;
use crate::process::Process;
use crate::{TIMEOUT, until};

/// A directory other than `target/openclaw` for the installed gateway.
pub const CACHE: &str = "OIS_OPENCLAW_CACHE";

/// A model that answers `pong: …`, offline.
#[derive(Debug)]
pub struct Model {
    _process: Process,
    log: PathBuf,
    port: u16,
}

/// A gateway that runs, or may be started again on the same state and port.
#[derive(Debug)]
pub struct Gateway {
    state: PathBuf,
    model_url: String,
    script: Process,
    /// The values that the script printed when the gateway was ready: `port`, `url`, `token`, `hooks_token`, `pid`.
    ready: BTreeMap<String, String>,
}

impl Model {
    /// Starts the stub; its log of requests is kept in `dir`.
    ///
    /// # Errors
    /// When there is no Python or it does not come up.
    pub fn start(dir: &Path) -> Result<Self> {
        let log = dir.join("model-requests.jsonl");
        let mut command = Command::new("python3");
        command.arg(openclaw_dir().join("stub_model.py")).args(["--port", "0", "--log"]).arg(&log);
        let process = Process::start("stub model", command)?;
        let port = process
            .line(TIMEOUT, |line| line.strip_prefix("STUB READY port=")?.parse::<u16>().ok())?;
        Ok(Self { _process: process, log, port })
    }

    /// The address that a gateway is given.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// The bodies of all requests so far: what the agent was told, word for word.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn requests(&self) -> Result<Vec<Value>> {
        if !self.log.exists() {
            return Ok(Vec::new());
        }
        let text = std::fs::read_to_string(&self.log).context("cannot read the model's log")?;
        let complete = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        complete
            .map(|line| {
                let request: Value = serde_json::from_str(line)?;
                Ok(request["body"].clone())
            })
            .collect()
    }

    /// The bodies of the requests so far that hold this text anywhere.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn told(&self, text: &str) -> Result<Vec<Value>> {
        let requests = self.requests()?;
        Ok(requests.into_iter().filter(|request| request.to_string().contains(text)).collect())
    }

    /// Lets the answers go on that the mark `[[until:NAME]]` holds back, those to come included.
    ///
    /// # Errors
    /// When the file that the stub waits for cannot be made.
    pub fn release(&self, name: &str) -> Result<()> {
        std::fs::write(self.log.with_file_name(name), "").context("cannot release an answer")
    }

    /// Waits until a request holds this text.
    ///
    /// # Errors
    /// When none does within [`TIMEOUT`].
    pub fn hears(&self, text: &str) -> Result<()> {
        let what = format!("the model hears {text:?}");
        until(&what, || Ok(!self.told(text)?.is_empty()))
    }
}

impl Gateway {
    /// Starts a gateway that keeps its state in `state` and asks `model`.
    ///
    /// # Errors
    /// When it cannot be installed or does not come up; the error carries what it said.
    pub fn start(state: &Path, model: &Model) -> Result<Self> {
        let (script, ready) = spawn(state, &model.url(), &[])?;
        Ok(Self { state: state.to_owned(), model_url: model.url(), script, ready })
    }

    /// Its port on 127.0.0.1; a restart keeps it.
    ///
    /// # Errors
    /// When the script said none.
    pub fn port(&self) -> Result<u16> {
        self.said("port")?.parse().context("a port that is no number")
    }

    /// The address of the gateway: `http://127.0.0.1:PORT`.
    ///
    /// # Errors
    /// When the script said none.
    pub fn url(&self) -> Result<&str> {
        self.said("url")
    }

    /// The shared token; a restart keeps it.
    ///
    /// # Errors
    /// When the script said none.
    pub fn token(&self) -> Result<&str> {
        self.said("token")
    }

    /// Ends the gateway as a power cut does (SIGKILL to it and its children).
    ///
    /// # Errors
    /// When the script stays.
    pub fn kill(&self) -> Result<()> {
        if self.script.is_running() {
            let group = self.said("pid")?.parse().ok().and_then(Pid::from_raw);
            let group = group.context("a process number that is none")?;
            // Gone already is as good as killed; the script notices either.
            if let Err(error) = rustix::process::kill_process_group(group, Signal::KILL) {
                eprintln!("gateway {group:?}: {error}");
            }
            self.script.ended()?;
        }
        Ok(())
    }

    /// Asks the gateway to end and waits.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn stop(&self) -> Result<()> {
        self.script.terminate().map(drop)
    }

    /// Starts it again with the same state, port and tokens; ends it first (SIGKILL) if it runs.
    ///
    /// # Errors
    /// When it does not come up; the error carries what it said.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        let kept = ["port", "token", "hooks_token"].map(|key| {
            Ok::<_, anyhow::Error>((
                format!("--{}", key.replace('_', "-")),
                self.said(key)?.to_owned(),
            ))
        });
        let kept = kept.into_iter().collect::<Result<Vec<_>>>()?;
        (self.script, self.ready) = spawn(&self.state, &self.model_url, &kept)?;
        Ok(())
    }

    fn said(&self, key: &str) -> Result<&str> {
        let value = self.ready.get(key).with_context(|| format!("the script said no {key}"))?;
        Ok(value)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // The script's own end would leave the gateway alive: it has a process group of its own.
        if let Err(error) = self.kill() {
            eprintln!("{error:#}");
        }
    }
}

type Ready = BTreeMap<String, String>;

fn spawn(state: &Path, model_url: &str, more: &[(String, String)]) -> Result<(Process, Ready)> {
    let mut command = Command::new("bash");
    command
        .arg(openclaw_dir().join("openclaw-gateway.sh"))
        .arg(cache()?)
        .args(["--model-url", model_url, "--state"])
        .arg(state);
    for (flag, value) in more {
        command.args([flag, value]);
    }
    let script = Process::start("openclaw-gateway.sh", command)?;
    let ready = script.line(START, parse_ready);
    if ready.is_err() {
        // Its trap ends the gateway that it may have started; a kill would not.
        script.signal(Signal::TERM)?;
        script.ended()?;
    }
    Ok((script, ready?))
}

fn parse_ready(line: &str) -> Option<Ready> {
    let words = line.strip_prefix("READY ")?.split_whitespace();
    Some(words.filter_map(|word| word.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect())
}

fn openclaw_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openclaw")
}

fn cache() -> Result<PathBuf> {
    match std::env::var_os(CACHE) {
        Some(dir) => Ok(dir.into()),
        None => Ok(binary::target_dir()?.join("openclaw")),
    }
}

/// Longer than elsewhere: where nothing is installed yet, the start installs 0.8 GB first.
const START: Duration = Duration::from_secs(1200);

#[cfg(test)]
mod tests {
    use super::parse_ready;

    #[test]
    fn the_ready_line_is_taken_apart() {
        let ready = parse_ready("READY port=7 url=http://127.0.0.1:7 token=a=b pid=9");
        let ready = ready.expect("a ready line");
        assert_eq!(ready["port"], "7");
        assert_eq!(ready["token"], "a=b");
        assert_eq!(parse_ready("openclaw-gateway: ready after 9 ms"), None);
    }
}
