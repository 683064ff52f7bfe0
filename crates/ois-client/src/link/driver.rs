//! The link's task: it has the socket and the channels, and carries out what the machine decides.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use ois_protocol::{Chat, ClientFrame, Nonce};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::tungstenite::{self, Message as Raw};

use super::{Config, Event, LinkAction, LinkMachine, Lost, Unconfirmed};
use crate::{
    Address, DialError, Keep, Outbox, Report,
    dial::{self, Socket},
};

/// What the link's owner wants.
#[derive(Debug)]
pub(super) enum Command {
    /// Keep this draft and send it.
    Say { nonce: Nonce, chat: Box<Chat>, reply: oneshot::Sender<io::Result<()>> },
    /// Keep this report and send it; the reply is whether there was a place for it.
    Report { report: Report, reply: oneshot::Sender<bool> },
    /// Send this frame if the link is signed in; the reply is whether it was.
    Tell { frame: Box<ClientFrame>, reply: Option<oneshot::Sender<bool>> },
    /// End the link when the server has confirmed everything, or after this time.
    Close { most: Duration, reply: oneshot::Sender<Unconfirmed> },
}

/// The socket, the channels and the clock of one link.
pub(super) struct Driver<K> {
    machine: LinkMachine<K>,
    address: Address,
    connect_within: Duration,
    /// How long one frame may wait for the peer to take it.
    write_within: Duration,
    wire: Wire,
    events: mpsc::Sender<Event>,
    commands: mpsc::Receiver<Command>,
    online: Arc<AtomicBool>,
    began: Instant,
    closing: Option<Closing>,
}

/// The owner has closed the link, and waits.
struct Closing {
    /// When the link ends at the latest.
    until: Instant,
    reply: oneshot::Sender<Unconfirmed>,
}

/// What there is of a connection.
enum Wire {
    None,
    Dialing(Dialing),
    Open(Box<Socket>),
}

type Dialing = Pin<Box<dyn Future<Output = Result<Box<Socket>, DialError>> + Send>>;

/// What the driver does next.
enum Next {
    Arrived(Arrived),
    Asked(Command),
    Woken,
    Abandoned,
}

/// What came over the wire.
enum Arrived {
    Opened(Result<Box<Socket>, DialError>),
    Raw(Option<Result<Raw, tungstenite::Error>>),
}

impl<K: Keep> Driver<K> {
    pub(super) fn new(
        config: Config,
        outbox: Outbox<K>,
        events: mpsc::Sender<Event>,
        commands: mpsc::Receiver<Command>,
        online: Arc<AtomicBool>,
    ) -> Self {
        Self {
            machine: LinkMachine::new(&config, outbox),
            address: config.address,
            connect_within: config.connect_within,
            write_within: config.ping * 2,
            wire: Wire::None,
            events,
            commands,
            online,
            began: Instant::now(),
            closing: None,
        }
    }

    /// Runs until the owner closes the link or is gone.
    pub(super) async fn run(mut self) {
        loop {
            self.carry_out().await;
            self.online.store(self.machine.is_online(), Ordering::Relaxed);
            if self.may_end() {
                break;
            }
            match self.next().await {
                Some(Next::Arrived(arrived)) => self.arrived(arrived),
                Some(Next::Asked(command)) => self.asked(command),
                Some(Next::Woken) => self.machine.wake(self.now_ms()),
                Some(Next::Abandoned) => break,
                None => {}
            }
        }
        self.online.store(false, Ordering::Relaxed);
        // From here on nobody is told that something was taken.
        self.commands.close();
        if let Some(closing) = self.closing.take() {
            // An owner that does not wait any more does not learn it.
            drop(closing.reply.send(self.machine.unconfirmed()));
        }
        if let Wire::Open(mut socket) = self.wire {
            // The server learns of our end one way or the other.
            drop(socket.as_mut().close(None).await);
        }
    }

