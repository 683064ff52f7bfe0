//! What every request and every connection shares.

use std::sync::{Arc, Mutex, PoisonError};

use ois_auth::{OsEntropy, Throttle, TicketKey};
use ois_store::Store;
use tokio::sync::Semaphore;

use crate::{hub::Hub, keys::Keys, metrics::Metrics, page::assets::Assets, settings::Settings};

/// One team's server, as the HTTP routes see it. It is shared by reference count; nothing in it is
/// held locked across an `await`.
pub(crate) struct State {
    /// Log, files, uploads and records.
    pub(crate) store: Arc<dyn Store>,
    /// The members who are registered and those who are signed in.
    pub(crate) keys: Arc<Keys>,
    /// The handle to the hot loop.
    pub(crate) hub: Hub,
    /// What the operator chose; never changed while the server runs.
    pub(crate) settings: Settings,
    /// The counters that `GET /metrics` shows.
    pub(crate) metrics: Arc<Metrics>,
    /// The network addresses from which wrong passwords or tokens came.
    pub(crate) throttle: Mutex<Throttle>,
    /// The key that seals download tickets; the tickets end with the process.
    pub(crate) tickets: TicketKey,
    /// The source of tokens and of the names of uploads.
    pub(crate) entropy: OsEntropy,
    /// Limits how many passwords are hashed at once: each takes 19 MiB and a core.
    pub(crate) hashing: Arc<Semaphore>,
    /// The page's files, ready to be sent.
    pub(crate) assets: Assets,
}

impl State {
    /// How many passwords are hashed at once. Further sign-ins wait, and are refused after a while.
    pub(crate) const HASHING_AT_ONCE: usize = 2;

    /// The parts put together, with nothing counted and no address throttled yet.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        keys: Arc<Keys>,
        hub: Hub,
        metrics: Arc<Metrics>,
        mut entropy: OsEntropy,
        settings: Settings,
    ) -> Self {
        Self {
            store,
            keys,
            hub,
            settings,
            metrics,
            throttle: Mutex::new(Throttle::new()),
            tickets: TicketKey::random(&mut entropy),
            entropy,
            hashing: Arc::new(Semaphore::new(Self::HASHING_AT_ONCE)),
            assets: Assets::new(),
        }
    }

    /// Asks or tells the throttle something short.
    pub(crate) fn throttle<T>(&self, ask: impl FnOnce(&mut Throttle) -> T) -> T {
        // Counters stay sound wherever a panic struck.
        ask(&mut self.throttle.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
