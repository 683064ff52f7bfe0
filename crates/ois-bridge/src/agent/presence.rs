//! Whether the way to the agent is open, as far as it was proved.

use ois_protocol::{Presence, PresenceState, ShortName, Timestamp};

/// What is known of the way to the agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WakePath {
    /// Whether the runtime answered when it was last asked; `None` before it was.
    open: Option<bool>,
    /// Whether a turn is under way.
    busy: bool,
    since: Timestamp,
    proven_at: Option<Timestamp>,
}

impl WakePath {
    /// The runtime has answered. A new proof is always news.
    pub(super) fn proved(&mut self, now: Timestamp) {
        self.change(now, |path| path.open = Some(true));
        self.proven_at = Some(now);
    }

    /// The runtime was asked and has not answered. Answers whether that is news.
    pub(super) fn failed(&mut self, now: Timestamp) -> bool {
        self.change(now, |path| path.open = Some(false))
    }

    /// Whether a turn is under way. Answers whether that is news.
    pub(super) fn at_work(&mut self, busy: bool, now: Timestamp) -> bool {
        self.change(now, |path| path.busy = busy)
    }

    /// In what state the agent is; `None` as long as nobody knows.
    pub(super) fn state(&self) -> Option<PresenceState> {
        Some(match (self.open?, self.busy) {
            (false, _) => PresenceState::Deaf,
            (true, true) => PresenceState::Busy,
            (true, false) => PresenceState::Online,
        })
    }

    /// When the runtime last answered.
    pub(super) fn proven_at(&self) -> Option<Timestamp> {
        self.proven_at
    }

    /// What the server is told.
    pub(super) fn presence(&self, name: &ShortName) -> Option<Presence> {
        let (name, since, proven_at) = (name.clone(), self.since, self.proven_at);
        Some(Presence { name, state: self.state()?, since, proven_at })
    }

    fn change(&mut self, now: Timestamp, change: impl FnOnce(&mut Self)) -> bool {
        let before = self.state();
        change(self);
        let changed = self.state() != before;
        if changed {
            self.since = now;
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);

    #[test]
    fn nothing_is_claimed_before_the_runtime_was_asked() {
        let mut path = WakePath::default();
        assert!(!path.at_work(true, NOON));
        assert_eq!(path.presence(&"ARIA".parse().unwrap()), None);
        path.proved(NOON);
        assert_eq!(path.state(), Some(PresenceState::Busy));
    }

    #[test]
    fn a_new_proof_changes_its_time_and_a_new_state_the_time_since_when() {
        let mut path = WakePath::default();
        path.proved(NOON);
        let later = NOON.after_ms(60_000);
        path.proved(later);
        assert_eq!((path.since, path.proven_at()), (NOON, Some(later)));
        assert!(path.failed(later.after_ms(1)));
        assert!(!path.failed(later.after_ms(2)), "known already");
        assert_eq!(path.state(), Some(PresenceState::Deaf));
        assert_eq!((path.since, path.proven_at()), (later.after_ms(1), Some(later)));
        assert!(!path.at_work(true, later.after_ms(3)), "deaf all the same");
    }
}
