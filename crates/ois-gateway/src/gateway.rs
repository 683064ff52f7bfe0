//! A gateway, as its callers hold it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;

use serde_json::{Value, json};

use crate::config::Config;
use crate::error::GatewayError;
use crate::socket::{self, Ended, Input};
use crate::wire::event::{Event, RunStep};
use crate::wire::hello::Hello;
use crate::wire::history::History;
use crate::wire::turn::{Admitted, Health, Outcome, Turn};

/// One link to one gateway. Clones share it; the last one to go closes it.
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
    /// How many runs have been followed.
    followed: AtomicU64,
}

/// Somebody follows a run as long as this is kept.
pub struct Following {
    inputs: SyncSender<Input>,
    number: u64,
}

impl Drop for Following {
    fn drop(&mut self) {
        // On an ended link everybody is forgotten anyway.
        drop(self.inputs.send(Input::Unfollow(self.number)));
    }
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Following").field(&self.number).finish()
    }
}

/// How much longer than the gateway we wait when it is asked to wait.
const GRACE: Duration = Duration::from_secs(10);

impl Gateway {
    /// Connects, signs in with the token and starts the link's threads.
    ///
    /// # Errors
    /// [`Address`](GatewayError::Address), [`Unreachable`](GatewayError::Unreachable),
    /// [`Unauthorized`](GatewayError::Unauthorized), [`Refused`](GatewayError::Refused) if the
    /// gateway does not grant reading and writing, [`Incompatible`](GatewayError::Incompatible),
    /// [`Busy`](GatewayError::Busy) while it starts, [`TimedOut`](GatewayError::TimedOut),
    /// [`BadAnswer`](GatewayError::BadAnswer) from what is no gateway.
    pub fn connect(config: &Config) -> Result<Self, GatewayError> {
        let (inputs, hello, ended) = socket::open(config)?;
        Ok(Self { link: Arc::new(Link { inputs, hello, ended, followed: AtomicU64::new(0) }) })
    }

    /// Hands a message to an agent; returns when the gateway has taken it, not when the agent is
    /// done.
    ///
    /// The same key never runs twice. If the error
    /// [may have begun](GatewayError::may_have_begun) it, repeat it at once with the same key, or
    /// ask the history with [`turn_outcome`](crate::turn_outcome): minutes after its end, or after a restart, the
    /// gateway does not know the key any more and answers a repetition with a failed run.
    ///
    /// # Errors
    /// [`Rejected`](GatewayError::Rejected), [`KeySpent`](GatewayError::KeySpent),
    /// [`TooLong`](GatewayError::TooLong), and what any request may meet.
    pub fn deliver(&self, turn: &Turn, within: Duration) -> Result<Admitted, GatewayError> {
        Admitted::parse(self.ask("agent", turn.params(), within)?)
    }

    /// Waits for the end of a run, this long at the most.
    ///
    /// [`Outcome::StillRunning`] also stands for a run that the gateway does not know, or not any
    /// more: it forgets them in a restart, and minutes after their end. When in doubt, look with
    /// [`turn_outcome`](crate::turn_outcome).
    ///
    /// # Errors
    /// What any request may meet.
    pub fn wait(&self, run_id: &str, timeout: Duration) -> Result<Outcome, GatewayError> {
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let params = json!({ "runId": run_id, "timeoutMs": timeout_ms });
        Outcome::parse(self.ask("agent.wait", params, timeout.saturating_add(GRACE))?)
    }

    /// The last rows of a session, at most `limit` of them (1 to 1000). A session that never was
    /// has none.
    ///
    /// # Errors
    /// What any request may meet.
    pub fn history(
        &self,
        session_key: &str,
        limit: u32,
        within: Duration,
    ) -> Result<History, GatewayError> {
        let params = json!({ "sessionKey": session_key, "limit": limit.clamp(1, 1000) });
        History::parse(&self.ask("chat.history", params, within)?)
    }

    /// Stops a run; `false` if there was none to stop. The message goes from the history as well.
    ///
    /// # Errors
    /// What any request may meet.
    pub fn abort(
        &self,
        session_key: &str,
        run_id: &str,
        within: Duration,
    ) -> Result<bool, GatewayError> {
        let params = json!({ "sessionKey": session_key, "runId": run_id });
        Ok(self.ask("chat.abort", params, within)?["aborted"] == true)
    }

    /// Asks the gateway how it is. No model is called.
    ///
    /// # Errors
    /// What any request may meet.
    pub fn probe(&self, within: Duration) -> Result<Health, GatewayError> {
        Health::parse(self.ask("health", json!({}), within)?)
    }

    /// Listens to the runs of this gateway from now on, those of others included.
    ///
    /// The channel holds `capacity` events. When it is full, further ones are lost and the next
    /// that fits is preceded by [`Event::Missed`]; nothing else waits for a slow listener. The
    /// channel ends with the link.
    #[must_use]
    pub fn events(&self, capacity: usize) -> Receiver<Event> {
        // Full: events are lost and counted. At least two, so that a count and an event fit.
        let (events, heard) = mpsc::sync_channel(capacity.max(2));
        // On an ended link the sender is dropped here, and the channel ends at once.
        drop(self.link.inputs.send(Input::Listen(events)));
        heard
    }

    /// Follows one run from now on, also before it is delivered: `heard` is told each of its steps,
    /// by the thread that reads the link. It must be quick and wait for nothing; unlike
    /// [`events`](Self::events) it misses none. Dropping what is returned ends it.
    #[must_use]
    pub fn follow(&self, run_id: &str, heard: impl FnMut(&RunStep) + Send + 'static) -> Following {
        let number = self.link.followed.fetch_add(1, Ordering::Relaxed);
        let follow = Input::Follow { number, run_id: run_id.to_owned(), heard: Box::new(heard) };
        // On an ended link there is nothing to hear any more.
        drop(self.link.inputs.send(follow));
        Following { inputs: self.link.inputs.clone(), number }
    }

    /// Changes with every start of the gateway's process.
    #[must_use]
    pub fn boot_id(&self) -> &str {
        &self.link.hello.boot_id
    }

    /// The gateway's version, e.g. `2026.9.6`.
    #[must_use]
    pub fn server_version(&self) -> &str {
        &self.link.hello.server_version
    }

    /// What this connection may do, e.g. `operator.read`.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.link.hello.scopes
    }

    /// All that the gateway said when it let us in.
    #[must_use]
    pub fn hello(&self) -> &Hello {
        &self.link.hello
    }

    /// Why the link has ended; `None` while it stands.
    #[must_use]
    pub fn ended(&self) -> Option<GatewayError> {
        self.link.ended.get().cloned()
    }

    fn ask(
        &self,
        method: &'static str,
        params: Value,
        patience: Duration,
    ) -> Result<Value, GatewayError> {
        // One answer. Full cannot be: nobody answers twice.
        let (reply, answered) = mpsc::sync_channel(1);
        let lost = || GatewayError::lost("it has ended");
        let ask = Input::Ask { method, params, patience, reply };
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
        // The owner may have ended already, which is what is wanted.
        drop(self.inputs.send(Input::Stop));
    }
}
