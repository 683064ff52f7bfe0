//! What a link decides, without I/O.
//!
//! A [`LinkMachine`] takes frames, drafts, the loss of a connection and the time, and answers with
//! [`LinkAction`]s for the socket and [`Event`]s for the link's owner. It opens no socket, reads no
//! clock and draws no random number: times are milliseconds of any clock that does not go back,
//! and the random number that spreads the pauses is an argument.
//!
//! The machine lives as long as the link, through all connections. After each call its driver
//! carries out [`next_action`](LinkMachine::next_action) until there is none, hands out
//! [`next_event`](LinkMachine::next_event), and calls [`wake`](LinkMachine::wake) at
//! [`next_wake`](LinkMachine::next_wake).

use std::{collections::VecDeque, io, time::Duration};

use ois_protocol::{
    Ack, AuthOk, Chat, ClientFrame, DisplayName, ErrorCode, ErrorFrame, EventId, History, Message,
    Nonce, ServerFrame, ShortName, Topic,
};

use super::{Config, Event, Lost, Unconfirmed};
use crate::{Backoff, Credential, Keep, Outbox, Report, incoming, reports::Reports};

/// The decisions of one link: sign-in, resume, drafts, pings, and when to connect again.
#[derive(Debug)]
pub struct LinkMachine<K> {
    credential: Credential,
    subscribe: Vec<Topic>,
    instance: Option<String>,
    backoff: Backoff,
    ping_ms: u64,
    connect_within_ms: u64,
    outbox: Outbox<K>,
    reports: Reports,
    /// The last message that was handed out; the next connection goes on after it.
    cursor: Option<EventId>,
    /// Events that the owner has not taken yet.
    events: VecDeque<Event>,
    actions: VecDeque<LinkAction>,
    /// The last messages of an old server, by id, author and text: there, two messages of one
    /// millisecond share an id.
    recent: VecDeque<(EventId, String, String)>,
    /// How many connections in a row have failed.
    failures: u32,
    phase: Phase,
}

/// What the driver of a link does with its socket.
#[derive(Debug)]
#[non_exhaustive]
pub enum LinkAction {
    /// Open a connection; the driver answers with [`LinkMachine::opened`] or
    /// [`LinkMachine::lost`].
    Dial,
    /// Send this frame over the connection.
    Send(Box<ClientFrame>),
    /// Send a WebSocket ping; the peer's pong comes back by [`LinkMachine::heard`].
    Ping,
    /// Drop the connection; the driver answers with [`LinkMachine::lost`] and this reason.
    Close(Lost),
}

/// Where the link stands.
#[derive(Debug)]
enum Phase {
    /// There is no connection before this time.
    Pausing { until_ms: u64 },
    /// The driver opens a connection.
    Dialing,
    /// The connection is open.
    Open(Connection),
    /// The driver has been told to close the connection.
    Closing { signed_in: bool },
}

/// One connection, from its first frame to its last.
#[derive(Debug)]
struct Connection {
    /// When the server was last heard.
    heard_ms: u64,
    /// When the server was last pinged.
    pinged_ms: u64,
    signed_in: Option<SignedIn>,
}

#[derive(Debug)]
struct SignedIn {
    me: ShortName,
    /// Whether the server confirms drafts and resumes.
    acks: bool,
    /// Whether drafts may be sent: an old server shows first what it has of ours.
    ready: bool,
}

impl<K: Keep> LinkMachine<K> {
    /// A link that connects at its first call of [`next_action`](Self::next_action).
    pub fn new(config: &Config, outbox: Outbox<K>) -> Self {
        Self {
            credential: config.credential.clone(),
            subscribe: config.subscribe.clone(),
            instance: config.instance.clone(),
            backoff: config.backoff,
            ping_ms: millis(config.ping),
            connect_within_ms: millis(config.connect_within),
            outbox,
            reports: Reports::default(),
            cursor: config.after,
            events: VecDeque::new(),
            actions: VecDeque::from([LinkAction::Dial]),
            recent: VecDeque::new(),
            failures: 0,
            phase: Phase::Dialing,
        }
    }

