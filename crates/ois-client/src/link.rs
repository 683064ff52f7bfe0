//! One member, signed in at one server, through all reconnects.

mod driver;
mod machine;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ois_protocol::{
    Ack, AuthOk, Chat, ClientFrame, ErrorFrame, EventId, Message, Nonce, ServerFrame, Topic,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use self::driver::{Command, Driver};
pub use self::machine::{LinkAction, LinkMachine};
use crate::{Address, Backoff, Credential, DialError, Keep, Memory, Outbox, Report};

/// How a link is kept.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the server is.
    pub address: Address,
    /// The member that signs in.
    pub credential: Credential,
    /// What to be told besides chat.
    pub subscribe: Vec<Topic>,
    /// The name of this installation of a monitor: one monitor of an agent is awake, and the others
    /// stand by. A client that is no monitor has none.
    pub instance: Option<String>,
    /// Go on after this message; without it, begin with a history.
    pub after: Option<EventId>,
    /// The pauses between tries to connect.
    pub backoff: Backoff,
    /// How often the server is pinged; one that is silent for two of these is given up.
    pub ping: Duration,
    /// How long connecting and signing in may take.
    pub connect_within: Duration,
}

impl Config {
    /// The usual: chat only, pings every 30 s, 15 s to connect, pauses of 1 s to 30 s.
    pub fn new(address: Address, credential: Credential) -> Self {
        Self {
            address,
            credential,
            subscribe: Vec::new(),
            instance: None,
            after: None,
            backoff: Backoff::default(),
            ping: Duration::from_secs(30),
            connect_within: Duration::from_secs(15),
        }
    }
}

/// What a link tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// Signed in. Without [`AuthOk::protocol`] it is an old Node server.
    Connected(AuthOk),
    /// What was said before the link began, oldest first; only when there was nothing to go on after.
    History(Vec<Message>),
    /// Messages between the last one and those that follow now are not kept any more; the oldest
    /// that is.
    Truncated(Option<EventId>),
    /// Somebody said something, oneself included. Ids only grow.
    Message(Message),
    /// Everything up to here has been handed out.
    CaughtUp(EventId),
    /// What we said with this nonce is stored.
    Ack(Ack),
    /// What we said with the error's nonce will not be taken; it is not tried again.
    Refused(ErrorFrame),
    /// The server complains of something else.
    Error(ErrorFrame),
    /// A delivery, an activity, a presence or a run, to those who subscribed.
    Told(ServerFrame),
    /// The connection is gone, or did not come about; the link tries again after the pause.
    Disconnected {
        /// Why there is no connection.
        why: Lost,
        /// When it tries again.
        pause: Duration,
    },
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// It could not be opened.
    #[error("cannot connect")]
    Dial(#[from] DialError),
    /// The server does not know the token.
    #[error("server does not accept the token")]
    Unauthorized,
    /// The server closed it, or the network did.
    #[error("connection lost: {0}")]
    Gone(String),
    /// Nothing was heard for two ping intervals.
    #[error("server has been silent for too long")]
    Silent,
}

/// The link has ended, or what was said could not be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Closed {
    /// There is no link any more.
    #[error("link is closed")]
    Ended,
    /// The draft could not be kept, so it is not sent.
    #[error("cannot keep what is said")]
    Keep(#[source] io::Error),
    /// A thousand reports wait for their receipts; this one is not kept and not sent.
    #[error("too many reports are not confirmed")]
    Full,
}

/// Why a frame that is worth nothing later was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotSent {
    /// There is no link any more.
    #[error("link is closed")]
    Ended,
    /// The link is not signed in at the moment.
    #[error("link is not connected")]
    Offline,
}

/// What the server has not confirmed of what was said over a link that has ended. It may have
/// arrived all the same: a draft that is said again under its nonce becomes one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unconfirmed {
    /// The drafts, oldest first, each with its nonce. With a [`Keep`] on disk, the next process
    /// sends them.
    pub drafts: Vec<Chat>,
    /// The reports, oldest first.
    pub reports: Vec<Report>,
}

impl Unconfirmed {
    /// Whether the server has confirmed everything.
    pub fn is_empty(&self) -> bool {
        self.drafts.is_empty() && self.reports.is_empty()
    }
}

/// A member's connection, kept up by a task of its own until it is closed or dropped. A link that is
/// dropped ends at once: its speakers take nothing more, and what the server has not confirmed is
/// lost unless a [`Keep`] has it.
#[derive(Debug)]
pub struct Link {
    events: mpsc::Receiver<Event>,
    speaker: Speaker,
    task: JoinHandle<()>,
}

/// Says things over a link. Clones share it.
#[derive(Clone, Debug)]
pub struct Speaker {
    commands: mpsc::Sender<Command>,
    online: Arc<AtomicBool>,
}

impl Link {
    /// Starts a link whose unconfirmed drafts end with the process. Needs a tokio runtime.
    ///
    /// # Errors
    /// None today; see [`start_with`](Self::start_with).
    pub fn start(config: Config) -> io::Result<Self> {
        Self::start_with(config, Memory)
    }

