//! A turn of an agent: how it is requested, admitted and ended.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::GatewayError;
use crate::wire::is_silence;

/// One message for an agent, which becomes one turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// The session, `agent:<agent>:<anything>`, which is created at its first use. Turns of one
    /// session run one after the other, those of different sessions at once.
    pub session_key: String,
    /// The text that the agent is given.
    pub message: String,
    /// The name of the turn and of its run: the same key never runs twice.
    pub idempotency_key: String,
    /// A text that is added to the system prompt of this turn.
    pub extra_system_prompt: Option<String>,
    /// The session that the message comes from. The agent may stay silent only if this is set; to a
    /// turn without it the gateway demands a visible answer.
    pub source: Option<Source>,
}

/// The origin of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The session that the message comes from, for example `ois:room:main`.
    pub session_key: String,
    /// The channel, for example `ois`.
    pub channel: String,
    /// The tool that passes the message on, for example `ois`.
    pub tool: String,
}

impl Turn {
    /// Returns the parameters of the method `agent`.
    pub(crate) fn params(&self) -> Value {
        let mut params = json!({
            "message": self.message,
            "sessionKey": self.session_key,
            "idempotencyKey": self.idempotency_key,
        });
        if let Some(prompt) = &self.extra_system_prompt {
            params["extraSystemPrompt"] = json!(prompt);
        }
        if let Some(source) = &self.source {
            params["inputProvenance"] = json!({
                "kind": "inter_session",
                "sourceSessionKey": source.session_key,
                "sourceChannel": source.channel,
                "sourceTool": source.tool,
            });
        }
        params
    }
}

/// The gateway's confirmation that it has a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// The run to wait for; today it is the idempotency key itself.
    pub run_id: String,
    /// Whether the turn is new to the gateway.
    pub admission: Admission,
}

/// The state of a delivered turn in the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The turn was accepted and will run.
    Accepted,
    /// The key is known and the run is not over, as far as the gateway can say at once.
    InFlight,
    /// The key is known and the run is over; [`Gateway::wait`](crate::Gateway::wait) tells how.
    Ended,
}

impl Admitted {
    /// Parses the first of the two answers to `agent`.
    pub(crate) fn parse(payload: Value) -> Result<Self, GatewayError> {
        let raw: RawAdmitted = serde_json::from_value(payload)
            .map_err(|e| GatewayError::bad(format!("agent answered without a run: {e}")))?;
        let admission = match raw.status.as_str() {
            "accepted" => Admission::Accepted,
            "in_flight" => Admission::InFlight,
            _ => Admission::Ended,
        };
        Ok(Self { run_id: raw.run_id, admission })
    }
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The agent answered with this final text.
    Replied(String),
    /// The agent chose to say nothing: `NO_REPLY`, or an empty text.
    Silent,
    /// The turn ended without an answer.
    Failed {
        /// The gateway's own words.
        reason: String,
    },
    /// A person or a program stopped the turn.
    Stopped,
    /// The turn was not over in time, or this gateway's process does not know the run.
    StillRunning,
}

impl Outcome {
    /// Parses the answer to `agent.wait`.
    pub(crate) fn parse(payload: Value) -> Result<Self, GatewayError> {
        let raw: RawOutcome = serde_json::from_value(payload)
            .map_err(|e| GatewayError::bad(format!("agent.wait answered without a status: {e}")))?;
        let reply = raw.terminal_reply.unwrap_or_default();
        let disposition = reply.disposition.as_str();
        let text = reply.text.unwrap_or_default();
        match raw.status.as_str() {
            "ok" if disposition == "silent" || is_silence(&text) => Ok(Self::Silent),
            "ok" => Ok(Self::Replied(text)),
            // The gateway uses the same word for "your wait is over" and "the run took too long",
            // but only a run that is over has an end.
            "timeout" if raw.ended_at.is_none() => Ok(Self::StillRunning),
            "timeout" => Ok(failed(raw.error, "timed out")),
            "error" if raw.stop_reason.as_deref() == Some("rpc") => Ok(Self::Stopped),
            "error" => Ok(failed(raw.error, "ended with an error that has no text")),
            status => Err(GatewayError::bad(format!("agent.wait answered status {status}"))),
        }
    }
}

