//! A stored event, as far as the desk minds it.

use memchr::memmem;
use ois_protocol::{
    Delivery, DisplayName, EventKind, Message, NewEvent, Record, RoomName, Run, ServerFrame,
    ShortName, Timestamp, event,
};

/// A stored event that matters to the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A message that an agent says, or that wakes, answers or tells.
    Message(Box<Message>),
    /// How far a mention came.
    Delivery {
        /// Where its message was said.
        room: RoomName,
        /// The state.
        delivery: Delivery,
    },
    /// A turn that began or ended.
    Run {
        /// The turn, with the times that its monitor tells.
        run: Run,
        /// When the server took the report.
        at: Timestamp,
    },
}

impl Fact {
    /// Whether an event will be a fact once it is stored. Most of what is said is none.
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

    /// Reads a fact from a record of the log; `None` if it is none, or purged.
    pub fn read(record: &Record<impl AsRef<[u8]>>) -> Option<Self> {
        let (kind, room, payload) = (record.kind?, &record.room, record.payload.as_ref());
        if kind == EventKind::Message
            && !SIGNS.iter().any(|sign| memmem::find(payload, sign).is_some())
        {
            return None;
        }
        match event::decode(payload).ok()? {
            ServerFrame::Message { message } => Some(Self::Message(Box::new(message))),
            ServerFrame::Delivery(delivery) => {
                Some(Self::Delivery { room: room.clone(), delivery })
            }
            ServerFrame::Run(run) => Some(Self::Run { run, at: record.time }),
            _ => None,
        }
    }
}

/// The name of the member who wrote a message; `None` for a name that is none.
pub(crate) fn author(message: &Message) -> Option<ShortName> {
    message.user.parse().ok().map(|name: DisplayName| name.short())
}

/// What a message that matters has in its JSON; one that only quotes it is parsed in vain.
const SIGNS: [&[u8]; 7] = [
    br#""agent":true"#,
    br#""cause":"#,
    br#""calls":"#,
    br#""offers":"#,
    br#""held":"#,
    br#""notice":"#,
    b"/deny",
];
