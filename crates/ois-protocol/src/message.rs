//! What is said in a room: messages, drafts and attachments.

use serde::{Deserialize, Serialize};

use crate::{
    id::EventId,
    member::Member,
    name::{Nonce, RoomName, ShortName},
    notice::{Held, Notice, Offer},
    time::Timestamp,
};

/// A message as clients see it: `M` of the wire, unchanged since OIS 1.2 apart from newer fields,
/// which are absent where they say nothing.
///
/// ```
/// use ois_protocol::Message;
/// let wire = r#"{"id":7,"user":"HKH 🐱","text":"hi","time":"2026-02-06T12:34:56.789Z"}"#;
/// let message: Message = serde_json::from_str(wire).unwrap();
/// assert_eq!(serde_json::to_string(&message).unwrap(), wire);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The id of the message, which is its place in the log.
    pub id: EventId,
    /// The display name of the author, set by the server.
    pub user: String,
    /// The text in UTF-8, at most [`crate::Limits::text_bytes`] bytes.
    #[serde(default)]
    pub text: String,
    /// The time at which the server took the message.
    pub time: Timestamp,
    /// The short names of the members it wakes, and the literal `all`. The server takes them from
    /// the text, never from the sender.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<String>,
    /// The files that go with the message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Whether the message was read back from a day file, which keeps minutes only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_archive: bool,
    /// The room in which it was said; absent on the wire for `main`.
    #[serde(default = "RoomName::main", skip_serializing_if = "RoomName::is_main")]
    pub room: RoomName,
    /// The message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<EventId>,
    /// The message that woke the agent that wrote this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
    /// How many agents' messages lie between a person's message and this one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hop: u32,
    /// Whether a program wrote the message.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub agent: bool,
    /// The agents that the message wakes, each by a delivery of its own: those that the text calls,
    /// as the server resolved it when it took the message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ShortName>,
    /// One offer for each `@one:duty`; the first agent of it that claims the message is woken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offers: Vec<Offer>,
    /// The agents that the message names and does not wake.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Held>,
    /// The notice that the message carries; set if the server itself says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
}

impl Message {
    /// Creates a message with nothing but its id, its author, a text and a time, in the room
    /// `main`.
    pub fn plain(id: EventId, user: String, text: String, time: Timestamp) -> Self {
        Self {
            id,
            user,
            text,
            time,
            mentions: Vec::new(),
            attachments: Vec::new(),
            from_archive: false,
            room: RoomName::main(),
            reply_to: None,
            cause: None,
            hop: 0,
            agent: false,
            calls: Vec::new(),
            offers: Vec::new(),
            held: Vec::new(),
            notice: None,
        }
    }
}

/// A message before it has a place in the log: what a session makes of a `chat` frame.
///
/// ```
/// use ois_protocol::{Draft, EventId, Kind, Member, Role, Timestamp};
/// let author = Member::new("HKH 🐱".parse().unwrap(), Kind::Agent, Role::Agent);
/// let message = Draft::new(author, "hi").at(EventId::ZERO.next(), Timestamp::from_ms(0));
/// assert_eq!((message.user.as_str(), message.agent), ("HKH 🐱", true));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The author, as the server authenticated them.
    pub author: Member,
    /// The room in which it is said.
    pub room: RoomName,
    /// The text as the author wrote it.
    pub text: String,
    /// The names that the text calls, resolved against the register.
    pub mentions: Vec<String>,
    /// The files that go with the message.
    pub attachments: Vec<Attachment>,
    /// The message that this one answers.
    pub reply_to: Option<EventId>,
    /// The message that woke its author.
    pub cause: Option<EventId>,
    /// The value of [`Message::hop`].
    pub hop: u32,
    /// The value of [`Message::calls`].
    pub calls: Vec<ShortName>,
    /// The value of [`Message::offers`].
    pub offers: Vec<Offer>,
    /// The value of [`Message::held`].
    pub held: Vec<Held>,
    /// The value of [`Message::notice`].
    pub notice: Option<Notice>,
    /// The sender's own name for the draft.
    pub nonce: Option<Nonce>,
}

impl Draft {
    /// Creates a draft with nothing but an author and a text, for the room `main`.
    pub fn new(author: Member, text: impl Into<String>) -> Self {
        Self {
            author,
            room: RoomName::main(),
            text: text.into(),
            mentions: Vec::new(),
            attachments: Vec::new(),
            reply_to: None,
            cause: None,
            hop: 0,
            calls: Vec::new(),
            offers: Vec::new(),
            held: Vec::new(),
            notice: None,
            nonce: None,
        }
    }

