//! A server, a gateway, the monitor of ARIA between them, and bob, who talks.

use anyhow::{Context, Result, ensure};
use e2e::{
    fake_gateway::{End, FakeGateway, Manner, TOKEN, Turn},
    monitor::{Monitor, Settings},
    person::Person,
    proxy::Proxy,
    server::{AGENTS, Server},
    until,
};
use serde_json::Value;
use tempfile::TempDir;

/// ARIA's token at the server.
pub(crate) const ARIA: &str = AGENTS[1].0;
const DISPLAY: &str = AGENTS[1].1;

/// Everything between a person's word and the agent's answer.
pub(crate) struct Team {
    pub(crate) monitor: Monitor,
    pub(crate) gateway: FakeGateway,
    /// Between the monitor and the server, so that a test can hold the wire still.
    pub(crate) wire: Proxy,
    pub(crate) server: Server,
    pub(crate) bob: Person,
    _state: TempDir,
}

impl Team {
    pub(crate) fn start() -> Result<Self> {
        Self::start_with(|_| {})
    }

    /// Starts with other settings of the monitor.
    pub(crate) fn start_with(change: impl FnOnce(&mut Settings)) -> Result<Self> {
        let server = Server::fresh()?;
        let gateway = FakeGateway::start()?;
        let wire = Proxy::start(server.port())?;
        let state = TempDir::new()?;
        let mut settings = Settings {
            ois_url: format!("ws://127.0.0.1:{}/", wire.port()),
            token: ARIA.to_owned(),
            name: "ARIA".to_owned(),
            state: state.path().to_owned(),
            gateway: Some((gateway.port(), TOKEN.to_owned())),
            flags: Vec::new(),
            env: Vec::new(),
        };
        settings.env.push(("OIS_PROBE_EVERY".to_owned(), "1s".to_owned()));
        change(&mut settings);
        let monitor = Monitor::start(settings)?;
        let bob = Person::join(&server, "bob")?;
        Ok(Self { monitor, gateway, wire, server, bob, _state: state })
    }

    /// Bob says it; answers with the message's id.
    pub(crate) fn call(&mut self, text: &str) -> Result<u64> {
        self.bob.say(text)
    }

    /// The next turn, which is the one for this message.
    pub(crate) fn turn_for(&self, call: u64) -> Result<Turn> {
        let turn = self.gateway.turn()?;
        ensure!(turn.calls() == Some(call), "not for {call}: {turn:?}");
        Ok(turn)
    }

    /// The next turn, which is for this message and ends with this text.
    pub(crate) fn reply(&self, call: u64, text: &str) -> Result<()> {
        let turn = self.turn_for(call)?;
        self.gateway.finish(&turn, End::Text(text.to_owned()));
        Ok(())
    }

    /// Waits until the room has ARIA's answer to this message.
    pub(crate) fn answer(&self, call: u64) -> Result<Value> {
        self.bob.answer_by(DISPLAY, call)
    }

    /// Waits until the server itself says that no answer will come to this message; in its words.
    pub(crate) fn told(&self, call: u64) -> Result<String> {
        let told = self.bob.answer_by("OIS", call)?;
        let words = told["text"].as_str().unwrap_or_default();
        names_no_token(words)?;
        ensure!(words.starts_with("[AUTO] No answer will come from"), "not marked: {words}");
        ensure!(told["notice"]["kind"] == "dead", "another notice: {told}");
        Ok(words.to_owned())
    }

    /// How far ARIA is with this message, as the server has it.
    pub(crate) fn delivery(&self, call: u64) -> Result<Value> {
        self.bob.delivery("ARIA", call)
    }

    /// Waits until it is so far; answers with the delivery.
    pub(crate) fn until_state(&self, call: u64, state: &str) -> Result<Value> {
        self.bob.until_state("ARIA", call, state)
    }

    /// The turns that the server knows.
    pub(crate) fn runs(&self) -> Result<Vec<Value>> {
        self.bob.runs()
    }

