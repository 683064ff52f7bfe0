//! `--demo`: a small agent inside the server's process, which runs the monitor's own code.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use ois_auth::{ChangeError, NewMember, OsEntropy, Token};
use ois_bridge::{AgentConfig, Bridge, Echo};
use ois_http::Server;
use ois_protocol::{Role, ShortName};

use crate::{clock::now, team::Team};

/// The display name of the built-in agent.
const NAME: &str = "Echo 🤖";

/// A running built-in agent.
pub(crate) struct Demo {
    name: ShortName,
    bridge: Bridge,
}

/// Registers the agent, or gives it a fresh token, and connects it like any other.
pub(crate) async fn start(team: &Team, server: &Server) -> Result<Demo> {
    let display: ois_protocol::DisplayName = NAME.parse()?;
    let name = display.short();
    let token = Token::random(&mut OsEntropy::open()?);
    let hash = token.hash();
    let new = NewMember { display, role: Role::Agent, duties: Vec::new() };
    let renewed = team.keys.change(|keyring| match keyring.reset_token(&name, hash) {
        Err(ChangeError::Unknown(_)) => {
            keyring.add_agent(new, hash, now()).map_err(anyhow::Error::from)
        }
        other => other.map_err(anyhow::Error::from),
    });
    renewed.await??;
    server.keyring_changed().await;
    let address = format!("ws://{}", server.address()).parse()?;
    let agent = AgentConfig::new(name.to_string(), address, ois_client::Token::new(token.reveal()));
    let bridge = Bridge::start(vec![(agent, Arc::new(Echo))], None).await?;
    Ok(Demo { name, bridge })
}

impl Demo {
    /// Returns the name by which the agent is mentioned.
    pub(crate) fn name(&self) -> &ShortName {
        &self.name
    }

    /// Stops the agent and waits for its end.
    pub(crate) async fn stop(self) {
        if !self.bridge.stop(Duration::from_secs(2)).await {
            tracing::debug!("the built-in agent took its time");
        }
    }
}
