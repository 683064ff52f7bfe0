//! The link's task: connects, hands over to a session, waits, and begins anew.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ois_protocol::{Chat, ClientFrame, EventId, Nonce};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{Config, Event, Lost, session::Session};
use crate::{Keep, Outbox, dial};

/// What the link's owner wants.
#[derive(Debug)]
pub(super) enum Command {
    /// Keep this and send it.
    Say { nonce: Nonce, chat: Box<Chat>, reply: oneshot::Sender<io::Result<()>> },
    /// Send this if there is a connection.
    Tell(Box<ClientFrame>),
    /// End.
    Close,
}

/// Everything that outlives a connection.
pub(super) struct Driver<K> {
    pub(super) config: Config,
    pub(super) outbox: Outbox<K>,
    pub(super) cursor: Option<EventId>,
    /// Events that the owner has not taken yet.
    pub(super) pending: VecDeque<Event>,
    /// What an old server sent last: there, two messages of one millisecond share an id.
    pub(super) recent: VecDeque<(EventId, String, String)>,
    events: mpsc::Sender<Event>,
    commands: mpsc::Receiver<Command>,
    online: Arc<AtomicBool>,
    began: Instant,
}

/// Why a connection is over.
pub(super) enum Ended {
    /// The owner wants no more.
    Closed,
    /// It was lost; whether it had come as far as being signed in.
    Lost { why: Lost, signed_in: bool },
}

/// What happened beside the socket.
pub(super) enum Beside {
    Told(ClientFrame),
    Said,
    /// The owner took an event.
    Taken,
    Closed,
}

impl<K: Keep> Driver<K> {
    pub(super) fn new(
        config: Config,
        outbox: Outbox<K>,
        events: mpsc::Sender<Event>,
        commands: mpsc::Receiver<Command>,
        online: Arc<AtomicBool>,
    ) -> Self {
        let cursor = config.after;
        let (pending, recent, began) = (VecDeque::new(), VecDeque::new(), Instant::now());
        Self { config, outbox, cursor, pending, recent, events, commands, online, began }
    }

    pub(super) async fn run(mut self) {
        let mut failures = 0;
        loop {
            let ended = self.connection().await;
            self.set_online(false);
            let Ended::Lost { why, signed_in } = ended else { return };
            failures = if signed_in { 1 } else { failures + 1 };
            let pause = match why {
                // Nothing here will change that; somebody may change it there.
                Lost::Unauthorized => self.config.backoff.most,
                _ => self.config.backoff.pause(failures, dice()),
            };
            self.pending.push_back(Event::Disconnected { why, pause });
            if !self.wait(pause).await {
                return;
            }
        }
    }

    async fn connection(&mut self) -> Ended {
        let within = self.config.connect_within;
        let address = self.config.address.clone();
        let mut dialing = Box::pin(dial::dial(&address, within));
        let socket = loop {
            tokio::select! {
                opened = &mut dialing => break opened,
                beside = self.beside() => if matches!(beside, Beside::Closed) { return Ended::Closed },
            }
        };
        match socket {
            Ok(socket) => Box::pin(Session::new(self, socket).run()).await,
            Err(error) => Ended::Lost { why: error.into(), signed_in: false },
        }
    }

    /// Waits; `false` if the owner closed meanwhile.
    async fn wait(&mut self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return true,
                beside = self.beside() => if matches!(beside, Beside::Closed) { return false },
            }
        }
    }

    /// What the owner does next: takes an event, says something, closes. May be dropped half way.
    pub(super) async fn beside(&mut self) -> Beside {
        tokio::select! {
            permit = self.events.reserve(), if !self.pending.is_empty() => match permit {
                Ok(permit) => {
                    if let Some(event) = self.pending.pop_front() {
                        permit.send(event);
                    }
                    Beside::Taken
                }
                Err(_) => Beside::Closed,
            },
            command = self.commands.recv() => match command {
                Some(Command::Say { nonce, chat, reply }) => {
                    let kept = self.outbox.add(nonce, *chat, self.cursor.unwrap_or_default());
                    // Who no longer waits for the answer gets none.
                    drop(reply.send(kept));
                    Beside::Said
                }
                Some(Command::Tell(frame)) => Beside::Told(*frame),
                Some(Command::Close) | None => Beside::Closed,
            },
        }
    }

    /// Milliseconds since the link began: the outbox's clock.
    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The moment that the outbox calls so.
    pub(super) fn moment(&self, ms: u64) -> Instant {
        self.began + Duration::from_millis(ms)
    }

    pub(super) fn set_online(&self, online: bool) {
        self.online.store(online, Ordering::Relaxed);
    }
}

/// A nonce that nobody else uses: 16 random bytes in hex.
pub(super) fn fresh_nonce() -> Nonce {
    let number = u128::from_be_bytes(random());
    format!("{number:032x}").parse().expect("hex digits are a nonce")
}

fn dice() -> u32 {
    u32::from_be_bytes(random())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .expect("the system has random bytes: without them there is no TLS either");
    bytes
}