    /// Nothing is open any more: every delivery has come to an end, and every turn.
    pub(crate) fn nothing_is_open(&self) -> Result<()> {
        for state in ["stored", "received", "admitted", "ended"] {
            let path = format!("/api/deliveries?state={state}&agent=ARIA");
            until(&format!("no delivery is {state}"), || {
                let open = self.bob.rest().get(&path)?.ok()?;
                Ok(open["deliveries"].as_array().is_some_and(Vec::is_empty))
            })?;
        }
        until("no turn is under way", || {
            let active = self.bob.rest().get("/api/runs?active=1&agent=ARIA")?.ok()?;
            Ok(active["runs"].as_array().is_some_and(Vec::is_empty))
        })
    }

    /// Waits until ARIA has said this.
    pub(crate) fn hear(&self, text: &str) -> Result<Value> {
        self.bob.wait_for(DISPLAY, text, |said| {
            said.iter().find(|message| message["text"] == text).cloned()
        })
    }

    /// All that ARIA has said, oldest first.
    pub(crate) fn said(&self) -> Result<Vec<Value>> {
        self.bob.said_by(DISPLAY)
    }

    /// The gateway is started anew, in another manner: its links do not outlive that. A monitor
    /// that probes often knows of it afterwards.
    pub(crate) fn comes_back_as(&mut self, manner: Manner) -> Result<()> {
        self.gateway.down()?;
        self.gateway.behave(manner);
        let tries = self.gateway.times("connect");
        self.gateway.up()?;
        self.gateway.asked("connect", tries).map(drop)
    }

    /// Starts the monitor again, after a kill; no token stood in what it had said.
    pub(crate) fn restart_monitor(&mut self) -> Result<()> {
        self.monitor.kill()?;
        names_no_token(&self.monitor.process().log())?;
        self.monitor.restart()
    }

    /// Starts the server again, after a kill, and lets bob in again.
    pub(crate) fn restart_server(&mut self) -> Result<()> {
        self.server.restart()?;
        self.bob.join_again(&self.server)
    }

    /// Ends the story: these and no others are ARIA's messages, as what each replies to and its
    /// text; no turn was begun of which the test does not know; no token was printed; and the
    /// monitor stops when it is asked to.
    pub(crate) fn close(mut self, answers: &[(u64, &str)]) -> Result<()> {
        let said = self.last_words()?;
        let said: Vec<(Option<u64>, Option<&str>)> = said
            .iter()
            .map(|message| (message["replyTo"].as_u64(), message["text"].as_str()))
            .collect();
        let wanted: Vec<_> =
            answers.iter().map(|(call, text)| (Some(*call), Some(*text))).collect();
        ensure!(said == wanted, "ARIA said {said:?}, not {wanted:?}");
        self.nothing_is_open()?;
        self.stop()
    }

    /// Ends the story as [`close`](Self::close) does, where ARIA spoke of its own accord.
    pub(crate) fn close_after_words(mut self, words: &[&str]) -> Result<()> {
        let said = self.last_words()?;
        let said: Vec<&str> = said.iter().filter_map(|message| message["text"].as_str()).collect();
        ensure!(said == words, "ARIA said {said:?}, not {words:?}");
        self.stop()
    }

    /// All that ARIA has said when one more call is answered: what was to come twice has come.
    fn last_words(&mut self) -> Result<Vec<Value>> {
        let last = self.call("@ARIA anything else?")?;
        self.reply(last, "nothing else")?;
        self.answer(last)?;
        let mut said = self.said()?;
        let end = said.pop().context("the answer was there")?;
        ensure!(end["replyTo"] == last, "ARIA has not done: {end}");
        Ok(said)
    }

    /// Stops the monitor; it says no token and ends well.
    pub(crate) fn stop(&self) -> Result<()> {
        let status = self.monitor.stop()?;
        ensure!(status.success(), "it ended with {status}");
        names_no_token(&self.monitor.process().log())
    }
}

/// An error if one of the two secrets of a monitor stands in what it said.
pub(crate) fn names_no_token(text: &str) -> Result<()> {
    ensure!(!text.contains(ARIA) && !text.contains(TOKEN), "a token stands in {text}");
    Ok(())
}
