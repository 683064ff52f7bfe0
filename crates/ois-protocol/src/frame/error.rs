//! The errors that the server reports in frames and in REST answers.

use serde::{Deserialize, Serialize};

use crate::name::Nonce;

/// The body of `error`.
///
/// ```
/// use ois_protocol::{ErrorCode, ErrorFrame};
/// let error = ErrorFrame::new(ErrorCode::Busy, "come back later");
/// assert_eq!(serde_json::to_string(&error).unwrap(), r#"{"code":"busy","message":"come back later"}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorFrame {
    /// The error for programs.
    pub code: ErrorCode,
    /// The error in words for people.
    pub message: String,
    /// The nonce of the draft that the error concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
    /// The report that the error concerns: a delivery as `MESSAGE:AGENT`, or the name of a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The milliseconds after which it may be worth trying again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl ErrorFrame {
    /// Creates an error that concerns no draft and that waiting will not mend.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), nonce: None, about: None, retry_after_ms: None }
    }
}

/// What went wrong, for programs; frames and REST answers use the same words.
///
/// ```
/// use ois_protocol::ErrorCode;
/// assert_eq!(serde_json::to_string(&ErrorCode::CursorAhead).unwrap(), r#""cursor_ahead""#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// The bytes are no JSON.
    BadJson,
    /// The JSON has the wrong shape.
    BadFrame,
    /// The server does not know this type of frame.
    UnknownType,
    /// The client is not signed in.
    Unauthorized,
    /// The member is signed in but not allowed to do this.
    Forbidden,
    /// A text or a frame is over a limit of length.
    TooLong,
    /// The server has too much to do; the client should wait.
    Busy,
    /// The disk did not take the event; nothing was stored, and nobody saw it.
    Storage,
    /// The client resumes after an id that the log has not reached.
    CursorAhead,
    /// The client is over a limit of rate or number.
    Limit,
    /// Somebody else changed the thing, or it exists already.
    Conflict,
    /// The thing does not exist.
    NotFound,
    /// The delivery cannot go from its present state to the reported one.
    BadTransition,
    /// The error is the server's own fault.
    Internal,
    /// A code that only a newer server knows.
    #[serde(other)]
    Unknown,
}
