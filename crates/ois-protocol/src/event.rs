//! What the log holds: each event is the frame that its receivers get, encoded once.

use serde::{Deserialize, Serialize};

use crate::{
    delivery::Delivery,
    frame::ServerFrame,
    id::EventId,
    message::{Draft, Message},
    name::{Nonce, RoomName, ShortName},
    run::Run,
    time::Timestamp,
};

/// What kind of thing an event is; one word in the record's header, so that a reader skips what it
/// does not want without parsing it.
///
/// ```
/// use ois_protocol::EventKind;
/// assert_eq!(EventKind::from_word(EventKind::Message.word()), Some(EventKind::Message));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum EventKind {
    /// Something said in a room.
    Message,
    /// How far a mention came.
    Delivery,
    /// An agent's turn began or ended.
    Run,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Message, Self::Delivery, Self::Run];

    /// The word in the record's header.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Delivery => "delivery",
            Self::Run => "run",
        }
    }

    /// The kind with this word, or `None` for one that a newer version wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// An event before it has a place in the log.
///
/// ```
/// use ois_protocol::{Draft, EventId, EventKind, Kind, Member, NewEvent, Role, Timestamp};
/// let author = Member::new("Mira".parse().unwrap(), Kind::Human, Role::Member);
/// let event = NewEvent::Message(Draft::new(author, "hi"));
/// assert_eq!(event.kind(), EventKind::Message);
/// assert!(event.encode(EventId::ZERO.next(), Timestamp::from_ms(0)).starts_with(b"{"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "nearly all are messages")]
pub enum NewEvent {
    /// Something to be said in a room.
    Message(Draft),
    /// A delivery's next state; its time is that of the event.
    Delivery {
        /// Where its message was said.
        room: RoomName,
        /// The state.
        delivery: Delivery,
    },
    /// A turn that began or ended.
    Run(Run),
}

impl NewEvent {
    /// What it will be.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Message(_) => EventKind::Message,
            Self::Delivery { .. } => EventKind::Delivery,
            Self::Run(_) => EventKind::Run,
        }
    }

    /// Where it will be seen.
    pub fn room(&self) -> &RoomName {
        match self {
            Self::Message(draft) => &draft.room,
            Self::Delivery { room, .. } => room,
            Self::Run(run) => &run.room,
        }
    }

    /// Who causes it.
    pub fn author(&self) -> &ShortName {
        match self {
            Self::Message(draft) => &draft.author.name,
            Self::Delivery { delivery, .. } => &delivery.agent,
            Self::Run(run) => &run.agent,
        }
    }

    /// Its sender's own name for it.
    pub fn nonce(&self) -> Option<&Nonce> {
        match self {
            Self::Message(draft) => draft.nonce.as_ref(),
            Self::Delivery { .. } | Self::Run(_) => None,
        }
    }

    /// The event in its place: JSON without line breaks, for the record on disk and, framed, for
    /// every receiver.
    pub fn encode(self, id: EventId, time: Timestamp) -> Vec<u8> {
        let mut payload = Vec::with_capacity(256);
        self.encode_to(id, time, &mut payload);
        payload
    }

    /// The same, appended to `payload`.
    pub fn encode_to(self, id: EventId, time: Timestamp, payload: &mut Vec<u8>) {
        match self {
            Self::Message(draft) => encode_message(&draft.at(id, time), payload),
            Self::Delivery { delivery, .. } => {
                encode_frame(&ServerFrame::Delivery(Delivery { at: time, ..delivery }), payload);
            }
            Self::Run(run) => encode_frame(&ServerFrame::Run(run), payload),
        }
    }
}

/// Appends the payload of a message event: `{"type":"message","message":M}`.
///
/// ```
/// use ois_protocol::event::{encode_message, message_json};
/// # let message: ois_protocol::Message = serde_json::from_str(
/// #     r#"{"id":7,"user":"a","text":"hi","time":"2026-02-06T12:34:56.789Z"}"#).unwrap();
/// let mut payload = Vec::new();
/// encode_message(&message, &mut payload);
/// let inner = message_json(&payload).unwrap();
/// assert_eq!(inner, serde_json::to_vec(&message).unwrap());
/// ```
pub fn encode_message(message: &Message, payload: &mut Vec<u8>) {
    payload.extend_from_slice(MESSAGE_START);
    serde_json::to_writer(&mut *payload, message).expect("a message has only text keys");
    payload.push(b'}');
}

fn encode_frame(frame: &ServerFrame, payload: &mut Vec<u8>) {
    serde_json::to_writer(payload, frame).expect("frames have only text keys");
}

/// `M` out of a message event's payload, without parsing it; `None` if it is no message event.
pub fn message_json(payload: &[u8]) -> Option<&[u8]> {
    payload.strip_prefix(MESSAGE_START)?.strip_suffix(b"}")
}

/// A `history` frame around messages that are already JSON.
pub fn history_frame<'a>(messages: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut frame = br#"{"type":"history","messages":["#.to_vec();
    for (at, message) in messages.into_iter().enumerate() {
        if at > 0 {
            frame.push(b',');
        }
        frame.extend_from_slice(message);
    }
    frame.extend_from_slice(b"]}");
    frame
}

/// Reads an event's payload back.
///
/// # Errors
/// If it is no frame that this version knows.
pub fn decode(payload: &[u8]) -> Result<ServerFrame, serde_json::Error> {
    serde_json::from_slice(payload)
}

const MESSAGE_START: &[u8] = br#"{"type":"message","message":"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Member, Role};

    #[test]
    fn an_event_is_one_line_whatever_was_said() {
        let author = Member::new("a".parse().unwrap(), Kind::Human, Role::Member);
        let draft = Draft::new(author, "one\ntwo\r\n\u{2028}three \"four\"");
        let payload =
            NewEvent::Message(draft.clone()).encode(EventId::ZERO.next(), Timestamp::from_ms(5));
        assert!(!payload.contains(&b'\n'));
        let ServerFrame::Message { message } = decode(&payload).unwrap() else {
            panic!("no message")
        };
        assert_eq!(message.text, draft.text);
    }

    #[test]
    fn history_is_the_messages_as_they_stand() {
        assert_eq!(history_frame([]), br#"{"type":"history","messages":[]}"#);
        let two: [&[u8]; 2] = [b"1", b"2"];
        assert_eq!(history_frame(two), br#"{"type":"history","messages":[1,2]}"#);
    }
}
