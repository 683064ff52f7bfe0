//! One WebSocket's incoming half, and the waiting for its socket.
//!
//! An idle connection holds no buffer: it waits until there is something to read and borrows the
//! thread's. What it still has to be sent is in [`Conn`].

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use ois_auth::Token;
use ois_chat::{Credential, team::Reading};
use ois_protocol::{ClientFrame, SignIn, Timestamp};
use tokio::io::Interest;

use crate::{
    clock::now,
    codec::{self, Decoder, Item, Violation},
    conn::{Conn, Flow},
    hot::Hot,
};

/// What arrived and is not yet understood.
struct Input {
    decoder: Decoder,
    /// The start of a frame whose end has not come, or frames that wait for a pause to end.
    pending: Vec<u8>,
    /// The cookie that came with the upgrade.
    cookie: Option<Token>,
}

/// What to do before reading on.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Nothing: wait for more.
    More,
    /// Wait this many milliseconds: the member talks too fast.
    Pause(u64),
    /// Wait until the disk has caught up.
    Drain,
    /// The peer has ended its half.
    End,
}

/// What is read at once; all connections borrow the same buffer.
const BUFFER_BYTES: usize = 64 << 10;
/// A connection that has shown a wrong token is not read for so long: guessing is slow.
const AFTER_REFUSAL_MS: u64 = 500;
/// How long a peer may take to end its half after a close frame.
const LINGER: Duration = Duration::from_secs(2);

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER_BYTES]);
}

/// Serves a connection until it ends. `leftover` came right behind the handshake.
pub(crate) async fn serve(conn: Rc<Conn>, hot: Rc<Hot>, leftover: Vec<u8>, cookie: Option<Token>) {
    let mut input = Input { decoder: Decoder::default(), pending: leftover, cookie };
    if let Err(error) = run(&conn, &hot, &mut input).await {
        if error.kind() != io::ErrorKind::ConnectionAborted {
            hear_out(&conn, &hot, &mut input);
        }
        tracing::debug!(conn = conn.id.0, peer = %conn.peer, error = %error, "connection ended");
    }
    hot.closed(&conn);
}

async fn run(conn: &Rc<Conn>, hot: &Rc<Hot>, input: &mut Input) -> io::Result<()> {
    let mut next = understand_pending(conn, hot, input, now());
    loop {
        while next != Next::More {
            if next == Next::End {
                return Ok(());
            }
            Box::pin(wait(conn, hot, next)).await?;
            next = understand_pending(conn, hot, input, now());
        }
        if let Some(count) = conn.take_wanted_history() {
            Box::pin(hot.history_from_disk(conn, count)).await.map_err(io::Error::other)?;
        }
        if flush(conn, hot).await? == Flow::Finished {
            return Box::pin(linger(conn)).await;
        }
        next = ready(conn, hot, input).await?;
    }
}

/// A peer that takes nothing more may have said something before: nothing of that is lost.
fn hear_out(conn: &Rc<Conn>, hot: &Rc<Hot>, input: &mut Input) {
    loop {
        // Each round takes a frame at least.
        while matches!(understand_pending(conn, hot, input, now()), Next::Pause(_) | Next::Drain) {}
        let read = BUFFER.with_borrow_mut(|buffer| {
            let count = conn.receive(buffer)?;
            input.pending.extend_from_slice(&buffer[..count]);
            io::Result::Ok(count)
        });
        if !matches!(read, Ok(1..)) {
            return;
        }
    }
}

/// Waits until the socket can be read, or written if that is wanted, or somebody calls.
async fn ready(conn: &Rc<Conn>, hot: &Rc<Hot>, input: &mut Input) -> io::Result<Next> {
    let listens = conn.wants_input() && !hot.stopping.get();
    match poll_fn(|cx| turn(conn, listens, cx)).await? {
        Turn::Read => read(conn, hot, input),
        Turn::Write | Turn::Called => Ok(Next::More),
    }
}

/// What a connection's task has been waiting for.
enum Turn {
    Read,
    Write,
    Called,
}

/// Asks the bell and the socket, which call back. Who wants nothing of the socket waits for a call
/// alone: a socket that can be written would answer at once, for ever, and nobody else on this
/// thread would get a turn.
fn turn(conn: &Conn, listens: bool, cx: &mut Context<'_>) -> Poll<io::Result<Turn>> {
    if conn.bell.poll_heard(cx).is_ready() {
        return Poll::Ready(Ok(Turn::Called));
    }
    if listens && let Poll::Ready(ready) = conn.stream.poll_read_ready(cx) {
        return Poll::Ready(ready.map(|()| Turn::Read));
    }
    if conn.is_blocked()
        && let Poll::Ready(ready) = conn.stream.poll_write_ready(cx)
    {
        return Poll::Ready(ready.map(|()| Turn::Write));
    }
    Poll::Pending
}

/// Reads what is there and does what it says.
fn read(conn: &Rc<Conn>, hot: &Rc<Hot>, input: &mut Input) -> io::Result<Next> {
    BUFFER.with_borrow_mut(|buffer| {
        let count = match conn.receive(buffer) {
            Ok(0) => return Ok(Next::End),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Next::More),
            Err(error) => return Err(error),
        };
        if count < buffer.len() {
            drained(conn);
        }
        let now = now();
        conn.heard(now);
        hot.metrics.bytes_in.add(count as u64);
        if !input.pending.is_empty() {
            input.pending.extend_from_slice(&buffer[..count]);
            return Ok(understand_pending(conn, hot, input, now));
        }
        let (used, next) = understand(conn, hot, &mut buffer[..count], input, now);
        input.pending.extend_from_slice(&buffer[used..count]);
        Ok(next)
    })
}

