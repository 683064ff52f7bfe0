//! The handle to the hot loop, and the thread it lives on.

mod reports;

use std::{
    io,
    net::{SocketAddr, TcpStream},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use ois_auth::Token;
use ois_protocol::{Chat, ErrorCode, ErrorFrame, EventId, Member, http::MemberView};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::LocalSet,
};

use crate::{
    clock::now,
    conn::Conn,
    hot::{Hot, Origin, Parts},
    tasks, ws,
};

/// A cheap handle to the hot loop.
#[derive(Clone, Debug)]
pub(crate) struct Hub {
    commands: mpsc::Sender<Command>,
    /// Held by who takes over budgets, across the disk.
    budgets: Arc<Mutex<()>>,
}

/// What somebody wants to say.
#[derive(Debug)]
pub(crate) struct NewDraft {
    /// Who.
    pub(crate) member: Member,
    /// What.
    pub(crate) chat: Chat,
}

/// What became of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The message's place in the log.
    pub(crate) id: EventId,
    /// Whether it had been stored before.
    pub(crate) duplicate: bool,
}

/// A socket after the handshake.
#[derive(Debug)]
pub(crate) struct Newcomer {
    /// The socket, which does not block.
    pub(crate) socket: TcpStream,
    /// What came right behind the handshake.
    pub(crate) leftover: Vec<u8>,
    /// From where.
    pub(crate) peer: SocketAddr,
    /// The session's token in the cookie that came with the handshake.
    pub(crate) cookie: Option<Token>,
}

/// Something that lives on the loop from now on, made there.
type Resident = Box<dyn FnOnce(Rc<Hot>) -> io::Result<Pin<Box<dyn Future<Output = ()>>>> + Send>;

enum Command {
    Adopt(Newcomer),
    /// Something that goes on; whether it could begin.
    Run(Resident, oneshot::Sender<io::Result<()>>),
    Post(NewDraft, oneshot::Sender<Result<Sent, ErrorFrame>>),
    /// Something short to be asked or done on the loop.
    With(Box<dyn FnOnce(&Hot) + Send>),
    KeyringChanged,
    LogChanged,
    Stop(oneshot::Sender<()>),
}

/// Why the hot loop did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The system gave no thread or no event queue.
    #[error("cannot start the event loop")]
    System(#[from] io::Error),
    /// The log's end could not be read.
    #[error("cannot read the end of the log")]
    Log(#[from] ois_store::ReadError),
}

/// Commands that may wait; who asks more waits in line, and a new connection is dropped (it tries
/// again), since a loop that is so far behind would not serve it either.
const COMMANDS: usize = 1024;
/// How long a stopping loop goes on writing to those who still take something.
const PARTING: Duration = Duration::from_secs(2);
/// Close code of a server that stops (RFC 6455, 7.4.1).
const GOING_AWAY: u16 = 1001;

impl Hub {
    /// Starts the hot loop on a thread of its own, once it knows the end of the log.
    pub(crate) async fn start(parts: Parts) -> Result<(Self, JoinHandle<()>), HubError> {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (ready, answer) = oneshot::channel();
        let (_, thread) = tasks::thread("ois-hot", || async {
            LocalSet::new().run_until(live(parts, inbox, ready)).await;
        })?;
        match answer.await {
            Ok(Ok(())) => Ok((Self { commands, budgets: Arc::default() }, thread)),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(io::Error::other("the event loop ended at once").into()),
        }
    }

    /// Says something for a member; answers once it is durable.
    pub(crate) async fn post(&self, draft: NewDraft) -> Result<Sent, ErrorFrame> {
        let (answer, sent) = oneshot::channel();
        let stopping = || ErrorFrame::new(ErrorCode::Busy, "the server is stopping");
        self.commands.send(Command::Post(draft, answer)).await.map_err(|_| stopping())?;
        sent.await.map_err(|_| stopping())?
    }

    /// Takes over a socket after the handshake.
    pub(crate) fn adopt(&self, newcomer: Newcomer) {
        let peer = newcomer.peer;
        if self.commands.try_send(Command::Adopt(newcomer)).is_err() {
            tracing::warn!(%peer, "dropping a new connection: the event loop is busy or stopping");
        }
    }

    /// Lets something live on the loop, with what it needs to adopt newcomers there.
    ///
    /// # Errors
    /// What `begin` answers with, or if the loop is stopping.
    pub(crate) async fn run<F: Future<Output = ()> + 'static>(
        &self,
        begin: impl FnOnce(Box<dyn Fn(Newcomer)>) -> io::Result<F> + Send + 'static,
    ) -> io::Result<()> {
        let (answer, begun) = oneshot::channel();
        let resident: Resident = Box::new(move |hot| {
            let resident = begin(Box::new(move |newcomer| adopt(&hot, newcomer)))?;
            Ok(Box::pin(resident) as Pin<Box<dyn Future<Output = ()>>>)
        });
        let stopping = || io::Error::other("the event loop is stopping");
        self.commands.send(Command::Run(resident, answer)).await.map_err(|_| stopping())?;
        begun.await.map_err(|_| stopping())?
    }

    /// Everybody, and who is there; empty if the loop is stopping.
    pub(crate) async fn roster(&self) -> Vec<MemberView> {
        self.ask(|hot| hot.room.borrow().roster()).await.unwrap_or_default()
    }

    /// Asks or does something short on the loop; fails only if that is stopping.
    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Hot) -> T + Send + 'static,
    ) -> Result<T, ErrorFrame> {
        let (answer, answered) = oneshot::channel();
        // Who does not wait any more gets no answer.
        let with = Box::new(move |hot: &Hot| drop(answer.send(ask(hot))));
        let stopping = || ErrorFrame::new(ErrorCode::Busy, "the server is stopping");
        self.commands.send(Command::With(with)).await.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())
    }

    /// Tells the loop to look at the register and the sessions again.
    pub(crate) async fn keyring_changed(&self) {
        if self.commands.send(Command::KeyringChanged).await.is_err() {
            tracing::debug!("the event loop has stopped");
        }
    }

    /// Tells the loop that the log was written past it.
    pub(crate) async fn log_changed(&self) {
        if self.commands.send(Command::LogChanged).await.is_err() {
            tracing::debug!("the event loop has stopped");
        }
    }

    /// Whether the loop runs.
    pub(crate) fn is_alive(&self) -> bool {
        !self.commands.is_closed()
    }

    /// Stores what was said, sends what is stored, says good-bye to everybody and ends.
    pub(crate) async fn stop(&self) {
        let (answer, done) = oneshot::channel();
        if self.commands.send(Command::Stop(answer)).await.is_ok() && done.await.is_err() {
            tracing::warn!("the event loop ended without a word");
        }
    }
}

