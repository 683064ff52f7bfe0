//! From a waiting call to its end.

use ois_protocol::{Delivery, EventId, Nonce, Reason, Timestamp};

use super::{
    Call, Done, Effect, Ending, Inbox, Outcome, Record, Running, Stage, Trouble, cut, is_silence,
};

impl Inbox {
    /// Whether a turn may begin for this call: not if somebody wants it stopped, and not if it has
    /// ended. To be asked before [`begun`](Self::begun).
    pub fn may_begin(&self, id: EventId) -> bool {
        let call = self.state.calls.get(&id).filter(|_| self.running.contains(&id));
        call.is_some_and(|call| !call.stopping)
    }

    /// The runtime is about to be asked for a turn; `epoch` names its process (an OpenClaw
    /// gateway's boot id), if it has a name.
    pub fn begun(&mut self, id: EventId, epoch: Option<String>) -> Vec<Effect> {
        if !self.running.contains(&id) {
            return Vec::new(); // a word that comes after the end
        }
        self.stage(id, Stage::Delivering { epoch })
    }

    /// The runtime confirms that a turn has begun, under this name. Another name than before means
    /// that a new process of the runtime has taken the turn up.
    pub fn admitted(&mut self, id: EventId, run: String, now: Timestamp) -> Vec<Effect> {
        let Some(call) = self.state.calls.get(&id).filter(|_| self.running.contains(&id)) else {
            return Vec::new(); // as above
        };
        let before = call.run.as_ref();
        if !call.is_under_way() || before.is_some_and(|before| before.run == run) {
            return Vec::new();
        }
        let (call, had_run) = (call.clone(), before.is_some());
        self.refusals = 0;
        let mut effects = Vec::new();
        if had_run {
            let over = Call { run: call.run.clone().map(|it| it.ended(now)), ..call.clone() };
            let detail = "another process of the runtime has taken it up".to_owned();
            let ending = Ending::Failed { reason: Reason::Interrupted, detail };
            effects.extend(self.ran(&over, &ending, now));
        }
        let running = Running { run, start: now, end: None, usage: None };
        let call = Call { run: Some(running), ..call };
        effects.push(self.note(Record::Call(Box::new(call.clone()))));
        effects.extend(self.tell_of(&call));
        effects.extend(self.run_of(&call).map(|run| Effect::Run(Box::new(run))));
        effects
    }

    /// How it went with a call that the runtime had in hand. `dice` is any number.
    pub fn settle(
        &mut self,
        id: EventId,
        done: impl Into<Done>,
        now: Timestamp,
        dice: u32,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !self.running.remove(&id) {
            return effects; // it has ended otherwise
        }
        let Done { outcome, usage } = done.into();
        if !matches!(outcome, Outcome::NotBegun { .. }) {
            self.refusals = 0;
        }
        if let Some(mut call) = self.state.calls.get(&id).cloned() {
            if let Some(running) = &mut call.run {
                running.usage = usage.or(running.usage);
            }
            self.follow(call, outcome, now, dice, &mut effects);
        }
        self.tick(now, &mut effects);
        effects
    }

    /// The server has stored what was said with this nonce.
    pub fn acked(&mut self, nonce: &Nonce, answer: EventId, now: Timestamp) -> Vec<Effect> {
        let Some(call) = self.speaking(nonce) else { return Vec::new() };
        let ending = match &call.stage {
            Stage::AnnouncingFailure { reason, detail } => {
                Ending::Failed { reason: *reason, detail: detail.clone() }
            }
            _ => Ending::Replied { answer: Some(answer) },
        };
        self.close(call.message.id, ending, now)
    }

    /// The server will not take what was said with this nonce.
    pub fn refused(&mut self, nonce: &Nonce, why: &str, now: Timestamp) -> Vec<Effect> {
        let detail = format!("the server refused the answer: {why}");
        let ending = Ending::Failed { reason: Reason::AnswerRefused, detail };
        let id = self.speaking(nonce).map(|call| call.message.id);
        id.map_or_else(Vec::new, |id| self.close(id, ending, now))
    }

