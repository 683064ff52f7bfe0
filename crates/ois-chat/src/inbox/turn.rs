//! From a waiting call to its end.

use ois_protocol::{EventId, Nonce, Timestamp};

use super::{Call, Effect, Ending, Inbox, Outcome, Record, Stage, UnderWay, cut, is_silence};

impl Inbox {
    /// The runtime is about to be asked for a turn; `epoch` names its process (an OpenClaw
    /// gateway's boot id), if it has a name.
    pub fn begun(&mut self, id: EventId, epoch: Option<String>) -> Vec<Effect> {
        if !self.running.contains(&id) {
            return Vec::new(); // a word that comes after the end
        }
        self.stage(id, Stage::Delivering { under_way: UnderWay { epoch, run: None } })
    }

    /// The runtime confirms that a turn has begun, under this name.
    pub fn admitted(&mut self, id: EventId, run: String) -> Vec<Effect> {
        if !self.running.contains(&id) {
            return Vec::new(); // as above
        }
        self.refusals = 0;
        let epoch = match self.state.calls.get(&id).map(|call| &call.stage) {
            Some(Stage::Delivering { under_way }) => under_way.epoch.clone(),
            _ => None,
        };
        self.stage(id, Stage::Delivering { under_way: UnderWay { epoch, run: Some(run) } })
    }

    /// How it went with a call that the runtime had in hand. `dice` is any number.
    pub fn settle(
        &mut self,
        id: EventId,
        outcome: Outcome,
        now: Timestamp,
        dice: u32,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !self.running.remove(&id) {
            return effects; // it has ended otherwise
        }
        if !matches!(outcome, Outcome::NotBegun { .. }) {
            self.refusals = 0;
        }
        if let Some(call) = self.state.calls.get(&id).cloned() {
            self.follow(call, outcome, now, dice, &mut effects);
        }
        self.tick(now, &mut effects);
        effects
    }

    /// The server has stored what was said with this nonce.
    pub fn acked(&mut self, nonce: &Nonce, answer: EventId) -> Vec<Effect> {
        let Some(call) = self.speaking(nonce) else { return Vec::new() };
        let ending = match &call.stage {
            Stage::Regretting { reason } => Ending::Failed { reason: reason.clone() },
            _ => Ending::Replied { answer: Some(answer) },
        };
        self.close(call.message.id, ending)
    }

    /// The server will not take what was said with this nonce.
    pub fn refused(&mut self, nonce: &Nonce, why: &str) -> Vec<Effect> {
        let ending = Ending::Failed { reason: format!("the server refused the answer: {why}") };
        let id = self.speaking(nonce).map(|call| call.message.id);
        id.map_or_else(Vec::new, |id| self.close(id, ending))
    }

    pub(super) fn tick(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.state.identity.is_none() {
            return;
        }
        let over = self.state.calls.values().filter(|call| self.is_over(call, now));
        for (id, ending) in over.map(Call::late).collect::<Vec<_>>() {
            effects.extend(self.end(id, ending));
        }
        if now < self.paused_until {
            return;
        }
        let ready: Vec<EventId> = self
            .state
            .calls
            .values()
            .filter(|call| self.is_idle(call))
            .map(|call| call.message.id)
            .filter(|id| self.again_at.get(id).is_none_or(|at| *at <= now))
            .collect();
        // Those that may have begun hold a place already; the others take one in order.
        let (begun, fresh): (Vec<_>, Vec<_>) =
            ready.into_iter().partition(|id| self.state.calls[id].is_under_way());
        for id in begun {
            effects.push(self.deliver(id));
        }
        for id in fresh {
            if self.is_full() {
                break;
            }
            effects.push(self.deliver(id));
        }
    }

    /// Hands a call over.
    fn deliver(&mut self, id: EventId) -> Effect {
        self.running.insert(id);
        self.tried.insert(id);
        self.again_at.remove(&id);
        let identity = self.state.identity.as_ref().expect("nothing is delivered before a sign-in");
        Effect::Deliver(Box::new(self.state.calls[&id].delivery(identity)))
    }

