//! From a waiting call to its end.

use ois_protocol::{Delivery, EventId, Reason, Timestamp};

use super::{Call, Done, Effect, Ending, Inbox, Outcome, Record, Running, Stage, Trouble, spoken};

impl Inbox {
    /// Whether a turn may begin for this call: not if somebody wants it stopped, not if it has ended,
    /// and not while another monitor of the agent is awake. To be asked before [`begun`](Self::begun).
    pub fn may_begin(&self, id: EventId) -> bool {
        let call = self.state.calls.get(&id).filter(|_| self.running.contains(&id));
        call.is_some_and(|call| !call.stopping && !self.is_standby())
    }

    /// The runtime is about to be asked for a turn; `epoch` names its process (an OpenClaw
    /// gateway's boot id), if it has a name.
    pub fn begun(&mut self, id: EventId, epoch: Option<String>, now: Timestamp) -> Vec<Effect> {
        let Some(call) = self.state.calls.get(&id).filter(|_| self.running.contains(&id)) else {
            return Vec::new(); // a word that comes after the end
        };
        let stage = Stage::Delivering { epoch };
        if call.stage == stage {
            return Vec::new();
        }
        let call = Call { stage, begun: call.begun.or(Some(now)), ..call.clone() };
        vec![self.note(Record::Call(Box::new(call)))]
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

    pub(super) fn tick(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.state.identity.is_none() {
            return;
        }
        if self.report_at.into_iter().chain(self.receipts_at).any(|at| at <= now) {
            effects.extend(self.reports());
        }
        self.plan_reports(now);
        if self.is_held(now) {
            return;
        }
        self.held_until = None;
        self.limit_turns(now, effects);
        self.end_what_is_over(now, effects);
        if !self.is_standby() {
            self.fetch(now, effects);
        }
        if now < self.paused_until {
            return;
        }
        let is_due = |id: &EventId| self.retry_at.get(id).is_none_or(|at| *at <= now);
        let idle = self.state.calls.values().filter(|call| self.is_idle(call));
        let begun = idle.filter(|call| call.is_under_way()).map(|call| call.message.id);
        // Those that may have begun hold a place already; the others take one in order.
        let begun: Vec<EventId> = begun.filter(is_due).collect();
        let mut fresh: Vec<EventId> = self.queue().into_iter().filter(is_due).collect();
        if self.is_standby() {
            fresh.clear();
        }
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

    /// The calls that wait for their turn, in the order in which they get it: those of people before
    /// those of agents and of the server, and each of these in the order of the log.
    pub fn queue(&self) -> Vec<EventId> {
        let calls = self.state.calls.values().filter(|call| call.stage == Stage::Waiting);
        let waiting = calls.filter(|call| self.is_idle(call));
        let mut queue: Vec<(bool, EventId)> =
            waiting.map(|call| (call.message.agent, call.message.id)).collect();
        queue.sort_unstable();
        queue.into_iter().map(|(_, id)| id).collect()
    }

    /// Stops the turns that have gone on for longer than a turn may. The place of one that the
    /// runtime does not stop is free again after a while.
    fn limit_turns(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let over = |call: &&Call| self.limit(call).is_some_and(|at| at <= now);
        let over: Vec<Call> = self.state.calls.values().filter(over).cloned().collect();
        for call in over {
            let id = call.message.id;
            if call.timed_out {
                let detail = "the turn went on for too long and could not be stopped".to_owned();
                let ending = Ending::Failed { reason: Reason::Timeout, detail };
                effects.extend(self.end(id, ending, now));
                continue;
            }
            let call = Call { timed_out: true, stopping: true, ..call };
            let identity = self.state.identity.as_ref().expect("only a member has calls");
            let assignment = Box::new(call.assignment(identity));
            effects.push(self.note(Record::Call(Box::new(call))));
            effects.push(Effect::Stop(assignment));
        }
    }

    /// When the turn of a call is stopped, or given up if that does not help.
    pub(super) fn limit(&self, call: &Call) -> Option<Timestamp> {
        let limit_ms = self.settings.turn_limit_ms.filter(|_| call.is_under_way())?;
        let until = call.begun?.after_ms(limit_ms);
        Some(if call.timed_out { until.after_ms(STOP_WITHIN_MS) } else { until })
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
            Outcome::Replied(_) | Outcome::Silent => {
                let text = match &outcome {
                    Outcome::Replied(text) => spoken(text),
                    _ => None,
                };
                match text {
                    Some(text) if !call.has_said(text) => {
                        call.stage = call.answering(text.to_owned(), self.settings.text_bytes);
                        effects.push(self.note(Record::Call(Box::new(call.clone()))));
                        effects.extend(self.say_from_the_first(&call));
                        effects.extend(self.tell_of(&call));
                    }
                    said => {
                        effects.push(self.note(Record::Call(Box::new(call.clone()))));
                        if said.is_some() || call.answered {
                            effects.extend(self.answered(id, said.unwrap_or_default(), now));
                        } else {
                            effects.extend(self.close(id, Ending::Silent, now));
                        }
                    }
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
                let reason = call.reason_of_stop().unwrap_or(reason);
                effects.push(self.note(Record::Call(Box::new(call))));
                effects.extend(self.end(id, Ending::Failed { reason, detail: why }, now));
            }
            Outcome::KeySpent => {
                let detail = "stopped before it began".to_owned();
                let reason = call.reason_of_stop().unwrap_or(Reason::Stopped);
                let ending = Ending::Failed { reason, detail };
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
        call.begun = None;
        call.timed_out = false;
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
        if let Some(call) = self.state.calls.get(&id).cloned() {
            effects.extend(self.say_from_the_first(&call));
        }
        effects
    }

    pub(super) fn close(&mut self, id: EventId, ending: Ending, now: Timestamp) -> Vec<Effect> {
        self.running.remove(&id);
        self.tried.remove(&id);
        self.retry_at.remove(&id);
        self.saying.remove(&id);
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
        self.plan_reports(now);
        effects
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
            // The monitor that is awake gives it its try.
            Stage::Waiting if self.is_standby() => None,
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

/// How long a runtime may take to stop a turn that has reached its limit.
const STOP_WITHIN_MS: u64 = 120_000;

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