    /// Returns the message that the draft becomes in this place of the log.
    pub fn at(self, id: EventId, time: Timestamp) -> Message {
        Message {
            id,
            agent: self.author.is_agent(),
            user: self.author.display.to_string(),
            text: self.text,
            time,
            mentions: self.mentions,
            attachments: self.attachments,
            from_archive: false,
            room: self.room,
            reply_to: self.reply_to,
            cause: self.cause,
            hop: self.hop,
            calls: self.calls,
            offers: self.offers,
            held: self.held,
            notice: self.notice,
        }
    }
}

/// A file that goes with a message, normally one kept by `POST /api/upload`.
///
/// It is read from either set of field names that the original's upload and page used, and written
/// with both.
///
/// ```
/// use ois_protocol::Attachment;
/// let sent = r#"{"url":"/uploads/0a.png","originalName":"a.png","mimeType":"image/png","size":70}"#;
/// let attachment: Attachment = serde_json::from_str(sent).unwrap();
/// assert_eq!(attachment.name, "a.png");
/// assert!(serde_json::to_string(&attachment).unwrap().contains(r#""type":"image/png""#));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "AttachmentIn")]
pub struct Attachment {
    /// The address: `/uploads/<name>` on the same server, or an `http(s)` address.
    pub url: String,
    /// The file name that the sender gave.
    pub name: String,
    /// The media type, `application/octet-stream` if the sender did not give one.
    pub mime: String,
    /// The length in bytes, 0 if the sender did not give it.
    pub size: u64,
}

/// Why something cannot go with a message.
///
/// ```
/// let sent = r#"{"url":"javascript:alert(1)"}"#;
/// let error = serde_json::from_str::<ois_protocol::Attachment>(sent).unwrap_err();
/// assert!(error.to_string().starts_with(&ois_protocol::message::AttachmentError::Url.to_string()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttachmentError {
    /// The address is one that a page could not show safely, such as `javascript:`.
    #[error("an attachment's url must begin with /uploads/, http:// or https://")]
    Url,
    /// The name or the type is longer than 1,024 bytes, or the url is longer than 2,048.
    #[error("an attachment's url, name or type is too long")]
    TooLong,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttachmentIn {
    url: String,
    name: Option<String>,
    original_name: Option<String>,
    r#type: Option<String>,
    mime_type: Option<String>,
    size: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AttachmentOut<'a> {
    url: &'a str,
    original_name: &'a str,
    mime_type: &'a str,
    size: u64,
    name: &'a str,
    r#type: &'a str,
}

impl TryFrom<AttachmentIn> for Attachment {
    type Error = AttachmentError;

    fn try_from(wire: AttachmentIn) -> Result<Self, AttachmentError> {
        let starts = ["/uploads/", "http://", "https://"];
        let plain = !wire.url.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\');
        if !plain || !starts.iter().any(|start| wire.url.starts_with(start)) {
            return Err(AttachmentError::Url);
        }
        let name = wire
            .original_name
            .or(wire.name)
            .unwrap_or_else(|| wire.url.rsplit('/').next().unwrap_or_default().to_owned());
        let mime = wire.mime_type.or(wire.r#type);
        let mime = mime.unwrap_or_else(|| "application/octet-stream".to_owned());
        if wire.url.len() > 2048 || name.len() > 1024 || mime.len() > 1024 {
            return Err(AttachmentError::TooLong);
        }
        Ok(Self { url: wire.url, name, mime, size: wire.size.unwrap_or(0) })
    }
}

impl Serialize for Attachment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        AttachmentOut {
            url: &self.url,
            original_name: &self.name,
            mime_type: &self.mime,
            size: self.size,
            name: &self.name,
            r#type: &self.mime,
        }
        .serialize(serializer)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_message_has_the_old_servers_fields_and_no_more() {
        let author =
            Member::new("tester".parse().unwrap(), crate::Kind::Human, crate::Role::Member);
        let message = Draft::new(author, "hi").at(EventId::new(7).unwrap(), Timestamp::from_ms(0));
        let wire = r#"{"id":7,"user":"tester","text":"hi","time":"1970-01-01T00:00:00.000Z"}"#;
        assert_eq!(serde_json::to_string(&message).unwrap(), wire);
    }

    #[test]
    fn an_address_that_runs_code_is_no_attachment() {
        for url in
            ["javascript:alert(1)", "data:text/html,x", "//evil", "/uploads/\\..", "/api/file"]
        {
            let sent = serde_json::json!({ "url": url });
            assert!(serde_json::from_value::<Attachment>(sent).is_err(), "{url}");
        }
    }
}
