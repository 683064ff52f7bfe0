//! What the server says of deliveries: its receipts, and what others did about them.

use ois_protocol::{Delivery, EventId, Message, Reason, Rung, Stop, Stopped, Timestamp};

use super::{Call, Effect, Ending, Inbox, Record, Stage, Wanted};

/// The result of fetching a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The message was found.
    Found(Box<Message>),
    /// There is no such message.
    Gone,
    /// The server was not to be reached.
    Failed,
}

impl Inbox {
    /// The server tells how far a delivery is, as the log has it.
    pub fn reconcile(&mut self, said: &Delivery, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.me() != Some(&said.agent) {
            return effects;
        }
        if self.held_until.is_some() {
            self.hold(now);
        }
        let id = said.message;
        if self.state.closings.get(&id).is_some_and(|mine| knows(said, mine)) {
            effects.push(self.note(Record::Confirmed { id }));
        }
        match self.state.calls.get(&id).cloned() {
            Some(call) => effects.extend(self.reconcile_call(&call, said, now)),
            None => effects.extend(self.reconcile_unknown(said, now)),
        }
        self.tick(now, &mut effects);
        effects
    }

    /// Takes the result of [`Effect::Fetch`].
    pub fn fetched(&mut self, id: EventId, fetched: Fetched, now: Timestamp) -> Vec<Effect> {
        self.fetching.remove(&id);
        let Some(wanted) = self.state.wanted.get(&id).copied() else { return Vec::new() };
        let mut effects = Vec::new();
        match fetched {
            Fetched::Failed => {
                self.retry_at.insert(id, now.after_ms(FETCH_AGAIN_MS));
            }
            Fetched::Gone => {
                effects.push(self.note(Record::NotWanted { id }));
                let me = self.me().cloned();
                effects.extend(me.and_then(|me| {
                    self.tell(Delivery {
                        attempt: wanted.attempt,
                        state: Rung::Dead,
                        reason: Some(Reason::Rejected),
                        detail: Some("the message is not kept any more".to_owned()),
                        ..Delivery::stored(id, me, wanted.since)
                    })
                }));
            }
            Fetched::Found(message) => {
                let call = self.new_call(&message, Stage::Waiting, now);
                let looked = call.context.last().map_or(self.state.looked, |last| last.id);
                let Wanted { attempt, possible_duplicate, .. } = wanted;
                effects.extend(self.drive(call.again(attempt, possible_duplicate, now)));
                let (id, looked) = (self.state.cursor, looked.max(self.state.looked));
                effects.push(self.note(Record::Cursor { id, looked }));
            }
        }
        self.tick(now, &mut effects);
        effects
    }

    /// A person wants a turn stopped.
    pub fn stop(&mut self, stop: &Stop) -> Vec<Effect> {
        let named = self.state.calls.values().find(|call| {
            call.is_under_way() && call.run.as_ref().is_some_and(|it| it.run == stop.run)
        });
        let Some(call) = named.filter(|_| self.me() == Some(&stop.agent)) else {
            let detail = Some("no turn of this name is under way".to_owned());
            return vec![Effect::NotStopped(Stopped {
                run: stop.run.clone(),
                stopped: false,
                detail,
            })];
        };
        let call = Call { stopping: true, ..call.clone() };
        let identity = self.state.identity.as_ref().expect("only a member has calls");
        let delivery = call.assignment(identity);
        // A turn that was stopped has left no trace at the runtime: after a restart it would look
        // like one that never began.
        vec![self.note(Record::Call(Box::new(call))), Effect::Stop(Box::new(delivery))]
    }

    /// The runtime's answer to [`Effect::Stop`], if it gave one.
    pub fn stopped(&mut self, id: EventId, stopped: Option<bool>) -> Vec<Effect> {
        let is_stopping = |call: &&Call| call.stopping && !call.timed_out && call.is_under_way();
        let call = self.state.calls.get(&id).filter(is_stopping);
        let Some(call) = call.filter(|_| stopped == Some(false)) else { return Vec::new() };
        let call = Call { stopping: false, ..call.clone() };
        vec![self.note(Record::Call(Box::new(call)))]
    }

    fn reconcile_call(&mut self, call: &Call, said: &Delivery, now: Timestamp) -> Vec<Effect> {
        let id = said.message;
        if said.attempt < call.attempt {
            return Vec::new();
        }
        if call.is_under_way() || call.is_speaking() || self.running.contains(&id) {
            // What is under way goes on to its end; then comes what a person wants besides.
            return self.reconcile_unknown(said, now);
        }
        if said.state.is_final() {
            return self.close(id, Ending::Withdrawn, now);
        }
        if self.is_standby() && said.state > Rung::Stored {
            // The monitor that is awake has it.
            return self.close(id, Ending::Withdrawn, now);
        }
        if said.state == Rung::Stored && said.attempt > call.attempt {
            let mut effects = self.ran(call, &Ending::Withdrawn, now);
            effects.extend(self.drive(call.again(said.attempt, said.possible_duplicate, now)));
            return effects;
        }
        if call.stage == Stage::Offered && said.state >= Rung::Received {
            let call = Call { stage: Stage::Waiting, ..call.clone() };
            return vec![self.note(Record::Call(Box::new(call)))];
        }
        Vec::new()
    }

    /// The server speaks of a delivery that is no call: a person may have driven it again.
    fn reconcile_unknown(&mut self, said: &Delivery, now: Timestamp) -> Vec<Effect> {
        let id = said.message;
        let closed = self.state.closings.get(&id).map_or(1, |mine| mine.attempt);
        let closed = self.state.calls.get(&id).map_or(closed, |call| call.attempt);
        let wanted = self.state.wanted.get(&id).map(|wanted| wanted.attempt);
        let is_taken = said.state.is_final() || (self.is_standby() && said.state > Rung::Stored);
        if is_taken && wanted.is_some_and(|attempt| attempt <= said.attempt) {
            return vec![self.note(Record::NotWanted { id })];
        }
        let known = wanted.unwrap_or(0).max(closed);
        if said.state != Rung::Stored || said.attempt <= known {
            return Vec::new();
        }
        let possible_duplicate = said.possible_duplicate;
        let wanted = Wanted { attempt: said.attempt, possible_duplicate, since: now };
        vec![self.note(Record::Wanted { id, wanted })]
    }

    /// Takes a call up once more.
    fn drive(&mut self, call: Call) -> Vec<Effect> {
        let id = call.message.id;
        self.tried.remove(&id);
        self.retry_at.remove(&id);
        self.unreported.remove(&id);
        let report = self.tell_of(&call);
        let mut effects = vec![self.note(Record::Call(Box::new(call)))];
        if self.state.wanted.contains_key(&id) {
            effects.push(self.note(Record::NotWanted { id }));
        }
        effects.extend(report);
        effects
    }

    pub(super) fn is_offered(&self, id: EventId) -> bool {
        self.state.calls.get(&id).is_some_and(|call| call.stage == Stage::Offered)
    }
}

/// Whether the server's state says as much as ours, or can say no more.
fn knows(said: &Delivery, mine: &Delivery) -> bool {
    said.attempt > mine.attempt || (said.attempt == mine.attempt && said.state.is_final())
}

/// How soon a message is fetched again.
const FETCH_AGAIN_MS: u64 = 30_000;
