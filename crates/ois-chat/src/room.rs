//! Who belongs to the team, who is there, and what may be said and seen.
//!
//! Today every event is in `main`, but every question names its room: rooms of their own come
//! later, and then [`Room::sees`] is the one place that decides.

use std::collections::BTreeMap;

use ois_protocol::{
    Chat, Draft, ErrorCode, ErrorFrame, EventId, Limits, Member, Presence, PresenceState, Role,
    RoomName, ShortName, Timestamp, http::MemberView, mention,
};

use crate::pace::Pace;

/// The team and what it is doing.
#[derive(Debug)]
pub struct Room {
    limits: Limits,
    register: Vec<Member>,
    names: Vec<ShortName>,
    present: BTreeMap<ShortName, Seen>,
}

/// What is known of a member who is or was here.
#[derive(Debug)]
struct Seen {
    member: Member,
    connections: usize,
    since: Timestamp,
    pace: Pace,
}

/// Why a chat frame does not become a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SayError {
    /// The member only reads.
    #[error("guests read, they do not write")]
    Forbidden,
    /// There is no such room, or not for this member.
    #[error("there is no such room")]
    NoRoom,
    /// The text is longer than the limit.
    #[error("text is {has} bytes long; the limit is {limit}")]
    TooLong {
        /// Its length.
        has: usize,
        /// The limit.
        limit: usize,
    },
    /// More files than may go with one message.
    #[error("a message takes at the most {0} attachments")]
    Attachments(usize),
    /// It answers or was caused by a message that does not exist.
    #[error("there is no message {0} to refer to")]
    NoMessage(EventId),
}

impl SayError {
    /// The frame that tells the sender.
    pub fn frame(&self, nonce: Option<ois_protocol::Nonce>) -> ErrorFrame {
        let code = match self {
            Self::Forbidden => ErrorCode::Forbidden,
            Self::NoRoom | Self::NoMessage(_) => ErrorCode::NotFound,
            Self::TooLong { .. } => ErrorCode::TooLong,
            Self::Attachments(_) => ErrorCode::Limit,
        };
        ErrorFrame { nonce, ..ErrorFrame::new(code, self.to_string()) }
    }
}

impl Room {
    /// A team in which nobody is known yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, register: Vec::new(), names: Vec::new(), present: BTreeMap::new() }
    }

    /// Replaces the register: everybody who can be mentioned, in the order in which to show them.
    pub fn register(&mut self, members: Vec<Member>) {
        self.names = members.iter().map(|member| member.name.clone()).collect();
        self.register = members;
    }

    /// A connection of this member opened. Answers with the news, if it is the first.
    pub fn join(&mut self, member: &Member, now: Timestamp) -> Option<Presence> {
        let seen = self.seen(member, now);
        seen.member = member.clone();
        seen.connections += 1;
        if seen.connections > 1 {
            return None;
        }
        seen.since = now;
        Some(seen.presence())
    }

    /// A connection of this member closed. Answers with the news, if it was the last.
    pub fn leave(&mut self, name: &ShortName, now: Timestamp) -> Option<Presence> {
        let seen = self.present.get_mut(name)?;
        seen.connections = seen.connections.saturating_sub(1);
        if seen.connections > 0 {
            return None;
        }
        seen.since = now;
        let news = seen.presence();
        if !self.names.contains(name) {
            // Whoever has the shared password picks names as they like; only known ones are kept.
            self.present.remove(name);
        }
        Some(news)
    }

    /// Who is there, as a subscriber is told when it signs in.
    pub fn online(&self) -> impl Iterator<Item = Presence> {
        self.present.values().filter(|seen| seen.connections > 0).map(Seen::presence)
    }

    /// Everybody in the register, then those present who are not in it.
    pub fn roster(&self) -> Vec<MemberView> {
        let guests = self
            .present
            .values()
            .filter(|seen| seen.connections > 0 && !self.names.contains(&seen.member.name));
        let everybody = self.register.iter().chain(guests.map(|seen| &seen.member));
        everybody.map(|member| self.view(member)).collect()
    }

    /// How many milliseconds to wait before the next word of a member who says something now.
    pub fn pace(&mut self, member: &Member, now: Timestamp) -> u64 {
        let Limits { chat_burst, chat_rate, .. } = self.limits;
        self.seen(member, now).pace.take(chat_burst, chat_rate, now)
    }

    /// Makes a draft of what a member sent: checked, and with those it calls.
    ///
    /// # Errors
    /// [`SayError`]; `head` is the id of the last event so far.
    pub fn say(&self, author: &Member, chat: Chat, head: EventId) -> Result<Draft, SayError> {
        self.check(author, &chat, head)?;
        Ok(Draft {
            author: author.clone(),
            mentions: mention::find(&chat.text, &self.register).wire(),
            room: chat.room,
            text: chat.text,
            attachments: chat.attachments,
            reply_to: chat.reply_to,
            cause: chat.cause.filter(|_| author.is_agent()),
            hop: 0,
            calls: Vec::new(),
            offers: Vec::new(),
            held: Vec::new(),
            notice: None,
            nonce: chat.nonce,
        })
    }

    /// Whether a member may see what is in a room. Every door asks this: live, resume, history.
    pub fn sees(_member: &Member, room: &RoomName) -> bool {
        room.is_main()
    }

    fn check(&self, author: &Member, chat: &Chat, head: EventId) -> Result<(), SayError> {
        if author.role == Role::Guest {
            return Err(SayError::Forbidden);
        }
        if !Self::sees(author, &chat.room) {
            return Err(SayError::NoRoom);
        }
        if chat.text.len() > self.limits.text_bytes {
            return Err(SayError::TooLong { has: chat.text.len(), limit: self.limits.text_bytes });
        }
        if chat.attachments.len() > self.limits.attachments {
            return Err(SayError::Attachments(self.limits.attachments));
        }
        match [chat.reply_to, chat.cause]
            .into_iter()
            .flatten()
            .find(|id| *id > head || *id == EventId::ZERO)
        {
            Some(id) => Err(SayError::NoMessage(id)),
            None => Ok(()),
        }
    }

    fn seen(&mut self, member: &Member, now: Timestamp) -> &mut Seen {
        let burst = self.limits.chat_burst;
        self.present.entry(member.name.clone()).or_insert_with(|| Seen {
            member: member.clone(),
            connections: 0,
            since: now,
            pace: Pace::new(burst, now),
        })
    }

    fn view(&self, member: &Member) -> MemberView {
        let seen = self.present.get(&member.name);
        let online = seen.filter(|seen| seen.connections > 0);
        MemberView {
            name: member.name.clone(),
            display: member.display.clone(),
            kind: member.kind,
            role: member.role,
            duties: member.duties.clone(),
            state: if online.is_some() { PresenceState::Online } else { PresenceState::Offline },
            since: online.map(|seen| seen.since),
            last_seen: seen.filter(|seen| seen.connections == 0).map(|seen| seen.since),
            proven_at: None,
        }
    }
}

