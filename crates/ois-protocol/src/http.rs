//! The bodies of the REST calls. A server writes what a client reads, with one type for both.
//!
//! Everything here is plain data; the server checks paths and names when it parses them. Fields
//! that the original server lacks are optional when read, so that a client of this crate can speak
//! to either server. `specs/http.json` holds the routes, statuses and queries.

mod files;
mod reports;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    frame::{ErrorCode, ErrorFrame},
    id::EventId,
    member::{Kind, Role},
    message::Message,
    name::{DisplayName, ShortName},
    presence::PresenceState,
    time::Timestamp,
};

pub use self::files::{
    AskTicket, FileAnswer, FileItem, FilesAnswer, MakeDir, Rename, Ticket, UploadAnswer, Uploaded,
    WriteFile,
};
pub use self::reports::{
    Budgets, DeliveriesAnswer, Retried, RunsAnswer, UsageAnswer, UsageBy, UsageByError, UsageRow,
};

/// The body of `POST /api/login`. A missing field counts as an empty one, which is refused like a
/// wrong one.
///
/// ```
/// use ois_protocol::http::Login;
/// let login: Login = serde_json::from_str(r#"{"username":"mira","password":"s3cret"}"#).unwrap();
/// assert!(!format!("{login:?}").contains("s3cret"));
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Login {
    /// The user's name; with the shared password, any name that is not registered.
    pub username: String,
    /// The user's password, or the shared one. `Debug` hides it.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("username", &self.username).finish_non_exhaustive()
    }
}

/// The answer to `POST /api/login`.
///
/// ```
/// use ois_protocol::http::LoginAnswer;
/// let old = r#"{"ok":true,"token":"9f86d081","user":"mira"}"#;
/// let answer: LoginAnswer = serde_json::from_str(old).unwrap();
/// assert_eq!((answer.role, format!("{answer:?}").contains("9f86d081")), (None, false));
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginAnswer {
    /// Whether the call succeeded; always true.
    pub ok: bool,
    /// The session's token, 64 hex digits. `Debug` hides it.
    pub token: String,
    /// The display name under which the member is signed in.
    pub user: String,
    /// What the member may do; absent from an old server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

impl fmt::Debug for LoginAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("LoginAnswer");
        shown.field("user", &self.user).field("role", &self.role).finish_non_exhaustive()
    }
}

/// The answer to `GET /api/verify`, which says to whom a token belongs.
///
/// ```
/// use ois_protocol::{Role, http::Verify};
/// let wire = r#"{"ok":true,"user":"mira","role":"member"}"#;
/// let verify: Verify = serde_json::from_str(wire).unwrap();
/// assert_eq!(verify.role, Some(Role::Member));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verify {
    /// Whether the call succeeded; always true.
    pub ok: bool,
    /// The display name under which the member is signed in.
    pub user: String,
    /// What the member may do; absent from an old server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// The answer `{"ok":true}` of calls that have nothing else to say.
///
/// ```
/// use ois_protocol::http::Done;
/// assert_eq!(serde_json::to_string(&Done::default()).unwrap(), r#"{"ok":true}"#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Whether the call succeeded; always true, because an error has an [`ErrorBody`].
    pub ok: bool,
}

impl Default for Done {
    fn default() -> Self {
        Self { ok: true }
    }
}

/// The answer to `GET /api/members`.
///
/// ```
/// use ois_protocol::http::MembersAnswer;
/// let wire = r#"{"members":[{"name":"HKH","display":"HKH 🐱"}]}"#;
/// let answer: MembersAnswer = serde_json::from_str(wire).unwrap();
/// assert_eq!(answer.members[0].name.as_str(), "HKH");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembersAnswer {
    /// The members, in the order in which to show them.
    pub members: Vec<MemberView>,
}

/// A member as others see it.
///
/// ```
/// use ois_protocol::http::MemberView;
/// // An old server says no more than this.
/// let view: MemberView = serde_json::from_str(r#"{"name":"HKH","display":"HKH 🐱"}"#).unwrap();
/// assert_eq!(view.kind, ois_protocol::Kind::Agent);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberView {
    /// The short name by which the member is addressed.
    pub name: ShortName,
    /// The display name under which the member writes.
    pub display: DisplayName,
    /// Whether the member is a person or a program. An old server lists programs only and does not
    /// send this field.
    #[serde(default = "agent_kind")]
    pub kind: Kind,
    /// What the member may do; `agent` if an old server does not say.
    #[serde(default = "agent_role")]
    pub role: Role,
    /// The duties of the member, each of which can be mentioned.
    #[serde(default)]
    pub duties: Vec<ShortName>,
    /// Whether the member can be reached; `offline` if an old server does not say.
    #[serde(default = "offline")]
    pub state: PresenceState,
    /// The time since which the member is connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The time at which the member was last connected, if it is not connected now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// The time at which the wake path was last proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_at: Option<Timestamp>,
}

