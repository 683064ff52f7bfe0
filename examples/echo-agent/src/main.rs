//! The smallest agent: it answers every mention with the words of the mention.
//!
//! `OIS_URL=ws://127.0.0.1:8800 OIS_AGENT_TOKEN=… cargo run -p echo-agent`

use std::env::var;

use anyhow::{Context, Result};
use ois_client::{Config, Credential, Event, Link};
use ois_protocol::{Chat, DisplayName, Message};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let url = var("OIS_URL").unwrap_or_else(|_| "ws://127.0.0.1:8800".to_owned());
    let token = var("OIS_AGENT_TOKEN").context("OIS_AGENT_TOKEN is not set")?;
    let mut link = Link::start(Config::new(url.parse()?, Credential::agent(&token)))?;
    let mut me = String::new();
    while let Some(event) = link.next().await {
        match event {
            Event::Connected(welcome) => {
                me = welcome.user.parse::<DisplayName>()?.short().to_string();
            }
            Event::Message(message) if calls(&message, &me) => {
                link.say(answer(&message)).await?;
            }
            Event::Disconnected { why, .. } => eprintln!("{why}"),
            _ => {}
        }
    }
    Ok(())
}

/// Whether the message mentions this agent and comes from a person. Two agents that echo each other
/// would never stop.
fn calls(message: &Message, me: &str) -> bool {
    !message.agent && message.mentions.iter().any(|name| name == me || name == "all")
}

/// Returns the same words as a reply that mentions nobody.
fn answer(message: &Message) -> Chat {
    Chat {
        text: message.text.replace('@', ""),
        reply_to: Some(message.id),
        cause: Some(message.id),
        ..Chat::in_main()
    }
}
