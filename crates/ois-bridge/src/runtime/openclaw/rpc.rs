//! One turn by way of the gateway's WebSocket.

use std::time::Duration;

use ois_chat::{
    inbox::{Delivery, Outcome},
    packet::{self, Packet},
};
use ois_gateway::{Fate, Gateway, GatewayError, Outcome as Ended, Source, Turn as Request, fate};

use super::{Evidence, Shared, not_begun, session_key, words};

/// A delivery in the gateway's hands.
pub(super) struct Turn<'a> {
    pub(super) shared: &'a Shared,
    pub(super) gateway: Gateway,
    pub(super) delivery: &'a Delivery,
    pub(super) evidence: &'a Evidence,
}

impl Turn<'_> {
    pub(super) fn run(&self) -> Outcome {
        if self.delivery.under_way.is_none() {
            return self.begin();
        }
        let outcome = self.look();
        if !matches!(outcome, Outcome::Unclear { .. }) {
            self.shared.no_longer_interrupted(&self.delivery.key);
        }
        outcome
    }

    fn begin(&self) -> Outcome {
        let request = self.request();
        if !self.evidence.begun_blocking(Some(self.gateway.boot_id().to_owned())) {
            return Outcome::Unclear { why: "the monitor is ending".to_owned() };
        }
        match self.gateway.deliver(&request, REQUEST) {
            Ok(admitted) => {
                self.evidence.admitted_blocking(admitted.run_id.clone());
                self.wait(&admitted.run_id)
            }
            Err(GatewayError::KeySpent) => Outcome::KeySpent,
            Err(error @ (GatewayError::Rejected { .. } | GatewayError::TooLong { .. })) => {
                Outcome::Rejected { why: words(&error) }
            }
            Err(error) if error.may_have_begun() => Outcome::Unclear { why: words(&error) },
            Err(error) => not_begun(&error),
        }
    }

    /// Waits for the end, however long it takes, as long as the gateway says that it goes on.
    fn wait(&self, run: &str) -> Outcome {
        loop {
            match self.gateway.wait(run, SLICE) {
                Ok(Ended::Replied(text)) => return Outcome::Replied(text),
                Ok(Ended::Silent) => return Outcome::Silent,
                // The gateway says the same of a turn that it did not run because it knows the key
                // from before its restart: then the history has the answer.
                Ok(Ended::Failed { reason }) => {
                    return match self.fate() {
                        Ok(Fate::Answered(text)) => Outcome::Replied(text),
                        _ => Outcome::Failed { why: reason },
                    };
                }
                Ok(Ended::StillRunning) if self.evidence.is_closed() => {
                    return Outcome::Unclear { why: "the monitor is ending".to_owned() };
                }
                Ok(Ended::StillRunning) => match self.fate() {
                    Ok(Fate::Running | Fate::Continued { .. }) => {}
                    Ok(fate) => return self.follow(fate),
                    Err(error) => return Outcome::Unclear { why: words(&error) },
                },
                Err(error) => return Outcome::Unclear { why: words(&error) },
            }
        }
    }

    /// What became of a turn whose end was not seen.
    fn look(&self) -> Outcome {
        match self.fate() {
            Ok(fate) => self.follow(fate),
            Err(error) => Outcome::Unclear { why: words(&error) },
        }
    }

    fn follow(&self, fate: Fate) -> Outcome {
        let key = &self.delivery.key;
        match fate {
            Fate::Answered(text) => Outcome::Replied(text),
            Fate::Silent => Outcome::Silent,
            Fate::Failed(why) => Outcome::Failed { why },
            Fate::Running => {
                self.evidence.admitted_blocking(key.clone());
                self.wait(key)
            }
            Fate::Continued { run_id } => {
                self.evidence.admitted_blocking(run_id.clone());
                self.wait(&run_id)
            }
            Fate::Interrupted if self.shared.interrupted_for(key) < TAKEN_UP_WITHIN => {
                Outcome::Unclear {
                    why: "the gateway is about to take the turn up again".to_owned(),
                }
            }
            Fate::Interrupted | Fate::Died => {
                Outcome::Failed { why: "the gateway's restart cut the turn short".to_owned() }
            }
            Fate::Dropped => Outcome::KeySpent,
            Fate::NeverBegun => self.begin(),
            Fate::OutOfSight => {
                Outcome::Failed { why: "the turn is out of the session's history".to_owned() }
            }
        }
    }

    fn fate(&self) -> Result<Fate, GatewayError> {
        let (key, now) = (&self.delivery.key, self.gateway.boot_id());
        let under_way = self.delivery.under_way.as_ref();
        // Within one try, the gateway that was asked is the one that answers.
        let then = under_way.map_or(Some(now), |it| it.epoch.as_deref()).unwrap_or_default();
        let session = self.session();
        let mut last = Fate::OutOfSight;
        for rows in ROWS {
            let history = self.gateway.history(&session, rows, REQUEST)?;
            last = fate(&history, key, then, now);
            if last != Fate::OutOfSight {
                break;
            }
        }
        Ok(last)
    }

    fn request(&self) -> Request {
        let Delivery { message, identity, .. } = self.delivery;
        let text = packet::compose(&Packet {
            agent: &identity.me,
            trigger: message,
            context: &self.delivery.context,
            possible_duplicate: self.delivery.possible_duplicate,
            bounds: self.shared.settings.bounds,
        });
        Request {
            session_key: self.session(),
            message: text,
            idempotency_key: self.delivery.key.clone(),
            extra_system_prompt: Some(packet::system_prompt(&identity.me, &message.room)),
            source: Some(source(&format!("ois:{}:{}", identity.team, message.room))),
        }
    }

    fn session(&self) -> String {
        let (team, room) = (&self.delivery.identity.team, self.delivery.message.room.as_str());
        session_key(&self.shared.settings, team, room)
    }
}

/// Says something in the agent's own session, without waiting for what it makes of it.
pub(super) fn tell(
    gateway: &Gateway,
    session_key: String,
    text: String,
    word: String,
) -> Result<(), GatewayError> {
    let request = Request {
        session_key,
        message: text,
        idempotency_key: format!("ois:user:{word}"),
        extra_system_prompt: None,
        source: Some(source("ois:local")),
    };
    gateway.deliver(&request, REQUEST).map(drop)
}

fn source(session_key: &str) -> Source {
    Source {
        session_key: session_key.to_owned(),
        channel: "ois".to_owned(),
        tool: "ois".to_owned(),
    }
}

/// How long a request may take that does not wait for the agent.
const REQUEST: Duration = Duration::from_secs(30);
/// After this long the history is asked whether the turn still goes on.
const SLICE: Duration = Duration::from_secs(60);
/// A restarted gateway takes up one session at a time; beyond this it will not any more.
const TAKEN_UP_WITHIN: Duration = Duration::from_secs(120);
/// How many rows of a session's history are looked at, first and then at the most.
const ROWS: [u32; 2] = [50, 1000];
