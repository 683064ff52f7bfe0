//! The history of a session, as `chat.history` returns it.

use serde_json::Value;

use crate::error::GatewayError;
use crate::wire::event::Cost;
use crate::wire::text_of;

/// The last rows of a session and what it is doing now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The rows, oldest first. Rows that are not meant to be seen, `NO_REPLY` among them, are left
    /// out.
    pub rows: Vec<Row>,
    /// Whether there are older rows than these.
    pub has_more: bool,
    /// The turns that were accepted and have not begun.
    pub queued: Vec<Queued>,
    /// The runs that are under way in this gateway's process.
    pub active_runs: Vec<String>,
    /// The run that ended last.
    pub last_run: Option<String>,
    /// What the session's record says about its last turn.
    pub state: SessionState,
}

/// One row of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The speaker of the row.
    pub role: Role,
    /// The text of the row; parts that are no text are left out.
    pub text: String,
    /// The key under which the row was written: `<key>:user` for a delivered message,
    /// `<key>:terminal-error` for the end of one that failed.
    pub key: Option<String>,
    /// The run that wrote the row; rows of a user have none.
    pub run_id: Option<String>,
    /// Why the model stopped, on an assistant's row.
    pub stop: Option<StopReason>,
    /// Whether the gateway itself wrote the row to resume a turn that its restart cut short.
    pub is_recovery: bool,
    /// What the row has cost.
    pub cost: Option<Cost>,
}

/// The speaker of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A person or a program that talks to the agent.
    User,
    /// The agent itself.
    Assistant,
    /// Any other speaker, such as a tool with its result or the system with a note.
    Other,
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The model had said everything, so the row is an answer.
    Stop,
    /// The model wants a tool, and the turn goes on.
    ToolUse,
    /// The turn failed or was stopped.
    Error,
    /// Any other reason, for example that the model's limit was reached; the turn is over.
    Other,
}

/// A turn that was accepted and has not begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// The run of the turn.
    pub run_id: String,
    /// Whether the turn will still begin.
    pub state: QueuedState,
}

/// Whether a queued turn will still begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueuedState {
    /// The turn waits to begin.
    Waiting,
    /// A restart came in between; the turn will never begin, and its key is spent.
    Interrupted,
}

/// What a session's record says about its last turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SessionState {
    /// The turn is under way, or a restart cut it short and the gateway means to resume it.
    Running,
    /// The turn ended well.
    Done,
    /// A person or a program stopped the turn.
    Stopped,
    /// The turn ended in another way, or there has been none.
    #[default]
    Other,
}

impl History {
    /// Parses the answer to `chat.history`.
    pub(crate) fn parse(payload: &Value) -> Result<Self, GatewayError> {
        let messages = payload["messages"].as_array();
        let messages =
            messages.ok_or_else(|| GatewayError::bad("chat.history without messages"))?;
        let info = &payload["sessionInfo"];
        let mut active_runs: Vec<String> = list(&info["activeRunIds"]).filter_map(text).collect();
        active_runs.extend(text(&payload["inFlightRun"]["runId"]));
        active_runs.dedup();
        Ok(Self {
            rows: messages.iter().map(Row::read).collect(),
            has_more: payload["hasMore"] == true,
            queued: list(&payload["pendingInputs"]["items"]).filter_map(Queued::read).collect(),
            active_runs,
            last_run: text(&info["lastRunId"]),
            state: match info["status"].as_str() {
                Some("running") => SessionState::Running,
                Some("done") => SessionState::Done,
                Some("killed") => SessionState::Stopped,
                _ => SessionState::Other,
            },
        })
    }
}

impl Row {
    fn read(message: &Value) -> Self {
        let own = &message["__openclaw"];
        let error = text(&message["errorMessage"]);
        let mut words = text_of(&message["content"]);
        if words.is_empty() {
            words = error.unwrap_or_default();
        }
        // A turn that failed before the model was asked leaves a note of the gateway's own.
        let failed_early = message["customType"] == "run-failed-before-reply";
        Self {
            role: match message["role"].as_str() {
                Some("user") => Role::User,
                Some("assistant") => Role::Assistant,
                _ if failed_early => Role::Assistant,
                _ => Role::Other,
            },
            text: words,
            key: text(&own["idempotencyKey"]).or_else(|| text(&message["idempotencyKey"])),
            run_id: text(&own["runId"]),
            stop: message["stopReason"]
                .as_str()
                .map(|reason| match reason {
                    "stop" => StopReason::Stop,
                    "toolUse" => StopReason::ToolUse,
                    "error" | "aborted" => StopReason::Error,
                    _ => StopReason::Other,
                })
                .or(failed_early.then_some(StopReason::Error)),
            cost: Cost::read(&message["usage"]),
            is_recovery: message["provenance"]["sourceTool"] == "main_session_restart_recovery",
        }
    }
}

impl Queued {
    fn read(item: &Value) -> Option<Self> {
        let state = match item["state"].as_str() {
            Some("interrupted") => QueuedState::Interrupted,
            _ => QueuedState::Waiting,
        };
        Some(Self { run_id: text(&item["runId"])?, state })
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_keys_runs_and_the_sessions_state_are_read() {
        let payload = json!({
            "messages": [
                {"role": "user", "content": "hi", "__openclaw": {"idempotencyKey": "k:user", "seq": 1}},
                {"role": "assistant", "content": [{"type": "text", "text": "pong: hi"}],
                 "stopReason": "stop", "__openclaw": {"runId": "k", "seq": 2}},
            ],
            "hasMore": true,
            "pendingInputs": {"items": [{"runId": "q", "state": "interrupted"}], "total": 1},
            "inFlightRun": {"runId": "r", "text": ""},
            "sessionInfo": {"status": "running", "activeRunIds": ["r"], "lastRunId": "k"},
        });
        let history = History::parse(&payload).unwrap();
        assert_eq!(history.rows[0].key.as_deref(), Some("k:user"));
        assert_eq!(history.rows[1].stop, Some(StopReason::Stop));
        assert_eq!(history.rows[1].text, "pong: hi");
        assert_eq!(history.active_runs, ["r"]);
        assert_eq!(history.queued[0].state, QueuedState::Interrupted);
        assert!(history.has_more && history.state == SessionState::Running);
    }

    #[test]
    fn a_turn_that_failed_before_it_began_has_its_row() {
        let row = json!({"role": "custom", "customType": "run-failed-before-reply",
            "content": "This turn ended before a reply: no key", "__openclaw": {"runId": "k"}});
        let row = Row::read(&row);
        assert_eq!((row.role, row.stop), (Role::Assistant, Some(StopReason::Error)));
        assert_eq!(row.run_id.as_deref(), Some("k"));
    }

    #[test]
    fn a_session_that_never_was_has_an_empty_history() {
        let payload = json!({"messages": [], "pendingInputs": {"items": []}, "hasMore": false});
        assert_eq!(History::parse(&payload).unwrap(), History::default());
    }

    #[test]
    fn an_answer_without_rows_is_a_bad_one() {
        assert!(History::parse(&json!({"ok": true})).is_err());
    }
}
