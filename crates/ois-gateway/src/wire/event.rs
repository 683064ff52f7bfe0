//! The events that a gateway sends by itself: the steps of runs, and its own shutdown.
//!
//! A gateway tells every connection about every run. Events that this crate does not need
//! (presence, health, channels, cron, and those of later versions) are left out.

use serde_json::Value;

use crate::wire::text_of;

/// An event that a gateway sent by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayEvent {
    /// A run went one step further.
    Run(RunEvent),
    /// The gateway is going to stop.
    Shutdown {
        /// The gateway's own words, or empty.
        reason: String,
    },
    /// The receiver was slow, and this many events before the next one are missing.
    Missed(u64),
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEvent {
    /// The run, as in [`Admitted`](crate::Admitted); runs that others began are reported as well.
    pub run_id: String,
    /// The session that the run belongs to.
    pub session_key: String,
    /// What happened in the run.
    pub step: RunStep,
}

/// What happened in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunStep {
    /// The run has begun.
    Started,
    /// The run is on its way to the model, for example `preparing_context`.
    Preparing(String),
    /// The model is asked.
    Thinking {
        /// The model as `provider/model`.
        model: String,
    },
    /// A further piece of the answer's text.
    Delta(String),
    /// The answer's text so far, which replaces everything that was reported before.
    Rewritten(String),
    /// A tool begins or ends.
    Tool {
        /// The tool's name, for example `exec`.
        name: String,
        /// Whether the tool begins or ends.
        phase: ToolPhase,
    },
    /// The tokens of the whole run, as far as the gateway has counted them.
    Usage {
        /// The number of tokens that the model wrote.
        output_tokens: u64,
    },
    /// What the whole run has cost. The gateway reports it after the end of the run, a moment after
    /// the answer of [`Gateway::wait`](crate::Gateway::wait), and only on the link that delivered
    /// the message.
    Settled(Cost),
    /// The run is over. [`Gateway::wait`](crate::Gateway::wait) tells how it ended.
    Ended,
    /// The run is over and has failed. This step may be reported twice.
    Failed {
        /// The gateway's own words.
        reason: String,
    },
    /// The run was stopped.
    Aborted,
}

/// What a run has cost, as far as the gateway says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// The number of tokens that the model read, cached ones included.
    pub input_tokens: Option<u64>,
    /// The number of tokens that the model wrote.
    pub output_tokens: Option<u64>,
    /// The money that was spent, in millionths of a US dollar. A gateway that knows no price
    /// reports zero, which is read as absent.
    pub micro_usd: Option<u64>,
}

impl Cost {
    /// Reads the `usage` of a run or of a row; returns `None` if it holds no figure.
    pub(crate) fn read(usage: &Value) -> Option<Self> {
        let cached = ["cacheRead", "cacheWrite"].iter().filter_map(|it| usage[*it].as_u64());
        let input_tokens = usage["input"].as_u64().map(|input| input + cached.sum::<u64>());
        let output_tokens = usage["output"].as_u64();
        let usd = usage["cost"]["total"].as_f64().filter(|usd| *usd > 0.0 && *usd < 1e9);
        let micro_usd = usd.map(|usd| (usd * 1e6).round() as u64);
        let cost = Self { input_tokens, output_tokens, micro_usd };
        (cost != Self::default()).then_some(cost)
    }

    /// Returns the sum of two costs.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let sum = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (None, None) => None,
            (one, other) => Some(one.unwrap_or(0).saturating_add(other.unwrap_or(0))),
        };
        Self {
            input_tokens: sum(self.input_tokens, other.input_tokens),
            output_tokens: sum(self.output_tokens, other.output_tokens),
            micro_usd: sum(self.micro_usd, other.micro_usd),
        }
    }
}

/// The phase of a tool's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolPhase {
    /// The tool begins.
    Start,
    /// The tool has ended well.
    Done,
    /// The tool has ended with an error.
    Failed,
}

impl GatewayEvent {
    /// Reads the second answer to `agent`.
    pub(crate) fn settled(payload: &Value) -> Option<Self> {
        let cost = Cost::read(&payload["result"]["meta"]["agentMeta"]["usage"]);
        let run_id = text(&payload["runId"]).filter(|_| payload["summary"].is_string())?;
        let step = RunStep::Settled(cost.unwrap_or_default());
        Some(Self::Run(RunEvent { run_id, session_key: String::new(), step }))
    }

    /// Reads an event; returns `None` for one that this crate does not need.
    pub(crate) fn read(name: &str, payload: &Value) -> Option<Self> {
        let step = match name {
            "chat" => chat(payload),
            "agent" => agent(payload),
            "shutdown" => {
                return Some(Self::Shutdown {
                    reason: text(&payload["reason"]).unwrap_or_default(),
                });
            }
            _ => None,
        }?;
        let run_id = text(&payload["runId"])?;
        let session_key = text(&payload["sessionKey"]).unwrap_or_default();
        Some(Self::Run(RunEvent { run_id, session_key, step }))
    }
}

