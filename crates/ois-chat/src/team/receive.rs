//! What a connection says, and what another door asks for in a member's name.

use ois_protocol::{
    Chat, ClientFrame, ClientRequest, DeliveryId, ErrorCode, ErrorFrame, EventId, FrameError,
    Member, ServerFrame, SignIn, Timestamp, Topic,
};

use super::{
    Team,
    output::{ConnId, Output, RequestId, Start},
    queue::{Origin, Request},
};
use crate::{Credential, Session, visibility::Visibility};

/// What the driver does before it reads on from a connection.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Reading {
    /// Nothing: it reads on.
    Continue,
    /// It waits this many milliseconds: the member talks too fast.
    Pause(u64),
    /// It waits until the queue is not full any more ([`Team::waiting`]).
    Drain,
    /// It finds out whose this credential is and calls [`Team::signed_in`] or
    /// [`Team::sign_in_refused`].
    SignIn(Credential, SignIn),
}

/// A connection that has signed in and knows more of the log than this team has read.
#[derive(Debug)]
pub(super) struct AheadOfUs {
    conn: ConnId,
    after: EventId,
    visibility: Visibility,
}

impl Team {
    /// A connection was opened; nobody has signed in on it.
    pub fn opened(&mut self, conn: ConnId) {
        self.sessions.insert(conn, Session::default());
    }

    /// A connection has ended. What it said before is stored all the same.
    pub fn closed(&mut self, conn: ConnId, now: Timestamp) {
        self.leave(conn, now);
        self.ahead.retain(|it| it.conn != conn);
        self.sessions.remove(&conn);
    }

    /// Takes one frame that a connection has sent, or that could not be read.
    pub fn receive(
        &mut self,
        conn: ConnId,
        frame: Result<ClientFrame, FrameError>,
        now: Timestamp,
    ) -> Reading {
        let frame = match frame.map(ClientFrame::into_request) {
            Ok(ClientRequest::Ping) => ServerFrame::Pong,
            Ok(ClientRequest::SignIn(sign_in)) => {
                return Reading::SignIn(Credential::Session, sign_in);
            }
            Ok(ClientRequest::AgentSignIn(sign_in)) => {
                return Reading::SignIn(Credential::Agent, sign_in);
            }
            Ok(ClientRequest::Say(chat)) => return self.chat(conn, chat, now),
            Ok(ClientRequest::Report(report)) => return self.report(conn, report, now),
            Err(error) => ServerFrame::Error(ErrorFrame::new(error.code(), error.to_string())),
        };
        self.send(conn, frame);
        Reading::Continue
    }

    /// The credential that a connection has shown is this member's. `log_head` is the last event of
    /// the log: with several servers, this one may not have read up to there yet.
    pub fn signed_in(
        &mut self,
        conn: ConnId,
        member: Member,
        credential: Credential,
        sign_in: SignIn,
        log_head: EventId,
        now: Timestamp,
    ) {
        self.leave(conn, now);
        self.ahead.retain(|it| it.conn != conn);
        let Some(session) = self.sessions.get_mut(&conn) else { return };
        let answer = session.admit(member.clone(), sign_in.subscribe, &self.id, self.head, conn.0);
        let (client, visibility) = (session.client(), Visibility::of(session));
        let follows_presence = session.follows(Topic::Presence);
        self.send(conn, answer);
        self.join(conn, &member, client, follows_presence, now);
        match sign_in.after {
            Some(after) if after <= self.head => {
                self.outputs.push_back(Output::Start(conn, Start::Resume { after, visibility }));
            }
            // It has seen on another server what this one is about to read.
            Some(after) if after <= log_head => {
                self.ahead.push(AheadOfUs { conn, after, visibility });
            }
            Some(_) => {
                let words = format!("this log ends at {log_head}; here is its end");
                let error = ErrorFrame::new(ErrorCode::CursorAhead, words);
                self.send(conn, ServerFrame::Error(error));
                self.start_with_history(conn, credential, visibility);
            }
            None => self.start_with_history(conn, credential, visibility),
        }
    }

    fn start_with_history(&mut self, conn: ConnId, by: Credential, visibility: Visibility) {
        let start = Start::History { count: by.history_limit(), visibility };
        self.outputs.push_back(Output::Start(conn, start));
    }

    /// Lets connections go on that were ahead of what this team had read, and are not any more.
    pub(super) fn start_those_behind(&mut self) {
        let head = self.head;
        for AheadOfUs { conn, after, visibility } in
            self.ahead.extract_if(.., |it| it.after <= head)
        {
            self.outputs.push_back(Output::Start(conn, Start::Resume { after, visibility }));
        }
    }

    /// The credential that a connection has shown is nobody's. The connection stays as it was.
    pub fn sign_in_refused(&mut self, conn: ConnId) {
        self.send(conn, ServerFrame::AuthFail);
    }

    /// A member says something over HTTP. A member who talks too fast is told to come back.
    pub fn post(&mut self, request: RequestId, author: Member, chat: Chat, now: Timestamp) {
        let ms = self.roster.pace(&author, now);
        let refused = if ms > 0 {
            let words = "too many messages; nothing was stored";
            let nonce = chat.nonce.clone();
            let frame = ErrorFrame::new(ErrorCode::Limit, words);
            Err(ErrorFrame { nonce, retry_after_ms: Some(ms), ..frame })
        } else {
            let checked = self.roster.check(&author, &chat, self.head);
            checked.map_err(|error| error.frame(chat.nonce.clone()))
        };
        match refused {
            Ok(()) => {
                self.queue.push(Request::Say { origin: Origin::Request(request), author, chat });
            }
            Err(error) => self.outputs.push_back(Output::Answer(request, Err(error))),
        }
    }

    /// A person drives a delivery again that failed or was given up.
    pub fn retry(&mut self, request: RequestId, delivery: DeliveryId) {
        self.queue.push(Request::Retry { request, delivery });
    }

    fn chat(&mut self, conn: ConnId, chat: Chat, now: Timestamp) -> Reading {
        let author = self.sessions.get(&conn).and_then(Session::member).cloned();
        let Some(author) = author else {
            let error = ErrorFrame::new(ErrorCode::Unauthorized, "sign in before you send");
            self.send(conn, ServerFrame::Error(ErrorFrame { nonce: chat.nonce, ..error }));
            return Reading::Continue;
        };
        if let Err(error) = self.roster.check(&author, &chat, self.head) {
            self.send(conn, ServerFrame::Error(error.frame(chat.nonce)));
            return Reading::Continue;
        }
        let pause = self.roster.pace(&author, now);
        self.queue.push(Request::Say { origin: Origin::Conn(conn), author, chat });
        match pause {
            0 => self.drain_if_full(),
            ms => Reading::Pause(ms),
        }
    }

    pub(super) fn drain_if_full(&self) -> Reading {
        if self.waiting().is_full { Reading::Drain } else { Reading::Continue }
    }
}
