//! What the server is told, until it is known to know.

use ois_protocol::{Delivery, DeliveryId, ErrorCode, ErrorFrame, Run, Rung, Timestamp};

use super::{Call, Effect, Ending, Inbox, Record, Stage};

impl Inbox {
    /// The server did not take what it was told: a report's `error` frame.
    pub fn not_taken(&mut self, error: &ErrorFrame, now: Timestamp) -> Vec<Effect> {
        let Some(about) = &error.about else { return Vec::new() };
        let is_final = matches!(
            error.code,
            ErrorCode::NotFound | ErrorCode::BadTransition | ErrorCode::Forbidden
        );
        if !is_final {
            // Its disk is full, or it has no time.
            let pause = error.retry_after_ms.unwrap_or(0).max(REPORT_AGAIN_MS);
            self.report_at = Some(now.after_ms(pause));
            return Vec::new();
        }
        if self.state.runs.contains_key(about) {
            return vec![self.note(Record::RunConfirmed { run: about.clone() })];
        }
        let Ok(DeliveryId { message, agent }) = about.parse() else { return Vec::new() };
        if self.me() != Some(&agent) {
            return Vec::new();
        }
        let mut effects = Vec::new();
        if self.state.closings.contains_key(&message) {
            effects.push(self.note(Record::Confirmed { id: message }));
        } else if self.is_offered(message) {
            effects.extend(self.close(message, Ending::Withdrawn, now));
        } else if self.state.calls.contains_key(&message) {
            self.unreported.insert(message);
        }
        effects
    }

    /// What is not confirmed is told again after a while. An offer waits for the receipt of its
    /// claim, and what is over stays in the journal until the server has it.
    pub(super) fn plan_reports(&mut self, now: Timestamp) {
        let is_offered = |call: &Call| call.stage == Stage::Offered && !self.is_standby();
        let waits = !self.state.closings.is_empty()
            || !self.state.runs.is_empty()
            || self.state.calls.values().any(is_offered);
        let at = self.receipts_at.unwrap_or_else(|| now.after_ms(RECEIPT_WITHIN_MS));
        self.receipts_at = (waits && self.is_native()).then_some(at);
    }

    /// All that the server is not known to know.
    pub(super) fn reports(&mut self) -> Vec<Effect> {
        self.report_at = None;
        self.receipts_at = None;
        let Some(identity) = self.state.identity.as_ref().filter(|it| it.native) else {
            return Vec::new();
        };
        let mut effects: Vec<Effect> =
            self.state.runs.values().cloned().map(|run| Effect::Run(Box::new(run))).collect();
        for call in self.state.calls.values() {
            effects.extend(call.failed.iter().cloned().map(Effect::Report));
            let report = call.report(identity);
            if self.may_tell(&report) {
                effects.push(Effect::Report(Box::new(report)));
            }
            effects.extend(self.run_of(call).map(|run| Effect::Run(Box::new(run))));
        }
        let closings = self.state.closings.values().cloned();
        effects.extend(closings.map(|report| Effect::Report(Box::new(report))));
        effects
    }

    /// Tells the server, if it is one that listens.
    pub(super) fn tell(&self, report: Delivery) -> Option<Effect> {
        let heard = self.is_native() && !self.unreported.contains(&report.message);
        (heard && self.may_tell(&report)).then(|| Effect::Report(Box::new(report)))
    }

    /// Whether this is ours to tell: what has been received only is the other monitor's while that is
    /// awake.
    fn may_tell(&self, report: &Delivery) -> bool {
        report.state > Rung::Received || !self.is_standby()
    }

    /// Tells the server how far a call is.
    pub(super) fn tell_of(&self, call: &Call) -> Option<Effect> {
        let identity = self.state.identity.as_ref()?;
        self.tell(call.report(identity))
    }

    /// The turn of a call, as the server is told of it.
    pub(super) fn run_of(&self, call: &Call) -> Option<Run> {
        let identity = self.state.identity.as_ref().filter(|identity| identity.native)?;
        let running = call.run.as_ref()?;
        Some(Run {
            run: running.run.clone(),
            agent: identity.me.clone(),
            cause: call.message.id,
            attempt: call.attempt,
            room: call.message.room.clone(),
            start: running.start,
            end: None,
            outcome: None,
            reason: None,
            usage: None,
            capped: false,
        })
    }

    /// A turn is over: it is written down, and the server told.
    pub(super) fn ran(&mut self, call: &Call, ending: &Ending, now: Timestamp) -> Vec<Effect> {
        let Some(run) = self.run_of(call) else { return Vec::new() };
        let (outcome, reason) = match ending {
            Ending::Replied { .. } => (Rung::Replied, None),
            Ending::Silent => (Rung::Silent, None),
            // The runtime was never heard to say that it ended.
            Ending::Failed { reason, .. } if call.is_under_way() && !call.is_over() => {
                (Rung::Dead, Some(*reason))
            }
            Ending::Failed { reason, .. } => (Rung::Failed, Some(*reason)),
            Ending::Withdrawn => (Rung::Dead, None),
        };
        let running = call.run.as_ref();
        let run = Run {
            end: Some(running.and_then(|it| it.end).unwrap_or(now)),
            outcome: Some(outcome),
            reason,
            usage: running.and_then(|it| it.usage),
            ..run
        };
        vec![self.note(Record::Ran(Box::new(run.clone()))), Effect::Run(Box::new(run))]
    }

    /// The server shows a turn: if it is one that is over, it knows.
    pub fn reconcile_run(&mut self, run: &Run) -> Vec<Effect> {
        let knows = run.end.is_some() && self.state.runs.contains_key(&run.run);
        if !knows || self.me() != Some(&run.agent) {
            return Vec::new();
        }
        vec![self.note(Record::RunConfirmed { run: run.run.clone() })]
    }
}

/// How soon a server that had no time is told again.
const REPORT_AGAIN_MS: u64 = 30_000;
/// How long a receipt may take before everything is told again.
const RECEIPT_WITHIN_MS: u64 = 60_000;
