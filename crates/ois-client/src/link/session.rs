//! One connection of a link, from signing in to its end.

use std::io;

use futures_util::{SinkExt, StreamExt};
use ois_protocol::{
    AuthOk, ClientFrame, DisplayName, ErrorCode, ErrorFrame, EventId, History, Message,
    ServerFrame, ShortName,
};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::{self, Message as Raw};

use super::{
    Event, Lost,
    driver::{Beside, Driver, Ended},
};
use crate::{Keep, dial::Socket, incoming};

pub(super) struct Session<'a, K> {
    driver: &'a mut Driver<K>,
    socket: Socket,
    heard: Instant,
    pinged: Instant,
    signed_in: Option<SignedIn>,
}

struct SignedIn {
    me: ShortName,
    /// The server confirms and resumes.
    acks: bool,
    /// Drafts may be sent: an old server has shown first what it has of ours.
    ready: bool,
}

impl<'a, K: Keep> Session<'a, K> {
    pub(super) fn new(driver: &'a mut Driver<K>, socket: Socket) -> Self {
        let now = Instant::now();
        driver.outbox.connected();
        Self { driver, socket, heard: now, pinged: now, signed_in: None }
    }

    pub(super) async fn run(mut self) -> Ended {
        match self.talk().await {
            Ok(()) => {
                // The server learns of our end one way or the other.
                drop(self.socket.close(None).await);
                Ended::Closed
            }
            Err(why) => Ended::Lost { why, signed_in: self.signed_in.is_some() },
        }
    }

    async fn talk(&mut self) -> Result<(), Lost> {
        let config = &self.driver.config;
        let frame = config.credential.frame(self.driver.cursor, &config.subscribe);
        self.send(&frame).await?;
        loop {
            self.send_drafts().await?;
            let wake = self.next_duty();
            tokio::select! {
                // What was read is handed out before more is read: a slow owner stops the socket.
                raw = self.socket.next(), if self.driver.pending.is_empty() => {
                    let raw = raw.ok_or_else(|| Lost::Gone("closed by the server".to_owned()))?;
                    self.received(raw.map_err(gone)?)?;
                }
                beside = self.driver.beside() => match beside {
                    Beside::Told(frame) if self.signed_in.is_some() => self.send(&frame).await?,
                    Beside::Told(_) | Beside::Said | Beside::Taken => {}
                    Beside::Closed => return Ok(()),
                },
                () = sleep_until(wake) => self.ping().await?,
            }
        }
    }

    fn received(&mut self, raw: Raw) -> Result<(), Lost> {
        self.heard = Instant::now();
        let frame = match &raw {
            Raw::Text(text) => incoming::parse(text.as_str()),
            Raw::Close(_) => return Err(Lost::Gone("closed by the server".to_owned())),
            _ => None,
        };
        match frame {
            Some(ServerFrame::AuthOk(auth)) => self.signed_in(auth)?,
            Some(ServerFrame::AuthFail) => return Err(Lost::Unauthorized),
            Some(ServerFrame::History(history)) => self.history(history)?,
            // An old server broadcasts to those as well who have not signed in; the history that
            // follows has it again.
            Some(ServerFrame::Message { message }) if self.signed_in.is_some() => {
                self.message(message)?;
            }
            Some(ServerFrame::CaughtUp { id }) => {
                self.driver.cursor = self.driver.cursor.max(Some(id));
                self.tell(Event::CaughtUp(id));
            }
            Some(ServerFrame::Ack(ack)) => {
                // It is taken whether the disk notes it or not: nobody will hear of it again.
                let noted = self.driver.outbox.acked(&ack.nonce);
                self.tell(Event::Ack(ack));
                noted.map_err(disk)?;
            }
            Some(ServerFrame::Error(error)) => self.error(error)?,
            Some(ServerFrame::Message { .. } | ServerFrame::Pong | ServerFrame::Unknown) | None => {
            }
            Some(told) => self.tell(Event::Told(told)),
        }
        Ok(())
    }

    fn signed_in(&mut self, auth: AuthOk) -> Result<(), Lost> {
        let name: DisplayName = auth.user.parse().map_err(|error| {
            Lost::Gone(format!("the server signs us in under a name that is none: {error}"))
        })?;
        let acks = auth.protocol.is_some();
        self.signed_in = Some(SignedIn { me: name.short(), acks, ready: acks });
        self.driver.set_online(true);
        self.tell(Event::Connected(auth));
        Ok(())
    }

    fn history(&mut self, history: History) -> Result<(), Lost> {
        let old = self.signed_in.as_ref().is_some_and(|signed_in| !signed_in.acks);
        let Some(cursor) = self.driver.cursor else {
            self.driver.cursor = Some(history.messages.last().map_or(EventId::ZERO, |it| it.id));
            self.note_all(&history.messages);
            self.tell(Event::History(history.messages));
            self.ready();
            return Ok(());
        };
        let is_full = history.messages.len() >= OLD_HISTORY;
        let begins_later = history.messages.first().is_some_and(|first| first.id > cursor);
        let gap = history.truncated || (old && is_full && begins_later);
        if gap {
            self.tell(Event::Truncated(history.messages.first().map(|first| first.id)));
        }
        let (last, asked) = (history.messages.last().map(|last| last.id), history.truncated || old);
        for message in history.messages {
            self.message(message)?;
        }
        if let Some(last) = last.filter(|_| asked) {
            self.tell(Event::CaughtUp(last.max(cursor)));
        }
        self.ready();
        Ok(())
    }

