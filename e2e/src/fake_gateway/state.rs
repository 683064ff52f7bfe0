//! The state of the fake gateway: histories as on its disk, runs as in its memory.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

/// The way in which the gateway behaves towards its clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// The gateway does as it should.
    #[default]
    Well,
    /// It accepts no token.
    Unauthorized,
    /// It lets in and grants nothing.
    NoScope,
    /// It lets in and takes no turn: it has no time.
    Busy,
    /// It lets in and does nothing about `agent`, not even answer, as one that dies just then.
    Deaf,
    /// It lets nobody in for the moment: it is starting.
    Unavailable,
    /// It accepts a turn and does nothing about it.
    Drops,
    /// It begins a turn and breaks the link before it says so.
    Cuts,
    /// It accepts a turn twice.
    AdmitsTwice,
    /// It tells of each turn in ten thousand events.
    Floods,
}

/// A turn of the agent, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The idempotency key, `ois:<team>:<message>:<agent>:<attempt>`.
    pub key: String,
    /// The session's key.
    pub session: String,
    /// The text that the agent is given.
    pub message: String,
    /// All parameters of `agent`.
    pub params: Value,
}

/// How a turn ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With this text.
    Text(String),
    /// The agent chose to say nothing.
    Silent,
    /// Without an answer, for this reason.
    Failed(String),
    /// Somebody stopped it.
    Stopped,
}

/// A beginning or an end of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The turn with this key began.
    Begun(String),
    /// The turn with this key ended.
    Ended(String),
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) manner: Manner,
    /// Counts the starts and ends of the process; even while it is down.
    pub(super) process: u32,
    /// The turns that the test has not taken yet, oldest first.
    pub(super) begun: VecDeque<Turn>,
    pub(super) asked: BTreeMap<String, usize>,
    pub(super) steps: Vec<Step>,
    /// All events so far that every link is told, in order.
    pub(super) events: Vec<Value>,
    sessions: BTreeMap<String, Session>,
    /// All runs of this process, by their keys.
    runs: BTreeMap<String, Run>,
}

#[derive(Debug, Default)]
struct Session {
    rows: Vec<Value>,
    last_run: Option<String>,
    status: Option<&'static str>,
}

#[derive(Debug)]
struct Run {
    session: String,
    end: Option<End>,
}

impl Turn {
    /// The message of the room that calls.
    #[must_use]
    pub fn calls(&self) -> Option<u64> {
        self.key.split(':').nth(2)?.parse().ok()
    }
}

impl State {
    pub(super) fn begin_process(&mut self) -> u32 {
        self.process += 1;
        self.process
    }

    pub(super) fn end_process(&mut self) {
        self.process += 1;
        self.begun.clear();
        for (_, run) in std::mem::take(&mut self.runs) {
            if run.end.is_none() {
                self.sessions.entry(run.session).or_default().status = Some("failed");
            }
        }
    }

    /// The first answer to `agent`.
    pub(super) fn agent(&mut self, params: &Value) -> Result<Value, Value> {
        let text = |field: &str| {
            params[field].as_str().map(str::to_owned).ok_or_else(|| {
                let words = format!("invalid agent params: must have required property '{field}'");
                json!({"code": "INVALID_REQUEST", "message": words})
            })
        };
        let (key, session) = (text("idempotencyKey")?, text("sessionKey")?);
        let message = text("message")?;
        if let Some(run) = self.runs.get(&key) {
            let status = if run.end.is_some() { "ok" } else { "in_flight" };
            return Ok(json!({"runId": key, "status": status}));
        }
        let row = json!({
            "role": "user", "content": message,
            "__openclaw": {"idempotencyKey": format!("{key}:user")},
        });
        let known = self.sessions.entry(session.clone()).or_default();
        let spent = known.rows.iter().any(|old| old["__openclaw"] == row["__openclaw"]);
        let end = spent.then(|| End::Failed("Agent run failed (model: stub)".to_owned()));
        if end.is_none() {
            known.rows.push(row);
            known.status = Some("running");
            self.steps.push(Step::Begun(key.clone()));
            let (key, session) = (key.clone(), session.clone());
            self.begun.push_back(Turn { key, session, message, params: params.clone() });
        }
        let accepted = json!({"runId": key, "sessionKey": session, "status": "accepted"});
        self.runs.insert(key, Run { session, end });
        Ok(accepted)
    }

