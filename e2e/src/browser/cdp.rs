//! Calls and events of the DevTools protocol over one WebSocket.

use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::TIMEOUT;
use crate::socket::{Received, Socket};

/// The connection to one target: calls, and the events that came meanwhile.
#[derive(Debug)]
pub(super) struct Cdp {
    socket: Socket,
    last_id: u64,
    /// The problems of the page: errors on its console, exceptions, policy violations, dialogs.
    pub(super) problems: Vec<String>,
    /// Every address that the page has asked for.
    pub(super) requests: Vec<String>,
    /// How many times the page has finished loading.
    pub(super) loads: u64,
}

impl Cdp {
    pub(super) fn open(url: &str) -> Result<Self> {
        Ok(Self {
            socket: Socket::open(url)?,
            last_id: 0,
            problems: Vec::new(),
            requests: Vec::new(),
            loads: 0,
        })
    }

    /// Calls `method` and answers with its result.
    pub(super) fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        let id = self.send(method, params)?;
        let until = Instant::now() + TIMEOUT;
        loop {
            let frame = self.next(until, method)?;
            if frame["id"] != id {
                continue;
            }
            if let Some(error) = frame.get("error") {
                bail!("{method}: {}", error["message"].as_str().unwrap_or("failed"));
            }
            return Ok(frame["result"].clone());
        }
    }

    /// Waits until the page has finished loading more often than `before`.
    pub(super) fn wait_load(&mut self, before: u64) -> Result<()> {
        let until = Instant::now() + TIMEOUT;
        while self.loads <= before {
            self.next(until, "the end of loading")?;
        }
        Ok(())
    }

    fn send(&mut self, method: &str, params: Value) -> Result<u64> {
        self.last_id += 1;
        self.socket.send(&json!({"id": self.last_id, "method": method, "params": params}))?;
        Ok(self.last_id)
    }

    /// The next frame; an event is noted as well.
    fn next(&mut self, until: Instant, what: &str) -> Result<Value> {
        match self.socket.next(until)? {
            Received::Json(frame) => {
                if let Some(event) = frame["method"].as_str() {
                    self.note(event, &frame["params"])?;
                }
                Ok(frame)
            }
            Received::Pong => Ok(Value::Null),
            Received::Closed => bail!("the browser closed during {what}"),
            Received::Nothing => bail!("the browser did not answer {what} within {TIMEOUT:?}"),
        }
    }

    fn note(&mut self, event: &str, params: &Value) -> Result<()> {
        match event {
            "Page.loadEventFired" => self.loads += 1,
            "Network.requestWillBeSent" => self.requests.push(text(&params["request"]["url"])),
            "Network.webSocketCreated" => self.requests.push(text(&params["url"])),
            "Runtime.consoleAPICalled" if params["type"] == "error" => {
                let words = params["args"].as_array().into_iter().flatten().map(console_word);
                self.problems.push(format!("console: {}", words.collect::<Vec<_>>().join(" ")));
            }
            "Runtime.exceptionThrown" => {
                let problem = format!("exception: {}", exception(&params["exceptionDetails"]));
                self.problems.push(problem);
            }
            "Log.entryAdded" if params["entry"]["level"] == "error" => {
                let entry = &params["entry"];
                self.problems.push(format!(
                    "log: {} {}",
                    text(&entry["text"]),
                    text(&entry["url"])
                ));
            }
            "Audits.issueAdded" if params["issue"]["code"] == "ContentSecurityPolicyIssue" => {
                let details = &params["issue"]["details"]["contentSecurityPolicyIssueDetails"];
                self.problems.push(format!("Content Security Policy: {details}"));
            }
            "Page.javascriptDialogOpening" => {
                self.problems.push(format!("dialog: {}", text(&params["message"])));
                // An open dialog would hold up every other call.
                self.send("Page.handleJavaScriptDialog", json!({"accept": true}))?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// The words of an exception, with its place.
pub(super) fn exception(details: &Value) -> String {
    let description = text(&details["exception"]["description"]);
    let words = if description.is_empty() { text(&details["text"]) } else { description };
    format!("{words} ({}:{})", text(&details["url"]), details["lineNumber"])
}

fn console_word(arg: &Value) -> String {
    match (&arg["value"], &arg["description"]) {
        (Value::String(word), _) | (Value::Null, Value::String(word)) => word.clone(),
        (value, _) => value.to_string(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
