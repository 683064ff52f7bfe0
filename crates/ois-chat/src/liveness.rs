//! Whether the peer of a connection is still there.

use ois_protocol::Timestamp;

/// When a peer was last heard, and whether it has been asked since.
#[derive(Clone, Copy, Debug)]
pub struct Liveness {
    heard: Timestamp,
    pinged: Option<Timestamp>,
}

/// What a driver does about a silent peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Sends a ping.
    Ping,
    /// Gives the connection up.
    Close,
}

impl Liveness {
    /// A peer that has just connected.
    pub fn new(now: Timestamp) -> Self {
        Self { heard: now, pinged: None }
    }

    /// The peer sent something, be it a pong.
    pub fn heard(&mut self, now: Timestamp) {
        self.heard = now;
        self.pinged = None;
    }

    /// To be called about every half ping interval: asks a peer that has been silent for one interval of
    /// `ping_ms` milliseconds, and gives up on one that lets a whole further interval pass.
    pub fn tick(&mut self, now: Timestamp, ping_ms: u64) -> Option<Beat> {
        match self.pinged {
            Some(pinged) if now.since_ms(pinged) >= ping_ms => Some(Beat::Close),
            None if now.since_ms(self.heard) >= ping_ms => {
                self.pinged = Some(now);
                Some(Beat::Ping)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);
    const PING_MS: u64 = 30_000;

    #[test]
    fn a_silent_peer_is_asked_once_and_given_up_an_interval_later() {
        let mut peer = Liveness::new(NOON);
        assert_eq!(peer.tick(NOON.after_ms(PING_MS - 1), PING_MS), None);
        assert_eq!(peer.tick(NOON.after_ms(PING_MS), PING_MS), Some(Beat::Ping));
        assert_eq!(peer.tick(NOON.after_ms(2 * PING_MS - 1), PING_MS), None);
        assert_eq!(peer.tick(NOON.after_ms(2 * PING_MS), PING_MS), Some(Beat::Close));
    }

    #[test]
    fn a_peer_that_answers_is_kept() {
        let mut peer = Liveness::new(NOON);
        assert_eq!(peer.tick(NOON.after_ms(PING_MS), PING_MS), Some(Beat::Ping));
        peer.heard(NOON.after_ms(PING_MS + 5));
        assert_eq!(peer.tick(NOON.after_ms(2 * PING_MS), PING_MS), None);
        assert_eq!(peer.tick(NOON.after_ms(2 * PING_MS + 5), PING_MS), Some(Beat::Ping));
    }
}
