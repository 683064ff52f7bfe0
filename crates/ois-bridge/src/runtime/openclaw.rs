//! An agent behind an OpenClaw gateway.
//!
//! The usual way is the gateway's WebSocket: the method `agent` under the delivery's key, then
//! `agent.wait`. Gateways that are too old for it get the original monitor's way, `sessions_send`
//! over HTTP, which tells less: nobody learns there what became of a turn whose end was not seen.

mod legacy;
mod rpc;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ois_gateway::{Config, Gateway, GatewayError, Http};
use ois_inbox::{Assignment, Done, Outcome, packet::Bounds};
use ois_protocol::Reason;

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
    pub gateway: Config,
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
    /// Since when turns wait for a restarted gateway to take them up.
    interrupted: Mutex<BTreeMap<String, Instant>>,
}

impl OpenClaw {
    /// Prepares it; the gateway is reached when it is needed.
    pub fn new(settings: Settings) -> Self {
        let (link, interrupted) = (Mutex::new(None), Mutex::new(BTreeMap::new()));
        Self(Arc::new(Shared { settings, link, interrupted }))
    }
}

impl Runtime for OpenClaw {
    fn deliver(&self, delivery: Assignment, evidence: Evidence) -> Working<Done> {
        let shared = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || shared.deliver(&delivery, &evidence));
        Box::pin(async move {
            done.await.unwrap_or_else(|error| Outcome::Unclear { why: error.to_string() }.into())
        })
    }

    fn stop(&self, delivery: Assignment) -> Working<Result<bool, RuntimeError>> {
        self.apart(move |shared| shared.stop(&delivery))
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
    fn deliver(&self, delivery: &Assignment, evidence: &Evidence) -> Done {
        if self.settings.mode == Mode::Legacy {
            return legacy::deliver(&self.settings, delivery, evidence).into();
        }
        match self.gateway() {
            Ok(gateway) => rpc::Turn::new(self, gateway, delivery, evidence).run(),
            Err(error) if self.is_too_old(&error) => {
                legacy::deliver(&self.settings, delivery, evidence).into()
            }
            // Whether an earlier try has begun a turn is as open as before.
            Err(error) if delivery.under_way.is_some() => {
                Outcome::Unclear { why: words(&error) }.into()
            }
            Err(error) => not_begun(&error).into(),
        }
    }

    fn stop(&self, delivery: &Assignment) -> Result<bool, GatewayError> {
        let run = delivery.under_way.as_ref().and_then(|it| it.run.as_deref());
        let room = delivery.message.room.as_str();
        let session = session_key(&self.settings, &delivery.identity.team, room);
        self.gateway()?.abort(&session, run.unwrap_or(&delivery.key), PROBE)
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

    /// How long this turn has been waiting for a restarted gateway to take it up.
    fn interrupted_for(&self, key: &str) -> Duration {
        let mut interrupted = self.interrupted.lock().unwrap_or_else(PoisonError::into_inner);
        interrupted.entry(key.to_owned()).or_insert_with(Instant::now).elapsed()
    }

    fn no_longer_interrupted(&self, key: &str) {
        self.interrupted.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// An error before anything can have begun.
fn not_begun(error: &GatewayError) -> Outcome {
    let retry_after_ms = match error {
        GatewayError::Busy { retry_after_ms, .. } => *retry_after_ms,
        // Somebody has to change a setting first; there is no hurry.
        GatewayError::Unauthorized { .. } | GatewayError::Refused { .. } => Some(30_000),
        _ => None,
    };
    Outcome::NotBegun { reason: reason(error), why: words(error), retry_after_ms }
}

/// What an error of the gateway is for the room.
fn reason(error: &GatewayError) -> Reason {
    match error {
        GatewayError::Unauthorized { .. } | GatewayError::Refused { .. } => Reason::Unauthorized,
        GatewayError::Busy { .. } => Reason::Busy,
        GatewayError::Rejected { .. } | GatewayError::TooLong { .. } => Reason::Rejected,
        GatewayError::KeySpent => Reason::Dropped,
        _ => Reason::Unreachable,
    }
}

/// How long the gateway may take to say how it is, or to stop a turn.
const PROBE: Duration = Duration::from_secs(15);

/// An error with its causes, on one line.
fn words(error: &GatewayError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