    /// The next thing that the driver has to do at this time; `None` if there is nothing.
    pub fn next_action(&mut self, now_ms: u64) -> Option<LinkAction> {
        if self.actions.is_empty()
            && let Some(acks) = self.acks_if_ready()
        {
            let drafts = self.outbox.due(now_ms, acks).into_iter();
            let frames = drafts.map(|chat| LinkAction::Send(Box::new(ClientFrame::Chat(chat))));
            self.actions.extend(frames);
            if acks {
                let reports = self.reports.due(now_ms).into_iter();
                self.actions.extend(reports.map(|frame| LinkAction::Send(Box::new(frame))));
            }
        }
        self.actions.pop_front()
    }

    /// The next event for the owner, in order.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether the owner has taken every event. As long as it has not, the driver reads nothing
    /// further: a slow owner stops the socket, and no memory grows.
    pub fn is_drained(&self) -> bool {
        self.events.is_empty()
    }

    /// The connection that [`LinkAction::Dial`] asked for is open.
    pub fn opened(&mut self, now_ms: u64) {
        self.outbox.connected();
        self.reports.connected();
        self.phase =
            Phase::Open(Connection { heard_ms: now_ms, pinged_ms: now_ms, signed_in: None });
        let sign_in = self.credential.frame(self.cursor, &self.subscribe, self.instance.as_deref());
        self.actions.clear();
        self.actions.push_back(LinkAction::Send(Box::new(sign_in)));
    }

    /// The connection is gone, did not come about, or was closed as [`LinkAction::Close`] asked.
    /// `dice` is any number: it spreads the pauses of many clients.
    pub fn lost(&mut self, why: Lost, now_ms: u64, dice: u32) {
        let had_signed_in = match &self.phase {
            Phase::Pausing { .. } => return,
            Phase::Dialing => false,
            Phase::Open(connection) => connection.signed_in.is_some(),
            Phase::Closing { signed_in } => *signed_in,
        };
        self.failures = if had_signed_in { 1 } else { self.failures.saturating_add(1) };
        let pause = match why {
            // Trying again soon does not help before somebody has changed the token's register.
            Lost::Unauthorized => self.backoff.most,
            _ => self.backoff.pause(self.failures, dice),
        };
        self.actions.clear();
        self.phase = Phase::Pausing { until_ms: now_ms.saturating_add(millis(pause)) };
        self.events.push_back(Event::Disconnected { why, pause });
    }

    /// The server sent this text.
    pub fn received(&mut self, text: &str, now_ms: u64) {
        self.heard(now_ms);
        if let Some(frame) = incoming::parse(text) {
            self.frame(frame, now_ms);
        }
    }

    /// The server gave a sign of life that is no text, such as a pong.
    pub fn heard(&mut self, now_ms: u64) {
        if let Phase::Open(connection) = &mut self.phase {
            connection.heard_ms = now_ms;
        }
    }

    /// The server sent this frame.
    pub fn frame(&mut self, frame: ServerFrame, now_ms: u64) {
        self.heard(now_ms);
        if !matches!(self.phase, Phase::Open(_)) {
            return;
        }
        if let Err(why) = self.follow(frame, now_ms) {
            self.close(why);
        }
    }

    /// Keeps a draft, to be sent as soon as it may be and until the server has confirmed it.
    ///
    /// # Errors
    /// If it cannot be kept; it is not sent then.
    pub fn say(&mut self, nonce: Nonce, chat: Chat) -> io::Result<()> {
        self.outbox.add(nonce, chat, self.cursor.unwrap_or_default())
    }

    /// Keeps a report, to be sent as soon as it may be and until the server has confirmed it.
    /// Answers whether there was a place for it. A server of OIS 1 is sent none.
    pub fn report(&mut self, report: Report) -> bool {
        self.reports.add(report)
    }

    /// Sends a frame that is worth nothing later. Answers whether the link is signed in; if it is
    /// not, the frame is dropped.
    pub fn tell(&mut self, frame: ClientFrame) -> bool {
        let is_online = self.is_online();
        if is_online {
            self.actions.push_back(LinkAction::Send(Box::new(frame)));
        }
        is_online
    }

