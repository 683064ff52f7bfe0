//! What became of a turn whose end nobody here saw.
//!
//! After a restart, of the gateway or of ourselves, or a lost link, the session's history is the
//! truth. [`turn_outcome`] reads it; it asks nobody and knows no clock.

use crate::wire::history::{History, QueuedState, Role, Row, SessionState, StopReason};
use crate::wire::is_silence;

/// What became of a delivered turn, and so what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnOutcome {
    /// It was answered, with this text.
    Answered(String),
    /// It ended, and the agent chose to say nothing.
    Silent,
    /// It ended without an answer; the gateway's words. A further try needs a fresh key.
    Failed(String),
    /// It is queued or under way in this process of the gateway: wait for its key.
    Running,
    /// A restart cut it short and the gateway has taken it up under another run: wait for that
    /// one, whose answer is this turn's.
    Continued {
        /// The run to wait for.
        run_id: String,
    },
    /// A restart cut it short and the gateway means to take it up: look again in some seconds.
    /// The gateway begins with that 5 s after its start and takes up one session at a time, each
    /// three times at the most. If it stays so while nothing runs, count it as [`Died`](Self::Died).
    Interrupted,
    /// Somebody stopped it.
    Stopped,
    /// It was begun, it has no answer and nothing goes on: a fresh key, and whatever it did may
    /// be done twice.
    Died,
    /// It was accepted and never begun, and its key is spent: a fresh key, nothing is done twice.
    Dropped,
    /// The session knows nothing of it: send it with the same key.
    NeverBegun,
    /// It is not in these rows, and there are older ones: ask for more.
    OutOfSight,
}

/// Reads from a session's history what became of the turn with this idempotency key.
///
/// `boot_then` is the [`boot_id`](crate::Hello::boot_id) of the gateway that admitted the turn,
/// `boot_now` that of the gateway that gave the history. A turn that somebody stopped may leave no
/// row behind, and counts as never begun then; who wants it stopped has to remember that.
#[must_use]
pub fn turn_outcome(history: &History, key: &str, boot_then: &str, boot_now: &str) -> TurnOutcome {
    let queued = history.queued.iter().find(|it| it.run_id == key).map(|it| it.state);
    if queued == Some(QueuedState::Waiting) || history.active_runs.iter().any(|it| it == key) {
        return TurnOutcome::Running;
    }
    if let Some(end) = end_of_run(history, key) {
        return end;
    }
    if queued == Some(QueuedState::Interrupted) {
        return TurnOutcome::Dropped;
    }
    let begun_by = format!("{key}:user");
    match history.rows.iter().position(|row| row.key.as_deref() == Some(&begun_by)) {
        None if history.has_more => TurnOutcome::OutOfSight,
        None => TurnOutcome::NeverBegun,
        Some(_) if was_stopped(history, key) => TurnOutcome::Stopped,
        Some(at) if boot_then == boot_now => in_one_process(history, &history.rows[at + 1..]),
        Some(at) => after_restart(history, key, &history.rows[at + 1..]),
    }
}

impl History {
    /// The runs of the turn with this idempotency key, as far as these rows show them: its own, and
    /// those that took it up after restarts of the gateway.
    pub fn runs_of<'a>(&'a self, key: &'a str) -> Vec<&'a str> {
        let begun_by = format!("{key}:user");
        let begun = self.rows.iter().position(|row| row.key.as_deref() == Some(&begun_by));
        let later = begun.map_or(&[][..], |at| &self.rows[at + 1..]);
        let mut runs = vec![key];
        runs.extend(taken_up_by(later).map_while(|run| run));
        runs
    }
}

/// What came next in the session after a turn was cut short, each by its run: the runs that took it up,
/// and `None` for somebody else's turn.
fn taken_up_by(later: &[Row]) -> impl Iterator<Item = Option<&str>> {
    later.iter().filter(|row| row.role == Role::User).map(|row| {
        let run = row.key.as_deref().and_then(|it| it.strip_suffix(":user"));
        run.filter(|_| row.is_recovery)
    })
}

/// A turn that has neither an end nor a place among the active ones, in a process that lived
/// through it. A failure leaves a row and silence leaves none; the gateway itself forgets within
/// minutes how a run ended, so it cannot be asked for ever.
fn in_one_process(history: &History, later: &[Row]) -> TurnOutcome {
    if later.iter().any(|row| row.role == Role::User) {
        // Turns of a session run one after the other.
        return TurnOutcome::Silent;
    }
    match history.state {
        SessionState::Running => TurnOutcome::Running,
        SessionState::Done => TurnOutcome::Silent,
        SessionState::Stopped | SessionState::Other => TurnOutcome::Died,
    }
}

/// A turn that a restart cut short: follows it through the runs that took it up.
fn after_restart(history: &History, key: &str, later: &[Row]) -> TurnOutcome {
    let mut last = key;
    for run in taken_up_by(later) {
        // Somebody else's turn came next, so nobody will take this one up any more.
        let Some(run) = run else { return TurnOutcome::Died };
        if history.active_runs.iter().any(|it| it == run) {
            return TurnOutcome::Continued { run_id: run.to_owned() };
        }
        if let Some(end) = end_of_run(history, run) {
            return end;
        }
        last = run;
    }
    match history.state {
        SessionState::Done if history.last_run.as_deref() == Some(last) => TurnOutcome::Silent,
        // A run may be listed already: the one that takes it up has no row for its first second.
        SessionState::Running => TurnOutcome::Interrupted,
        _ => TurnOutcome::Died,
    }
}

/// Whether this was the session's last run, and somebody stopped it.
fn was_stopped(history: &History, key: &str) -> bool {
    history.state == SessionState::Stopped && history.last_run.as_deref() == Some(key)
}

/// How a run ended, by the last thing that it wrote; `None` if it wrote no end.
fn end_of_run(history: &History, run: &str) -> Option<TurnOutcome> {
    let own = |row: &&Row| row.role == Role::Assistant && row.run_id.as_deref() == Some(run);
    let row = history.rows.iter().rfind(own)?;
    match row.stop? {
        StopReason::ToolUse => None,
        StopReason::Error => Some(TurnOutcome::Failed(row.text.clone())),
        StopReason::Stop | StopReason::Other if is_silence(&row.text) => Some(TurnOutcome::Silent),
        StopReason::Stop | StopReason::Other => Some(TurnOutcome::Answered(row.text.clone())),
    }
}

#[cfg(test)]
mod tests;
