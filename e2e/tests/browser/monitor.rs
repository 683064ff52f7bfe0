//! An agent's monitor that reports what a test wants reported.

use anyhow::{Context, Result};
use e2e::room::{Credential, Room};
use e2e::server::Server;
use serde_json::{Value, json};

/// A connection that reports on one agent's deliveries.
pub(crate) struct Monitor {
    room: Room,
    agent: String,
}

/// A monitor's own clock, which the server does not believe.
const AT: &str = "2026-02-06T12:34:56.789Z";

impl Monitor {
    /// Signs in the agent with this token and short name.
    pub(crate) fn join(server: &Server, token: &str, agent: &str) -> Result<Self> {
        let topics = json!({"subscribe": ["deliveries", "runs"]});
        let (room, _) = Room::join_with(&server.ws_url(), Credential::Agent(token), topics)?;
        Ok(Self { room, agent: agent.to_owned() })
    }

    /// Waits for a message that ends with `text`; answers with its id.
    pub(crate) fn hears(&mut self, text: &str) -> Result<u64> {
        let message = self.room.hear("", |heard| heard.ends_with(text))?;
        message["id"].as_u64().context("a message without an id")
    }

    /// Reports a rung and waits for its receipt. `more` holds what there is besides.
    pub(crate) fn reports(&mut self, message: u64, state: &str, more: &Value) -> Result<()> {
        let mut frame = json!({"type": "delivery", "message": message, "agent": self.agent, "attempt": 1, "state": state, "at": AT});
        extend(&mut frame, more);
        self.room.send(&frame)?;
        self.room.wait_for(&format!("the receipt of {state}"), |frame| {
            frame["type"] == "delivery" && frame["message"] == message && frame["state"] == state
        })?;
        Ok(())
    }

    /// Reports that a turn began, or with `end` in `more` that it is over.
    pub(crate) fn turn(&mut self, run: &str, cause: u64, more: &Value) -> Result<()> {
        let mut frame =
            json!({"type": "run", "run": run, "agent": self.agent, "cause": cause, "start": AT});
        extend(&mut frame, more);
        self.room.send(&frame)?;
        self.room.wait_for("the receipt of a run", |frame| {
            frame["type"] == "run"
                && frame["run"] == run
                && frame["end"].is_null() == more["end"].is_null()
        })?;
        Ok(())
    }

    /// Tells what the agent is doing.
    pub(crate) fn does(&mut self, state: &str, more: &Value) -> Result<()> {
        let mut frame = json!({"type": "activity", "state": state});
        extend(&mut frame, more);
        self.room.send(&frame)
    }

    /// Proves the wake path, or tells that it does not answer.
    pub(crate) fn is(&mut self, state: &str) -> Result<()> {
        self.room
            .send(&json!({"type": "presence", "name": self.agent, "state": state, "since": AT}))
    }

    /// Says `text` as the answer to `cause`; answers with its id.
    pub(crate) fn answers(&mut self, cause: u64, text: &str) -> Result<u64> {
        self.says(text, &json!({"replyTo": cause, "cause": cause}))
    }

    /// Says `text` with the fields of `more`; answers with its id.
    pub(crate) fn says(&mut self, text: &str, more: &Value) -> Result<u64> {
        let mut frame = json!({"type": "chat", "text": text});
        extend(&mut frame, more);
        self.room.send(&frame)?;
        self.hears(text)
    }

    /// Waits for a frame of this type.
    pub(crate) fn gets(&mut self, kind: &str) -> Result<Value> {
        self.room.wait_for_type(kind)
    }

    /// Waits for the next attempt at a delivery.
    pub(crate) fn is_called_again(&mut self, message: u64, attempt: u64) -> Result<()> {
        self.room.wait_for("the next attempt", |frame| {
            frame["type"] == "delivery"
                && frame["message"] == message
                && frame["attempt"] == attempt
        })?;
        Ok(())
    }

    /// Answers a stop.
    pub(crate) fn stopped(&mut self, run: &str, stopped: bool) -> Result<()> {
        self.room.send(&json!({"type": "stopped", "run": run, "stopped": stopped}))
    }

    /// Goes away without a word.
    pub(crate) fn cut(self) {
        self.room.cut();
    }
}

fn extend(frame: &mut Value, more: &Value) {
    for (key, value) in more.as_object().into_iter().flatten() {
        frame[key] = value.clone();
    }
}
