//! What the log holds. Each event is the frame that its receivers get, encoded once.

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

/// The kind of an event. Its word stands in the record's header, so that a reader skips the records
/// that it does not want without parsing them.
///
/// ```
/// use ois_protocol::EventKind;
/// assert_eq!(EventKind::from_word(EventKind::Message.word()), Some(EventKind::Message));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum EventKind {
    /// A message that was said in a room.
    Message,
    /// A new state of a delivery, which says how far a mention came.
    Delivery,
    /// The start or the end of an agent's turn.
    Run,
}

impl EventKind {
    /// Every kind that this version knows.
    pub const ALL: [Self; 3] = [Self::Message, Self::Delivery, Self::Run];

    /// Returns the word that stands for this kind in the record's header.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Delivery => "delivery",
            Self::Run => "run",
        }
    }

    /// Returns the kind with this word, or `None` for a kind that a newer version wrote.
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
    /// A message to be said in a room.
    Message(Draft),
    /// The next state of a delivery. The delivery's time becomes that of the event.
    Delivery {
        /// The room in which the delivery's message was said.
        room: RoomName,
        /// The new state.
        delivery: Delivery,
    },
    /// A turn that began or ended.
    Run(Run),
}

impl NewEvent {
    /// Returns the kind of the event that this becomes.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Message(_) => EventKind::Message,
            Self::Delivery { .. } => EventKind::Delivery,
            Self::Run(_) => EventKind::Run,
        }
    }

    /// Returns the room in which the event will be seen.
    pub fn room(&self) -> &RoomName {
        match self {
            Self::Message(draft) => &draft.room,
            Self::Delivery { room, .. } => room,
            Self::Run(run) => &run.room,
        }
    }

    /// Returns the member who causes the event.
    pub fn author(&self) -> &ShortName {
        match self {
            Self::Message(draft) => &draft.author.name,
            Self::Delivery { delivery, .. } => &delivery.agent,
            Self::Run(run) => &run.agent,
        }
    }

    /// Returns the sender's own name for the event, if it has one.
    pub fn nonce(&self) -> Option<&Nonce> {
        match self {
            Self::Message(draft) => draft.nonce.as_ref(),
            Self::Delivery { .. } | Self::Run(_) => None,
        }
    }

    /// Encodes the event in its place of the log: JSON without line breaks, which goes into the
    /// record on disk and, framed, to every receiver.
    pub fn encode(self, id: EventId, time: Timestamp) -> Vec<u8> {
        let mut payload = Vec::with_capacity(256);
        self.encode_to(id, time, &mut payload);
        payload
    }

    /// Appends to `payload` what [`NewEvent::encode`] returns.
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

/// Returns `M` of a message event's payload without parsing it; `None` if the payload is not that
/// of a message event.
pub fn message_json(payload: &[u8]) -> Option<&[u8]> {
    payload.strip_prefix(MESSAGE_START)?.strip_suffix(b"}")
}

/// Returns a `history` frame around messages that are already JSON.
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

/// Parses an event's payload.
///
/// # Errors
/// Fails if the payload is no frame that this version knows.
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