    fn follow(
        &mut self,
        mut call: Call,
        outcome: Outcome,
        now: Timestamp,
        dice: u32,
        effects: &mut Vec<Effect>,
    ) {
        let id = call.message.id;
        match outcome {
            Outcome::Silent => effects.extend(self.close(id, Ending::Silent)),
            Outcome::Replied(text) if is_silence(&text) => {
                effects.extend(self.close(id, Ending::Silent));
            }
            Outcome::Replied(text) if call.has_said(&text) => {
                effects.extend(self.close(id, Ending::Replied { answer: None }));
            }
            Outcome::Replied(text) => {
                let text = cut(text.trim(), self.settings.text_bytes);
                effects.extend(self.stage(id, Stage::Answering { text }));
                effects.extend(self.state.calls[&id].answer().map(Effect::Say));
            }
            Outcome::Rejected { why } => {
                effects.extend(self.end(id, Ending::Failed { reason: why }));
            }
            Outcome::NotBegun { why, retry_after_ms } => {
                self.refusals = self.refusals.saturating_add(1);
                let pause = retry_after_ms.unwrap_or(0).max(pause_ms(self.refusals, dice));
                self.paused_until = now.after_ms(pause);
                call.trouble = Some(why);
                call.stage = Stage::Waiting;
                effects.push(self.note(Record::Call(Box::new(call))));
            }
            Outcome::Unclear { why } => {
                call.unclear = call.unclear.saturating_add(1);
                call.trouble = Some(why);
                self.again_at.insert(id, now.after_ms(pause_ms(call.unclear, dice)));
                effects.push(self.note(Record::Call(Box::new(call))));
            }
            Outcome::KeySpent => self.anew(call, Begun::No, now, dice, effects),
            Outcome::Failed { why } => {
                call.trouble = Some(why);
                self.anew(call, Begun::Yes, now, dice, effects);
            }
        }
    }

    /// The next attempt, under a fresh key, if there may be one.
    fn anew(
        &mut self,
        mut call: Call,
        begun: Begun,
        now: Timestamp,
        dice: u32,
        effects: &mut Vec<Effect>,
    ) {
        let id = call.message.id;
        if call.answered {
            effects.extend(self.close(id, Ending::Replied { answer: None }));
            return;
        }
        if begun == Begun::Yes {
            call.turns += 1;
            call.possible_duplicate = true;
        }
        if call.turns >= self.settings.attempts {
            let reason = call.trouble.unwrap_or_else(|| "it ended without an answer".to_owned());
            effects.extend(self.end(id, Ending::Failed { reason }));
            return;
        }
        call.attempt += 1;
        call.unclear = 0;
        call.stage = Stage::Waiting;
        self.again_at.insert(id, now.after_ms(pause_ms(call.turns.max(1), dice)));
        effects.push(self.note(Record::Call(Box::new(call))));
    }

    fn stage(&mut self, id: EventId, stage: Stage) -> Vec<Effect> {
        let Some(call) = self.state.calls.get(&id).filter(|call| call.stage != stage) else {
            return Vec::new();
        };
        let call = Call { stage, ..call.clone() };
        vec![self.note(Record::Call(Box::new(call)))]
    }

    /// Ends a call. Whoever asked is told if no answer will come; the call is over once that is stored.
    fn end(&mut self, id: EventId, ending: Ending) -> Vec<Effect> {
        let Ending::Failed { reason } = ending else { return self.close(id, ending) };
        self.running.remove(&id);
        let mut effects = self.stage(id, Stage::Regretting { reason });
        effects.extend(self.state.calls.get(&id).and_then(Call::answer).map(Effect::Say));
        effects
    }

    pub(super) fn close(&mut self, id: EventId, ending: Ending) -> Vec<Effect> {
        self.running.remove(&id);
        self.tried.remove(&id);
        self.again_at.remove(&id);
        let closed = Record::Closed { id, ending: ending.clone() };
        vec![self.note(closed), Effect::Ended { id, ending }]
    }

    /// The call whose last word has this nonce.
    fn speaking(&self, nonce: &Nonce) -> Option<&Call> {
        self.state.calls.values().find(|call| call.is_speaking() && call.nonce() == *nonce)
    }

    /// Whether a call waits for something to be done about it.
    pub(super) fn is_idle(&self, call: &Call) -> bool {
        !call.is_speaking() && !self.running.contains(&call.message.id)
    }

    /// Whether no further call may be begun.
    pub(super) fn is_full(&self) -> bool {
        let busy = |call: &&Call| call.is_under_way() || self.running.contains(&call.message.id);
        self.state.calls.values().filter(busy).count() >= self.settings.at_once
    }

    /// Whether nothing is to be tried any more. What this process has not tried yet gets its try,
    /// however long the host was down.
    fn is_over(&self, call: &Call, now: Timestamp) -> bool {
        let late = self.tried.contains(&call.message.id) && self.deadline(call) <= now;
        self.is_idle(call) && (late || (call.answered && call.stage == Stage::Waiting))
    }

    pub(super) fn deadline(&self, call: &Call) -> Timestamp {
        call.received.after_ms(self.settings.deadline_ms)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Begun {
    Yes,
    No,
}

/// 1 s after the first failure, doubling to 30 s; `dice` takes up to half of it away.
fn pause_ms(failures: u32, dice: u32) -> u64 {
    let most = (1000_u64 << failures.saturating_sub(1).min(5)).min(30_000);
    most - most / 2 * u64::from(dice) / u64::from(u32::MAX)
}
