//! What a gateway is asked, and what it answers.

use std::{io, sync::Arc};

use ois_bridge::openclaw::turn::GatewayReply;
use ois_gateway::{Cost, GatewayError, Outcome, SessionState};

use super::{Gateway, Input, Known, Waiter, answer};
use crate::{
    ledger::End,
    scene::{Call, Event, Scene},
};

/// What a gateway is asked.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// Make a connection.
    Hello,
    /// Give the agent a turn.
    Deliver(Input),
    /// Tell how this run ended, or after so many milliseconds that it has not.
    Wait(String, u64),
    /// Show the last rows of the session.
    History(usize),
    /// Stop this run.
    Abort(String),
    /// Tell what the run with this key has cost.
    Cost(String),
}

/// What a gateway answers.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// It is there, in this life.
    Hello(u32),
    /// The answer to what a turn asks.
    Gateway(GatewayReply),
}

/// How a question to a gateway ends.
pub(crate) type Answer = Result<Reply, GatewayError>;

impl Gateway {
    pub(crate) fn asked(&mut self, call: Call, request: Request, scene: &mut Scene) {
        let reply = |scene: &mut Scene, reply| answer(scene, self.agent, call, reply);
        if matches!(request, Request::Hello) {
            let up = self.process.is_some();
            return reply(scene, if up { Ok(Reply::Hello(self.boot)) } else { Err(unreachable()) });
        }
        if self.process.is_none() || call.boot != Some(self.boot) {
            return reply(scene, Err(lost()));
        }
        let breaks = scene.random.chance(scene.weather.gateway_breaks);
        if breaks && scene.random.chance(5000) {
            return reply(scene, Err(lost())); // it never arrived
        }
        if let Some(said) = self.does(call, request, scene) {
            answer(scene, self.agent, call, if breaks { Err(lost()) } else { said });
        }
        self.may_die(scene);
    }

    fn does(&mut self, call: Call, request: Request, scene: &mut Scene) -> Option<Answer> {
        match request {
            Request::Hello => None,
            Request::Deliver(input) => Some(self.deliver(input, scene)),
            Request::Wait(run, ms) => self.wait(call, run, ms, scene),
            Request::History(most) => {
                Some(replied(GatewayReply::History(Box::new(self.history(most)))))
            }
            Request::Abort(run) => Some(replied(GatewayReply::Aborted(self.abort(&run, scene)))),
            Request::Cost(run) => Some(replied(GatewayReply::Cost(self.cost(&run)))),
        }
    }

    fn deliver(&mut self, input: Input, scene: &mut Scene) -> Answer {
        let Some(process) = &mut self.process else { return Err(lost()) };
        let key = input.key.clone();
        if process.keys.contains_key(&key) {
            return replied(GatewayReply::Admitted(key));
        }
        if scene.random.chance(scene.weather.busy) {
            let retry_after_ms = Some(scene.random.below(20_000));
            let (what, why) = ("agent".to_owned(), "simulated".to_owned());
            return Err(if scene.random.chance(500) {
                GatewayError::Rejected { what, why }
            } else if scene.random.chance(5000) {
                GatewayError::Busy { retry_after_ms, why }
            } else {
                unreachable()
            });
        }
        if self.interrupted.contains(&key) {
            return Err(GatewayError::KeySpent);
        }
        scene.ledger.accepted.insert((self.agent, key.clone()));
        let written = format!("{key}:user");
        if self.rows.iter().any(|row| row.key.as_deref() == Some(&written)) {
            // It knows the key from before its restart, and does not run it again.
            process
                .keys
                .insert(key.clone(), Known::Ended(Outcome::Failed { reason: "failed".to_owned() }));
            self.write_failure(&key);
            return replied(GatewayReply::Admitted(key));
        }
        process.keys.insert(key.clone(), Known::Open);
        if scene.random.chance(scene.weather.drops) {
            scene.note(format_args!("gateway {} drops {key}", self.agent));
            return replied(GatewayReply::Admitted(key));
        }
        process.queue.push_back(input);
        self.begin(scene);
        replied(GatewayReply::Admitted(key))
    }

    fn wait(&mut self, call: Call, run: String, ms: u64, scene: &mut Scene) -> Option<Answer> {
        let forgets = scene.random.chance(scene.weather.forgets);
        let process = self.process.as_mut()?;
        if let Some(Known::Ended(outcome)) = process.keys.get(&run).filter(|_| !forgets) {
            return Some(replied(GatewayReply::Waited(outcome.clone())));
        }
        process.waited += 1;
        let number = process.waited;
        process.waiters.push(Waiter { number, run, call });
        scene.after(ms, Event::WaitEnds(self.agent, self.boot, number));
        None
    }

    /// Somebody has waited long enough.
    pub(crate) fn wait_ends(&mut self, boot: u32, number: u64, scene: &mut Scene) {
        let Some(process) = self.process.as_mut().filter(|_| boot == self.boot) else { return };
        let Some(at) = process.waiters.iter().position(|it| it.number == number) else { return };
        let waiter = process.waiters.remove(at);
        let reply = replied(GatewayReply::Waited(Outcome::StillRunning));
        answer(scene, self.agent, waiter.call, reply);
    }

    fn abort(&mut self, run: &str, scene: &mut Scene) -> bool {
        let Some(process) = &mut self.process else { return false };
        if let Some(at) = process.queue.iter().position(|input| input.key == run) {
            process.queue.remove(at);
        } else if process.active.as_ref().is_some_and(|active| active.run == run) {
            process.active = None;
            self.state = SessionState::Stopped;
            self.last_run = Some(run.to_owned());
            if scene.random.chance(5000) {
                // It may leave no trace.
                let written = format!("{run}:user");
                self.rows.retain(|row| row.key.as_deref() != Some(&written));
            }
        } else {
            return false;
        }
        scene.note(format_args!("gateway {} stops {run}", self.agent));
        scene.ledger.ends(self.agent, run, End::Stopped);
        self.tell(run, Outcome::Stopped, scene);
        self.begin(scene);
        true
    }

    /// What a run has cost, as the gateway tells by itself.
    fn cost(&self, run: &str) -> Option<Cost> {
        let row = self.rows.iter().rfind(|row| row.run_id.as_deref() == Some(run));
        row.and_then(|row| row.cost)
    }

    /// How a run ended, to whoever waits and whoever asks later.
    pub(super) fn tell(&mut self, run: &str, outcome: Outcome, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        process.keys.insert(run.to_owned(), Known::Ended(outcome.clone()));
        for waiter in process.waiters.extract_if(.., |waiter| waiter.run == run) {
            let reply = replied(GatewayReply::Waited(outcome.clone()));
            answer(scene, self.agent, waiter.call, reply);
        }
    }
}

fn replied(reply: GatewayReply) -> Answer {
    Ok(Reply::Gateway(reply))
}

/// The connection is gone; whatever was asked may have been done.
pub(super) fn lost() -> GatewayError {
    GatewayError::Lost { why: "simulated".to_owned() }
}

fn unreachable() -> GatewayError {
    let cause = Arc::new(io::Error::from(io::ErrorKind::ConnectionRefused));
    GatewayError::Unreachable { address: "simulated".to_owned(), cause }
}
