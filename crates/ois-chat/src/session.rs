//! One connection, from its first frame to its last.
//!
//! A [`Session`] takes frames and the time and answers with [`Effect`]s. It opens no socket, reads
//! no clock and checks no token; `ois-http` does. It does not know who else is in the room.

use ois_protocol::{
    Ack, AuthOk, Chat, ClientFrame, ErrorCode, ErrorFrame, EventId, FrameError, Member,
    ServerFrame, SignIn, Timestamp, Topic,
};

/// What the driver is to do about a frame.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send this to the peer.
    Send(ServerFrame),
    /// Find out whose this credential is, then [`Session::admit`] or [`Session::refuse`].
    SignIn(Credential, SignIn),
    /// Let the room make a draft of this and append it.
    Say(Chat),
    /// An agent's monitor tells how far a mention came, what its agent is doing, or whether it can
    /// be woken.
    Report(ClientFrame),
}

/// Which of the two kinds of token a client presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A session's, or the cookie's of the upgrade if the frame has none.
    Session,
    /// An agent's.
    Agent,
}

/// What the driver is to do about a silent peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Ask whether it is there.
    Ping,
    /// It is not.
    Close,
}

/// What one connection is and may do.
#[derive(Debug)]
pub struct Session {
    member: Option<Member>,
    topics: Vec<Topic>,
    heard: Timestamp,
    asked: Option<Timestamp>,
}

impl Session {
    /// A connection of which nothing is known yet.
    pub fn open(now: Timestamp) -> Self {
        Self { member: None, topics: Vec::new(), heard: now, asked: None }
    }

    /// Who this is, once signed in.
    pub fn member(&self) -> Option<&Member> {
        self.member.as_ref()
    }

    /// Whether the peer asked to be told of this.
    pub fn follows(&self, topic: Topic) -> bool {
        self.topics.contains(&topic)
    }

    /// Takes what the peer sent.
    pub fn receive(&self, frame: Result<ClientFrame, FrameError>) -> Effect {
        match frame {
            Ok(ClientFrame::Ping) => Effect::Send(ServerFrame::Pong),
            Ok(ClientFrame::Auth(sign_in)) => Effect::SignIn(Credential::Session, sign_in),
            Ok(ClientFrame::AgentAuth(sign_in)) => Effect::SignIn(Credential::Agent, sign_in),
            Ok(ClientFrame::Chat(chat)) if self.member.is_some() => Effect::Say(chat),
            Ok(ClientFrame::Chat(chat)) => refusal(ErrorFrame {
                nonce: chat.nonce,
                ..ErrorFrame::new(ErrorCode::Unauthorized, "sign in before you send")
            }),
            Ok(report) => self.report(report),
            Err(error) => refusal(ErrorFrame::new(error.code(), error.to_string())),
        }
    }

    /// Agents report on themselves; nobody else does.
    fn report(&self, report: ClientFrame) -> Effect {
        match &self.member {
            Some(member) if member.is_agent() => Effect::Report(report),
            Some(_) => refusal(ErrorFrame::new(ErrorCode::Forbidden, "only agents report")),
            None => refusal(ErrorFrame::new(ErrorCode::Unauthorized, "sign in before you report")),
        }
    }

    /// The credential is this member's. A second sign-in on the same connection changes who it is.
    pub fn admit(
        &mut self,
        member: Member,
        subscribe: Vec<Topic>,
        team: &str,
        head: EventId,
        session: u64,
    ) -> ServerFrame {
        let answer = AuthOk {
            user: member.display.to_string(),
            is_agent: member.is_agent(),
            role: Some(member.role),
            team: Some(team.to_owned()),
            protocol: Some(ois_protocol::frame::PROTOCOL),
            head: Some(head),
            session: Some(session.to_string()),
        };
        self.member = Some(member);
        self.topics = subscribe;
        ServerFrame::AuthOk(answer)
    }

    /// The credential is nobody's. The connection stays as it was.
    pub fn refuse(&self) -> ServerFrame {
        ServerFrame::AuthFail
    }

    /// How many messages a sign-in without `after` is answered with, as of old.
    pub fn history_limit(credential: Credential) -> usize {
        match credential {
            Credential::Session => 100,
            Credential::Agent => 50,
        }
    }

    /// The peer sent something, be it a pong.
    pub fn heard(&mut self, now: Timestamp) {
        self.heard = now;
        self.asked = None;
    }