    pub(super) fn tick(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.state.identity.is_none() {
            return;
        }
        if self.report_at.is_some_and(|at| at <= now) {
            effects.extend(self.reports());
        }
        if self.is_held(now) {
            return;
        }
        self.held_until = None;
        self.end_what_is_over(now, effects);
        self.fetch(now, effects);
        if now < self.paused_until {
            return;
        }
        let ready: Vec<EventId> = self
            .state
            .calls
            .values()
            .filter(|call| self.is_idle(call))
            .map(|call| call.message.id)
            .filter(|id| self.retry_at.get(id).is_none_or(|at| *at <= now))
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

    fn end_what_is_over(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let over = self.state.calls.values().filter_map(|call| self.over(call, now));
        for (id, ending) in over.collect::<Vec<_>>() {
            match ending {
                Some(ending) => effects.extend(self.end(id, ending, now)),
                None => effects.extend(self.answered(id, "", now)),
            }
        }
    }

    /// Fetches what a person drives again, one after the other with what is under way for it.
    fn fetch(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let due: Vec<EventId> = self
            .state
            .wanted
            .keys()
            .filter(|id| !self.fetching.contains(id) && !self.state.calls.contains_key(id))
            .filter(|id| self.retry_at.get(id).is_none_or(|at| *at <= now))
            .copied()
            .collect();
        effects.extend(due.iter().copied().map(Effect::Fetch));
        self.fetching.extend(due);
    }

    /// Hands a call over.
    fn deliver(&mut self, id: EventId) -> Effect {
        self.running.insert(id);
        self.tried.insert(id);
        self.retry_at.remove(&id);
        let identity = self.state.identity.as_ref().expect("nothing is delivered before a sign-in");
        Effect::Deliver(Box::new(self.state.calls[&id].assignment(identity)))
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
        if !matches!(outcome, Outcome::Unclear { .. } | Outcome::NotBegun { .. }) {
            call.run = call.run.map(|running| running.ended(now));
        }
        match outcome {
            Outcome::Replied(text) if !is_silence(&text) && !call.has_said(&text) => {
                let text = cut(text.trim(), self.settings.text_bytes);
                call.stage = Stage::Answering { text };
                effects.push(self.note(Record::Call(Box::new(call.clone()))));
                effects.extend(call.last_word().map(Effect::Say));
                effects.extend(self.tell_of(&call));
            }
            Outcome::Replied(_) | Outcome::Silent => {
                let text = if let Outcome::Replied(text) = &outcome { text.as_str() } else { "" };
                effects.push(self.note(Record::Call(Box::new(call.clone()))));
                if call.answered || (!is_silence(text) && call.has_said(text)) {
                    effects.extend(self.answered(id, text, now));
                } else {
                    effects.extend(self.close(id, Ending::Silent, now));
                }
            }
            Outcome::Unclear { why } => {
                call.unclear = call.unclear.saturating_add(1);
                call.trouble = Some(Trouble { reason: Reason::Unclear, why });
                self.retry_at.insert(id, now.after_ms(pause_ms(call.unclear, dice)));
                effects.push(self.note(Record::Call(Box::new(call))));
            }
            Outcome::NotBegun { reason, why, retry_after_ms } => {
                self.refusals = self.refusals.saturating_add(1);
                let pause = retry_after_ms.unwrap_or(0).max(pause_ms(self.refusals, dice));
                self.paused_until = now.after_ms(pause);
                call.trouble = Some(Trouble { reason, why });
                call.stage = Stage::Waiting;
                effects.push(self.note(Record::Call(Box::new(call))));
            }
            Outcome::Failed { reason, why } if reason != Reason::Stopped && !call.stopping => {
                call.trouble = Some(Trouble { reason, why });
                self.anew(call, Begun::Yes, now, dice, effects);
            }
            Outcome::KeySpent if !call.stopping => {
                let why = "the runtime took it and never began it".to_owned();
                call.trouble = Some(Trouble { reason: Reason::Dropped, why });
                self.anew(call, Begun::No, now, dice, effects);
            }
            Outcome::Failed { reason, why } | Outcome::Rejected { reason, why } => {
                let reason = if call.stopping { Reason::Stopped } else { reason };
                effects.push(self.note(Record::Call(Box::new(call))));
                effects.extend(self.end(id, Ending::Failed { reason, detail: why }, now));
            }
            Outcome::KeySpent => {
                let detail = "stopped before it began".to_owned();
                let ending = Ending::Failed { reason: Reason::Stopped, detail };
                effects.extend(self.end(id, ending, now));
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
            effects.push(self.note(Record::Call(Box::new(call))));
            effects.extend(self.answered(id, "", now));
            return;
        }
        call.turns += 1;
        let possible_duplicate = call.possible_duplicate || begun == Begun::Yes;
        let trouble = call.trouble.clone();
        let Trouble { reason, why } = trouble.expect("an attempt that failed has a reason");
        if call.turns >= self.settings.attempts {
            // A person may drive it again.
            call.possible_duplicate = possible_duplicate;
            effects.push(self.note(Record::Call(Box::new(call))));
            effects.extend(self.end(id, Ending::Failed { reason, detail: why }, now));
            return;
        }
        let failed = Ending::Failed { reason, detail: why };
        effects.extend(self.ran(&call, &failed, now));
        let report = self.state.identity.as_ref().map(|it| Box::new(call.failed_report(it)));
        call.failed = report.filter(|_| self.is_native());
        call.attempt += 1;
        call.possible_duplicate = possible_duplicate;
        call.unclear = 0;
        call.run = None;
        call.stopping = false;
        call.stage = Stage::Waiting;
        self.retry_at.insert(id, now.after_ms(pause_ms(call.turns, dice)));
        effects.push(self.note(Record::Call(Box::new(call.clone()))));
        effects.extend(call.failed.clone().and_then(|failed| self.tell(*failed)));
        effects.extend(self.tell_of(&call));
    }

    /// The agent has answered by itself: the call is over when it is known with which message.
    fn answered(&mut self, id: EventId, text: &str, now: Timestamp) -> Vec<Effect> {
        let Some(call) = self.state.calls.get(&id).cloned() else { return Vec::new() };
        let answer = call.own_answer(text);
        if answer.is_some() || !self.is_native() {
            return self.close(id, Ending::Replied { answer }, now);
        }
        // Its last words are among what it said: whichever of these the room shows is the answer.
        let mut said = call.said.clone();
        said.retain(|said| said.text == text.trim());
        let call = Call { said, stage: Stage::Answered, ..call };
        let report = self.tell_of(&call);
        let mut effects = vec![self.note(Record::Call(Box::new(call)))];
        effects.extend(report);
        effects
    }

    fn stage(&mut self, id: EventId, stage: Stage) -> Vec<Effect> {
        let Some(call) = self.state.calls.get(&id).filter(|call| call.stage != stage) else {
            return Vec::new();
        };
        let call = Call { stage, ..call.clone() };
        vec![self.note(Record::Call(Box::new(call)))]
    }

    /// Ends a call. Where the server does not say itself that no answer will come, whoever asked is
    /// told here, and the call is over once that is stored.
    fn end(&mut self, id: EventId, ending: Ending, now: Timestamp) -> Vec<Effect> {
        if self.is_native() {
            return self.close(id, ending, now);
        }
        let Ending::Failed { reason, detail } = ending else { return self.close(id, ending, now) };
        self.running.remove(&id);
        let mut effects = self.stage(id, Stage::AnnouncingFailure { reason, detail });
        effects.extend(self.state.calls.get(&id).and_then(Call::last_word).map(Effect::Say));
        effects
    }

    pub(super) fn close(&mut self, id: EventId, ending: Ending, now: Timestamp) -> Vec<Effect> {
        self.running.remove(&id);
        self.tried.remove(&id);
        self.retry_at.remove(&id);
        let Some(call) = self.state.calls.get(&id).cloned() else { return Vec::new() };
        let identity = self.state.identity.as_ref().filter(|identity| identity.native);
        let last = identity.and_then(|identity| call.last_report(identity, &ending));
        let mut report = last.clone().filter(|_| !self.unreported.contains(&id));
        self.unreported.remove(&id);
        // The turn's end first: between two records the process may die.
        let mut effects = self.ran(&call, &ending, now);
        // A person wanted it once more while this turn was under way: this is what came of it.
        let wanted = self.state.wanted.get(&id).copied();
        if let (Some(wanted), Ending::Replied { .. } | Ending::Silent) = (wanted, &ending) {
            report = last.map(|last| Delivery { attempt: wanted.attempt, ..last });
            effects.push(self.note(Record::NotWanted { id }));
        }
        let boxed = report.clone().map(Box::new);
        effects.push(self.note(Record::Closed { id, ending: ending.clone(), report: boxed }));
        effects.extend(report.map(|report| Effect::Report(Box::new(report))));
        effects.push(Effect::Ended { id, ending });
        effects
    }

    /// The call whose last word has this nonce.
    fn speaking(&self, nonce: &Nonce) -> Option<&Call> {
        let mut calls = self.state.calls.values();
        calls.find(|call| call.last_word().is_some() && call.nonce() == *nonce)
    }

    /// Whether a call waits for something to be done about it here.
    pub(super) fn is_idle(&self, call: &Call) -> bool {
        let waits = matches!(call.stage, Stage::Waiting | Stage::Delivering { .. });
        waits && !self.running.contains(&call.message.id)
    }

    /// Whether no further call may be begun.
    pub(super) fn is_full(&self) -> bool {
        let busy = |call: &&Call| call.is_under_way() || self.running.contains(&call.message.id);
        self.state.calls.values().filter(busy).count() >= self.settings.at_once
    }

    /// How a call ends now, if nothing is to be tried any more; without an ending, as its agent has
    /// answered it. What this process has not tried yet gets its try, however long the host was down.
    fn over(&self, call: &Call, now: Timestamp) -> Option<(EventId, Option<Ending>)> {
        let id = call.message.id;
        let late = self.deadline(call) <= now;
        let ending = match call.stage {
            // The server decides whose it is and whether anybody still waits for it.
            Stage::Offered => None,
            Stage::Answered => late.then(|| Some(call.late())),
            _ if !self.is_idle(call) => None,
            Stage::Waiting if call.answered => Some(None),
            _ if !(late && self.tried.contains(&id)) => None,
            _ if call.answered => Some(None),
            _ => Some(Some(call.late())),
        };
        ending.map(|ending| (id, ending))
    }

    pub(super) fn deadline(&self, call: &Call) -> Timestamp {
        call.received.after_ms(self.settings.deadline_ms)
    }
}

impl Running {
    fn ended(self, now: Timestamp) -> Self {
        Self { end: self.end.or(Some(now)), ..self }
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
