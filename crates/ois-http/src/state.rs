//! What every request and every connection shares.

use std::sync::{Arc, Mutex, PoisonError};

use ois_auth::{OsEntropy, Throttle, TicketKey};
use ois_store::Store;
use tokio::sync::Semaphore;

use crate::{hub::Hub, keys::Keys, metrics::Metrics, page::Page, settings::Settings};

/// One team's server, as its doors see it. Shared by reference count; nothing in it is held locked
/// across a wait.
pub(crate) struct State {
    /// Log, files, uploads and records.
    pub(crate) store: Arc<dyn Store>,
    /// Who is registered and signed in.
    pub(crate) keys: Arc<Keys>,
    /// The hot loop.
    pub(crate) hub: Hub,
    /// What the operator chose; never changed while the server runs.
    pub(crate) settings: Settings,
    /// What is counted for `/metrics`.
    pub(crate) metrics: Arc<Metrics>,
    /// Who failed to prove who they are, by address.
    pub(crate) throttle: Mutex<Throttle>,
    /// What download tickets are sealed with; they end with the process.
    pub(crate) tickets: TicketKey,
    /// Where tokens and names of uploads come from.
    pub(crate) entropy: OsEntropy,
    /// How many passwords may be hashed at once: 19 MiB and a core each.
    pub(crate) hashing: Arc<Semaphore>,
    /// The page's files, ready to be sent.
    pub(crate) page: Page,
}

impl State {
    /// How many passwords are hashed at once; who comes then waits, or is told to come back.
    pub(crate) const HASHING_AT_ONCE: usize = 2;

    /// Everything put together, with nothing counted and nobody throttled yet.
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
            page: Page::new(),
        }
    }

    /// Asks or tells the throttle something short.
    pub(crate) fn throttle<T>(&self, ask: impl FnOnce(&mut Throttle) -> T) -> T {
        // Counters stay sound wherever a panic struck.
        ask(&mut self.throttle.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
