//! The handle to the hot loop, and the thread it lives on.

mod reports;

use std::{
    io,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use ois_chat::{
    Team,
    team::{Answer, RequestId, Sent},
};
use ois_protocol::{Chat, ErrorCode, ErrorFrame, Member, Timestamp, http::MemberView};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::LocalSet,
};

use crate::{
    clock::now,
    conn::Conn,
    hot::{Hot, Parts},
    tasks,
    upgraded::UpgradedSocket,
    ws,
};

/// A cheap handle to the hot loop.
#[derive(Clone, Debug)]
pub(crate) struct Hub {
    commands: mpsc::Sender<Command>,
    /// The number of the last request.
    requests: Arc<AtomicU64>,
    /// Held across the disk by a task that takes over budgets.
    budgets: Arc<Mutex<()>>,
}

/// Something that lives on the loop from now on, made there.
type Resident = Box<dyn FnOnce(Rc<Hot>) -> io::Result<Pin<Box<dyn Future<Output = ()>>>> + Send>;

enum Command {
    Adopt(UpgradedSocket),
    /// Something that goes on; whether it could begin.
    Run(Resident, oneshot::Sender<io::Result<()>>),
    /// Something short to be asked or done on the loop.
    With(Box<dyn FnOnce(&Hot) + Send>),
    KeyringChanged,
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

/// Commands that may wait. A caller beyond them waits in line, and a new connection is dropped (it tries
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
            Ok(Ok(())) => {
                let (requests, budgets) = (Arc::default(), Arc::default());
                Ok((Self { commands, requests, budgets }, thread))
            }
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(io::Error::other("the event loop ended at once").into()),
        }
    }

    /// Says something for a member; answers once it is durable.
    pub(crate) async fn post(&self, member: Member, chat: Chat) -> Result<Sent, ErrorFrame> {
        let ask = move |team: &mut Team, id, now| team.post(id, member, chat, now);
        match self.request(ask).await? {
            Answer::Sent(sent) => Ok(sent),
            other => Err(unexpected(&other)),
        }
    }

    /// Asks the team for something, and waits for its answer.
    async fn request(
        &self,
        ask: impl FnOnce(&mut Team, RequestId, Timestamp) + Send + 'static,
    ) -> Result<Answer, ErrorFrame> {
        let id = RequestId(self.requests.fetch_add(1, Ordering::Relaxed));
        let (answer, answered) = oneshot::channel();
        let with = Box::new(move |hot: &Hot| hot.request(id, ask, answer));
        self.commands.send(Command::With(with)).await.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())?
    }

    /// Takes over a socket after the handshake.
    pub(crate) fn adopt(&self, socket: UpgradedSocket) {
        let peer = socket.peer;
        if self.commands.try_send(Command::Adopt(socket)).is_err() {
            tracing::warn!(%peer, "dropping a new connection: the event loop is busy or stopping");
        }
    }

    /// Lets something live on the loop, with what it needs to take over sockets there.
    ///
    /// # Errors
    /// What `begin` answers with, or if the loop is stopping.
    pub(crate) async fn run<F: Future<Output = ()> + 'static>(
        &self,
        begin: impl FnOnce(Box<dyn Fn(UpgradedSocket)>) -> io::Result<F> + Send + 'static,
    ) -> io::Result<()> {
        let (answer, begun) = oneshot::channel();
        let resident: Resident = Box::new(move |hot| {
            let resident = begin(Box::new(move |socket| adopt(&hot, socket)))?;
            Ok(Box::pin(resident) as Pin<Box<dyn Future<Output = ()>>>)
        });
        let stopping = || io::Error::other("the event loop is stopping");
        self.commands.send(Command::Run(resident, answer)).await.map_err(|_| stopping())?;
        begun.await.map_err(|_| stopping())?
    }

    /// Everybody, and who is there; empty if the loop is stopping.
    pub(crate) async fn roster(&self) -> Vec<MemberView> {
        self.ask(|hot| hot.team.borrow().roster().members()).await.unwrap_or_default()
    }

    /// Asks or does something short on the loop; fails only if that is stopping.
    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Hot) -> T + Send + 'static,
    ) -> Result<T, ErrorFrame> {
        let (answer, answered) = oneshot::channel();
        // A caller that does not wait any more gets no answer.
        let with = Box::new(move |hot: &Hot| drop(answer.send(ask(hot))));
        self.commands.send(Command::With(with)).await.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())
    }

    /// Tells the loop to look at the register and the sessions again.
    pub(crate) async fn keyring_changed(&self) {
        if self.commands.send(Command::KeyringChanged).await.is_err() {
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
    hot.tick();
    tokio::task::spawn_local(beats(Rc::clone(&hot)));
    tokio::select! {
        () = obey(&hot, inbox) => {}
        // It never ends by itself: without it nothing is stored, so the loop is not alive either.
        ended = commit => tracing::error!(?ended, "the event loop cannot store any more"),
    }
}

/// Looks after silent and stalled peers, and what time alone brings, twice in a ping interval.
async fn beats(hot: Rc<Hot>) {
    let half = Duration::from_millis((hot.limits.ping_ms / 2).max(1));
    loop {
        tokio::time::sleep(half).await;
        hot.beat();
        hot.tick();
        hot.write_checkpoint(false).await;
    }
}

async fn obey(hot: &Rc<Hot>, mut inbox: mpsc::Receiver<Command>) {
    while let Some(command) = inbox.recv().await {
        match command {
            Command::Adopt(socket) => adopt(hot, socket),
            Command::Run(begin, answer) => {
                let begun = begin(Rc::clone(hot));
                let begun = begun.map(|resident| drop(tokio::task::spawn_local(resident)));
                if answer.send(begun).is_err() {
                    tracing::debug!("nobody waits for what was begun on the event loop");
                }
            }
            Command::With(ask) => ask(hot),
            Command::KeyringChanged => hot.keyring_changed(),
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

fn adopt(hot: &Rc<Hot>, socket: UpgradedSocket) {
    let UpgradedSocket { socket, leftover, peer, cookie } = socket;
    let stream = match tokio::net::TcpStream::from_std(socket) {
        Ok(stream) => stream,
        Err(error) => {
            return tracing::debug!(%peer, %error, "a new connection could not be taken over");
        }
    };
    let conn = Rc::new(Conn::new(hot.open(), peer, stream, Arc::clone(&hot.metrics), now()));
    hot.conns.borrow_mut().push(Rc::clone(&conn));
    hot.metrics.connections.rise();
    tokio::task::spawn_local(ws::serve(conn, Rc::clone(hot), leftover, cookie));
}

/// Nothing that was said is lost: it is stored and shown, or its sender is told that it is not.
async fn stop(hot: &Rc<Hot>) {
    hot.stopping.set(true);
    while hot.commit_batch().await {}
    hot.write_checkpoint(true).await;
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

fn stopping() -> ErrorFrame {
    ErrorFrame::new(ErrorCode::Busy, "the server is stopping")
}

/// The team answers each request in its own kind, so this is a fault of the server's.
fn unexpected(answer: &Answer) -> ErrorFrame {
    tracing::error!(?answer, "a request was answered with another one's kind");
    ErrorFrame::new(ErrorCode::Storage, "the server gave no answer")
}