    /// To be called about every half ping interval: asks a peer that has been silent for one
    /// interval, gives up on one that let a whole further one pass.
    pub fn tick(&mut self, now: Timestamp, ping_ms: u64) -> Option<Beat> {
        match self.asked {
            Some(asked) if now.since_ms(asked) >= ping_ms => Some(Beat::Close),
            None if now.since_ms(self.heard) >= ping_ms => {
                self.asked = Some(now);
                Some(Beat::Ping)
            }
            _ => None,
        }
    }
}

/// The answer to a draft with a nonce, once it is durable.
pub fn ack(nonce: ois_protocol::Nonce, id: EventId, duplicate: bool) -> ServerFrame {
    ServerFrame::Ack(Ack { nonce, id, duplicate })
}

fn refusal(error: ErrorFrame) -> Effect {
    Effect::Send(ServerFrame::Error(error))
}

#[cfg(test)]
mod tests {
    use ois_protocol::{Kind, Role};

    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);
    const PING_MS: u64 = 30_000;

    fn receive(session: &Session, frame: &str) -> Effect {
        session.receive(ClientFrame::parse(frame.as_bytes()))
    }

    fn signed_in() -> Session {
        let mut session = Session::open(NOON);
        let member = Member::new("HKH 🐱".parse().unwrap(), Kind::Agent, Role::Agent);
        session.admit(member, vec![Topic::Presence], "00c0ffee", EventId::ZERO, 1);
        session
    }

    #[test]
    fn a_ping_is_answered_before_anybody_signed_in() {
        assert_eq!(
            receive(&Session::open(NOON), r#"{"type":"ping"}"#),
            Effect::Send(ServerFrame::Pong)
        );
    }

    #[test]
    fn a_stranger_is_told_that_nothing_was_said_and_which_draft_it_was() {
        let effect = receive(&Session::open(NOON), r#"{"type":"chat","text":"hi","nonce":"n1"}"#);
        let Effect::Send(ServerFrame::Error(error)) = effect else { panic!("{effect:?}") };
        assert_eq!((error.code, error.nonce.unwrap().as_str()), (ErrorCode::Unauthorized, "n1"));
    }

    #[test]
    fn who_signed_in_may_speak_and_may_become_somebody_else() {
        let mut session = signed_in();
        assert!(matches!(receive(&session, r#"{"type":"chat","text":"hi"}"#), Effect::Say(_)));
        assert!(session.follows(Topic::Presence));
        let other = Member::new("tester".parse().unwrap(), Kind::Human, Role::Member);
        session.admit(other.clone(), Vec::new(), "00c0ffee", EventId::ZERO, 1);
        assert_eq!(session.member(), Some(&other));
        assert!(!session.follows(Topic::Presence));
    }

    #[test]
    fn agents_report_and_nobody_else() {
        let report = r#"{"type":"activity","state":"typing"}"#;
        assert!(matches!(receive(&signed_in(), report), Effect::Report(_)));
        let mut person = Session::open(NOON);
        assert!(matches!(receive(&person, report), Effect::Send(ServerFrame::Error(_))));
        let member = Member::new("Mira".parse().unwrap(), Kind::Human, Role::Admin);
        person.admit(member, Vec::new(), "00c0ffee", EventId::ZERO, 1);
        let effect = receive(&person, report);
        let Effect::Send(ServerFrame::Error(error)) = effect else { panic!("{effect:?}") };
        assert_eq!(error.code, ErrorCode::Forbidden);
    }

    #[test]
    fn a_silent_peer_is_asked_once_and_given_up_an_interval_later() {
        let mut session = Session::open(NOON);
        assert_eq!(session.tick(NOON.after_ms(PING_MS - 1), PING_MS), None);
        assert_eq!(session.tick(NOON.after_ms(PING_MS), PING_MS), Some(Beat::Ping));
        assert_eq!(session.tick(NOON.after_ms(2 * PING_MS - 1), PING_MS), None);
        assert_eq!(session.tick(NOON.after_ms(2 * PING_MS), PING_MS), Some(Beat::Close));
    }

    #[test]
    fn a_peer_that_answers_is_kept() {
        let mut session = Session::open(NOON);
        assert_eq!(session.tick(NOON.after_ms(PING_MS), PING_MS), Some(Beat::Ping));
        session.heard(NOON.after_ms(PING_MS + 5));
        assert_eq!(session.tick(NOON.after_ms(2 * PING_MS), PING_MS), None);
        assert_eq!(session.tick(NOON.after_ms(2 * PING_MS + 5), PING_MS), Some(Beat::Ping));
    }
}
