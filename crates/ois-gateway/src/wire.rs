//! The format of the WebSocket: one JSON object per text frame.
//!
//! Requests carry an id and are answered under it; events come by themselves. Fields that are not
//! listed here are ignored, as are unknown types of events.

pub(crate) mod event;
pub(crate) mod hello;
pub(crate) mod history;
pub(crate) mod refusal;
pub(crate) mod turn;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the protocol that this crate speaks.
pub(crate) const PROTOCOL: u64 = 4;

/// A frame from the gateway.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Incoming {
    /// An event that the gateway sends by itself.
    Event {
        event: String,
        #[serde(default)]
        payload: Value,
    },
    /// The answer to a request.
    Res {
        id: String,
        ok: bool,
        #[serde(default)]
        payload: Value,
        #[serde(default)]
        error: Value,
    },
    /// A type of frame that a later gateway may send.
    #[serde(other)]
    Other,
}

/// The parts of an answer's `error` that decide something.
#[derive(Debug, Default)]
pub(crate) struct ResponseError {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) retry_after_ms: Option<u64>,
    /// The code in `details`, which is finer than the other code.
    pub(crate) detail: String,
    pub(crate) missing_scope: Option<String>,
    pub(crate) expected_protocol: Option<u64>,
    /// The pairing request that a person would have to approve.
    pub(crate) pairing: Option<String>,
}

impl ResponseError {
    /// Reads the parts that are present; an error need not have any of them.
    pub(crate) fn read(error: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let details = &error["details"];
        Self {
            code: text(&error["code"]).unwrap_or_default(),
            message: text(&error["message"]).unwrap_or_default(),
            retry_after_ms: error["retryAfterMs"].as_u64().or(details["retryAfterMs"].as_u64()),
            detail: text(&details["code"]).unwrap_or_default(),
            missing_scope: text(&details["missingScope"]),
            expected_protocol: details["expectedProtocol"].as_u64(),
            pairing: text(&details["requestId"]),
        }
    }
}

/// A frame to the gateway.
#[derive(Serialize)]
struct Request<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    method: &'a str,
    params: &'a Value,
}

/// Returns the text of a request frame.
pub(crate) fn request(id: &str, method: &str, params: &Value) -> String {
    let request = Request { kind: "req", id, method, params };
    serde_json::to_string(&request).expect("strings and a JSON value always encode")
}

/// Returns the text of a JSON string or of an array of parts, the two forms in which messages carry
/// it.
pub(crate) fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter(|part| part["type"] == "text");
            texts.filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// Whether an agent's final text means that it wants to say nothing.
pub(crate) fn is_silence(text: &str) -> bool {
    matches!(text.trim(), "" | "NO_REPLY")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_unknown_kind_of_frame_is_no_error() {
        let frame: Incoming = serde_json::from_str(r#"{"type":"novelty","x":1}"#).unwrap();
        assert!(matches!(frame, Incoming::Other));
    }

    #[test]
    fn the_text_of_parts_is_joined_and_other_parts_are_left_out() {
        let parts =
            json!([{"type":"text","text":"a"},{"type":"toolCall"},{"type":"text","text":"b"}]);
        assert_eq!(text_of(&parts), "a\nb");
        assert_eq!(text_of(&json!("plain")), "plain");
        assert_eq!(text_of(&Value::Null), "");
    }

    #[test]
    fn no_reply_and_blank_texts_are_silence() {
        assert!(is_silence(" NO_REPLY\n") && is_silence(" \n"));
        assert!(!is_silence("NO_REPLY is what I say to stay silent"));
    }
}
