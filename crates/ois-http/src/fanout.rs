//! The tick and the sweep: one batch into the log, then one walk over all connections.

use std::{collections::BTreeMap, rc::Rc};

use ois_chat::{Beat, Fact};
use ois_protocol::{
    ErrorCode, ErrorFrame, EventId, NewEvent, Nonce, ServerFrame, ShortName, Timestamp,
};
use ois_store::{AppendError, Batch, Filter, Limit, Record};

use crate::{
    codec,
    hot::{Hot, Origin},
    hub::Sent,
    queue::{gather, watch},
    state::now,
};

/// What to say and to whom once a draft is stored.
struct Receipt {
    nonce: Option<(ShortName, Nonce)>,
    origin: Origin,
    /// Its place in the batch.
    at: usize,
    /// Whether an earlier draft of the same batch is the same.
    duplicate: bool,
    /// The event again, if the desk minds it.
    fact: Option<NewEvent>,
}

/// After a failed write: when a sender may try again.
const RETRY_AFTER_MS: u64 = 1000;

impl Hot {
    /// Takes whatever was said in this tick as one batch, for ever. Gathers the next batch while
    /// the disk is busy with one.
    pub(crate) async fn commit(self: Rc<Self>) {
        loop {
            watch(&self.queue).await;
            self.work.notified().await;
            while !self.queue.borrow().is_empty() {
                gather(&self.queue).await;
                self.commit_batch().await;
            }
        }
    }

    /// Appends what is in line. Answers whether there was anything.
    pub(crate) async fn commit_batch(&self) -> bool {
        let _turn = self.turn.lock().await;
        let drafts = self.queue.borrow_mut().take();
        // Who is woken reads on: not before there is room.
        if !self.is_full() {
            self.drained.notify_waiters();
        }
        if drafts.is_empty() {
            return false;
        }
        let (events, receipts) = self.sift(drafts).await;
        if events.is_empty() {
            return true;
        }
        match self.append(events).await {
            Ok(records) => self.publish(&records, receipts),
            Err(error) => self.regret(&error, receipts),
        }
        true
    }

    /// Stores a batch at the log's end and reads it from there.
    async fn append(&self, events: Vec<NewEvent>) -> Result<Batch, AppendError> {
        let after = *self.store.head().borrow();
        self.store.append(events, now(), after).await?;
        let all = Limit { records: usize::MAX, bytes: usize::MAX };
        let read = self.store.read(after, &Filter::default(), all).await;
        read.map(|page| page.records).map_err(|error| AppendError::Io(std::io::Error::other(error)))
    }

