//! Carrying out what the inbox wants, in its order.

use std::{sync::Arc, time::Duration};

use ois_client::Closed;
use ois_inbox::{Assignment, Effect, Ending, Record};
use ois_protocol::{Chat, ClientFrame, EventId};
use tokio::time::sleep;

use super::{Agent, End, activity, fetch};
use crate::{
    runtime::{Evidence, Step},
    tasks::Stop,
};

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
                Effect::Deliver(delivery) => self.deliver(*delivery),
                Effect::Stop(delivery) => self.stop_turn(*delivery),
                Effect::Fetch(id) => self.fetch(id),
                Effect::Report(report) => self.tell(ClientFrame::Delivery(*report)).await,
                Effect::Run(run) => self.tell(ClientFrame::Run(*run)).await,
                Effect::NotStopped(stopped) => self.tell(ClientFrame::Stopped(stopped)).await,
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

    /// Hands a call to the runtime, in a task of its own, and shows what the agent does meanwhile.
    fn deliver(&mut self, delivery: Assignment) {
        let id = delivery.message.id;
        tracing::info!(agent = %self.label, call = %id, attempt = delivery.attempt, "waking the agent");
        let (evidence, doing) = Evidence::new(id, self.steps.0.clone());
        let native = delivery.identity.native;
        if native {
            let (speaker, room) = (self.link.speaker(), delivery.message.room.clone());
            self.tasks.spawn(|stop| activity::show(speaker, room, doing, stop));
        }
        let (runtime, rest) = (Arc::clone(&self.runtime), self.rest.clone());
        // Not waited for at the end: what it does goes on in the runtime anyway.
        self.tasks.spawn(|mut stop| async move {
            let working = async {
                let delivery = if native && !delivery.missing.is_nothing() {
                    fetch::surroundings(rest, delivery).await
                } else {
                    delivery
                };
                runtime.deliver(delivery, evidence.clone()).await
            };
            tokio::select! {
                done = working => evidence.settled(done).await,
                () = stop.asked() => {}
            }
        });
    }

    fn fetch(&self, id: EventId) {
        let (rest, steps) = (self.rest.clone(), self.steps.0.clone());
        self.tasks.spawn(|mut stop| async move {
            tokio::select! {
                fetched = fetch::message(rest, id) => {
                    // A loop that has ended fetches again after its restart.
                    drop(steps.send(Step::Fetched { id, fetched }).await);
                }
                () = stop.asked() => {}
            }
        });
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
        Ending::Failed { reason, detail } => {
            tracing::error!(%agent, call, ?reason, detail, "not answered");
        }
        Ending::Withdrawn => tracing::info!(%agent, call, "nobody waits for this agent's answer"),
    }
}

const DISK_PAUSE: Duration = Duration::from_secs(5);