    /// Time has passed: the pause is over, or a ping is due.
    pub fn wake(&mut self, now_ms: u64) {
        match &mut self.phase {
            Phase::Pausing { until_ms } if *until_ms <= now_ms => {
                self.phase = Phase::Dialing;
                self.actions.push_back(LinkAction::Dial);
            }
            Phase::Open(connection) if now_ms >= connection.pinged_ms + self.ping_ms => {
                let silent_ms = now_ms.saturating_sub(connection.heard_ms);
                let never_signed_in =
                    connection.signed_in.is_none() && silent_ms >= self.connect_within_ms;
                // What the owner has not let us read does not count against the server.
                let silent = self.events.is_empty() && silent_ms >= self.ping_ms * 2;
                if never_signed_in || silent {
                    return self.close(Lost::Silent);
                }
                connection.pinged_ms = now_ms;
                self.actions.push_back(LinkAction::Ping);
            }
            _ => {}
        }
    }

    /// When [`wake`](Self::wake) or [`next_action`](Self::next_action) is worth a call without
    /// anybody's word; `None` while the driver has an answer to give.
    pub fn next_wake(&self) -> Option<u64> {
        match &self.phase {
            Phase::Pausing { until_ms } => Some(*until_ms),
            Phase::Dialing | Phase::Closing { .. } => None,
            Phase::Open(connection) => {
                let acks = self.acks_if_ready();
                let draft = acks.and_then(|acks| self.outbox.next_due(acks));
                let report = acks.filter(|acks| *acks).and_then(|_| self.reports.next_due());
                let ping = connection.pinged_ms + self.ping_ms;
                draft.into_iter().chain(report).chain([ping]).min()
            }
        }
    }

    /// Whether the link is signed in.
    pub fn is_online(&self) -> bool {
        self.signed_in().is_some()
    }

    /// The last message that was handed out.
    pub fn cursor(&self) -> Option<EventId> {
        self.cursor
    }

    /// What the server has not confirmed.
    pub fn unconfirmed(&self) -> Unconfirmed {
        let drafts = self.outbox.drafts().cloned().collect();
        Unconfirmed { drafts, reports: self.reports.all().cloned().collect() }
    }

    fn follow(&mut self, frame: ServerFrame, now_ms: u64) -> Result<(), Lost> {
        self.reports.heard(&frame, now_ms);
        match frame {
            ServerFrame::AuthOk(auth) => self.sign_in(auth)?,
            ServerFrame::AuthFail => return Err(Lost::Unauthorized),
            ServerFrame::History(history) => self.history(history)?,
            // An old server broadcasts to connections as well that have not signed in; the history
            // that follows the sign-in has the message again.
            ServerFrame::Message { message } if self.is_online() => self.message(message)?,
            ServerFrame::CaughtUp { id } => {
                self.cursor = self.cursor.max(Some(id));
                self.events.push_back(Event::CaughtUp(id));
            }
            ServerFrame::Ack(ack) => {
                // The draft counts as taken whether the disk notes it or not: the server will not
                // speak of it again.
                let noted = self.outbox.acked(&ack.nonce);
                self.events.push_back(Event::Ack(ack));
                noted.map_err(disk)?;
            }
            ServerFrame::Error(error) => self.error(error, now_ms)?,
            ServerFrame::Message { .. } | ServerFrame::Pong | ServerFrame::Unknown => {}
            told => self.events.push_back(Event::Told(told)),
        }
        Ok(())
    }

    fn sign_in(&mut self, auth: AuthOk) -> Result<(), Lost> {
        let name: DisplayName = auth.user.parse().map_err(|error| {
            Lost::Gone(format!("the server signs us in under a name that is none: {error}"))
        })?;
        let acks = auth.protocol.is_some();
        if let Phase::Open(connection) = &mut self.phase {
            connection.signed_in = Some(SignedIn { me: name.short(), acks, ready: acks });
        }
        self.events.push_back(Event::Connected(auth));
        Ok(())
    }

