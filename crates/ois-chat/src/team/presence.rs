//! What is passed on and forgotten: who is there, and what agents are doing.

use ois_protocol::{
    Activity, ActivityState, ClientFrame, ErrorCode, ErrorFrame, Member, Presence, RoomName,
    ServerFrame, ShortName, Timestamp, Topic,
};

use super::{
    Team,
    output::{ConnId, Output},
    queue::Request,
    receive::Reading,
};
use crate::{Session, roster::Client};

/// The longest note of an activity, in characters.
const NOTE_CHARS: usize = 200;
/// The longest partial answer that is passed on, in bytes.
const PARTIAL_BYTES: usize = 16 << 10;

impl Team {
    /// Takes what a monitor reports. Agents report on themselves; nobody else does.
    pub(super) fn report(&mut self, conn: ConnId, report: ClientFrame, now: Timestamp) -> Reading {
        let Some(session) = self.sessions.get_mut(&conn) else { return Reading::Continue };
        let agent = match session.member() {
            Some(member) if member.is_agent() => member.clone(),
            Some(_) => return self.refuse_report(conn, ErrorCode::Forbidden, "only agents report"),
            None => {
                let words = "sign in before you report";
                return self.refuse_report(conn, ErrorCode::Unauthorized, words);
            }
        };
        match report {
            ClientFrame::Delivery(said) => {
                self.queue.push(Request::Delivery { conn, agent, said });
            }
            ClientFrame::Run(said) => {
                self.queue.push(Request::Run { conn, agent, said });
            }
            ClientFrame::Presence(said) => self.presence(&agent, &said, now),
            ClientFrame::Activity(said) => {
                if session.may_report_activity(now) {
                    self.activity(&agent, said);
                }
            }
            ClientFrame::Stopped(said) => self.stopped(&agent, &said),
            // Nothing follows here from what a monitor holds.
            ClientFrame::Holding(_) => {}
            ClientFrame::Ping
            | ClientFrame::Auth(_)
            | ClientFrame::AgentAuth(_)
            | ClientFrame::Chat(_) => {
                debug_assert!(false, "no report");
            }
        }
        self.drain_if_full()
    }

    fn refuse_report(&mut self, conn: ConnId, code: ErrorCode, words: &str) -> Reading {
        self.send(conn, ServerFrame::Error(ErrorFrame::new(code, words)));
        Reading::Continue
    }

    /// A member has signed in on this connection.
    pub(super) fn join(
        &mut self,
        conn: ConnId,
        member: &Member,
        client: Client,
        follows_presence: bool,
        now: Timestamp,
    ) {
        let news = self.roster.join(member, client, now);
        if follows_presence {
            for presence in self.roster.online() {
                self.outputs.push_back(Output::Send(conn, ServerFrame::Presence(presence)));
            }
        }
        self.tell(news, Some(conn));
    }

    /// The member who had signed in on this connection is not on it any more.
    pub(super) fn leave(&mut self, conn: ConnId, now: Timestamp) {
        let Some(session) = self.sessions.get(&conn) else { return };
        let Some(name) = session.member().map(|member| member.name.clone()) else { return };
        let client = session.client();
        let news = self.roster.leave(&name, client, now);
        self.tell(news, Some(conn));
        if client == Client::Monitor {
            self.end_activity(&name);
        }
    }

    fn presence(&mut self, agent: &Member, said: &Presence, now: Timestamp) {
        let news = self.roster.prove(agent, said.state, now);
        self.tell(news, None);
    }

    fn activity(&mut self, agent: &Member, mut said: Activity) {
        said.agent = Some(agent.name.clone());
        if let Some(note) = &mut said.note
            && let Some((end, _)) = note.char_indices().nth(NOTE_CHARS)
        {
            note.truncate(end);
        }
        if let Some(partial) = &mut said.partial {
            let whole = |end: &usize| partial.text.is_char_boundary(*end);
            let end = (0..=PARTIAL_BYTES.min(partial.text.len())).rev().find(whole);
            partial.text.truncate(end.unwrap_or(0));
        }
        self.tell_all(Topic::Activity, ServerFrame::Activity(said), None);
    }

    /// An agent's monitor has gone: nobody knows any more what its agent is doing.
    fn end_activity(&mut self, agent: &ShortName) {
        let idle = Activity {
            agent: Some(agent.clone()),
            room: RoomName::main(),
            state: ActivityState::Idle,
            run: None,
            note: None,
            partial: None,
        };
        self.tell_all(Topic::Activity, ServerFrame::Activity(idle), None);
    }

    /// Tells everybody who follows presence, but for the connection that it came from.
    fn tell(&mut self, news: Option<Presence>, except: Option<ConnId>) {
        if let Some(news) = news {
            self.tell_all(Topic::Presence, ServerFrame::Presence(news), except);
        }
    }

    fn tell_all(&mut self, topic: Topic, frame: ServerFrame, except: Option<ConnId>) {
        let follows = |(conn, session): (&ConnId, &Session)| {
            (session.follows(topic) && Some(*conn) != except).then_some(*conn)
        };
        let to: Vec<ConnId> = self.sessions.iter().filter_map(follows).collect();
        if !to.is_empty() {
            self.outputs.push_back(Output::SendAll(to, frame));
        }
    }
}