/// The state that a gateway reports without asking a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether the gateway reports that it is well.
    pub ok: bool,
    /// The ids of the agents that it runs.
    pub agents: Vec<String>,
    /// The agent that is meant when none is named.
    pub default_agent: Option<String>,
}

impl Health {
    /// Parses the answer to `health`.
    pub(crate) fn parse(payload: Value) -> Result<Self, GatewayError> {
        let raw: RawHealth = serde_json::from_value(payload)
            .map_err(|e| GatewayError::bad(format!("health answered without its state: {e}")))?;
        let agents = raw.agents.into_iter().map(|agent| agent.agent_id).collect();
        Ok(Self { ok: raw.ok, agents, default_agent: raw.default_agent_id })
    }
}

fn failed(error: Option<String>, otherwise: &str) -> Outcome {
    let reason = error.filter(|it| !it.trim().is_empty()).unwrap_or_else(|| otherwise.to_owned());
    Outcome::Failed { reason }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawAdmitted {
    run_id: String,
    status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawOutcome {
    status: String,
    ended_at: Option<Value>,
    stop_reason: Option<String>,
    error: Option<String>,
    terminal_reply: Option<RawReply>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawReply {
    disposition: String,
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHealth {
    ok: bool,
    default_agent_id: Option<String>,
    #[serde(default)]
    agents: Vec<RawAgent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawAgent {
    agent_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(payload: Value) -> Outcome {
        Outcome::parse(payload).unwrap()
    }

    #[test]
    fn only_a_turn_with_a_source_is_marked_as_from_another_session() {
        let mut turn = Turn {
            session_key: "agent:main:ois".into(),
            message: "hi".into(),
            idempotency_key: "k".into(),
            extra_system_prompt: None,
            source: None,
        };
        let plain = json!({"message": "hi", "sessionKey": "agent:main:ois", "idempotencyKey": "k"});
        assert_eq!(turn.params(), plain);
        turn.source = Some(Source {
            session_key: "ois:main".into(),
            channel: "ois".into(),
            tool: "ois".into(),
        });
        assert_eq!(turn.params()["inputProvenance"]["kind"], "inter_session");
    }

    #[test]
    fn a_visible_reply_is_its_text() {
        let payload = json!({"runId": "k", "status": "ok", "endedAt": 2, "stopReason": "stop",
            "terminalReply": {"disposition": "visible", "text": "pong"}});
        assert_eq!(outcome(payload), Outcome::Replied("pong".into()));
    }

    #[test]
    fn a_silent_disposition_and_a_bare_no_reply_are_silence() {
        let silent = json!({"status": "ok", "terminalReply": {"disposition": "silent"}});
        assert_eq!(outcome(silent), Outcome::Silent);
        let text = json!({"status": "ok", "terminalReply": {"disposition": "visible", "text": "NO_REPLY"}});
        assert_eq!(outcome(text), Outcome::Silent);
    }

    #[test]
    fn a_wait_that_ran_out_is_not_a_run_that_timed_out() {
        let wait = json!({"runId": "k", "status": "timeout"});
        assert_eq!(outcome(wait), Outcome::StillRunning);
        let run = json!({"runId": "k", "status": "timeout", "endedAt": 1_795_183_187_125_u64,
            "error": "Request timed out", "terminalReply": {"disposition": "empty"}});
        assert_eq!(outcome(run), Outcome::Failed { reason: "Request timed out".into() });
    }

    #[test]
    fn a_run_that_somebody_stopped_is_no_failure_of_its_own() {
        let aborted = json!({"status": "error", "endedAt": 3, "stopReason": "rpc"});
        assert_eq!(outcome(aborted), Outcome::Stopped);
    }

    #[test]
    fn the_first_answer_tells_new_from_known() {
        let admitted = |status: &str| {
            Admitted::parse(json!({"runId": "k", "status": status})).unwrap().admission
        };
        assert_eq!(admitted("accepted"), Admission::Accepted);
        assert_eq!(admitted("in_flight"), Admission::InFlight);
        assert_eq!(admitted("ok"), Admission::Ended);
    }
}