    fn history(&mut self, history: History) -> Result<(), Lost> {
        let old = self.signed_in().is_some_and(|signed_in| !signed_in.acks);
        let Some(cursor) = self.cursor else {
            self.cursor = Some(history.messages.last().map_or(EventId::ZERO, |it| it.id));
            self.remember(&history.messages);
            self.events.push_back(Event::History(history.messages));
            self.set_ready();
            return Ok(());
        };
        let is_full = history.messages.len() >= OLD_HISTORY;
        let begins_later = history.messages.first().is_some_and(|first| first.id > cursor);
        if history.truncated || (old && is_full && begins_later) {
            let oldest = history.messages.first().map(|first| first.id);
            self.events.push_back(Event::Truncated(oldest));
        }
        let (last, asked) = (history.messages.last().map(|last| last.id), history.truncated || old);
        for message in history.messages {
            self.message(message)?;
        }
        if let Some(last) = last.filter(|_| asked) {
            self.events.push_back(Event::CaughtUp(last.max(cursor)));
        }
        self.set_ready();
        Ok(())
    }

    fn message(&mut self, message: Message) -> Result<(), Lost> {
        let Some(signed_in) = self.signed_in() else { return Ok(()) };
        let (acks, own) = (signed_in.acks, is_by(&message, &signed_in.me));
        let cursor = self.cursor.unwrap_or_default();
        let is_new = if acks { message.id > cursor } else { self.is_new_of_old(&message, cursor) };
        if !is_new {
            return Ok(());
        }
        self.cursor = Some(message.id);
        let echo = if !acks && own { self.outbox.echoed(&message).map_err(disk)? } else { None };
        self.remember(std::slice::from_ref(&message));
        self.events.push_back(Event::Message(message));
        self.events.extend(echo.map(|ack: Ack| Event::Ack(ack)));
        Ok(())
    }

    /// Whether a message of an old server, where ids may repeat, was not handed out before.
    fn is_new_of_old(&self, message: &Message, cursor: EventId) -> bool {
        let same = |(id, user, text): &(EventId, String, String)| {
            *id == message.id && *user == message.user && *text == message.text
        };
        message.id > cursor || (message.id == cursor && !self.recent.iter().any(same))
    }

    fn remember(&mut self, messages: &[Message]) {
        if self.signed_in().is_some_and(|signed_in| signed_in.acks) {
            return;
        }
        for message in messages {
            self.recent.push_back((message.id, message.user.clone(), message.text.clone()));
        }
        while self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    fn error(&mut self, error: ErrorFrame, now_ms: u64) -> Result<(), Lost> {
        if error.code == ErrorCode::CursorAhead {
            // The server was restored from a backup or is another one: its history follows.
            self.cursor = None;
        }
        // A refusal that the disk does not note is final all the same, as an ack is.
        let is_final = self.outbox.refused(&error, now_ms);
        let refused = *is_final.as_ref().unwrap_or(&true);
        self.events.push_back(if refused { Event::Refused(error) } else { Event::Error(error) });
        is_final.map_err(disk).map(drop)
    }

    /// Everything that an old server has of ours has been seen.
    fn set_ready(&mut self) {
        if let Phase::Open(Connection { signed_in: Some(signed_in), .. }) = &mut self.phase {
            signed_in.ready = true;
        }
    }

    fn close(&mut self, why: Lost) {
        self.phase = Phase::Closing { signed_in: self.is_online() };
        self.actions.clear();
        self.actions.push_back(LinkAction::Close(why));
    }

    fn signed_in(&self) -> Option<&SignedIn> {
        match &self.phase {
            Phase::Open(connection) => connection.signed_in.as_ref(),
            _ => None,
        }
    }

    /// Whether the server confirms drafts; `None` as long as none may be sent.
    fn acks_if_ready(&self) -> Option<bool> {
        self.signed_in().filter(|signed_in| signed_in.ready).map(|signed_in| signed_in.acks)
    }
}

fn is_by(message: &Message, me: &ShortName) -> bool {
    message.user.parse::<DisplayName>().is_ok_and(|name| name.short() == *me)
}

fn disk(error: io::Error) -> Lost {
    Lost::Gone(format!("cannot note what the server has taken: {error}"))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// How many messages of an old server are remembered, to tell a new one from a repeated one.
const RECENT: usize = 256;
/// How many messages an old server sends an agent when it signs in.
const OLD_HISTORY: usize = 50;

#[cfg(test)]
mod tests;
