//! An OpenClaw gateway that does what a test tells it to.
//!
//! It speaks as version 2026.9.6 does: the WebSocket's handshake, `agent` answered twice,
//! `agent.wait`, `chat.history`, `chat.abort`, `health`, and over HTTP `/healthz`, `/readyz` and `/tools/invoke`
//! with `sessions_send` denied. There is no model: every turn waits until the test
//! [finishes](FakeGateway::finish) it, so a test holds it open while something else is killed.
//!
//! What it remembers over [`down`](FakeGateway::down) and [`up`](FakeGateway::up) is what the real
//! one has on its disk, the histories; keys and runs are forgotten, and the boot id is another. A
//! turn that was under way then is not taken up again.

mod http;
mod link;
mod state;

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use self::state::State;
pub use self::state::{End, Manner, Step, Turn};

use crate::{BETWEEN_LOOKS, TIMEOUT};

/// The shared token of every fake gateway.
pub const TOKEN: &str = "gateway-token-under-test";

/// A gateway on a free port of the loopback device.
#[derive(Debug)]
pub struct FakeGateway {
    shared: Arc<Shared>,
    port: u16,
    accepting: Option<JoinHandle<()>>,
}

/// The state that the test and the threads of the connections share.
#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl FakeGateway {
    /// Starts one that is well.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::default();
        let accepting = Some(accept(listener, &shared));
        Ok(Self { shared, port, accepting })
    }

    /// Its port on 127.0.0.1; it keeps it.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How it behaves from now on.
    pub fn behave(&self, manner: Manner) {
        self.shared.lock().manner = manner;
    }

    /// Ends it as a kill does: the port is closed, links break, turns under way are gone.
    ///
    /// # Errors
    /// When its thread died.
    pub fn down(&mut self) -> Result<()> {
        let Some(accepting) = self.accepting.take() else { return Ok(()) };
        self.shared.lock().end_process();
        // Wakes the thread that accepts, which then drops the listener.
        drop(TcpStream::connect(self.address()));
        ensure!(accepting.join().is_ok(), "the fake gateway's thread died");
        Ok(())
    }

    /// Starts it again on the same port.
    ///
    /// # Errors
    /// When somebody else has the port.
    pub fn up(&mut self) -> Result<()> {
        self.down()?;
        let until = Instant::now() + TIMEOUT;
        let listener = loop {
            match TcpListener::bind(self.address()) {
                // A child that this process has just forked holds the old listener until it runs
                // its program; or the system has lent the port to somebody's connection.
                Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < until => {
                    thread::park_timeout(BETWEEN_LOOKS);
                }
                bound => break bound.context("the port is taken")?,
            }
        };
        self.accepting = Some(accept(listener, &self.shared));
        Ok(())
    }

    /// Waits for the next turn that was begun, in the order in which they were.
    ///
    /// # Errors
    /// When none is within [`TIMEOUT`].
    pub fn turn(&self) -> Result<Turn> {
        self.wait("turn", |state| state.begun.pop_front())
    }

    /// Ends a turn. One that went down with the gateway stays as it is.
    pub fn finish(&self, turn: &Turn, end: End) {
        self.shared.lock().finish(&turn.key, end);
        self.shared.changed.notify_all();
    }

    /// Tells every link of a step of a turn, as the real one does by itself: `event` is `chat` or
    /// `agent`, `payload` what else stands in it.
    pub fn tell(&self, turn: &Turn, event: &str, mut payload: Value) {
        payload["runId"] = turn.key.as_str().into();
        payload["sessionKey"] = turn.session.as_str().into();
        self.shared.lock().events.push(json!({"event": event, "payload": payload}));
    }

    /// Waits until the method (`connect`, `agent`, `agent.wait`, …) was asked for more than `before`
    /// times since the start, whatever the answer was; answers with how many times that is.
    ///
    /// # Errors
    /// When it is not within [`TIMEOUT`].
    pub fn asked(&self, method: &str, before: usize) -> Result<usize> {
        self.wait(method, |state| state.asked.get(method).copied().filter(|times| *times > before))
    }

    /// How often the method was asked for so far.
    #[must_use]
    pub fn times(&self, method: &str) -> usize {
        self.shared.lock().asked.get(method).copied().unwrap_or_default()
    }

    /// The begins and ends of turns since the start.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        self.shared.lock().steps.clone()
    }

    fn wait<T>(&self, what: &str, mut pick: impl FnMut(&mut State) -> Option<T>) -> Result<T> {
        let until = Instant::now() + TIMEOUT;
        let mut state = self.shared.lock();
        loop {
            if let Some(found) = pick(&mut state) {
                return Ok(found);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("the gateway saw no {what} within {TIMEOUT:?}: {state:#?}");
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }
}

impl Drop for FakeGateway {
    fn drop(&mut self) {
        if let Err(error) = self.down() {
            eprintln!("{error:#}");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(listener: TcpListener, shared: &Arc<Shared>) -> JoinHandle<()> {
    let shared = Arc::clone(shared);
    let process = shared.lock().begin_process();
    thread::spawn(move || {
        for stream in listener.incoming() {
            if shared.lock().process != process {
                return;
            }
            let Ok(stream) = stream else { continue };
            let shared = Arc::clone(&shared);
            // Not joined: it ends with its connection, or with this process of the gateway.
            thread::spawn(move || {
                if let Err(error) = serve(stream, &shared, process) {
                    eprintln!("fake gateway: {error:#}");
                }
            });
        }
    })
}

/// One connection: a WebSocket, or one HTTP request.
fn serve(stream: TcpStream, shared: &Shared, process: u32) -> Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    let Some(head) = http::peek_head(&stream)? else { return Ok(()) };
    if head.to_ascii_lowercase().contains("upgrade: websocket") {
        link::serve(stream, shared, process)
    } else {
        http::serve(stream, &head)
    }
}
