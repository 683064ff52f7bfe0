//! A client for OpenClaw gateways, over WebSocket RPC and HTTP.
//!
//! A [`Gateway`] is one WebSocket to one gateway, with threads of its own; it is cheap to clone,
//! and any number of threads may have requests under way at once. A message becomes a turn of an
//! agent in two steps: [`Gateway::deliver`] admits it under an idempotency key, and
//! [`Gateway::wait`] tells how it ended. [`Http`] is for gateways that are too old for that.
//!
//! ```no_run
//! use std::time::Duration;
//! use ois_gateway::{GatewayConfig, Gateway, GatewayError, Outcome, Source, GatewayToken, Turn};
//!
//! fn ask(token: &str) -> Result<Option<String>, GatewayError> {
//!     let config = GatewayConfig::new("ws://127.0.0.1:18789", GatewayToken::new(token));
//!     let gateway = Gateway::connect(&config)?;
//!     let turn = Turn {
//!         session_key: "agent:main:ois:5f0c2a91:main".into(),
//!         message: "[main] bob: is the build green?".into(),
//!         idempotency_key: "ois:5f0c2a91:1042:aria:1".into(),
//!         extra_system_prompt: Some("Answer NO_REPLY to stay silent.".into()),
//!         source: Some(Source {
//!             session_key: "ois:main".into(),
//!             channel: "ois".into(),
//!             tool: "ois".into(),
//!         }),
//!     };
//!     let admitted = gateway.deliver(&turn, Duration::from_secs(30))?;
//!     match gateway.wait(&admitted.run_id, Duration::from_secs(600))? {
//!         Outcome::Replied(text) => Ok(Some(text)),
//!         _ => Ok(None),
//!     }
//! }
//! ```
//!
//! The crate promises that every request ends: by its answer, by its deadline or by the end of the
//! link. A link that has been silent for two of the gateway's tick intervals is given up, and every
//! caller that waits on it is told; whether to connect again is the caller's decision. No error and
//! no `Debug` text contains a secret. When the end of a turn was not seen (because of a restart or
//! a lost link), [`turn_outcome`] reads the session's history and tells how the turn ended.
//!
//! The crate never repeats a request by itself, reads no environment, prints nothing and sends no
//! `Origin` header (with one the gateway grants no scope). The blocking calls belong on a thread
//! that may block; an async program calls them in `spawn_blocking`.
//!
//! The behaviour of the gateway is that of OpenClaw 2026.9.6, protocol 4.

mod config;
mod error;
mod gateway;
mod http;
mod rpc;
mod socket;
mod tls;
mod turn_outcome;
mod wire;

pub use config::{GatewayConfig, GatewayToken};
pub use error::GatewayError;
pub use gateway::{Following, Gateway};
pub use http::{Http, Readiness, Sent, SessionsSend};
pub use turn_outcome::{TurnOutcome, turn_outcome};
pub use wire::event::{Cost, GatewayEvent, RunEvent, RunStep, ToolPhase};
pub use wire::hello::Hello;
pub use wire::history::{History, Queued, QueuedState, Role, Row, SessionState, StopReason};
pub use wire::turn::{Admission, Admitted, Health, Outcome, Source, Turn};
