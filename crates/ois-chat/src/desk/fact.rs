//! A stored event, as far as the desk minds it.

use ois_protocol::{
    Delivery, DisplayName, EventId, EventKind, Message, NewEvent, RoomName, Run, ServerFrame,
    ShortName, Timestamp, event,
};

/// A stored event that matters to the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A message that wakes, answers or tells.
    Message(Box<Message>),
    /// How far a mention came.
    Delivery {
        /// Where its message was said.
        room: RoomName,
        /// The state.
        delivery: Delivery,
    },
    /// A turn that began or ended.
    Run(Run),
}

impl Fact {
    /// Whether an event will be a fact once it is stored. Most of what is said is not.
    pub fn is(event: &NewEvent) -> bool {
        match event {
            NewEvent::Message(draft) => {
                draft.cause.is_some()
                    || draft.notice.is_some()
                    || !draft.calls.is_empty()
                    || !draft.offers.is_empty()
                    || !draft.held.is_empty()
            }
            _ => true,
        }
    }

    /// The event in its place.
    pub fn of(event: NewEvent, id: EventId, time: Timestamp) -> Option<Self> {
        match event {
            NewEvent::Message(draft) => Some(Self::Message(Box::new(draft.at(id, time)))),
            NewEvent::Delivery { room, delivery } => {
                Some(Self::Delivery { room, delivery: Delivery { at: time, ..delivery } })
            }
            NewEvent::Run(run) => Some(Self::Run(run)),
            _ => None,
        }
    }

    /// Reads a fact from a record of the log; `None` if it is none, or purged.
    pub fn read(kind: EventKind, room: &RoomName, payload: &[u8]) -> Option<Self> {
        if kind == EventKind::Message && !SIGNS.iter().any(|sign| holds(payload, sign)) {
            return None;
        }
        match event::decode(payload).ok()? {
            ServerFrame::Message { message } => Some(Self::Message(Box::new(message))),
            ServerFrame::Delivery(delivery) => {
                Some(Self::Delivery { room: room.clone(), delivery })
            }
            ServerFrame::Run(run) => Some(Self::Run(run)),
            _ => None,
        }
    }
}

/// Who wrote a message.
pub(super) fn author(message: &Message) -> Option<ShortName> {
    message.user.parse().ok().map(|name: DisplayName| name.short())
}

fn holds(payload: &[u8], sign: &[u8]) -> bool {
    payload.windows(sign.len()).any(|window| window == sign)
}

/// What a message that matters has in its JSON; one that only quotes it is read for nothing.
const SIGNS: [&[u8]; 5] =
    [br#""cause":"#, br#""calls":"#, br#""offers":"#, br#""held":"#, br#""notice":"#];
