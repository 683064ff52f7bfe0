//! The handle through which callers use a gateway.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;

use serde_json::{Value, json};

use crate::config::GatewayConfig;
use crate::error::GatewayError;
use crate::socket::{self, Ended, Input};
use crate::wire::event::{GatewayEvent, RunStep};
use crate::wire::hello::Hello;
use crate::wire::history::History;
use crate::wire::turn::{Admitted, Health, Outcome, Turn};

/// One link to one gateway. Clones share it; dropping the last one closes it.
///
/// Every call blocks until it is answered, until its time is over or until the link ends. Many
/// threads may call at once.
#[derive(Clone)]
pub struct Gateway {
    link: Arc<Link>,
}

struct Link {
    inputs: SyncSender<Input>,
    hello: Hello,
    ended: Ended,
    /// The number of runs that have been followed so far.
    followed: AtomicU64,
}

/// A subscription to the steps of one run; dropping it ends the subscription.
pub struct Following {
    inputs: SyncSender<Input>,
    number: u64,
}

impl Drop for Following {
    fn drop(&mut self) {
        // A link that has ended has already dropped all its followers.
        drop(self.inputs.send(Input::Unfollow(self.number)));
    }
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Following").field(&self.number).finish()
    }
}

/// How much longer than the gateway this side waits when it asks the gateway to wait.
const GRACE: Duration = Duration::from_secs(10);

impl Gateway {
    /// Connects, signs in with the token and starts the link's threads.
    ///
    /// # Errors
    /// Fails with [`Address`](GatewayError::Address), [`Unreachable`](GatewayError::Unreachable),
    /// [`Unauthorized`](GatewayError::Unauthorized), [`Refused`](GatewayError::Refused) if the
    /// gateway does not grant reading and writing, [`Incompatible`](GatewayError::Incompatible),
    /// [`Busy`](GatewayError::Busy) while the gateway starts, [`TimedOut`](GatewayError::TimedOut),
    /// or [`BadAnswer`](GatewayError::BadAnswer) if the other end is no gateway.
    pub fn connect(config: &GatewayConfig) -> Result<Self, GatewayError> {
        let (inputs, hello, ended) = socket::open(config)?;
        Ok(Self { link: Arc::new(Link { inputs, hello, ended, followed: AtomicU64::new(0) }) })
    }

    /// Hands a message to an agent. It returns when the gateway has accepted the message, not when
    /// the agent is done.
    ///
    /// The same key never runs twice. If the gateway [may have begun](GatewayError::may_have_begun)
    /// the turn in spite of the error, repeat the call at once with the same key, or ask the
    /// history with [`turn_outcome`](crate::turn_outcome): minutes after the end of the turn, or after a restart,
    /// the gateway has forgotten the key and answers a repetition with a failed run.
    ///
    /// # Errors
    /// Fails with [`Rejected`](GatewayError::Rejected), [`KeySpent`](GatewayError::KeySpent),
    /// [`TooLong`](GatewayError::TooLong), and with the errors that any request may have.
    pub fn deliver(&self, turn: &Turn, within: Duration) -> Result<Admitted, GatewayError> {
        Admitted::parse(self.ask("agent", turn.params(), within)?)
    }

    /// Waits for the end of a run, at most this long.
    ///
    /// [`Outcome::StillRunning`] also stands for a run that the gateway does not know, or does not
    /// know any more: it forgets runs in a restart, and minutes after their end. When in doubt,
    /// look into the history with [`turn_outcome`](crate::turn_outcome).
    ///
    /// # Errors
    /// Fails with the errors that any request may have.
    pub fn wait(&self, run_id: &str, timeout: Duration) -> Result<Outcome, GatewayError> {
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let params = json!({ "runId": run_id, "timeoutMs": timeout_ms });
        Outcome::parse(self.ask("agent.wait", params, timeout.saturating_add(GRACE))?)
    }