    /// The event that this draft became, if it was stored before. A log that cannot tell says no:
    /// storing a message twice does less harm than refusing it for good.
    async fn stored(&self, (author, nonce): &(ShortName, Nonce)) -> Option<EventId> {
        let since = Timestamp::from_ms(now().ms().saturating_sub(self.limits.nonce_ms));
        let found = self.store.find_nonce(author, nonce, since).await;
        found.unwrap_or_else(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "cannot tell whether a draft was stored before");
            None
        })
    }

    /// Sets aside what was stored before, and what stands twice in the batch.
    async fn sift(&self, drafts: Vec<(NewEvent, Origin)>) -> (Vec<NewEvent>, Vec<Receipt>) {
        let mut events: Vec<NewEvent> = Vec::with_capacity(drafts.len());
        let mut receipts = Vec::with_capacity(drafts.len());
        let mut first: BTreeMap<(ShortName, Nonce), usize> = BTreeMap::new();
        for (event, origin) in drafts {
            let nonce = event.nonce().map(|nonce| (event.author().clone(), nonce.clone()));
            let stored = match &nonce {
                Some(nonce) => self.stored(nonce).await,
                None => None,
            };
            if let Some(id) = stored {
                self.desk.borrow_mut().drop_event(&event);
                self.answer(origin, nonce, id, true);
                continue;
            }
            let next = events.len();
            let at = nonce.clone().map_or(next, |nonce| *first.entry(nonce).or_insert(next));
            let duplicate = at < next;
            let mut fact = None;
            if duplicate {
                self.desk.borrow_mut().drop_event(&event);
            } else {
                fact = Fact::is(&event).then(|| event.clone());
                events.push(event);
            }
            receipts.push(Receipt { nonce, origin, at, duplicate, fact });
        }
        (events, receipts)
    }

    /// The batch is durable: everybody, the senders included, learns of it by reading the log.
    fn publish(&self, records: &[Record], receipts: Vec<Receipt>) {
        self.metrics.stored(records);
        self.tail.borrow_mut().push(records);
        for Receipt { nonce, origin, at, duplicate, fact } in receipts {
            let Some(record) = records.get(at) else { continue };
            if let Some(fact) = fact.and_then(|event| Fact::of(event, record.id, record.time)) {
                self.metrics.saw(&fact);
                self.desk.borrow_mut().apply(&fact);
                self.facts.set(self.facts.get() + 1);
            }
            self.answer(origin, nonce, record.id, duplicate);
        }
        self.sweep();
        self.trim();
        if self.desk.borrow().owes() {
            self.pay_dues();
        }
    }

    /// Nothing of the batch was stored: its senders alone are told.
    fn regret(&self, error: &AppendError, receipts: Vec<Receipt>) {
        self.metrics.append_errors.add(1);
        tracing::error!(
            error = error as &dyn std::error::Error,
            drafts = receipts.len(),
            "nothing was stored"
        );
        for Receipt { nonce, origin, fact, .. } in receipts {
            if let Some(event) = fact {
                self.desk.borrow_mut().drop_event(&event);
            }
            let frame = ErrorFrame {
                nonce: nonce.map(|(_, nonce)| nonce),
                retry_after_ms: Some(RETRY_AFTER_MS),
                ..ErrorFrame::new(
                    ErrorCode::Storage,
                    "not stored: the server's disk does not take it",
                )
            };
            self.refuse(origin, frame);
        }
    }

    /// Tells a sender that a draft will not be stored.
    pub(crate) fn refuse(&self, origin: Origin, frame: ErrorFrame) {
        match origin {
            Origin::Conn(conn) => {
                conn.say(&ServerFrame::Error(frame));
                conn.sweep(&self.tail.borrow(), now());
            }
            Origin::Report(conn, about) => {
                conn.say(&ServerFrame::Error(ErrorFrame { about: Some(about), ..frame }));
                conn.sweep(&self.tail.borrow(), now());
            }
            Origin::Post(answer) => {
                if answer.send(Err(frame)).is_err() {
                    tracing::debug!("who posted did not wait for the refusal");
                }
            }
            // It is still owed, and comes again with the next beat.
            Origin::Server => self.owing.set(false),
        }
    }

    fn answer(
        &self,
        origin: Origin,
        nonce: Option<(ShortName, Nonce)>,
        id: EventId,
        duplicate: bool,
    ) {
        match (origin, nonce) {
            (Origin::Conn(conn), Some((_, nonce))) => {
                conn.ack(nonce, id, duplicate);
                if duplicate {
                    conn.sweep(&self.tail.borrow(), now());
                }
            }
            (Origin::Conn(_) | Origin::Report(..), _) => {}
            (Origin::Server, _) => self.owing.set(false),
            (Origin::Post(answer), _) => {
                if answer.send(Ok(Sent { id, duplicate })).is_err() {
                    tracing::debug!("who posted did not wait for the answer");
                }
            }
        }
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
                    tracing::info!(conn = conn.number, "closing a peer that takes nothing");
                    conn.abandon();
                }
                // What it says is behind what it has not read; the pings begin anew after that.
                conn.session.borrow_mut().heard(since);
                continue;
            }
            if conn.is_waited_for() {
                conn.session.borrow_mut().heard(now);
                continue;
            }
            let beat = conn.session.borrow_mut().tick(now, self.limits.ping_ms);
            match beat {
                Some(Beat::Ping) => {
                    conn.put(|own| codec::write_header(own, codec::PING, 0));
                    conn.sweep(&tail, now);
                }
                Some(Beat::Close) => {
                    tracing::info!(conn = conn.number, "closing a peer that does not answer");
                    conn.abandon();
                }
                None => {}
            }
        }
    }
}