    /// Waits for whatever happens next; `None` if that was an event handed to the owner.
    async fn next(&mut self) -> Option<Next> {
        let wake = self.machine.next_wake().map(|ms| self.began + Duration::from_millis(ms));
        let until = self.closing.as_ref().map(|closing| closing.until);
        let is_closing = until.is_some();
        let drained = self.machine.is_drained();
        tokio::select! {
            () = self.events.closed(), if !is_closing => Some(Next::Abandoned),
            command = self.commands.recv() => Some(match command {
                // A link that was dropped takes nothing more, not even what is in line already.
                Some(command) if is_closing || !self.events.is_closed() => Next::Asked(command),
                _ => Next::Abandoned,
            }),
            permit = self.events.reserve(), if !drained => {
                if let (Ok(permit), Some(event)) = (permit, self.machine.next_event()) {
                    permit.send(event);
                }
                None
            }
            arrived = self.wire.next(drained) => Some(Next::Arrived(arrived)),
            () = at(wake.into_iter().chain(until).min()) => Some(Next::Woken),
        }
    }

    fn asked(&mut self, command: Command) {
        // A caller that no longer waits for the answer gets none.
        match command {
            Command::Say { nonce, chat, reply } => {
                drop(reply.send(self.machine.say(nonce, *chat)));
            }
            Command::Report { report, reply } => drop(reply.send(self.machine.report(report))),
            Command::Tell { frame, reply } => {
                let sent = self.machine.tell(*frame);
                if reply.is_some_and(|reply| reply.send(sent).is_err()) {
                    tracing::trace!("nobody waits for the answer");
                }
            }
            Command::Close { most, reply } => {
                self.closing = Some(Closing { until: Instant::now() + most, reply });
            }
        }
    }

    /// Whether the link is closing and nothing is waited for any more.
    fn may_end(&mut self) -> bool {
        let Some(closing) = &self.closing else { return false };
        while self.machine.next_event().is_some() {}
        self.machine.unconfirmed().is_empty() || closing.until <= Instant::now()
    }

    async fn carry_out(&mut self) {
        while let Some(action) = self.machine.next_action(self.now_ms()) {
            let sent = match action {
                LinkAction::Dial => {
                    let (address, within) = (self.address.clone(), self.connect_within);
                    self.wire = Wire::Dialing(Box::pin(async move {
                        dial::dial(&address, within).await.map(Box::new)
                    }));
                    Ok(())
                }
                LinkAction::Send(frame) => match serde_json::to_string(&*frame) {
                    Ok(text) => self.write(Raw::text(text)).await,
                    Err(error) => Err(Lost::Gone(error.to_string())),
                },
                LinkAction::Ping => self.write(Raw::Ping(Vec::new().into())).await,
                LinkAction::Close(why) => Err(why),
            };
            if let Err(why) = sent {
                self.lost(why);
            }
        }
    }

    /// Writes to the socket. A peer that takes nothing for two pings is as dead as one that says
    /// nothing.
    async fn write(&mut self, raw: Raw) -> Result<(), Lost> {
        let Wire::Open(socket) = &mut self.wire else { return Ok(()) };
        let sent = timeout(self.write_within, socket.send(raw)).await;
        sent.map_err(|_| Lost::Silent)?.map_err(gone)
    }

    fn arrived(&mut self, arrived: Arrived) {
        let now = self.now_ms();
        match arrived {
            Arrived::Opened(Ok(socket)) => {
                self.wire = Wire::Open(socket);
                self.machine.opened(now);
            }
            Arrived::Opened(Err(error)) => self.lost(error.into()),
            Arrived::Raw(Some(Ok(Raw::Text(text)))) => self.machine.received(text.as_str(), now),
            Arrived::Raw(None | Some(Ok(Raw::Close(_)))) => {
                self.lost(Lost::Gone("closed by the server".to_owned()));
            }
            Arrived::Raw(Some(Ok(_))) => self.machine.heard(now),
            Arrived::Raw(Some(Err(error))) => self.lost(gone(error)),
        }
    }

    fn lost(&mut self, why: Lost) {
        self.wire = Wire::None;
        self.online.store(false, Ordering::Relaxed);
        let now = self.now_ms();
        self.machine.lost(why, now, dice());
    }

    /// Milliseconds since the link began: the machine's clock.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Wire {
    /// What comes next; the socket is read only if that is wanted. May be dropped half way.
    async fn next(&mut self, read: bool) -> Arrived {
        match self {
            Self::Dialing(dialing) => Arrived::Opened(dialing.await),
            Self::Open(socket) if read => Arrived::Raw(socket.next().await),
            Self::None | Self::Open(_) => std::future::pending().await,
        }
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn gone(error: tungstenite::Error) -> Lost {
    Lost::Gone(error.to_string())
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