/// The answer to `GET /api/messages`.
///
/// ```
/// use ois_protocol::http::Messages;
/// let page: Messages = serde_json::from_str(r#"{"messages":[],"more":false}"#).unwrap();
/// assert!(page.messages.is_empty() && !page.more);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Messages {
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// Whether there are more in the direction that was asked for.
    pub more: bool,
}

impl Messages {
    /// Returns the JSON of this answer around messages that are already JSON.
    ///
    /// ```
    /// use ois_protocol::http::Messages;
    /// assert_eq!(Messages::around([b"1".as_slice()], true), br#"{"messages":[1],"more":true}"#);
    /// ```
    pub fn around<'a>(messages: impl IntoIterator<Item = &'a [u8]>, more: bool) -> Vec<u8> {
        let mut body = br#"{"messages":["#.to_vec();
        for (at, message) in messages.into_iter().enumerate() {
            if at > 0 {
                body.push(b',');
            }
            body.extend_from_slice(message);
        }
        body.extend_from_slice(b"],\"more\":");
        body.extend_from_slice(more.to_string().as_bytes());
        body.push(b'}');
        body
    }
}

/// The answer to `GET /api/messages/{id}`.
///
/// ```
/// use ois_protocol::http::MessageAnswer;
/// let wire = r#"{"message":{"id":7,"user":"Mira","text":"hi","time":"2026-02-06T12:34:56.789Z"}}"#;
/// assert_eq!(serde_json::from_str::<MessageAnswer>(wire).unwrap().message.text, "hi");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageAnswer {
    /// The message as it stands in the log.
    pub message: Message,
}

impl MessageAnswer {
    /// The same answer around a message that is already JSON.
    ///
    /// ```
    /// use ois_protocol::http::MessageAnswer;
    /// assert_eq!(MessageAnswer::around(b"1"), br#"{"message":1}"#);
    /// ```
    pub fn around(message: &[u8]) -> Vec<u8> {
        [br#"{"message":"#, message, b"}"].concat()
    }
}

/// The answer to `POST /api/messages`, whose body is a [`crate::Chat`].
///
/// ```
/// use ois_protocol::http::Sent;
/// let sent: Sent = serde_json::from_str(r#"{"id":7}"#).unwrap();
/// assert!(!sent.duplicate);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The message's id, which is its place in the log.
    pub id: EventId,
    /// Whether the message had been stored before, under the same nonce.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
    /// The message as everybody sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
}

/// The body of every answer that reports an error.
///
/// ```
/// use ois_protocol::{ErrorCode, http::ErrorBody};
/// let old: ErrorBody = serde_json::from_str(r#"{"error":"Invalid token"}"#).unwrap();
/// assert_eq!(old.code, ErrorCode::Unknown);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// The error in words for people.
    pub error: String,
    /// The error for programs; absent from an old server.
    #[serde(default = "unknown_code")]
    pub code: ErrorCode,
    /// The milliseconds after which it may be worth trying again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl ErrorBody {
    /// Creates an error that waiting will not mend.
    pub fn new(code: ErrorCode, error: impl Into<String>) -> Self {
        Self { error: error.into(), code, retry_after_ms: None }
    }
}

impl From<ErrorFrame> for ErrorBody {
    fn from(frame: ErrorFrame) -> Self {
        Self { error: frame.message, code: frame.code, retry_after_ms: frame.retry_after_ms }
    }
}

fn agent_kind() -> Kind {
    Kind::Agent
}

fn agent_role() -> Role {
    Role::Agent
}

fn offline() -> PresenceState {
    PresenceState::Offline
}

fn unknown_code() -> ErrorCode {
    ErrorCode::Unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_without_fields_is_read_as_an_empty_one() {
        assert_eq!(serde_json::from_str::<Login>("{}").unwrap(), Login::default());
        assert!(serde_json::from_str::<Login>(r#"{"username":{"a":1}}"#).is_err());
    }

    #[test]
    fn a_session_token_does_not_show_in_debug() {
        let answer = LoginAnswer {
            ok: true,
            token: "s3cret".to_owned(),
            user: "mira".to_owned(),
            role: None,
        };
        assert!(!format!("{answer:?}").contains("s3cret"));
    }
}
