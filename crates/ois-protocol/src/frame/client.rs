//! The frames that a client sends.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::ErrorCode;
use crate::{
    delivery::{Delivery, Holding},
    id::EventId,
    message::Attachment,
    name::{Nonce, RoomName},
    presence::{Activity, Presence},
    run::{Run, Stopped},
};

/// A frame that a client sends.
///
/// ```
/// use ois_protocol::ClientFrame;
/// let frame = ClientFrame::parse(br#"{"type":"chat","text":"hi","user":"ignored"}"#).unwrap();
/// assert!(matches!(frame, ClientFrame::Chat(chat) if chat.text == "hi"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// Asks for a `pong`; allowed before signing in as well.
    Ping,
    /// Signs in with a session token. Without a token, the cookie of the upgrade request counts.
    Auth(SignIn),
    /// Signs in with an agent's token.
    AgentAuth(SignIn),
    /// Says something in a room. `message` is an alias that old clients use.
    Chat(Chat),
    /// Reports what an agent is doing right now.
    Activity(Activity),
    /// Reports how far a mention came; sent by a monitor.
    Delivery(Delivery),
    /// Reports what a monitor proved about its agent's wake path.
    Presence(Presence),
    /// Reports the start or the end of an agent's turn; sent by a monitor.
    Run(Run),
    /// Reports the result of a `stop`; sent by a monitor.
    Stopped(Stopped),
    /// Reports which calls a monitor has in its journal; sent after each sign-in.
    Holding(Holding),
}

/// The body of `auth` and `agent_auth`.
///
/// ```
/// let wire = r#"{"token":"t","after":7,"subscribe":["presence"]}"#;
/// let sign_in: ois_protocol::SignIn = serde_json::from_str(wire).unwrap();
/// assert_eq!(sign_in.after.unwrap().get(), 7);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// The token of a session or of an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Resumes: asks for everything after this id, instead of a `history`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<EventId>,
    /// The topics that the client wants besides chat; none by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscribe: Vec<Topic>,
    /// The name of this installation of a monitor, made once for its state folder; one monitor of
    /// an agent is awake, and the others stand by. A client that is no monitor has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn")
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("after", &self.after)
            .field("subscribe", &self.subscribe)
            .field("instance", &self.instance)
            .finish()
    }
}

/// A topic that a client may subscribe to besides chat. Unknown topics are ignored.
///
/// ```
/// use ois_protocol::Topic;
/// assert_eq!(serde_json::from_str::<Topic>(r#""runs""#).unwrap(), Topic::Runs);
/// assert_eq!(serde_json::from_str::<Topic>(r#""holograms""#).unwrap(), Topic::Unknown);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Topic {
    /// The client is sent [`Delivery`] frames.
    Deliveries,
    /// The client is sent [`Activity`] frames.
    Activity,
    /// The client is sent [`Presence`] frames.
    Presence,
    /// The client is sent [`Run`] frames.
    Runs,
    /// A topic that only a newer client knows.
    #[serde(other)]
    Unknown,
}

/// The body of `chat`, and of `POST /api/messages`.
///
/// ```
/// let chat: ois_protocol::Chat = serde_json::from_str(r#"{"text":"hi","replyTo":7}"#).unwrap();
/// assert!(chat.room.is_main() && chat.reply_to.is_some());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chat {
    /// What is said; it may be empty if something is attached.
    pub text: String,
    /// The files that go with the message, at most [`crate::Limits::attachments`].
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "list_or_null")]
    pub attachments: Vec<Attachment>,
    /// The room in which it is said; `main` if absent.
    #[serde(default = "RoomName::main", skip_serializing_if = "RoomName::is_main")]
    pub room: RoomName,
    /// The message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<EventId>,
    /// The sender's own name for the message; the server answers it with `ack`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
    /// The message that woke the agent that says this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}

impl Chat {
    /// Returns an empty chat in the room `main`, to be completed: `Chat { text, ..Chat::in_main()
    /// }`.
    pub const fn in_main() -> Self {
        Self {
            text: String::new(),
            attachments: Vec::new(),
            room: RoomName::main(),
            reply_to: None,
            nonce: None,
            cause: None,
        }
    }
}

/// Why a frame could not be understood.
///
/// ```
/// use ois_protocol::{ClientFrame, ErrorCode};
/// let error = ClientFrame::parse(br#"{"type":"nope"}"#).unwrap_err();
/// assert_eq!(error.code(), ErrorCode::UnknownType);
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The bytes are no JSON, or no UTF-8.
    #[error("frame is not JSON")]
    Json(#[source] serde_json::Error),
    /// The bytes are JSON, but not an object with a `type` and the fields that belong to it.
    #[error("{0}")]
    Shape(String),
    /// The frame has a type that this server does not know.
    #[error("unknown frame type {0:?}")]
    UnknownType(String),
}

impl FrameError {
    /// Returns the code of the `error` frame that answers it.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Json(_) => ErrorCode::BadJson,
            Self::Shape(_) => ErrorCode::BadFrame,
            Self::UnknownType(_) => ErrorCode::UnknownType,
        }
    }
}

