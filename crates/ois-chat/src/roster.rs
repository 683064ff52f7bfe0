//! Who belongs to the team, who is there, and what may be said and seen.
//!
//! Today every event is in `main`, but every question names its room: [`Roster::sees`] is the one
//! place that will decide about rooms.

use std::collections::BTreeMap;

use ois_protocol::{
    Chat, Draft, ErrorCode, ErrorFrame, EventId, Limits, Member, Offer, Presence, PresenceState,
    Role, RoomName, ShortName, Timestamp,
    http::MemberView,
    mention::{self, Mentions},
};

use crate::pace::Pace;

/// The register of the team, and who of it is connected with what.
#[derive(Debug)]
pub struct Roster {
    limits: Limits,
    register: Vec<Member>,
    present: BTreeMap<ShortName, Seen>,
}

/// The kind of client that a member is connected with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// A client that chats and reports nothing.
    Plain,
    /// An agent's monitor, which tells how far deliveries come and proves that it can wake.
    Monitor,
}

/// Whom a text calls, resolved against the register. The author is never among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Called {
    /// Agents that are called, by name, by duty or with everybody.
    pub agents: Vec<ShortName>,
    /// Agents of whom the first that claims is woken.
    pub offers: Vec<Offer>,
    /// Everybody who is meant by `@all`, if it stands there: the names that take its place when not
    /// all of them are to be woken.
    pub everybody: Option<Vec<ShortName>>,
}

/// What is known of a member who is or was here.
#[derive(Debug)]
struct Seen {
    member: Member,
    connections: usize,
    since: Timestamp,
    /// How many of the connections are monitors'.
    monitors: usize,
    /// Whether a monitor was among the connections at any time: without one, such an agent is deaf.
    has_monitor: bool,
    /// The last that its monitor said of the wake path, while that is connected.
    proof: Option<Proof>,
    pace: Pace,
}

/// The last word of a monitor about the wake path.
#[derive(Clone, Copy, Debug)]
struct Proof {
    state: PresenceState,
    /// When the runtime last answered.
    at: Option<Timestamp>,
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
        /// The text's length in bytes.
        has: usize,
        /// The longest text in bytes.
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

impl Roster {
    /// A team in which nobody is known yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, register: Vec::new(), present: BTreeMap::new() }
    }

    /// Replaces the register: everybody who can be mentioned, in the order in which to show them.
    pub fn register(&mut self, members: Vec<Member>) {
        self.register = members;
    }

    /// A connection of this member opened. Answers with the news, if that changes how it is.
    pub fn join(&mut self, member: &Member, client: Client, now: Timestamp) -> Option<Presence> {
        let seen = self.seen(member, now);
        seen.member = member.clone();
        let before = seen.state();
        seen.connections += 1;
        if client == Client::Monitor {
            seen.monitors += 1;
            seen.has_monitor = true;
        }
        if seen.state() == before {
            return None;
        }
        seen.since = now;
        Some(seen.presence())
    }

    /// A connection of this member closed. Answers with the news, if that changes how it is.
    pub fn leave(&mut self, name: &ShortName, client: Client, now: Timestamp) -> Option<Presence> {
        let known = self.knows(name);
        let seen = self.present.get_mut(name)?;
        let before = seen.state();
        seen.connections = seen.connections.saturating_sub(1);
        if client == Client::Monitor {
            seen.monitors = seen.monitors.saturating_sub(1);
        }
        if seen.monitors == 0 {
            seen.proof = None;
        }
        if seen.state() == before {
            return None;
        }
        seen.since = now;
        let news = seen.presence();
        if seen.connections == 0 && !known {
            // A person with the shared password picks any name; only registered names are remembered.
            self.present.remove(name);
        }
        Some(news)
    }

    /// An agent's monitor tells whether the agent can be woken. Answers with the news.
    pub fn prove(
        &mut self,
        agent: &Member,
        said: PresenceState,
        now: Timestamp,
    ) -> Option<Presence> {
        let seen = self.present.get_mut(&agent.name).filter(|seen| seen.connections > 0)?;
        let before = seen.state();
        let at = match said {
            PresenceState::Online | PresenceState::Busy => Some(now),
            PresenceState::Deaf => seen.proof.and_then(|proof| proof.at),
            _ => return None,
        };
        seen.proof = Some(Proof { state: said, at });
        if said != before {
            seen.since = now;
        }
        Some(seen.presence())
    }

