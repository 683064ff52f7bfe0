//! A server, an agent's monitor beside a real gateway, and bob, who talks.

use anyhow::{Result, ensure};
use e2e::{
    gateway::Gateway,
    monitor::{Monitor, Settings},
    person::Person,
    server::{AGENTS, Server},
    until,
};
use tempfile::TempDir;

/// ARIA's token and display name.
const ARIA: (&str, &str) = AGENTS[1];

/// Everything but the gateway itself, which outlives several of these.
pub(crate) struct Team {
    pub(crate) monitor: Monitor,
    pub(crate) server: Server,
    pub(crate) bob: Person,
    gateway_token: String,
    _state: TempDir,
}

impl Team {
    pub(crate) fn start(gateway: &Gateway) -> Result<Self> {
        Self::start_with(gateway, &[])
    }

    /// Starts with more flags for the monitor.
    pub(crate) fn start_with(gateway: &Gateway, flags: &[&str]) -> Result<Self> {
        let server = Server::fresh()?;
        let state = TempDir::new()?;
        let gateway_token = gateway.token()?.to_owned();
        let monitor = Monitor::start(Settings {
            ois_url: server.ws_url(),
            token: ARIA.0.to_owned(),
            name: "ARIA".to_owned(),
            state: state.path().to_owned(),
            gateway: Some((gateway.port()?, gateway_token.clone())),
            flags: flags.iter().map(|&flag| flag.to_owned()).collect(),
            env: Vec::new(),
        })?;
        let bob = Person::join(&server, "bob")?;
        Ok(Self { monitor, server, bob, gateway_token, _state: state })
    }

    /// Bob says it; answers with the message's id.
    pub(crate) fn call(&mut self, text: &str) -> Result<u64> {
        self.bob.say(text)
    }

    /// Waits for ARIA's answer to this message; its text.
    pub(crate) fn answer(&self, call: u64) -> Result<String> {
        let answer = self.bob.answer_by(ARIA.1, call)?;
        ensure!(answer["cause"] == call, "caused by something else: {answer}");
        Ok(answer["text"].as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the monitor has this many calls that are not over.
    pub(crate) fn has_open(&self, calls: u64) -> Result<()> {
        let local = self.monitor.local();
        until(&format!("{calls} calls are open"), || {
            Ok(local.get("/status")?.ok()?["agents"][0]["calls"] == calls)
        })
    }

    /// Ends the story: ARIA has replied to these, in this order, and said nothing else.
    pub(crate) fn close(mut self, answered: &[u64]) -> Result<()> {
        // An answer that comes twice has come before the answer to this call.
        let last = self.call("@ARIA anything else? [[say:nothing else]]")?;
        ensure!(self.answer(last)? == "nothing else", "another answer");
        let said = self.bob.said_by(ARIA.1)?;
        let replies: Vec<Option<u64>> = said.iter().map(|it| it["replyTo"].as_u64()).collect();
        let wanted: Vec<Option<u64>> = answered.iter().copied().chain([last]).map(Some).collect();
        ensure!(replies == wanted, "replies to {wanted:?} were expected, not {said:#?}");
        let status = self.monitor.stop()?;
        ensure!(status.success(), "the monitor ended with {status}");
        let log = self.monitor.process().log();
        ensure!(!log.contains(ARIA.0) && !log.contains(&self.gateway_token), "a token: {log}");
        Ok(())
    }
}
