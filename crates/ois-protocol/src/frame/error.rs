//! What is said when something was not done, in frames and in REST answers.

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
    /// For programs.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
    /// The draft it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
    /// The delivery or the run that the report was about: `MESSAGE:AGENT`, or the run's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// When it may be worth trying again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl ErrorFrame {
    /// An error without nonce and without hope that waiting helps.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), nonce: None, about: None, retry_after_ms: None }
    }
}

/// What went wrong, for programs; the same words in frames and in REST answers.
///
/// ```
/// use ois_protocol::ErrorCode;
/// assert_eq!(serde_json::to_string(&ErrorCode::CursorAhead).unwrap(), r#""cursor_ahead""#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// No JSON.
    BadJson,
    /// JSON of the wrong shape.
    BadFrame,
    /// A type that the server does not know.
    UnknownType,
    /// Not signed in.
    Unauthorized,
    /// Signed in, but not allowed.
    Forbidden,
    /// Over a limit of length.
    TooLong,
    /// The server has too much to do; wait.
    Busy,
    /// The disk did not take it; nothing was stored or seen.
    Storage,
    /// A resume after an id that the log has not reached.
    CursorAhead,
    /// Over a limit of rate or number.
    Limit,
    /// Somebody else changed it, or it exists already.
    Conflict,
    /// There is no such thing.
    NotFound,
    /// A delivery cannot go from where it is to there.
    BadTransition,
    /// The server's own fault.
    Internal,
    /// A code that a newer server knows.
    #[serde(other)]
    Unknown,
}