    /// The presence of everybody who is connected, as a subscriber is told it when it signs in.
    pub fn online(&self) -> impl Iterator<Item = Presence> {
        self.present.values().filter(|seen| seen.connections > 0).map(Seen::presence)
    }

    /// Everybody in the register, then those present who are not in it.
    pub fn members(&self) -> Vec<MemberView> {
        let guests = self
            .present
            .values()
            .filter(|seen| seen.connections > 0 && !self.knows(&seen.member.name));
        let everybody = self.register.iter().chain(guests.map(|seen| &seen.member));
        everybody.map(|member| self.view(member)).collect()
    }

    /// How many milliseconds to wait before the next word of a member who says something now.
    pub fn pace(&mut self, member: &Member, now: Timestamp) -> u64 {
        let Limits { chat_burst, chat_rate, .. } = self.limits;
        self.seen(member, now).pace.take(chat_burst, chat_rate, now)
    }

    /// Checks what a member wants to say against the limits and the member's role.
    ///
    /// # Errors
    /// [`SayError`]; `head` is the id of the last event so far, which a reference cannot be beyond.
    pub fn check(&self, author: &Member, chat: &Chat, head: EventId) -> Result<(), SayError> {
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
        let mut named = [chat.reply_to, chat.cause].into_iter().flatten();
        match named.find(|id| *id > head || *id == EventId::ZERO) {
            Some(id) => Err(SayError::NoMessage(id)),
            None => Ok(()),
        }
    }

    /// Makes a draft of what a member says, which [`Roster::check`] has let pass, and finds those whom
    /// it calls.
    pub fn draft(&self, author: &Member, chat: &Chat) -> (Draft, Called) {
        let mentions = mention::find(&chat.text, &self.register);
        let called = self.called(author, &mentions);
        let draft = Draft {
            room: chat.room.clone(),
            mentions: mentions.wire(),
            attachments: chat.attachments.clone(),
            reply_to: chat.reply_to,
            cause: chat.cause.filter(|_| author.is_agent()),
            nonce: chat.nonce.clone(),
            ..Draft::new(author.clone(), chat.text.clone())
        };
        (draft, called)
    }

    /// The agents among those whom a text calls, without its author.
    fn called(&self, author: &Member, mentions: &Mentions) -> Called {
        let others = self.register.iter().filter(|member| member.name != author.name);
        let is_called = |member: &&Member| mentions.all || mentions.names.contains(&member.name);
        let agents = others.clone().filter(|member| member.is_agent()).filter(is_called);
        let offers = mentions.offers.iter().map(|offer| {
            let agents = offer.agents.iter().filter(|agent| **agent != author.name);
            Offer { agents: agents.cloned().collect(), duty: offer.duty.clone() }
        });
        Called {
            agents: agents.map(|member| member.name.clone()).collect(),
            offers: offers.filter(|offer| !offer.agents.is_empty()).collect(),
            everybody: mentions.all.then(|| others.map(|member| member.name.clone()).collect()),
        }
    }

    fn knows(&self, name: &ShortName) -> bool {
        self.register.iter().any(|member| member.name == *name)
    }

    /// Whether a member may see what is in a room. Every door asks this: live, resume, history.
    pub fn sees(_member: &Member, room: &RoomName) -> bool {
        room.is_main()
    }

    fn seen(&mut self, member: &Member, now: Timestamp) -> &mut Seen {
        let burst = self.limits.chat_burst;
        self.present.entry(member.name.clone()).or_insert_with(|| Seen {
            member: member.clone(),
            connections: 0,
            since: now,
            monitors: 0,
            has_monitor: false,
            proof: None,
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
            state: seen.map_or(PresenceState::Offline, Seen::state),
            since: online.map(|seen| seen.since),
            last_seen: seen.filter(|seen| seen.connections == 0).map(|seen| seen.since),
            proven_at: online.and_then(|seen| seen.proof?.at),
        }
    }
}

impl Seen {
    fn state(&self) -> PresenceState {
        match self.proof {
            _ if self.connections == 0 => PresenceState::Offline,
            Some(proof) => proof.state,
            None if self.has_monitor && self.monitors == 0 => PresenceState::Deaf,
            None => PresenceState::Online,
        }
    }

