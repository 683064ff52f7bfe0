//! The server's doors: HTTP routes, the WebSocket, the page. A door translates and calls; it
//! decides nothing.
//!
//! One chat message on its way: `ws` reads a frame and gives it to the team's core (`hot`,
//! `ois_chat::Team`); `commit` appends what the core has decided as one batch; `follow` reads it back from
//! the log and hands it to `tail`, which frames it once, and to the core; `commit` sweeps over all
//! connections (`conn`), the sender's included.
//!
//! ```no_run
//! # async fn example(store: std::sync::Arc<dyn ois_store::Store>) -> Result<(), Box<dyn std::error::Error>> {
//! let keys = std::sync::Arc::new(ois_http::Keys::open(store.clone()).await?);
//! let listener = ois_http::listen("127.0.0.1:0".parse()?, &ois_http::SocketSettings::default())?;
//! let server = ois_http::serve(listener, store, keys, ois_http::Settings::default()).await?;
//! println!("listening on {}", server.address());
//! server.stop(std::time::Duration::from_secs(10)).await;
//! # Ok(())
//! # }
//! ```

mod access;
mod api;
mod bell;
mod body;
mod checkpoint;
mod clock;
pub mod codec;
mod commit;
mod conn;
mod conns;
mod content;
mod escape;
mod files;
mod follow;
mod gather;
mod headers;
mod health;
mod history;
mod hot;
mod hub;
mod keys;
mod listen;
mod metrics;
mod ops;
mod page;
mod reply;
mod request;
mod route;
mod sending;
mod serve;
mod settings;
mod state;
mod tail;
mod target;
mod tasks;
mod upgrade;
mod upgraded;
mod uploads;
mod workers;
mod ws;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use ois_auth::OsEntropy;
use ois_chat::ladder::Query;
use ois_protocol::{
    Delivery, DeliveryId, ErrorFrame,
    http::{DeliveriesAnswer, UsageBy, UsageRow},
};
use ois_store::Store;

pub use checkpoint::{BudgetsError, budgets, change_budgets, desk};
pub use hub::HubError;
pub use keys::{Keys, KeysError};
pub use listen::{SocketSettings, listen};
pub use ois_chat::team::BatchLimits;
pub use settings::{Cidr, CidrError, PublicUrl, PublicUrlError, Settings};
pub use tasks::{Stop, Tasks};

use crate::{
    hot::Parts, hub::Hub, metrics::Metrics, serve::Acceptor, state::State, workers::Workers,
};

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    hub: Hub,
    tasks: Tasks,
    /// What keeps the threads that serve HTTP.
    workers: Tasks,
    /// Taken by who stops it.
    hot: Mutex<Option<JoinHandle<()>>>,
}

/// Why the doors did not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The socket could not be used.
    #[error("cannot listen")]
    Listen(#[from] io::Error),
    /// The system gives no threads.
    #[error("cannot start the threads that serve HTTP")]
    Workers(#[source] io::Error),
    /// The hot loop did not start.
    #[error("cannot start")]
    Hub(#[from] HubError),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Entropy(#[source] ois_auth::NoEntropy),
}

/// Opens the doors on a socket that is bound. When this answers, everything works.
///
/// # Errors
/// [`ServeError`]; then nothing runs.
pub async fn serve(
    listener: TcpListener,
    store: Arc<dyn Store>,
    keys: Arc<Keys>,
    settings: Settings,
) -> Result<Server, ServeError> {
    let address = listener.local_addr()?;
    let metrics = Arc::new(Metrics::new());
    let parts = Parts {
        store: Arc::clone(&store),
        keys: Arc::clone(&keys),
        metrics: Arc::clone(&metrics),
        limits: settings.limits,
        tail_bytes: settings.tail_bytes,
        batch: settings.batch,
        desk: settings.desk,
    };
    let (hub, hot) = Hub::start(parts).await?;
    let (tasks, workers) = (Tasks::new(), Tasks::new());
    let http = Workers::start(settings.http_workers, &workers).map_err(ServeError::Workers)?;
    let entropy = OsEntropy::open().map_err(ServeError::Entropy)?;
    let state = Arc::new(State::new(store, keys, hub.clone(), metrics, entropy, settings));
    let (acceptor, stop) = (Acceptor { state, http, tasks: tasks.clone() }, tasks.token());
    let begin = move |adopt| Ok(serve::accept(serve::listen(listener)?, acceptor, stop, adopt));
    hub.run(begin).await?;
    Ok(Server { address, hub, tasks, workers, hot: Mutex::new(Some(hot)) })
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// To be called when the keyring was changed from outside: members appear or are shown out.
    pub async fn keyring_changed(&self) {
        self.hub.keyring_changed().await;
    }

    /// To be called when the budgets were changed from outside ([`change_budgets`]): from now on
    /// these count.
    ///
    /// # Errors
    /// If they cannot be read; then those of before count.
    pub async fn budgets_changed(&self) -> Result<(), ErrorFrame> {
        self.hub.budgets_changed().await
    }

    /// What turns have cost, from this day (`YYYY-MM-DD`) on.
    ///
    /// # Errors
    /// If the server is stopping.
    pub async fn usage(
        &self,
        by: UsageBy,
        from_day: Option<String>,
    ) -> Result<Vec<UsageRow>, ErrorFrame> {
        self.hub.usage(by, from_day).await
    }

    /// How far mentions came: at the most so many of those that are asked for.
    ///
    /// # Errors
    /// If the server is stopping.
    pub async fn deliveries(
        &self,
        query: Query,
        most: usize,
    ) -> Result<DeliveriesAnswer, ErrorFrame> {
        self.hub.deliveries(query, most, |_| true).await
    }

    /// Drives a delivery again that failed or was given up; answers with its next attempt once
    /// that is stored.
    ///
    /// # Errors
    /// If there is no such delivery, or it is not over, or the disk does not take it.
    pub async fn retry(&self, id: DeliveryId) -> Result<Delivery, ErrorFrame> {
        self.hub.retry(id).await
    }

    /// Takes no more requests, stores and sends what was said, says good-bye to everybody and
    /// ends, within about this time.
    pub async fn stop(&self, most: Duration) {
        if !self.tasks.stop(most).await {
            tracing::info!("stopping before all requests were answered");
        }
        self.hub.stop().await;
        let hot = self.hot.lock().unwrap_or_else(PoisonError::into_inner).take();
        if hot.is_some_and(|hot| hot.join().is_err()) {
            tracing::error!("the event loop panicked");
        }
        if !self.workers.stop(most).await {
            tracing::debug!("a thread that served HTTP took its time");
        }
    }
}
