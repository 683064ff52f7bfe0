//! What a gateway is asked, and what it answers.

use ois_gateway::{History, SessionState};
use ois_protocol::Reason;

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
}

/// What it answers.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Hello(u32),
    Admitted(String),
    Replied(String),
    Silent,
    Failed,
    Stopped,
    StillRunning,
    History(Box<History>),
    Aborted(bool),
    KeySpent,
    Rejected,
    /// Not now, and certainly nothing has begun.
    NotNow(Reason, Option<u64>),
    /// The connection is gone; whatever was asked may have been done.
    Lost,
}

impl Gateway {
    pub(crate) fn asked(&mut self, call: Call, request: Request, scene: &mut Scene) {
        let reply = |scene: &mut Scene, reply| answer(scene, self.agent, call, reply);
        if matches!(request, Request::Hello) {
            let up = Reply::Hello(self.boot);
            let down = Reply::NotNow(Reason::Unreachable, None);
            return reply(scene, if self.process.is_some() { up } else { down });
        }
        if self.process.is_none() || call.boot != Some(self.boot) {
            return reply(scene, Reply::Lost);
        }
        let breaks = scene.random.chance(scene.weather.gateway_breaks);
        if breaks && scene.random.chance(5000) {
            return reply(scene, Reply::Lost); // it never arrived
        }
        if let Some(said) = self.does(call, request, scene) {
            if scene.random.chance(scene.weather.admits_twice) {
                answer(scene, self.agent, call, said.clone());
            }
            answer(scene, self.agent, call, if breaks { Reply::Lost } else { said });
        }
        self.may_die(scene);
    }

    fn does(&mut self, call: Call, request: Request, scene: &mut Scene) -> Option<Reply> {
        match request {
            Request::Hello => None,
            Request::Deliver(input) => Some(self.deliver(input, scene)),
            Request::Wait(run, ms) => self.wait(call, run, ms, scene),
            Request::History(most) => Some(Reply::History(Box::new(self.history(most)))),
            Request::Abort(run) => Some(Reply::Aborted(self.abort(&run, scene))),
        }
    }

    fn deliver(&mut self, input: Input, scene: &mut Scene) -> Reply {
        let Some(process) = &mut self.process else { return Reply::Lost };
        let key = input.key.clone();
        if process.keys.contains_key(&key) {
            return Reply::Admitted(key);
        }
        if scene.random.chance(scene.weather.busy) {
            let busy = Reply::NotNow(Reason::Busy, Some(scene.random.below(20_000)));
            let away = Reply::NotNow(Reason::Unreachable, None);
            return if scene.random.chance(500) {
                Reply::Rejected
            } else {
                [busy, away][scene.random.index(2)].clone()
            };
        }
        if self.interrupted.contains(&key) {
            return Reply::KeySpent;
        }
        scene.ledger.accepted.insert((self.agent, key.clone()));
        let written = format!("{key}:user");
        if self.rows.iter().any(|row| row.key.as_deref() == Some(&written)) {
            // It knows the key from before its restart, and does not run it again.
            process.keys.insert(key.clone(), Known::Ended(Reply::Failed));
            self.write_failure(&key);
            return Reply::Admitted(key);
        }
        process.keys.insert(key.clone(), Known::Open);
        if scene.random.chance(scene.weather.drops) {
            scene.note(format_args!("gateway {} drops {key}", self.agent));
            return Reply::Admitted(key);
        }
        process.queue.push_back(input);
        self.begin(scene);
        Reply::Admitted(key)
    }

    fn wait(&mut self, call: Call, run: String, ms: u64, scene: &mut Scene) -> Option<Reply> {
        let forgets = scene.random.chance(scene.weather.forgets);
        let process = self.process.as_mut()?;
        if let Some(Known::Ended(reply)) = process.keys.get(&run).filter(|_| !forgets) {
            return Some(reply.clone());
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
        answer(scene, self.agent, waiter.call, Reply::StillRunning);
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
        self.tell(run, Reply::Stopped, scene);
        self.begin(scene);
        true
    }

    /// How a run ended, to whoever waits and whoever asks later.
    pub(super) fn tell(&mut self, run: &str, reply: Reply, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        process.keys.insert(run.to_owned(), Known::Ended(reply.clone()));
        for waiter in process.waiters.extract_if(.., |waiter| waiter.run == run) {
            answer(scene, self.agent, waiter.call, reply.clone());
        }
    }
}