    fn presence(&self) -> Presence {
        Presence {
            name: self.member.name.clone(),
            state: self.state(),
            since: self.since,
            proven_at: self.proof.and_then(|proof| proof.at),
        }
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

    fn roster() -> Roster {
        let mut roster = Roster::new(Limits::default());
        roster.register(vec![agent("HKH 🐱"), agent("ARIA ⚔️")]);
        roster
    }

    fn chat(text: &str) -> Chat {
        Chat { text: text.to_owned(), ..Chat::in_main() }
    }

    #[test]
    fn a_member_is_there_from_the_first_connection_to_the_last() {
        let mut roster = roster();
        let hkh = agent("HKH 🐱");
        assert_eq!(roster.join(&hkh, Client::Plain, NOON).unwrap().state, PresenceState::Online);
        assert_eq!(roster.join(&hkh, Client::Plain, NOON.after_ms(1)), None);
        assert_eq!(roster.leave(&hkh.name, Client::Plain, NOON.after_ms(2)), None);
        assert_eq!(
            roster.leave(&hkh.name, Client::Plain, NOON.after_ms(3)).unwrap().state,
            PresenceState::Offline
        );
        assert_eq!(roster.members()[0].last_seen, Some(NOON.after_ms(3)));
    }

    #[test]
    fn the_roster_is_the_register_and_whoever_else_is_there() {
        let mut roster = roster();
        roster.join(&person("tester"), Client::Plain, NOON);
        let names: Vec<String> =
            roster.members().iter().map(|view| view.name.to_string()).collect();
        assert_eq!(names, ["HKH", "ARIA", "tester"]);
        roster.leave(&"tester".parse().unwrap(), Client::Plain, NOON);
        assert_eq!(roster.members().len(), 2);
    }

    #[test]
    fn a_text_calls_those_in_the_register() {
        let (draft, called) = roster().draft(&person("tester"), &chat("@aria look, @nobody"));
        assert_eq!(draft.mentions, ["ARIA"]);
        assert_eq!(called.agents, ["ARIA".parse().unwrap()]);
    }

    #[test]
    fn everybody_is_every_agent_but_the_one_who_speaks() {
        let mut roster = roster();
        roster.register(vec![agent("HKH 🐱"), agent("ARIA ⚔️"), person("Mira")]);
        let (draft, called) = roster.draft(&agent("HKH 🐱"), &chat("@all"));
        assert_eq!(draft.mentions, ["all"]);
        assert_eq!(called.agents, ["ARIA".parse().unwrap()]);
        assert_eq!(called.everybody.unwrap().len(), 2);
    }

    #[test]
    fn an_agent_is_as_its_monitor_proves_while_the_monitor_is_there() {
        let mut roster = roster();
        let hkh = agent("HKH 🐱");
        assert!(roster.prove(&hkh, PresenceState::Online, NOON).is_none(), "nobody is there");
        roster.join(&hkh, Client::Monitor, NOON);
        let at = |ms| NOON.after_ms(ms);
        let online = roster.prove(&hkh, PresenceState::Online, at(1)).unwrap();
        assert_eq!((online.since, online.proven_at), (NOON, Some(at(1))));
        let deaf = roster.prove(&hkh, PresenceState::Deaf, at(2)).unwrap();
        assert_eq!((deaf.state, deaf.since), (PresenceState::Deaf, at(2)));
        assert_eq!(deaf.proven_at, Some(at(1)), "that was the last proof");
        roster.join(&hkh, Client::Plain, at(3));
        assert!(roster.leave(&hkh.name, Client::Monitor, at(4)).is_none(), "it stays deaf");
        assert_eq!(roster.members()[0].state, PresenceState::Deaf, "nobody wakes it");
        let back = roster.join(&hkh, Client::Monitor, at(5)).unwrap();
        assert_eq!((back.state, back.proven_at), (PresenceState::Online, None));
    }

    #[test]
    fn only_an_agent_has_a_cause() {
        let said = Chat { cause: EventId::new(5), ..chat("x") };
        assert_eq!(roster().draft(&person("tester"), &said).0.cause, None);
        assert_eq!(roster().draft(&agent("HKH 🐱"), &said).0.cause, EventId::new(5));
    }

    #[test]
    fn what_cannot_be_said_is_refused_for_its_reason() {
        let roster = roster();
        let tester = person("tester");
        let guest = Member { role: Role::Guest, ..person("eve") };
        let say =
            |author: &Member, chat: Chat| roster.check(author, &chat, EventId::ZERO).unwrap_err();
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
