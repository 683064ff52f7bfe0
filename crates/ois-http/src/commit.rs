//! The tick and the sweep: one batch into the log, then one walk over all connections.

use std::rc::Rc;

use ois_chat::{Beat, team::Batch};
use ois_store::{AppendError, Record};

use crate::{
    clock::now,
    codec,
    gather::{gather, watch},
    hot::{Hot, Write},
};

impl Hot {
    /// Appends whatever was said in this tick as one batch, for ever. Gathers the next batch while
    /// the disk is busy with one.
    pub(crate) async fn commit(self: Rc<Self>) {
        let waiting = || self.team.borrow().waiting();
        loop {
            watch(&self.gather, waiting).await;
            self.work.notified().await;
            while self.team.borrow().has_work() {
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
        let batch = self.team.borrow_mut().take_batch(now());
        // A connection that is woken reads on: not before there is room.
        if !self.is_full() {
            self.drained.notify_waiters();
        }
        let Some(Batch { events, .. }) = batch else {
            self.carry_out(Write::Now);
            return true;
        };
        match self.store.append(events, now()).await {
            Ok(records) => self.publish(&records),
            Err(error) => self.append_failed(&error),
        }
        true
    }

    /// The batch is durable: everybody, the senders included, learns of it by reading the log.
    fn publish(&self, records: &[Record]) {
        let Some(first) = records.first() else { return };
        self.metrics.stored(records);
        self.tail.borrow_mut().push(records);
        self.team.borrow_mut().appended(first.id);
        for record in records {
            let fact = self.team.borrow_mut().stored(record);
            if let Some(fact) = fact {
                self.metrics.saw(&fact);
                self.progress.count();
            }
        }
        self.carry_out(Write::WithSweep);
        self.sweep();
        self.trim();
    }

    fn append_failed(&self, error: &AppendError) {
        self.metrics.append_errors.add(1);
        tracing::error!(error = error as &dyn std::error::Error, "nothing was stored");
        self.team.borrow_mut().append_failed();
        self.carry_out(Write::Now);
    }

    fn sweep(&self) {
        self.conns.borrow().sweep(&self.tail.borrow(), now());
    }

    fn trim(&self) {
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