    /// Everything that an old server has of ours has been seen.
    fn ready(&mut self) {
        if let Some(signed_in) = &mut self.signed_in {
            signed_in.ready = true;
        }
    }

    fn message(&mut self, message: Message) -> Result<(), Lost> {
        let Some(signed_in) = &self.signed_in else { return Ok(()) };
        let cursor = self.driver.cursor.unwrap_or_default();
        let is_new =
            if signed_in.acks { message.id > cursor } else { self.is_new(&message, cursor) };
        if !is_new {
            return Ok(());
        }
        self.driver.cursor = Some(message.id);
        let echo = if !signed_in.acks && is_by(&message, &signed_in.me) {
            self.driver.outbox.echoed(&message).map_err(disk)?
        } else {
            None
        };
        self.note_all(std::slice::from_ref(&message));
        self.tell(Event::Message(message));
        if let Some(ack) = echo {
            self.tell(Event::Ack(ack));
        }
        Ok(())
    }

    fn is_new(&self, message: &Message, cursor: EventId) -> bool {
        let same = |(id, user, text): &(EventId, String, String)| {
            *id == message.id && *user == message.user && *text == message.text
        };
        message.id > cursor || (message.id == cursor && !self.driver.recent.iter().any(same))
    }

    fn note_all(&mut self, messages: &[Message]) {
        if self.signed_in.as_ref().is_some_and(|signed_in| signed_in.acks) {
            return;
        }
        for message in messages {
            self.driver.recent.push_back((message.id, message.user.clone(), message.text.clone()));
        }
        while self.driver.recent.len() > RECENT {
            self.driver.recent.pop_front();
        }
    }

    fn error(&mut self, error: ErrorFrame) -> Result<(), Lost> {
        if error.code == ErrorCode::CursorAhead {
            // A restored or another server: what follows is its history.
            self.driver.cursor = None;
        }
        let now = self.driver.now_ms();
        // A refusal that is not noted is final, as an ack is.
        let is_final = self.driver.outbox.refused(&error, now);
        let refused = *is_final.as_ref().unwrap_or(&true);
        self.tell(if refused { Event::Refused(error) } else { Event::Error(error) });
        is_final.map_err(disk).map(drop)
    }

    async fn send_drafts(&mut self) -> Result<(), Lost> {
        let Some(signed_in) = self.signed_in.as_ref().filter(|it| it.ready) else { return Ok(()) };
        for chat in self.driver.outbox.due(self.driver.now_ms(), signed_in.acks) {
            self.send(&ClientFrame::Chat(chat)).await?;
        }
        Ok(())
    }

    async fn send(&mut self, frame: &ClientFrame) -> Result<(), Lost> {
        let text = serde_json::to_string(frame).map_err(|error| Lost::Gone(error.to_string()))?;
        self.write(Raw::text(text)).await
    }

    /// A peer that takes nothing for two pings is as dead as one that says nothing.
    async fn write(&mut self, raw: Raw) -> Result<(), Lost> {
        let patience = self.driver.config.ping * 2;
        let sent = tokio::time::timeout(patience, self.socket.send(raw)).await;
        sent.map_err(|_| Lost::Silent)?.map_err(gone)
    }

    /// When something is to be done without anybody's word: a ping, or a draft whose time has come.
    fn next_duty(&self) -> Instant {
        let ping = self.pinged + self.driver.config.ping;
        let signed_in = self.signed_in.as_ref().filter(|it| it.ready);
        let draft = signed_in.and_then(|it| self.driver.outbox.next_due(it.acks));
        draft.map_or(ping, |at| self.driver.moment(at).min(ping))
    }

    async fn ping(&mut self) -> Result<(), Lost> {
        let now = Instant::now();
        let config = &self.driver.config;
        if now < self.pinged + config.ping {
            return Ok(());
        }
        if self.signed_in.is_none() && now - self.heard >= config.connect_within {
            return Err(Lost::Silent);
        }
        // What the owner has not let us read does not count against the server.
        if self.driver.pending.is_empty() && now - self.heard >= config.ping * 2 {
            return Err(Lost::Silent);
        }
        self.pinged = now;
        self.write(Raw::Ping(Vec::new().into())).await
    }

    fn tell(&mut self, event: Event) {
        self.driver.pending.push_back(event);
    }
}

fn is_by(message: &Message, me: &ShortName) -> bool {
    message.user.parse::<DisplayName>().is_ok_and(|name| name.short() == *me)
}

fn gone(error: tungstenite::Error) -> Lost {
    Lost::Gone(error.to_string())
}

fn disk(error: io::Error) -> Lost {
    Lost::Gone(format!("cannot note what the server has taken: {error}"))
}

const RECENT: usize = 256;
/// How many messages an old server sends an agent when it signs in.
const OLD_HISTORY: usize = 50;