/// Reads the stream for people who look on, which holds text and the end of a run.
fn chat(payload: &Value) -> Option<RunStep> {
    match payload["state"].as_str()? {
        "status" => text(&payload["phase"]).map(RunStep::Preparing),
        "delta" if payload["replace"] == true => {
            let whole = text(&payload["deltaText"]);
            Some(RunStep::Rewritten(
                whole.unwrap_or_else(|| text_of(&payload["message"]["content"])),
            ))
        }
        "delta" => text(&payload["deltaText"]).map(RunStep::Delta),
        "final" => Some(RunStep::Ended),
        "aborted" => Some(RunStep::Aborted),
        "error" => {
            Some(RunStep::Failed { reason: text(&payload["errorMessage"]).unwrap_or_default() })
        }
        _ => None,
    }
}

/// Reads the stream for machines: phases, tools, tokens. Its text is that of `chat` and is left
/// out.
fn agent(payload: &Value) -> Option<RunStep> {
    let data = &payload["data"];
    match (payload["stream"].as_str()?, data["phase"].as_str()) {
        ("lifecycle", Some("start")) => Some(RunStep::Started),
        ("lifecycle", Some("model")) => {
            let model = format!("{}/{}", data["provider"].as_str()?, data["model"].as_str()?);
            Some(RunStep::Thinking { model })
        }
        ("run_status", Some(phase)) => Some(RunStep::Preparing(phase.to_owned())),
        ("usage", _) => Some(RunStep::Usage { output_tokens: data["outputTokens"].as_u64()? }),
        ("item", Some(phase)) if data["kind"] == "tool" => {
            let phase = match phase {
                "start" => ToolPhase::Start,
                "end" if data["status"] == "completed" => ToolPhase::Done,
                "end" => ToolPhase::Failed,
                _ => return None,
            };
            Some(RunStep::Tool { name: text(&data["name"])?, phase })
        }
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn step(name: &str, mut payload: Value) -> Option<RunStep> {
        payload["runId"] = json!("k");
        payload["sessionKey"] = json!("agent:main:main");
        match GatewayEvent::read(name, &payload)? {
            GatewayEvent::Run(run) => Some(run.step),
            other => panic!("not about a run: {other:?}"),
        }
    }

    #[test]
    fn text_comes_in_deltas_and_may_be_rewritten() {
        let delta = json!({"state": "delta", "deltaText": "pong:"});
        assert_eq!(step("chat", delta), Some(RunStep::Delta("pong:".into())));
        let whole = json!({"state": "delta", "deltaText": "all", "replace": true});
        assert_eq!(step("chat", whole), Some(RunStep::Rewritten("all".into())));
    }

    #[test]
    fn tools_are_told_by_name_and_phase() {
        let item = |phase: &str, status: &str| {
            json!({"stream": "item", "data": {"kind": "tool", "name": "session_status",
                "phase": phase, "status": status}})
        };
        let tool = |phase| Some(RunStep::Tool { name: "session_status".into(), phase });
        assert_eq!(step("agent", item("start", "running")), tool(ToolPhase::Start));
        assert_eq!(step("agent", item("end", "completed")), tool(ToolPhase::Done));
        assert_eq!(step("agent", item("end", "failed")), tool(ToolPhase::Failed));
    }

    #[test]
    fn a_run_begins_asks_counts_and_ends() {
        let lifecycle = |data: Value| json!({"stream": "lifecycle", "data": data});
        assert_eq!(step("agent", lifecycle(json!({"phase": "start"}))), Some(RunStep::Started));
        let model = lifecycle(json!({"phase": "model", "provider": "stub", "model": "stub-1"}));
        assert_eq!(step("agent", model), Some(RunStep::Thinking { model: "stub/stub-1".into() }));
        let usage = json!({"stream": "usage", "data": {"outputTokens": 5}});
        assert_eq!(step("agent", usage), Some(RunStep::Usage { output_tokens: 5 }));
        assert_eq!(step("chat", json!({"state": "final"})), Some(RunStep::Ended));
        assert_eq!(step("chat", json!({"state": "aborted"})), Some(RunStep::Aborted));
    }

    #[test]
    fn what_a_run_has_cost_is_told_behind_its_end() {
        let usage = json!({"input": 10, "output": 5, "cacheRead": 2, "cacheWrite": 1,
            "cost": {"total": 0.0125}});
        let answer = json!({"runId": "k", "status": "ok", "summary": "completed",
            "result": {"meta": {"agentMeta": {"usage": usage}}}});
        let Some(GatewayEvent::Run(run)) = GatewayEvent::settled(&answer) else {
            panic!("no event")
        };
        let cost = Cost { input_tokens: Some(13), output_tokens: Some(5), micro_usd: Some(12_500) };
        assert_eq!(run.step, RunStep::Settled(cost));
        assert_eq!(GatewayEvent::settled(&json!({"runId": "k", "status": "accepted"})), None);
        let unpriced = Cost::read(&json!({"input": 1, "cost": {"total": 0}})).unwrap();
        assert_eq!((unpriced.micro_usd, Cost::read(&json!({}))), (None, None));
        assert_eq!(cost.plus(unpriced).input_tokens, Some(14));
    }

    #[test]
    fn what_nobody_needs_is_no_event() {
        assert_eq!(GatewayEvent::read("health", &json!({"ok": true})), None);
        assert_eq!(step("agent", json!({"stream": "assistant", "data": {"delta": "x"}})), None);
        // The gateway says "model" once more when the run is over, with nothing in it.
        let empty = json!({"stream": "lifecycle", "data": {"phase": "model", "provider": null}});
        assert_eq!(step("agent", empty), None);
        assert_eq!(GatewayEvent::read("chat", &json!("not an object")), None);
    }
}
