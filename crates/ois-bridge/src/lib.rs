//! The monitor's drivers: the link to the room, the runtimes that wake an agent, the journal, the
//! local port.
//!
//! ```no_run
//! use std::sync::Arc;
//! use ois_bridge::{AgentConfig, Bridge, Echo};
//! use ois_client::Token;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let server = "ws://127.0.0.1:8800".parse()?;
//! let agent = AgentConfig::new("Echo", server, Token::new("its token"));
//! let bridge = Bridge::start(vec![(agent, Arc::new(Echo))], None).await?;
//! bridge.stop(std::time::Duration::from_secs(10)).await;
//! # Ok(())
//! # }
//! ```
//!
//! What follows from a message is decided in `ois-inbox` and in [`AgentMachine`], which has no
//! I/O; the loop around it carries that out. A runtime of another kind is one more implementation of [`Runtime`].

mod agent;
mod clock;
#[cfg(feature = "openclaw")]
pub mod doctor;
mod journal;
mod lines;
mod local;
pub mod runtime;
mod tasks;

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::sync::mpsc;

#[cfg(feature = "openclaw")]
pub use self::runtime::openclaw::{self, OpenClaw};
use self::{agent::Agent, tasks::Tasks};
pub use self::{
    agent::{
        AgentConfig,
        machine::{
            AgentAction, AgentMachine, AgentSettings, AgentStatus, NotSaid, RuntimeReport, Said,
        },
    },
    journal::JournalError,
    runtime::{Doing, Evidence, Runtime, RuntimeError, Working, echo::Echo},
};

/// Several agents of one host, each with its link, and their local port.
#[derive(Debug)]
pub struct Bridge {
    tasks: Tasks,
    local: Option<SocketAddr>,
}

/// Why a bridge did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// What an agent remembers cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The local port cannot be opened.
    #[error("cannot open the local port {address}")]
    Local {
        /// The address that was to be opened.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// Two agents bear the same label.
    #[error("two agents are called {0}")]
    Twice(String),
}

impl Bridge {
    /// Starts agents and, if an address is given, their local port; port 0 takes a free one. Needs a
    /// tokio runtime, which may have one thread.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub async fn start(
        agents: Vec<(AgentConfig, Arc<dyn Runtime>)>,
        local: Option<SocketAddr>,
    ) -> Result<Self, StartError> {
        let listener = match local {
            Some(address) => {
                let failed = |source| StartError::Local { address, source };
                Some(local::bind(address).await.map_err(failed)?)
            }
            None => None,
        };
        let tasks = Tasks::default();
        let mut doors = BTreeMap::new();
        let mut opened = Vec::new();
        for (config, runtime) in agents {
            // Full: the local port waits.
            let (asks, asked) = mpsc::channel(16);
            let label = config.label.clone();
            if doors.insert(label.clone(), asks).is_some() {
                return Err(StartError::Twice(label));
            }
            opened.push(Agent::open(config, runtime, tasks.clone(), asked)?);
        }
        for agent in opened {
            tasks.spawn(|stop| Box::pin(agent.run(stop)));
        }
        let local = listener.as_ref().and_then(|listener| listener.local_addr().ok());
        if let Some(listener) = listener {
            let (agents, inner) = (Arc::new(doors), tasks.clone());
            tasks.spawn(|stop| local::serve(listener, agents, inner, stop));
        }
        Ok(Self { tasks, local })
    }

    /// The address of the local port, if there is one.
    pub fn local(&self) -> Option<SocketAddr> {
        self.local
    }

    /// Stops everything and waits, at the most this long. Answers whether all ended in time. Nothing
    /// is lost either way: what is under way goes on after the next start.
    pub async fn stop(self, most: Duration) -> bool {
        self.tasks.stop(most).await
    }
}