impl ClientFrame {
    /// Parses a client's frame. Unknown fields are ignored.
    ///
    /// # Errors
    /// Fails with a [`FrameError`], which tells apart the three ways in which a frame can be wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, FrameError> {
        // serde would accept a list as well, field by field.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(no_object(bytes));
        }
        let tag: Tag<'_> = match serde_json::from_slice(bytes) {
            Ok(tag) => tag,
            Err(error) if error.is_data() => return Err(no_object(bytes)),
            Err(error) => return Err(FrameError::Json(error)),
        };
        match tag.r#type.as_ref() {
            "ping" => Ok(Self::Ping),
            "auth" => body(bytes).map(Self::Auth),
            "agent_auth" => body(bytes).map(Self::AgentAuth),
            "chat" | "message" => body(bytes).map(Self::Chat),
            "activity" => body(bytes).map(Self::Activity),
            "delivery" => body(bytes).map(Self::Delivery),
            "presence" => body(bytes).map(Self::Presence),
            "run" => body(bytes).map(Self::Run),
            "stopped" => body(bytes).map(Self::Stopped),
            "holding" => body(bytes).map(Self::Holding),
            other => Err(FrameError::UnknownType(other.chars().take(64).collect())),
        }
    }
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
}

fn body<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, FrameError> {
    serde_json::from_slice(bytes).map_err(|error| FrameError::Shape(words(&error)))
}

/// Returns the error for bytes that are no object with a `type`, if they are JSON at all.
fn no_object(bytes: &[u8]) -> FrameError {
    match serde_json::from_slice::<IgnoredAny>(bytes) {
        Ok(_) => FrameError::Shape("frame is not an object with a text \"type\"".to_owned()),
        Err(error) => FrameError::Json(error),
    }
}

/// Returns serde's message without the position, which means nothing to a caller that built an
/// object. The message may repeat a value that the client sent, so it is cut to a length that is
/// enough to find the mistake.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let words = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]);
    words.chars().take(WORDS_CHARS).collect()
}

const WORDS_CHARS: usize = 300;

fn list_or_null<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Attachment>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(frame: &str) -> ErrorCode {
        ClientFrame::parse(frame.as_bytes()).unwrap_err().code()
    }

    #[test]
    fn the_three_ways_of_being_wrong_are_told_apart() {
        assert_eq!(code("{not json"), ErrorCode::BadJson);
        assert_eq!(code(""), ErrorCode::BadJson);
        assert_eq!(code("{\"type\":\"chat\",\"text\":\"\u{0}\"}"), ErrorCode::BadJson);
        for shape in [
            "null",
            "[1]",
            r#"["ping"]"#,
            "7",
            "{}",
            r#"{"type":7}"#,
            r#"{"type":"chat"}"#,
            r#"{"type":"chat","text":42}"#,
        ] {
            assert_eq!(code(shape), ErrorCode::BadFrame, "{shape}");
        }
        assert_eq!(code(r#"{"type":"nope"}"#), ErrorCode::UnknownType);
    }

    #[test]
    fn an_error_repeats_little_of_what_was_wrong() {
        let frame = format!(r#"{{"type":"chat","text":"x","replyTo":"{}"}}"#, "x".repeat(5000));
        let error = ClientFrame::parse(frame.as_bytes()).unwrap_err();
        assert!(error.to_string().chars().count() <= WORDS_CHARS, "{error}");
    }

    #[test]
    fn what_a_client_says_of_itself_is_ignored() {
        let sent = r#"{"type":"message","text":"x","user":"FAKE","id":1,"time":"x","mentions":["ARIA"],"attachments":null}"#;
        let frame = ClientFrame::parse(sent.as_bytes()).unwrap();
        assert_eq!(frame, ClientFrame::Chat(Chat { text: "x".to_owned(), ..Chat::in_main() }));
    }

    #[test]
    fn frames_come_back_as_they_went() {
        let frames = [
            ClientFrame::Ping,
            ClientFrame::Auth(SignIn {
                token: Some("t".to_owned()),
                after: Some(EventId::ZERO.next()),
                subscribe: vec![Topic::Presence],
                instance: Some("6f1c0d9e2b7a4c55".to_owned()),
            }),
            ClientFrame::Holding(Holding { calls: vec!["41:2".parse().unwrap()] }),
            ClientFrame::Chat(Chat {
                text: "x".to_owned(),
                nonce: Some("n1".parse().unwrap()),
                ..Chat::in_main()
            }),
        ];
        for frame in frames {
            let wire = serde_json::to_vec(&frame).unwrap();
            assert_eq!(ClientFrame::parse(&wire).unwrap(), frame);
        }
    }

    #[test]
    fn a_token_does_not_show_in_debug() {
        let sign_in = SignIn { token: Some("s3cret".to_owned()), ..SignIn::default() };
        assert!(!format!("{sign_in:?}").contains("s3cret"));
    }
}
