//! A person in the room who calls agents and looks at their answers.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::rest::Rest;
use crate::room::Room;
use crate::server::Server;
use crate::{BETWEEN_LOOKS, TIMEOUT, until};

/// A person who is logged in.
#[derive(Debug)]
pub struct Person {
    name: String,
    rest: Rest,
    room: Room,
}

impl Person {
    /// Logs in and joins the room.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn join(server: &Server, name: &str) -> Result<Self> {
        let (rest, room) = server.person(name)?;
        Ok(Self { name: name.to_owned(), rest, room })
    }

    /// Joins anew, after a restart of the server.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn join_again(&mut self, server: &Server) -> Result<()> {
        *self = Self::join(server, &self.name)?;
        Ok(())
    }

    /// Says something; answers with the message's id.
    ///
    /// # Errors
    /// When it does not come back.
    pub fn say(&mut self, text: &str) -> Result<u64> {
        self.room.say(text)?["id"].as_u64().context("a message without an id")
    }

    /// The connection to the room.
    pub fn room(&mut self) -> &mut Room {
        &mut self.room
    }

    /// This person's HTTP.
    pub fn rest(&self) -> &Rest {
        &self.rest
    }

    /// How far the agent is with this message, as the server has it.
    ///
    /// # Errors
    /// When there is no such delivery.
    pub fn delivery(&self, agent: &str, call: u64) -> Result<Value> {
        let answer = self.rest.get(&format!("/api/messages/{call}/deliveries"))?.ok()?;
        let all = answer["deliveries"].as_array().cloned().unwrap_or_default();
        let own = all.into_iter().find(|one| one["agent"] == agent);
        own.with_context(|| format!("no delivery of {call} to {agent}"))
    }

    /// Waits until it is so far; answers with the delivery.
    ///
    /// # Errors
    /// When it is not within [`TIMEOUT`].
    pub fn until_state(&self, agent: &str, call: u64, state: &str) -> Result<Value> {
        let mut last = Value::Null;
        let waited = until(&format!("the delivery of {call} is {state}"), || {
            last = self.delivery(agent, call)?;
            Ok(last["state"] == state)
        });
        waited.with_context(|| format!("it is {last}"))?;
        Ok(last)
    }

    /// The turns that the server knows, the newest first.
    ///
    /// # Errors
    /// When the server does not tell.
    pub fn runs(&self) -> Result<Vec<Value>> {
        let answer = self.rest.get("/api/runs?limit=200")?.ok()?;
        Ok(answer["runs"].as_array().cloned().unwrap_or_default())
    }

    /// All that the member with this display name has said, oldest first.
    ///
    /// # Errors
    /// When the server does not tell.
    pub fn said_by(&self, display: &str) -> Result<Vec<Value>> {
        let all = self.rest.get("/api/messages?limit=200")?.ok()?;
        let all = all["messages"].as_array().context("no messages")?;
        Ok(all.iter().filter(|message| message["user"] == display).cloned().collect())
    }

    /// Waits until `pick` finds what it looks for in what that member has said.
    ///
    /// # Errors
    /// When it is not there within [`TIMEOUT`].
    pub fn wait_for<T>(
        &self,
        display: &str,
        what: &str,
        pick: impl Fn(&[Value]) -> Option<T>,
    ) -> Result<T> {
        let end = Instant::now() + TIMEOUT;
        loop {
            let said = self.said_by(display)?;
            if let Some(found) = pick(&said) {
                return Ok(found);
            }
            ensure!(Instant::now() < end, "not {what} within {TIMEOUT:?} in {said:#?}");
            // An answer may come while this person is not connected, so it is asked for.
            std::thread::park_timeout(BETWEEN_LOOKS);
        }
    }

    /// Waits for that member's reply to this message.
    ///
    /// # Errors
    /// When it is not there within [`TIMEOUT`].
    pub fn answer_by(&self, display: &str, call: u64) -> Result<Value> {
        self.wait_for(display, &format!("a reply to {call}"), |said| {
            said.iter().find(|message| message["replyTo"] == call).cloned()
        })
    }
}
