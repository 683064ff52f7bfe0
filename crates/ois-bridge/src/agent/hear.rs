//! What the link tells.

use std::time::Duration;

use ois_client::{Event, Lost};
use ois_inbox::Effect;
use ois_protocol::{ErrorCode, ErrorFrame, Message, ServerFrame};

use super::{Agent, End, NotSaid, Said};
use crate::{clock, tasks::Stop};

impl Agent {
    pub(super) async fn event(&mut self, event: Event, stop: &mut Stop) -> Option<End> {
        let agent = &self.label;
        let effects = match event {
            Event::Connected(auth) => {
                tracing::info!(%agent, user = %auth.user, protocol = ?auth.protocol, "signed in");
                let hash = &self.address_hash;
                let effects = match self.inbox.signed_in(&auth, hash, clock::now()) {
                    Ok(effects) => effects,
                    Err(stranger) => return Some(End::IdentityMismatch(stranger)),
                };
                self.tell_presence().await;
                effects
            }
            Event::History(messages) => self.inbox.look_back(&messages, clock::now()),
            Event::Message(message) => self.message(&message),
            Event::Ack(ack) => {
                self.answer(&ack.nonce, Ok(Said { id: Some(ack.id) }));
                self.inbox.acked(&ack.nonce, ack.id, clock::now())
            }
            Event::Refused(error) => self.refused(&error),
            Event::Error(error) => {
                tracing::warn!(%agent, code = ?error.code, words = %error.message, about = error.about, "the server complains");
                if error.code == ErrorCode::CursorAhead {
                    self.inbox.rewind()
                } else {
                    self.inbox.not_taken(&error, clock::now())
                }
            }
            Event::Truncated(oldest) => {
                tracing::warn!(%agent, ?oldest, "messages before this one are not kept any more");
                Vec::new()
            }
            Event::Disconnected { why, pause } => {
                disconnected(agent, &why, pause);
                Vec::new()
            }
            Event::CaughtUp(_) => self.inbox.caught_up(clock::now()),
            Event::Told(ServerFrame::Delivery(said)) => self.inbox.reconcile(&said, clock::now()),
            Event::Told(ServerFrame::Run(run)) => self.inbox.reconcile_run(&run),
            Event::Told(ServerFrame::Stop(wanted)) => self.inbox.stop(&wanted),
            _ => Vec::new(),
        };
        self.carry_out(effects, stop).await
    }

    fn message(&mut self, message: &Message) -> Vec<Effect> {
        self.heard += 1;
        self.inbox.receive(message, clock::now())
    }

    fn refused(&mut self, error: &ErrorFrame) -> Vec<Effect> {
        let Some(nonce) = &error.nonce else { return Vec::new() };
        self.answer(nonce, Err(NotSaid::Refused(error.message.clone())));
        self.inbox.refused(nonce, &error.message, clock::now())
    }
}

fn disconnected(agent: &str, why: &Lost, pause: Duration) {
    let cause = std::error::Error::source(why).map(ToString::to_string);
    match why {
        Lost::Unauthorized => {
            tracing::error!(%agent, "the server does not accept OIS_AGENT_TOKEN; trying again later");
        }
        _ => tracing::warn!(%agent, %why, cause, ?pause, "not connected; trying again"),
    }
}
