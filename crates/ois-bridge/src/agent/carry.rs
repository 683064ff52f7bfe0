//! Carrying out what the inbox wants, in its order.

use std::time::Duration;

use ois_chat::inbox::{Effect, Ending, Record};
use ois_client::Closed;
use ois_protocol::Chat;
use tokio::time::sleep;

use super::{Agent, End};
use crate::{runtime::Evidence, tasks::Stop};

impl Agent {
    pub(super) async fn carry_out(&mut self, effects: Vec<Effect>, stop: &mut Stop) -> Option<End> {
        let mut effects = effects.into_iter().peekable();
        while let Some(effect) = effects.next() {
            match effect {
                Effect::Journal(record) => {
                    let mut records = vec![record];
                    while let Some(Effect::Journal(record)) =
                        effects.next_if(|effect| matches!(effect, Effect::Journal(_)))
                    {
                        records.push(record);
                    }
                    if let Some(end) = self.write_down(&records, stop).await {
                        return Some(end);
                    }
                }
                Effect::Deliver(delivery) => {
                    let id = delivery.message.id;
                    tracing::info!(agent = %self.label, call = %id, attempt = delivery.attempt, "waking the agent");
                    let evidence = Evidence::new(id, self.steps.0.clone());
                    let working = self.runtime.deliver(*delivery, evidence.clone());
                    // Not waited for at the end: what it does goes on in the runtime anyway.
                    self.tasks.spawn(|mut stop| async move {
                        tokio::select! {
                            outcome = working => evidence.settled(outcome).await,
                            () = stop.asked() => {}
                        }
                    });
                }
                Effect::Say(chat) => {
                    if let Some(end) = self.say(chat, stop).await {
                        return Some(end);
                    }
                }
                Effect::Ended { id, ending } => ended(&self.label, id.get(), &ending),
            }
        }
        None
    }

    async fn write_down(&mut self, records: &[Record], stop: &mut Stop) -> Option<End> {
        while let Err(error) = self.journal.append(records, self.inbox.state()) {
            tracing::error!(agent = %self.label, %error, "cannot write to the state folder; waiting");
            if patience(stop).await.is_err() {
                return Some(End::Stopped);
            }
        }
        None
    }

    async fn say(&mut self, chat: Chat, stop: &mut Stop) -> Option<End> {
        loop {
            match self.link.say(chat.clone()).await {
                Ok(_) => return None,
                Err(Closed::Keep(error)) => {
                    tracing::error!(agent = %self.label, %error, "cannot keep the answer; waiting");
                }
                Err(_) => return Some(End::Stopped),
            }
            if patience(stop).await.is_err() {
                return Some(End::Stopped);
            }
        }
    }
}

/// Waits before the disk is tried again; an error if it is time to end.
async fn patience(stop: &mut Stop) -> Result<(), ()> {
    tokio::select! {
        () = sleep(DISK_PAUSE) => Ok(()),
        () = stop.asked() => Err(()),
    }
}

fn ended(agent: &str, call: u64, ending: &Ending) {
    match ending {
        Ending::Replied { answer } => {
            let answer = answer.map(|id| id.get());
            tracing::info!(%agent, call, answer, "answered");
        }
        Ending::Silent => tracing::info!(%agent, call, "the agent chose to say nothing"),
        Ending::Failed { reason } => tracing::error!(%agent, call, reason, "not answered"),
    }
}

const DISK_PAUSE: Duration = Duration::from_secs(5);
