//! The tick and the sweep: one batch into the log, then one walk over all connections.

use std::{rc::Rc, time::Duration};

use ois_chat::{
    Beat,
    team::{Batch, Key, KnownNonces, NonceState},
};
use ois_protocol::Timestamp;
use ois_store::{AppendError, Appended};

use crate::{
    clock::now,
    codec,
    gather::{gather, watch},
    hot::{Hot, Write},
};

/// After the log could not be read: when that is tried again.
const FOLLOW_AGAIN: Duration = Duration::from_secs(1);

impl Hot {
    /// Appends what was said in each tick as one batch, and follows what others append, for ever.
    /// Gathers the next batch while the disk is busy with one.
    pub(crate) async fn commit(self: Rc<Self>) {
        let waiting = || self.team.borrow().waiting();
        let mut head = self.store.head();
        loop {
            watch(&self.gather, waiting).await;
            tokio::select! {
                () = self.work.notified() => {}
                changed = head.changed() => if changed.is_err() { return },
            }
            loop {
                if *head.borrow_and_update() != self.team.borrow().head() {
                    let _turn = self.turn.lock().await;
                    self.follow_log().await;
                }
                if !self.team.borrow().has_work() {
                    break;
                }
                gather(&self.gather, waiting).await;
                self.commit_batch().await;
            }
        }
    }

    /// Appends one batch of what waits. Answers whether anything waited.
    pub(crate) async fn commit_batch(&self) -> bool {
        let _turn = self.turn.lock().await;
        if !self.team.borrow().has_work() {
            return false;
        }
        self.gather.borrow_mut().close(self.team.borrow().waiting());
        let keys = self.team.borrow_mut().close_batch();
        // A connection that is woken reads on: not before there is room.
        if !self.is_full() {
            self.drained.notify_waiters();
        }
        let known = self.look_up(keys).await;
        let batch = self.team.borrow_mut().take_batch(&known, now());
        let Some(Batch { events, after }) = batch else {
            self.carry_out(Write::Now);
            return true;
        };
        match self.store.append(events, now(), after).await {
            Ok(Appended { first, .. }) => {
                self.metrics.batches.add(1);
                self.team.borrow_mut().appended(first);
                self.follow_log().await;
            }
            Err(AppendError::Moved(_)) => {
                self.team.borrow_mut().moved();
                self.follow_log().await;
            }
            Err(error) => self.append_failed(&error),
        }
        true
    }

    /// What the log knows of these nonces.
    async fn look_up(&self, keys: Vec<Key>) -> KnownNonces {
        let since = Timestamp::from_ms(now().ms().saturating_sub(self.limits.nonce_ms));
        let mut known = KnownNonces::new();
        for key in keys {
            let state = match self.store.find_nonce(&key.0, &key.1, since).await {
                Ok(None) => continue,
                Ok(Some(id)) => NonceState::Stored(id),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "cannot tell whether a draft was stored before");
                    NonceState::Unreadable
                }
            };
            known.insert(key, state);
        }
        known
    }

    /// Hands everybody, the senders of a batch included, what the log has that they have not seen. As
    /// long as it cannot be read, nothing is appended and nobody is told anything about it.
    async fn follow_log(&self) {
        while let Err(error) = self.catch_up().await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "cannot follow the log; trying again");
            if self.stopping.get() {
                return;
            }
            tokio::time::sleep(FOLLOW_AGAIN).await;
        }
    }

    fn append_failed(&self, error: &AppendError) {
        self.metrics.append_errors.add(1);
        tracing::error!(error = error as &dyn std::error::Error, "nothing was stored");
        self.team.borrow_mut().append_failed();
        self.carry_out(Write::Now);
    }

    pub(crate) fn sweep(&self) {
        self.conns.borrow().sweep(&self.tail.borrow(), now());
    }

    pub(crate) fn trim(&self) {
        let Some(from) = self.tail.borrow().trim_at() else { return };
        {
            let tail = self.tail.borrow();
            for conn in self.conns.borrow().iter() {
                conn.leave_tail(&tail, from);
            }
        }
        self.tail.borrow_mut().trim(from);
    }

    /// Asks the silent and closes the dead. A peer with unsent bytes is judged by whether it takes
    /// any, every other by whether it answers.
    pub(crate) fn beat(&self) {
        let (tail, now) = (self.tail.borrow(), now());
        for conn in self.conns.borrow().iter() {
            if let Some(since) = conn.stalled_since() {
                if now.since_ms(since) >= self.limits.stall_ms {
                    tracing::info!(conn = conn.id.0, "closing a peer that takes nothing");
                    conn.abandon();
                }
                // What it says is behind what it has not read; the pings begin anew after that.
                conn.heard(since);
                continue;
            }
            if conn.is_waited_for() {
                conn.heard(now);
                continue;
            }
            match conn.beat(now, self.limits.ping_ms) {
                Some(Beat::Ping) => {
                    conn.put(|own| codec::write_header(own, codec::PING, 0));
                    conn.sweep(&tail, now);
                }
                Some(Beat::Close) => {
                    tracing::info!(conn = conn.id.0, "closing a peer that does not answer");
                    conn.abandon();
                }
                None => {}
            }
        }
    }
}