/// Notes that the socket has nothing more for now, which a read that fills no buffer has shown: it
/// saves the call that would say so. What comes later wakes as ever.
fn drained(conn: &Conn) {
    let nothing = || io::Result::<()>::Err(io::ErrorKind::WouldBlock.into());
    // The error is what is wanted: it makes the loop wait.
    drop(conn.stream.try_io(Interest::READABLE, nothing));
}

fn understand_pending(conn: &Rc<Conn>, hot: &Rc<Hot>, input: &mut Input, now: Timestamp) -> Next {
    let mut pending = std::mem::take(&mut input.pending);
    let (used, next) = understand(conn, hot, &mut pending, input, now);
    pending.drain(..used);
    if !pending.is_empty() {
        input.pending = pending;
    }
    next
}

/// Does what whole frames say, until one has to be waited for. Answers with the bytes used.
fn understand(
    conn: &Rc<Conn>,
    hot: &Rc<Hot>,
    bytes: &mut [u8],
    input: &mut Input,
    now: Timestamp,
) -> (usize, Next) {
    let mut used = 0;
    let mut next = Next::More;
    while next == Next::More && !conn.is_closing() && !hot.stopping.get() {
        match input.decoder.next(&mut bytes[used..], hot.limits.frame_bytes) {
            Ok(None) => break,
            Ok(Some((took, item))) => {
                used += took;
                next = obey(conn, hot, item, input.cookie.as_ref(), now);
            }
            Err(violation) => {
                refuse(conn, violation);
                break;
            }
        }
    }
    (used, next)
}

fn obey(
    conn: &Rc<Conn>,
    hot: &Rc<Hot>,
    item: Item<'_>,
    cookie: Option<&Token>,
    now: Timestamp,
) -> Next {
    let bytes = match item {
        Item::Text(text) => text.as_bytes(),
        Item::Binary(bytes) => bytes, // old clients may send JSON so
        Item::Ping(bytes) => {
            conn.put(|own| {
                codec::write_header(own, codec::PONG, bytes.len());
                own.extend_from_slice(bytes);
            });
            return Next::More;
        }
        Item::Close(code) => {
            conn.close(code);
            return Next::More;
        }
        Item::Pong | Item::Piece => return Next::More,
    };
    match hot.receive(conn.id, ClientFrame::parse(bytes), now) {
        Reading::Continue => Next::More,
        Reading::Pause(ms) => Next::Pause(ms),
        Reading::Drain => Next::Drain,
        Reading::SignIn(credential, asked) => sign_in(conn, hot, cookie, credential, asked),
    }
}

fn sign_in(
    conn: &Rc<Conn>,
    hot: &Rc<Hot>,
    cookie: Option<&Token>,
    credential: Credential,
    asked: SignIn,
) -> Next {
    if hot.sign_in(conn, cookie, credential, asked) {
        Next::More
    } else {
        Next::Pause(AFTER_REFUSAL_MS)
    }
}

fn refuse(conn: &Conn, violation: Violation) {
    tracing::debug!(conn = conn.id.0, peer = %conn.peer, error = %violation, "closing");
    conn.close(violation.code());
}

/// Waits for what stands before reading on; what is to be sent goes out meanwhile.
async fn wait(conn: &Rc<Conn>, hot: &Rc<Hot>, next: Next) -> io::Result<()> {
    conn.set_waited_for(true);
    let waited = wait_for(conn, hot, next).await;
    conn.set_waited_for(false);
    waited
}

async fn wait_for(conn: &Rc<Conn>, hot: &Rc<Hot>, next: Next) -> io::Result<()> {
    match next {
        Next::More | Next::End => Ok(()),
        Next::Pause(ms) => {
            serve_until(conn, hot, tokio::time::sleep(Duration::from_millis(ms))).await
        }
        Next::Drain => serve_until(conn, hot, hot.drained.notified()).await,
    }
}

/// Sends without reading until `done`.
async fn serve_until(
    conn: &Rc<Conn>,
    hot: &Rc<Hot>,
    done: impl Future<Output = ()>,
) -> io::Result<()> {
    tokio::pin!(done);
    loop {
        flush(conn, hot).await?;
        tokio::select! {
            biased;
            () = &mut done => return Ok(()),
            turn = poll_fn(|cx| turn(conn, false, cx)) => {
                turn?;
            }
        }
    }
}

/// Writes what there is, from the tail or from disk, until it is all out or the socket blocks.
async fn flush(conn: &Rc<Conn>, hot: &Rc<Hot>) -> io::Result<Flow> {
    loop {
        if conn.has_all(&hot.tail.borrow()) {
            return Ok(Flow::Done);
        }
        let flow = conn.flush(&hot.tail.borrow(), now())?;
        if flow != Flow::Behind {
            return Ok(flow);
        }
        Box::pin(hot.read_behind(conn)).await.map_err(io::Error::other)?;
    }
}

/// After the close frame: ends our half and waits for the peer's, so that it gets to read ours.
async fn linger(conn: &Conn) -> io::Result<()> {
    rustix::net::shutdown(&conn.stream, rustix::net::Shutdown::Write)?;
    let drained = async {
        loop {
            conn.stream.readable().await?;
            let taken = BUFFER.with_borrow_mut(|buffer| conn.receive(buffer));
            match taken {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    };
    tokio::time::timeout(LINGER, drained).await.unwrap_or(Ok(()))
}
