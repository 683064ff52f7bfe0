//! What the runtime tells.

use ois_inbox::Outcome;
use ois_protocol::{ClientFrame, EventId, Reason, Stopped};
use tokio::time::Instant;

use super::{Agent, End};
use crate::{
    clock,
    runtime::{RuntimeError, Step},
    tasks::Stop,
};

impl Agent {
    pub(super) async fn step(&mut self, step: Step, stop: &mut Stop) -> Option<End> {
        let effects = match step {
            // Whoever waits to begin learns that it must not.
            Step::Begun { id, .. } if !self.inbox.may_begin(id) => return None,
            Step::Begun { id, epoch, kept } => {
                let effects = self.inbox.begun(id, epoch);
                let end = self.carry_out(effects, stop).await;
                if end.is_none() && kept.send(()).is_err() {
                    tracing::debug!(agent = %self.label, call = %id, "the runtime does not wait");
                }
                return end;
            }
            Step::Admitted { id, run } => {
                tracing::info!(agent = %self.label, call = %id, %run, "the turn has begun");
                self.proved().await;
                self.inbox.admitted(id, run, clock::now())
            }
            Step::Settled { id, done } => {
                tracing::debug!(agent = %self.label, call = %id, "the runtime has told the outcome");
                if let Outcome::NotBegun { reason, why, .. } = &done.outcome
                    && matches!(reason, Reason::Unreachable | Reason::Unauthorized)
                {
                    self.unproved(why).await;
                }
                self.inbox.settle(id, done, clock::now(), clock::dice())
            }
            Step::Stopped { id, run, stopped } => {
                let effects = self.inbox.stopped(id, stopped.clone().ok());
                self.tell(stopped_frame(run, stopped)).await;
                effects
            }
            Step::Probed(probed) => {
                self.probe_at = Some(Instant::now() + self.probe_every);
                match probed {
                    Ok(()) => self.proved().await,
                    Err(RuntimeError(why)) => self.unproved(&why).await,
                }
                return None;
            }
            Step::Fetched { id, fetched } => self.inbox.fetched(id, fetched, clock::now()),
        };
        self.carry_out(effects, stop).await
    }

    /// Asks the runtime whether it lives.
    pub(super) fn probe(&mut self) {
        self.probe_at = None;
        let (probing, steps) = (self.runtime.probe(), self.steps.0.clone());
        self.tasks.spawn(|mut stop| async move {
            tokio::select! {
                // A loop that has ended wants to know nothing more.
                probed = probing => drop(steps.send(Step::Probed(probed)).await),
                () = stop.asked() => {}
            }
        });
    }

    /// The runtime has answered.
    pub(super) async fn proved(&mut self) {
        self.path.proved(clock::now());
        self.tell_presence().await;
    }

    async fn unproved(&mut self, why: &str) {
        if self.path.failed(clock::now()) {
            tracing::warn!(agent = %self.label, why, "the runtime does not answer: the agent is deaf");
            self.tell_presence().await;
        }
    }

    /// Whether a turn is under way is news for those who look on.
    pub(super) async fn watch_work(&mut self) {
        if self.path.at_work(self.inbox.is_at_work(), clock::now()) {
            self.tell_presence().await;
        }
    }

    pub(super) async fn tell_presence(&self) {
        let identity = self.inbox.state().identity.as_ref().filter(|identity| identity.native);
        let presence = identity.and_then(|identity| self.path.presence(&identity.me));
        if let Some(presence) = presence {
            self.tell(ClientFrame::Presence(presence)).await;
        }
    }

    /// Tells the server something that it is told again, if it matters, after the next sign-in.
    pub(super) async fn tell(&self, frame: ClientFrame) {
        let speaker = self.link.speaker();
        if speaker.is_online() && speaker.tell(frame).await.is_err() {
            tracing::debug!(agent = %self.label, "the link has ended");
        }
    }

    /// Has the runtime stop a turn.
    pub(super) fn stop_turn(&mut self, delivery: ois_inbox::Assignment) {
        let id: EventId = delivery.message.id;
        let run = delivery.under_way.as_ref().and_then(|it| it.run.clone()).unwrap_or_default();
        tracing::info!(agent = %self.label, call = %id, %run, "stopping the turn");
        let (stopping, steps) = (self.runtime.stop(delivery), self.steps.0.clone());
        self.tasks.spawn(|mut stop| async move {
            tokio::select! {
                stopped = stopping => {
                    // As in `probe`.
                    drop(steps.send(Step::Stopped { id, run, stopped }).await);
                }
                () = stop.asked() => {}
            }
        });
    }
}

fn stopped_frame(run: String, stopped: Result<bool, RuntimeError>) -> ClientFrame {
    let (stopped, detail) = match stopped {
        Ok(true) => (true, None),
        Ok(false) => (false, Some("it was not running any more".to_owned())),
        Err(RuntimeError(why)) => (false, Some(why)),
    };
    ClientFrame::Stopped(Stopped { run, stopped, detail })
}
