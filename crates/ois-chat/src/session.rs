//! One connection: who has signed in on it, and what it asked to be told.

use ois_protocol::{AuthOk, EventId, Member, ServerFrame, Timestamp, Topic};

use crate::roster::Client;

/// Which of the two kinds of token a client presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A session's token, or the cookie's of the upgrade if the frame has none.
    Session,
    /// An agent's token.
    Agent,
}

impl Credential {
    /// How many messages a sign-in without `after` is answered with, as in OIS 1.2.
    pub fn history_limit(self) -> usize {
        match self {
            Self::Session => 100,
            Self::Agent => 50,
        }
    }
}

/// What is known of one connection.
#[derive(Debug, Default)]
pub struct Session {
    member: Option<Member>,
    topics: Vec<Topic>,
    /// The second in which it last reported an activity, and how many reports there were in it.
    activities: (u64, u32),
}

/// How many reports of an activity are passed on in a second; the rest is dropped, since the next
/// report replaces it.
const ACTIVITIES_A_SECOND: u32 = 20;

impl Session {
    /// The member who has signed in; `None` before that.
    pub fn member(&self) -> Option<&Member> {
        self.member.as_ref()
    }

    /// Whether the client asked to be told of this topic.
    pub fn follows(&self, topic: Topic) -> bool {
        self.topics.contains(&topic)
    }

    /// The kind of client: an agent's client that asks for deliveries is its monitor.
    pub fn client(&self) -> Client {
        let is_agent = self.member.as_ref().is_some_and(Member::is_agent);
        if is_agent && self.follows(Topic::Deliveries) { Client::Monitor } else { Client::Plain }
    }

    /// The credential is this member's. A second sign-in on the same connection changes who it is.
    /// Answers with the frame that says so.
    pub(crate) fn admit(
        &mut self,
        member: Member,
        topics: Vec<Topic>,
        team: &str,
        head: EventId,
        number: u64,
    ) -> ServerFrame {
        let answer = AuthOk {
            user: member.display.to_string(),
            is_agent: member.is_agent(),
            role: Some(member.role),
            team: Some(team.to_owned()),
            protocol: Some(ois_protocol::frame::PROTOCOL),
            head: Some(head),
            session: Some(number.to_string()),
        };
        self.member = Some(member);
        self.topics = topics;
        ServerFrame::AuthOk(answer)
    }

    /// Whether one more report of an activity is passed on in this second.
    pub(crate) fn may_report_activity(&mut self, now: Timestamp) -> bool {
        let second = now.ms() / 1000;
        let (last, count) = self.activities;
        let count = if last == second { count + 1 } else { 1 };
        self.activities = (second, count);
        count <= ACTIVITIES_A_SECOND
    }
}

#[cfg(test)]
mod tests {
    use ois_protocol::{Kind, Role};

    use super::*;

    fn admit(session: &mut Session, name: &str, kind: Kind, role: Role, topics: &[Topic]) {
        let member = Member::new(name.parse().unwrap(), kind, role);
        session.admit(member, topics.to_vec(), "00c0ffee", EventId::ZERO, 1);
    }

    #[test]
    fn a_second_sign_in_changes_who_it_is_and_what_it_is_told() {
        let mut session = Session::default();
        admit(&mut session, "HKH 🐱", Kind::Agent, Role::Agent, &[Topic::Presence]);
        assert!(session.follows(Topic::Presence));
        admit(&mut session, "tester", Kind::Human, Role::Member, &[]);
        assert_eq!(session.member().unwrap().name.as_str(), "tester");
        assert!(!session.follows(Topic::Presence));
    }

    #[test]
    fn an_agents_client_that_asks_for_deliveries_is_its_monitor() {
        let mut session = Session::default();
        admit(&mut session, "HKH 🐱", Kind::Agent, Role::Agent, &[Topic::Presence]);
        assert_eq!(session.client(), Client::Plain);
        admit(&mut session, "HKH 🐱", Kind::Agent, Role::Agent, &[Topic::Deliveries]);
        assert_eq!(session.client(), Client::Monitor);
        admit(&mut session, "tester", Kind::Human, Role::Member, &[Topic::Deliveries]);
        assert_eq!(session.client(), Client::Plain);
    }
}