    /// Starts a link that keeps unconfirmed drafts there. Needs a tokio runtime.
    ///
    /// # Errors
    /// If what an earlier process left cannot be read.
    pub fn start_with(config: Config, keep: impl Keep) -> io::Result<Self> {
        let outbox = Outbox::open(keep)?;
        // Full: the link reads no further from the socket; nothing is lost, and speaking goes on.
        let (tell, events) = mpsc::channel(64);
        // Full: who speaks waits.
        let (commands, heard) = mpsc::channel(64);
        let online = Arc::new(AtomicBool::new(false));
        let driver = Driver::new(config, outbox, tell, heard, Arc::clone(&online));
        #[expect(clippy::disallowed_methods, reason = "the link owns its one task; close waits")]
        let task = tokio::spawn(driver.run());
        Ok(Self { events, speaker: Speaker { commands, online }, task })
    }

    /// The next event; `None` when the link has ended. May be dropped half way without loss.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// A handle that says things over this link.
    pub fn speaker(&self) -> Speaker {
        self.speaker.clone()
    }

    /// Says something; see [`Speaker::say`].
    ///
    /// # Errors
    /// As [`Speaker::say`].
    pub async fn say(&self, chat: Chat) -> Result<Nonce, Closed> {
        self.speaker.say(chat).await
    }

    /// Says goodbye to the server, waits until the link has ended, and answers with what the server
    /// has not confirmed by then.
    pub async fn close(self) -> Unconfirmed {
        self.close_within(Duration::ZERO).await
    }

    /// Waits until the server has confirmed everything that was said and reported, at the most this
    /// long, then ends the link as [`close`](Self::close) does. Events that come meanwhile are not
    /// handed out any more.
    pub async fn close_within(self, most: Duration) -> Unconfirmed {
        let (reply, unconfirmed) = oneshot::channel();
        let ended = self.speaker.commands.send(Command::Close { most, reply }).await;
        let left = match ended {
            Ok(()) => unconfirmed.await.unwrap_or_default(),
            Err(_) => Unconfirmed::default(),
        };
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the link's task did not end well");
        }
        left
    }
}

impl Speaker {
    /// Says something. When this returns, it is kept; the [`Event::Ack`] or [`Event::Refused`] with
    /// the nonce tells the rest. A draft without a nonce is given one.
    ///
    /// # Errors
    /// [`Closed`].
    pub async fn say(&self, mut chat: Chat) -> Result<Nonce, Closed> {
        let nonce = chat.nonce.take().unwrap_or_else(driver::fresh_nonce);
        let (reply, kept) = oneshot::channel();
        let command = Command::Say { nonce: nonce.clone(), chat: Box::new(chat), reply };
        self.commands.send(command).await.map_err(|_| Closed::Ended)?;
        kept.await.map_err(|_| Closed::Ended)?.map_err(Closed::Keep)?;
        Ok(nonce)
    }

    /// Reports something to the server and keeps it until the server has confirmed it: it is sent
    /// again over each connection, and when its receipt does not come. Receipts come only to a link
    /// that subscribes to [`Topic::Deliveries`] and [`Topic::Runs`]. A later report of the same
    /// delivery or run takes the place of the earlier one; reports end with the process.
    ///
    /// # Errors
    /// [`Closed::Ended`] and [`Closed::Full`].
    pub async fn report(&self, report: impl Into<Report>) -> Result<(), Closed> {
        let (reply, kept) = oneshot::channel();
        let command = Command::Report { report: report.into(), reply };
        self.commands.send(command).await.map_err(|_| Closed::Ended)?;
        if kept.await.map_err(|_| Closed::Ended)? { Ok(()) } else { Err(Closed::Full) }
    }

    /// Tells the server something that is worth nothing later, such as an activity. When this
    /// returns, it is on its way over a connection, with which it may still be lost.
    ///
    /// # Errors
    /// [`NotSent`]; it is not kept for later.
    pub async fn tell(&self, frame: ClientFrame) -> Result<(), NotSent> {
        let (reply, sent) = oneshot::channel();
        let command = Command::Tell { frame: Box::new(frame), reply: Some(reply) };
        self.commands.send(command).await.map_err(|_| NotSent::Ended)?;
        if sent.await.map_err(|_| NotSent::Ended)? { Ok(()) } else { Err(NotSent::Offline) }
    }

    /// The same without waiting: it is dropped as well while others wait to speak. Answers whether
    /// the link has taken it.
    pub fn try_tell(&self, frame: ClientFrame) -> bool {
        let command = Command::Tell { frame: Box::new(frame), reply: None };
        self.is_online() && self.commands.try_send(command).is_ok()
    }

    /// Whether the link is signed in right now.
    pub fn is_online(&self) -> bool {
        self.online.load(Ordering::Relaxed)
    }
}
