//! Several monitors of one agent: one is awake, the others stand by.
//!
//! A monitor that stands by writes calls down and neither claims nor begins them. What the monitor that
//! is awake has taken it forgets; what is left when it takes over nobody has taken. A turn that goes on
//! when another monitor is told to be awake goes on to its end.

use ois_protocol::{AttemptId, ShortName, Timestamp};

use super::{Effect, Inbox};

/// Whether another monitor of the agent is awake, as far as the server has told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standby {
    /// Whether the last word was that another one is.
    stands_by: bool,
    /// Whether that was said since the last sign-in.
    is_told: bool,
}

impl Standby {
    /// A new connection: who is awake is told again.
    pub(super) fn begin_session(&mut self) {
        self.is_told = false;
    }
}

impl Inbox {
    /// The server tells which monitor of an agent is awake: this one or another one.
    pub fn awake(&mut self, agent: &ShortName, is_this: bool, now: Timestamp) -> Vec<Effect> {
        if self.me() != Some(agent) {
            return Vec::new();
        }
        let stood_by = self.standby.stands_by;
        self.standby = Standby { stands_by: !is_this, is_told: true };
        if is_this && stood_by { self.take_over(now) } else { Vec::new() }
    }

    /// Whether another monitor of the agent is awake.
    pub fn is_standby(&self) -> bool {
        self.standby.stands_by
    }

    /// All that was missed has been heard. A server that has told nothing by then knows no other
    /// monitor.
    pub(super) fn end_standby_unless_told(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.standby.is_told || !self.standby.stands_by {
            return Vec::new();
        }
        self.standby.stands_by = false;
        self.take_over(now)
    }

    /// What the journal has, the calls included whose end the server has not confirmed.
    pub(super) fn holding(&self) -> Option<Effect> {
        let calls = self.state.calls.iter().map(|(id, call)| (*id, call.attempt));
        let closings = self.state.closings.iter().map(|(id, report)| (*id, report.attempt));
        let held = calls.chain(closings);
        let held = held.map(|(message, attempt)| AttemptId { message, attempt });
        self.is_native().then(|| Effect::Holding(held.collect()))
    }

    fn take_over(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut effects: Vec<Effect> = self.holding().into_iter().collect();
        effects.extend(self.reports());
        self.tick(now, &mut effects);
        effects
    }
}
