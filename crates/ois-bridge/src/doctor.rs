//! Checks each link of the chain from the room to the agent, and says what to do about a broken one.

mod gateway;
mod host;
mod server;

use std::net::SocketAddr;

use serde::Serialize;

use crate::{AgentConfig, openclaw};

/// What is examined.
#[derive(Clone, Debug)]
pub struct Patient {
    /// The agent's settings.
    pub agent: AgentConfig,
    /// The name that the settings claim for it, if any.
    pub name: Option<String>,
    /// Its gateway.
    pub gateway: openclaw::Settings,
}

/// One link of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Whose, if it is an agent's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Which link.
    pub link: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
    /// What to do, if something is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// How a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It holds.
    Good,
    /// It may hold; it could not be seen, or is unusual.
    Unsure,
    /// It is broken.
    Broken,
}

/// Examines everything, one after the other: the host, then each agent's server and gateway.
pub async fn examine(patients: &[Patient], local: SocketAddr) -> Vec<Check> {
    let mut checks = vec![host::port(local).await];
    for patient in patients {
        let label = &patient.agent.label;
        let mut found = vec![host::folder(patient.agent.folder.as_deref())];
        let (signed_in, team) = server::check(patient).await;
        found.extend(signed_in);
        let settings = patient.gateway.clone();
        let looked = apart(move || gateway::check(&settings, team.as_deref())).await;
        found.extend(looked.unwrap_or_default());
        checks.extend(found.into_iter().map(|check| Check { agent: Some(label.clone()), ..check }));
    }
    checks
}

fn good(link: &'static str, seen: impl Into<String>) -> Check {
    Check { agent: None, link, verdict: Verdict::Good, seen: seen.into(), advice: None }
}

fn unsure(link: &'static str, seen: impl Into<String>, advice: &str) -> Check {
    Check { verdict: Verdict::Unsure, advice: Some(advice.to_owned()), ..good(link, seen) }
}

fn broken(link: &'static str, seen: impl Into<String>, advice: impl Into<String>) -> Check {
    Check { verdict: Verdict::Broken, advice: Some(advice.into()), ..good(link, seen) }
}

/// An error with its causes, on one line.
fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

/// Runs something that blocks, away from the loop.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