async fn live(
    parts: Parts,
    inbox: mpsc::Receiver<Command>,
    ready: oneshot::Sender<Result<(), ois_store::ReadError>>,
) {
    let hot = match Hot::new(parts).await {
        Ok(hot) => Rc::new(hot),
        Err(error) => return drop(ready.send(Err(error))),
    };
    if ready.send(Ok(())).is_err() {
        return;
    }
    let commit = tokio::task::spawn_local(Rc::clone(&hot).commit());
    // What a crash kept from being said is said now.
    hot.pay_dues();
    tokio::task::spawn_local(beats(Rc::clone(&hot)));
    tokio::select! {
        () = obey(&hot, inbox) => {}
        // It never ends by itself: without it nothing is stored, so the loop is not alive either.
        ended = commit => tracing::error!(?ended, "the event loop cannot store any more"),
    }
}

/// Looks after silent and stalled peers twice in a ping interval.
async fn beats(hot: Rc<Hot>) {
    let half = Duration::from_millis((hot.limits.ping_ms / 2).max(1));
    loop {
        tokio::time::sleep(half).await;
        hot.beat();
        hot.pay_dues();
        hot.keep_desk(false).await;
    }
}

async fn obey(hot: &Rc<Hot>, mut inbox: mpsc::Receiver<Command>) {
    while let Some(command) = inbox.recv().await {
        match command {
            Command::Adopt(newcomer) => adopt(hot, newcomer),
            Command::Run(begin, answer) => {
                let begun = begin(Rc::clone(hot));
                let begun = begun.map(|resident| drop(tokio::task::spawn_local(resident)));
                if answer.send(begun).is_err() {
                    tracing::debug!("nobody waits for what was begun on the event loop");
                }
            }
            Command::Post(draft, answer) => post(hot, draft, Origin::Post(answer)),
            Command::With(ask) => ask(hot),
            Command::KeyringChanged => hot.keyring_changed(),
            Command::LogChanged => {
                if let Err(error) = hot.reload().await {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "cannot read the log's end again"
                    );
                }
            }
            Command::Stop(done) => {
                stop(hot).await;
                if done.send(()).is_err() {
                    tracing::debug!("nobody waits for the event loop's end");
                }
                return;
            }
        }
    }
}

/// Who asks over HTTP is told to come back rather than read more slowly.
fn post(hot: &Hot, NewDraft { member, chat }: NewDraft, origin: Origin) {
    let now = now();
    let ms = hot.pace(&member, now);
    if ms > 0 {
        let frame = ErrorFrame {
            nonce: chat.nonce,
            retry_after_ms: Some(ms),
            ..ErrorFrame::new(ErrorCode::Limit, "too many messages; nothing was stored")
        };
        return hot.refuse(origin, frame);
    }
    hot.queue(&member, chat, origin, now);
}

fn adopt(hot: &Rc<Hot>, newcomer: Newcomer) {
    let Newcomer { socket, leftover, peer, cookie } = newcomer;
    let stream = match tokio::net::TcpStream::from_std(socket) {
        Ok(stream) => stream,
        Err(error) => {
            return tracing::debug!(%peer, %error, "a new connection could not be taken over");
        }
    };
    let conn = Rc::new(Conn::new(hot.number(), peer, stream, Arc::clone(&hot.metrics), now()));
    hot.conns.borrow_mut().push(Rc::clone(&conn));
    hot.metrics.connections.rise();
    tokio::task::spawn_local(ws::serve(conn, Rc::clone(hot), leftover, cookie));
}

/// Nothing that was said is lost: it is stored and shown, or its sender is told that it is not.
async fn stop(hot: &Rc<Hot>) {
    hot.stopping.set(true);
    while hot.commit_batch().await {}
    hot.keep_desk(true).await;
    for conn in hot.conns.borrow().iter() {
        conn.close(GOING_AWAY);
    }
    let all_gone = async {
        while !hot.conns.borrow().is_empty() {
            hot.gone.notified().await;
        }
    };
    if tokio::time::timeout(PARTING, all_gone).await.is_err() {
        tracing::info!(
            left = hot.conns.borrow().len(),
            "stopping before everybody had taken what was sent"
        );
    }
}