impl Seen {
    fn presence(&self) -> Presence {
        let state =
            if self.connections > 0 { PresenceState::Online } else { PresenceState::Offline };
        Presence { name: self.member.name.clone(), state, since: self.since, proven_at: None }
    }
}

#[cfg(test)]
mod tests {
    use ois_protocol::Kind;

    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);

    fn agent(name: &str) -> Member {
        Member::new(name.parse().unwrap(), Kind::Agent, Role::Agent)
    }

    fn person(name: &str) -> Member {
        Member::new(name.parse().unwrap(), Kind::Human, Role::Member)
    }

    fn room() -> Room {
        let mut room = Room::new(Limits::default());
        room.register(vec![agent("HKH 🐱"), agent("ARIA ⚔️")]);
        room
    }

    fn chat(text: &str) -> Chat {
        Chat { text: text.to_owned(), ..Chat::default() }
    }

    #[test]
    fn a_member_is_there_from_the_first_connection_to_the_last() {
        let mut room = room();
        let hkh = agent("HKH 🐱");
        assert_eq!(room.join(&hkh, NOON).unwrap().state, PresenceState::Online);
        assert_eq!(room.join(&hkh, NOON.after_ms(1)), None);
        assert_eq!(room.leave(&hkh.name, NOON.after_ms(2)), None);
        assert_eq!(room.leave(&hkh.name, NOON.after_ms(3)).unwrap().state, PresenceState::Offline);
        assert_eq!(room.roster()[0].last_seen, Some(NOON.after_ms(3)));
    }

    #[test]
    fn the_roster_is_the_register_and_whoever_else_is_there() {
        let mut room = room();
        room.join(&person("tester"), NOON);
        let names: Vec<String> = room.roster().iter().map(|view| view.name.to_string()).collect();
        assert_eq!(names, ["HKH", "ARIA", "tester"]);
        room.leave(&"tester".parse().unwrap(), NOON);
        assert_eq!(room.roster().len(), 2);
    }

    #[test]
    fn a_text_calls_those_in_the_register() {
        let draft =
            room().say(&person("tester"), chat("@aria look, @nobody"), EventId::ZERO).unwrap();
        assert_eq!(draft.mentions, ["ARIA"]);
    }

    #[test]
    fn only_an_agent_has_a_cause() {
        let said = Chat { cause: EventId::new(5), ..chat("x") };
        let head = EventId::new(9).unwrap();
        assert_eq!(room().say(&person("tester"), said.clone(), head).unwrap().cause, None);
        assert_eq!(room().say(&agent("HKH 🐱"), said, head).unwrap().cause, EventId::new(5));
    }

    #[test]
    fn what_cannot_be_said_is_refused_for_its_reason() {
        let room = room();
        let tester = person("tester");
        let guest = Member { role: Role::Guest, ..person("eve") };
        let say = |author: &Member, chat: Chat| room.say(author, chat, EventId::ZERO).unwrap_err();
        assert_eq!(say(&guest, chat("x")), SayError::Forbidden);
        assert_eq!(
            say(&tester, Chat { room: "ops".parse().unwrap(), ..chat("x") }),
            SayError::NoRoom
        );
        assert!(matches!(say(&tester, chat(&"x".repeat(262_145))), SayError::TooLong { .. }));
        let ahead = Chat { reply_to: EventId::new(7), ..chat("x") };
        assert_eq!(say(&tester, ahead), SayError::NoMessage(EventId::new(7).unwrap()));
    }
}
