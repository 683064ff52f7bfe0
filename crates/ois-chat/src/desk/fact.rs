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
    /// Whether an event will be a fact once it is stored: [`Fact::read`] finds it among the records by
    /// the same signs. Most of what people say is none.
    pub fn is(event: &NewEvent) -> bool {
        match event {
            NewEvent::Message(draft) => {
                draft.author.is_agent()
                    || draft.cause.is_some()
                    || draft.notice.is_some()
                    || !draft.calls.is_empty()
                    || !draft.offers.is_empty()
                    || !draft.held.is_empty()
                    || draft.text.contains(DENIAL)
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
    DENIAL.as_bytes(),
];
/// A person denies what the server has asked; see [`super::command`].
const DENIAL: &str = "/deny";

#[cfg(test)]
mod tests {
    use ois_protocol::{Draft, EventId, Held, Kind, Member, Notice, Offer, Role};

    use super::*;

    #[test]
    fn an_event_is_told_to_be_a_fact_exactly_if_it_is_read_as_one() {
        let member = |name: &str, kind| Member::new(name.parse().unwrap(), kind, Role::Member);
        let (mira, aria) = (member("Mira", Kind::Human), member("ARIA", Kind::Agent));
        let (cause, name) = (EventId::new(7), "ARIA".parse::<ShortName>().unwrap());
        let said = |text: &str| Draft::new(mira.clone(), text);
        let offer = Offer { agents: vec![name.clone()], duty: "reviewer".parse().unwrap() };
        let notice = Notice::Unclaimed { duty: "reviewer".parse().unwrap() };
        let drafts = [
            (said("hello"), false),
            (said(r#"what is "cause":7 or "agent":true?"#), false),
            (said("/deny @ARIA"), true),
            (Draft::new(aria, "by itself"), true),
            (Draft { cause, ..said("x") }, true),
            (Draft { calls: vec![name.clone()], ..said("x") }, true),
            (Draft { offers: vec![offer], ..said("x") }, true),
            (Draft { held: vec![Held::by_loop(name)], ..said("x") }, true),
            (Draft { notice: Some(notice), ..said("x") }, true),
        ];
        for (draft, expected) in drafts {
            let event = NewEvent::Message(draft);
            assert_eq!(Fact::is(&event), expected, "{event:?}");
            let (kind, room) = (Some(event.kind()), event.room().clone());
            let (id, time) = (EventId::new(9).unwrap(), Timestamp::from_ms(0));
            let payload = event.encode(id, time);
            let record = Record { id, time, kind, room, payload };
            assert_eq!(Fact::read(&record).is_some(), expected, "{record:?}");
        }
    }
}