    /// Returns the last rows of a session, at most `limit` of them (1 to 1000). A session that
    /// never existed has none.
    ///
    /// # Errors
    /// Fails with the errors that any request may have.
    pub fn history(
        &self,
        session_key: &str,
        limit: u32,
        within: Duration,
    ) -> Result<History, GatewayError> {
        let params = json!({ "sessionKey": session_key, "limit": limit.clamp(1, 1000) });
        History::parse(&self.ask("chat.history", params, within)?)
    }

    /// Stops a run; returns `false` if there was none to stop. The message is removed from the
    /// history as well.
    ///
    /// # Errors
    /// Fails with the errors that any request may have.
    pub fn abort(
        &self,
        session_key: &str,
        run_id: &str,
        within: Duration,
    ) -> Result<bool, GatewayError> {
        let params = json!({ "sessionKey": session_key, "runId": run_id });
        Ok(self.ask("chat.abort", params, within)?["aborted"] == true)
    }

    /// Asks the gateway for its state. No model is called.
    ///
    /// # Errors
    /// Fails with the errors that any request may have.
    pub fn probe(&self, within: Duration) -> Result<Health, GatewayError> {
        Health::parse(self.ask("health", json!({}), within)?)
    }

    /// Listens to the runs of this gateway from now on, including those that others began.
    ///
    /// The channel holds `capacity` events. When it is full, further ones are lost, and the next
    /// event that fits is preceded by [`GatewayEvent::Missed`]; a slow listener delays nothing else. The
    /// channel ends with the link.
    #[must_use]
    pub fn events(&self, capacity: usize) -> Receiver<GatewayEvent> {
        // When the channel is full, events are lost and counted. It holds at least two, so that a
        // count and an event fit.
        let (events, received) = mpsc::sync_channel(capacity.max(2));
        // If the link has ended, the sender is dropped here, and the channel ends at once.
        drop(self.link.inputs.send(Input::Listen(events)));
        received
    }

    /// Follows one run from now on, also before it is delivered. The thread that reads the link
    /// calls `on_step` with each step, so `on_step` must be quick and must not block; unlike
    /// [`events`](Self::events) it misses no step. Dropping the returned [`Following`] ends it.
    #[must_use]
    pub fn follow(
        &self,
        run_id: &str,
        on_step: impl FnMut(&RunStep) + Send + 'static,
    ) -> Following {
        let number = self.link.followed.fetch_add(1, Ordering::Relaxed);
        let follow =
            Input::Follow { number, run_id: run_id.to_owned(), on_step: Box::new(on_step) };
        // A link that has ended has no further steps.
        drop(self.link.inputs.send(follow));
        Following { inputs: self.link.inputs.clone(), number }
    }

    /// Returns the id of the gateway's process, which changes with every start.
    #[must_use]
    pub fn boot_id(&self) -> &str {
        &self.link.hello.boot_id
    }

    /// Returns the gateway's version, for example `2026.9.6`.
    #[must_use]
    pub fn server_version(&self) -> &str {
        &self.link.hello.server_version
    }

    /// Returns what this connection may do, for example `operator.read`.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.link.hello.scopes
    }

    /// Returns everything that the gateway said in its greeting.
    #[must_use]
    pub fn hello(&self) -> &Hello {
        &self.link.hello
    }

    /// Returns why the link has ended; `None` while it stands.
    #[must_use]
    pub fn ended(&self) -> Option<GatewayError> {
        self.link.ended.get().cloned()
    }

    fn ask(
        &self,
        method: &'static str,
        params: Value,
        timeout: Duration,
    ) -> Result<Value, GatewayError> {
        // The channel holds the one answer. It cannot be full, because each request is answered
        // once.
        let (reply, answered) = mpsc::sync_channel(1);
        let lost = || GatewayError::lost("it has ended");
        let ask = Input::Ask { method, params, timeout, reply };
        // The owner answers at the deadline at the latest, or drops the sender when it ends.
        self.link.inputs.send(ask).map_err(|_| lost())?;
        answered.recv().map_err(|_| lost())?
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Gateway");
        shown.field("server_version", &self.server_version());
        shown.field("boot_id", &self.boot_id()).field("ended", &self.link.ended.get());
        shown.finish_non_exhaustive()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // The owner may have ended already; that is the purpose of this message.
        drop(self.inputs.send(Input::Close));
    }
}
