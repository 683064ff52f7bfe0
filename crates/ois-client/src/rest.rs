//! The few REST calls that a member's program needs beside its link.
//!
//! They block; in an async program `spawn_blocking` is the place for them.

use std::time::Duration;

use ois_protocol::{
    EventId, Message,
    http::{MembersAnswer, Messages, Verify},
};
use serde::de::DeserializeOwned;
use ureq::Agent;

use crate::{Address, Token, tls};

/// A server's HTTP side, with a member's token.
#[derive(Debug, Clone)]
pub struct Rest {
    agent: Agent,
    address: Address,
    token: Token,
}

/// Why a REST call gave nothing. No secret stands in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestError {
    /// Nobody answers there.
    #[error("{address} is unreachable")]
    Unreachable {
        /// The server's address.
        address: Address,
        /// The system's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server answered with an error.
    #[error("server answered {status}: {words}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The server's words.
        words: String,
    },
    /// The answer is none that an OIS server gives.
    #[error("answer of {0} is not understood")]
    BadAnswer(Address),
}

impl Rest {
    /// Prepares calls; nothing is sent yet. Proxies of the environment are not used.
    pub fn new(address: Address, token: Token, within: Duration) -> Self {
        let mut settings = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(within));
        if address.secure {
            settings = tls::trusting(settings);
        }
        Self { agent: settings.build().new_agent(), address, token }
    }

    /// Asks the server which member the token belongs to.
    ///
    /// # Errors
    /// [`RestError::Refused`] with status 401 if nobody's. OIS 1.2 answers so for agents' tokens.
    pub fn verify(&self) -> Result<Verify, RestError> {
        self.get("/api/verify")
    }

    /// Everybody in the register.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn members(&self) -> Result<MembersAnswer, RestError> {
        self.get("/api/members")
    }

    /// A message of the room `main` and at the most so many around it, oldest first.
    ///
    /// # Errors
    /// As [`verify`](Self::verify). OIS 1.2 has no such route.
    pub fn messages_around(&self, id: EventId, limit: usize) -> Result<Vec<Message>, RestError> {
        let page: Messages = self.get(&format!("/api/messages?around={id}&limit={limit}"))?;
        Ok(page.messages)
    }

    fn get<T: DeserializeOwned>(&self, route: &str) -> Result<T, RestError> {
        let bearer = format!("Bearer {}", self.token.reveal());
        let request = self.agent.get(self.address.http(route)).header("Authorization", bearer);
        let unreachable = |error: ureq::Error| RestError::Unreachable {
            address: self.address.clone(),
            source: Box::new(error),
        };
        let mut answer = request.call().map_err(unreachable)?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(LONGEST).read_to_string();
        let body = body.map_err(unreachable)?;
        if status != 200 {
            return Err(RestError::Refused { status, words: words(&body) });
        }
        serde_json::from_str(&body).map_err(|_| RestError::BadAnswer(self.address.clone()))
    }
}

fn words(body: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    json["error"].as_str().unwrap_or("no reason given").chars().take(200).collect()
}

const LONGEST: u64 = 16 << 20;
