//! An agent behind an OpenClaw gateway.
//!
//! The usual way is the gateway's WebSocket: the method `agent` under the assignment's key, then
//! `agent.wait`. Gateways that are too old for it get the original monitor's way, `sessions_send`
//! over HTTP, which tells less: nobody learns there what became of a turn whose end was not seen.

mod legacy;
mod rpc;
pub mod turn;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ois_gateway::{Gateway, GatewayConfig, GatewayError, Http};
use ois_inbox::{Assignment, Done, Outcome, packet::Bounds};

use self::{
    rpc::TurnDriver,
    turn::{Interruptions, Turn, words},
};
use super::{Evidence, Runtime, RuntimeError, Working};
use crate::clock;

/// How a gateway is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The WebSocket; `sessions_send` if the gateway is too old for it.
    #[default]
    Auto,
    /// The WebSocket.
    Rpc,
    /// `sessions_send` over HTTP, with the original's text.
    Legacy,
}

/// Where an agent lives.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The gateway.
    pub gateway: GatewayConfig,
    /// How it is spoken to.
    pub mode: Mode,
    /// The agent's id at the gateway, normally `main`.
    pub agent: String,
    /// The session that gets the room's messages. Without one it is
    /// `agent:<agent>:ois:<team>:<room>`, and `agent:<agent>:webchat` in the original's way.
    pub session_key: Option<String>,
    /// How much a packet may hold.
    pub bounds: Bounds,
}

/// An agent behind an OpenClaw gateway. Clones share the connection.
#[derive(Clone, Debug)]
pub struct OpenClaw(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: Settings,
    link: Mutex<Option<Gateway>>,
    interruptions: Mutex<Interruptions>,
}

impl OpenClaw {
    /// Prepares it; the gateway is reached when it is needed.
    pub fn new(settings: Settings) -> Self {
        let (link, interruptions) = (Mutex::new(None), Mutex::default());
        Self(Arc::new(Shared { settings, link, interruptions }))
    }
}

impl Runtime for OpenClaw {
    fn deliver(&self, assignment: Assignment, evidence: Evidence) -> Working<Done> {
        let shared = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || shared.deliver(&assignment, &evidence));
        Box::pin(async move {
            done.await.unwrap_or_else(|error| Outcome::Unclear { why: error.to_string() }.into())
        })
    }

    fn stop(&self, assignment: Assignment) -> Working<Result<bool, RuntimeError>> {
        self.apart(move |shared| shared.stop(&assignment))
    }

    fn probe(&self) -> Working<Result<(), RuntimeError>> {
        self.apart(Shared::probe)
    }

    fn tell_owner(&self, text: String) -> Working<Result<(), RuntimeError>> {
        self.apart(move |shared| shared.tell_owner(text))
    }
}

impl OpenClaw {
    /// Runs something that blocks, away from the loop.
    fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, GatewayError> + Send + 'static,
    ) -> Working<Result<T, RuntimeError>> {
        let shared = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&shared));
        Box::pin(async move {
            let done = done.await.map_err(|error| RuntimeError(error.to_string()))?;
            done.map_err(|error| RuntimeError(words(&error)))
        })
    }
}

/// The session of a room, unless a setting says otherwise.
pub(crate) fn session_key(settings: &Settings, team: &str, room: &str) -> String {
    let own = || format!("agent:{}:ois:{team}:{room}", settings.agent);
    settings.session_key.clone().unwrap_or_else(own)
}

impl Shared {
    fn deliver(&self, assignment: &Assignment, evidence: &Evidence) -> Done {
        if self.settings.mode == Mode::Legacy {
            return legacy::deliver(&self.settings, assignment, evidence).into();
        }
        match self.gateway() {
            Ok(gateway) => TurnDriver::new(self, gateway, assignment, evidence).run(),
            Err(error) if self.is_too_old(&error) => {
                legacy::deliver(&self.settings, assignment, evidence).into()
            }
            Err(error) => Turn::not_reached(assignment, &error).into(),
        }
    }

    fn stop(&self, assignment: &Assignment) -> Result<bool, GatewayError> {
        let room = assignment.message.room.as_str();
        let session = session_key(&self.settings, &assignment.identity.team, room);
        self.gateway()?.abort(&session, Turn::run_to_stop(assignment), PROBE)
    }

    /// The socket to the gateway stands, and the gateway finds itself well.
    fn probe(&self) -> Result<(), GatewayError> {
        let legacy = || Http::new(&self.settings.gateway)?.alive(PROBE).map(drop);
        if self.settings.mode == Mode::Legacy {
            return legacy();
        }
        match self.gateway() {
            Ok(gateway) => gateway.probe(PROBE).map(drop),
            Err(error) if self.is_too_old(&error) => legacy(),
            Err(error) => Err(error),
        }
    }

    fn tell_owner(&self, text: String) -> Result<(), GatewayError> {
        let session_key = format!("agent:{}:main", self.settings.agent);
        match self.settings.mode {
            Mode::Legacy => legacy::tell(&self.settings, session_key, text),
            Mode::Auto | Mode::Rpc => match self.gateway() {
                Ok(gateway) => rpc::tell(&gateway, session_key, text, clock::fresh_word()),
                Err(error) if self.is_too_old(&error) => {
                    legacy::tell(&self.settings, session_key, text)
                }
                Err(error) => Err(error),
            },
        }
    }

    /// The connection, made anew if it has ended.
    fn gateway(&self) -> Result<Gateway, GatewayError> {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gateway) = link.as_ref().filter(|gateway| gateway.ended().is_none()) {
            return Ok(gateway.clone());
        }
        *link = None;
        let gateway = Gateway::connect(&self.settings.gateway)?;
        tracing::info!(version = gateway.server_version(), "connected to the gateway");
        Ok(link.insert(gateway).clone())
    }

    fn is_too_old(&self, error: &GatewayError) -> bool {
        let old = matches!(error, GatewayError::Incompatible { theirs, .. } if *theirs < 4);
        self.settings.mode == Mode::Auto && old
    }

    fn interruptions(&self) -> MutexGuard<'_, Interruptions> {
        self.interruptions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long the gateway may take to say how it is, or to stop a turn.
const PROBE: Duration = Duration::from_secs(15);