    pub(super) fn finish(&mut self, key: &str, end: End) {
        let Some(run) = self.runs.get_mut(key).filter(|run| run.end.is_none()) else { return };
        let session = self.sessions.entry(run.session.clone()).or_default();
        session.last_run = Some(key.to_owned());
        session.status = Some(match end {
            End::Failed(_) => "failed",
            End::Stopped => "killed",
            End::Text(_) | End::Silent => "done",
        });
        match &end {
            End::Text(text) => session.rows.push(json!({
                "role": "assistant", "content": [{"type": "text", "text": text}],
                "stopReason": "stop", "__openclaw": {"runId": key},
            })),
            // The real one shows no row of silence either.
            End::Silent => {}
            // It forgets that it was ever asked.
            End::Stopped => {
                let own = json!(format!("{key}:user"));
                session.rows.retain(|row| row["__openclaw"]["idempotencyKey"] != own);
            }
            End::Failed(why) => session.rows.push(json!({
                "role": "assistant", "content": [], "errorMessage": why,
                "stopReason": "error", "__openclaw": {"runId": key},
            })),
        }
        run.end = Some(end);
        self.steps.push(Step::Ended(key.to_owned()));
    }

    /// The answer to `chat.abort`.
    pub(super) fn abort(&mut self, params: &Value) -> Value {
        let key = params["runId"].as_str().unwrap_or_default();
        let runs = self.runs.get(key).is_some_and(|run| run.end.is_none());
        if runs {
            self.finish(key, End::Stopped);
        }
        json!({"ok": true, "aborted": runs, "runIds": if runs { vec![key] } else { Vec::new() }})
    }

    /// The answer to `agent.wait`, once the run has ended in this process.
    pub(super) fn outcome(&self, key: &str) -> Option<Value> {
        let mut answer = json!({"runId": key, "startedAt": 1, "endedAt": 2});
        match self.runs.get(key)?.end.as_ref()? {
            End::Text(text) => {
                answer["status"] = "ok".into();
                answer["stopReason"] = "stop".into();
                answer["terminalReply"] = json!({"disposition": "visible", "text": text});
            }
            End::Silent => {
                answer["status"] = "ok".into();
                answer["terminalReply"] = json!({"disposition": "silent"});
            }
            End::Failed(why) => {
                answer["status"] = "error".into();
                answer["error"] = why.as_str().into();
            }
            End::Stopped => {
                answer["status"] = "error".into();
                answer["stopReason"] = "rpc".into();
            }
        }
        Some(answer)
    }

    /// The answer to `chat.history`.
    pub(super) fn history(&self, params: &Value) -> Value {
        let key = params["sessionKey"].as_str().unwrap_or_default();
        let limit = params["limit"].as_u64().and_then(|limit| limit.try_into().ok());
        let Some(session) = self.sessions.get(key) else {
            return json!({"sessionKey": key, "messages": [], "hasMore": false});
        };
        let active = self.runs.iter().filter(|(_, run)| run.session == key && run.end.is_none());
        let active: Vec<&String> = active.map(|(run, _)| run).collect();
        let from = session.rows.len().saturating_sub(limit.unwrap_or(usize::MAX));
        json!({
            "sessionKey": key,
            "messages": session.rows[from..],
            "hasMore": from > 0,
            "sessionInfo": {
                "status": session.status,
                "activeRunIds": active,
                "lastRunId": session.last_run,
            },
        })
    }
}
