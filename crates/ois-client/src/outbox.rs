//! What was said and is not yet known to be stored.
//!
//! An [`Outbox`] takes drafts, acks, refusals and the time, and answers with what is to be sent now.
//! It opens no socket and reads no clock. Where drafts are kept meanwhile is a [`Keep`]'s: the
//! [`Memory`] here forgets them with the process, a monitor keeps them on disk.

use std::io;

use ois_protocol::{Ack, Chat, ErrorCode, ErrorFrame, EventId, Message, Nonce};
use serde::{Deserialize, Serialize};

/// A draft that the server has not confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What is said; its nonce is always there.
    pub chat: Chat,
    /// The last message known when it was said: what comes back from a server that knows no nonces
    /// must be newer.
    #[serde(default)]
    pub floor: EventId,
}

/// Where drafts rest until they are confirmed. Calls come from the link's task, so that they should
/// not take longer than a disk does.
pub trait Keep: Send + 'static {
    /// What an earlier process left, oldest first.
    ///
    /// # Errors
    /// If it cannot be read; the link does not start then.
    fn load(&mut self) -> io::Result<Vec<Kept>>;

    /// Keeps a draft. When this returns, a crash does not lose it.
    ///
    /// # Errors
    /// If it cannot be kept; it is not sent then.
    fn put(&mut self, kept: &Kept) -> io::Result<()>;

    /// Lets a draft go.
    ///
    /// # Errors
    /// If that cannot be noted; the draft may be sent again by a later process, and its nonce makes
    /// that harmless.
    fn remove(&mut self, nonce: &Nonce) -> io::Result<()>;
}

/// Keeps nothing beyond the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory;

impl Keep for Memory {
    fn load(&mut self) -> io::Result<Vec<Kept>> {
        Ok(Vec::new())
    }

    fn put(&mut self, _: &Kept) -> io::Result<()> {
        Ok(())
    }

    fn remove(&mut self, _: &Nonce) -> io::Result<()> {
        Ok(())
    }
}

/// Drafts in the order in which they were said.
#[derive(Debug)]
pub struct Outbox<K> {
    keep: K,
    drafts: Vec<Pending>,
}

#[derive(Debug)]
struct Pending {
    nonce: Nonce,
    kept: Kept,
    /// Whether this process said it: then no message from before it can come back as its echo.
    own: bool,
    state: State,
}

/// Times are milliseconds of any clock that does not go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be sent as soon as there is a connection.
    Ready,
    /// Sent over this connection at this time.
    Sent(u64),
    /// The server asked for patience until then.
    Later(u64),
}

impl<K: Keep> Outbox<K> {
    /// Begins with what an earlier process left.
    ///
    /// # Errors
    /// If that cannot be read.
    pub fn open(mut keep: K) -> io::Result<Self> {
        let drafts = keep.load()?.into_iter().filter_map(|kept| {
            let nonce = kept.chat.nonce.clone()?;
            Some(Pending { nonce, kept, own: false, state: State::Ready })
        });
        let drafts = drafts.collect();
        Ok(Self { keep, drafts })
    }

    /// Takes a draft that has a nonce. The same nonce again changes nothing.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub fn add(&mut self, nonce: Nonce, chat: Chat, floor: EventId) -> io::Result<()> {
        if self.drafts.iter().any(|draft| draft.nonce == nonce) {
            return Ok(());
        }
        let chat = Chat { nonce: Some(nonce.clone()), ..chat };
        let kept = Kept { chat, floor };
        self.keep.put(&kept)?;
        self.drafts.push(Pending { nonce, kept, own: true, state: State::Ready });
        Ok(())
    }

    /// A connection came about: whatever went over an earlier one is to be sent again.
    pub fn connected(&mut self) {
        for draft in &mut self.drafts {
            if matches!(draft.state, State::Sent(_)) {
                draft.state = State::Ready;
            }
        }
    }

    /// What is to be sent now, oldest first; it counts as sent from now on.
    ///
    /// With `acks` the server confirms, and what it has not confirmed for a while is sent again.
    pub fn due(&mut self, now_ms: u64, acks: bool) -> Vec<Chat> {
        let due = self.drafts.iter_mut().filter(|draft| draft.is_due(now_ms, acks));
        due.map(|draft| {
            draft.state = State::Sent(now_ms);
            draft.kept.chat.clone()
        })
        .collect()
    }

    /// When [`due`](Self::due) is worth a call, if something waits for its time.
    pub fn next_due(&self, acks: bool) -> Option<u64> {
        self.drafts.iter().filter_map(|draft| draft.due_at(acks)).min()
    }

    /// The server has it. Whether it was one of ours.
    ///
    /// # Errors
    /// If that cannot be noted; the draft is gone all the same.
    pub fn acked(&mut self, nonce: &Nonce) -> io::Result<bool> {
        let Some(at) = self.drafts.iter().position(|draft| draft.nonce == *nonce) else {
            return Ok(false);
        };
        self.drafts.remove(at);
        self.keep.remove(nonce)?;
        Ok(true)
    }

    /// The server did not take it. Answers whether that is final; then it is let go.
    ///
    /// # Errors
    /// As [`acked`](Self::acked).
    pub fn refused(&mut self, error: &ErrorFrame, now_ms: u64) -> io::Result<bool> {
        let Some(nonce) = &error.nonce else { return Ok(false) };
        let Some(draft) = self.drafts.iter_mut().find(|draft| draft.nonce == *nonce) else {
            return Ok(false);
        };
        match patience_ms(error) {
            Some(wait_ms) => {
                draft.state = State::Later(now_ms.saturating_add(wait_ms));
                Ok(false)
            }
            None => self.acked(nonce),
        }
    }

    /// A message of our own came back from a server without acks: the oldest draft with this text
    /// that is older than the message counts as taken.
    ///
    /// # Errors
    /// As [`acked`](Self::acked).
    pub fn echoed(&mut self, own: &Message) -> io::Result<Option<Ack>> {
        let same = |draft: &&Pending| {
            // Two messages of one millisecond share an id there.
            let newer = draft.kept.floor < own.id || (draft.own && draft.kept.floor == own.id);
            newer && draft.kept.chat.text.trim() == own.text.trim()
        };
        let Some(nonce) = self.drafts.iter().find(same).map(|draft| draft.nonce.clone()) else {
            return Ok(None);
        };
        self.acked(&nonce)?;
        Ok(Some(Ack { nonce, id: own.id, duplicate: false }))
    }

    /// What waits, oldest first, each with its nonce.
    pub fn drafts(&self) -> impl Iterator<Item = &Chat> {
        self.drafts.iter().map(|draft| &draft.kept.chat)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }
}

impl Pending {
    fn is_due(&self, now_ms: u64, acks: bool) -> bool {
        self.due_at(acks).is_some_and(|at| at <= now_ms)
    }

    fn due_at(&self, acks: bool) -> Option<u64> {
        match self.state {
            State::Ready => Some(0),
            State::Later(at) => Some(at),
            State::Sent(at) => acks.then(|| at.saturating_add(ACK_PATIENCE_MS)),
        }
    }
}

/// How long to wait before sending again; `None` if that would not help.
fn patience_ms(error: &ErrorFrame) -> Option<u64> {
    let by_code = match error.code {
        ErrorCode::Busy | ErrorCode::Storage | ErrorCode::Internal => Some(PATIENCE_MS),
        // The connection was not signed in yet, or not any more.
        ErrorCode::Unauthorized => Some(PATIENCE_MS),
        _ => None,
    };
    error.retry_after_ms.or(by_code)
}

/// How long to wait when the server does not say.
const PATIENCE_MS: u64 = 5_000;
/// How long an ack may take before the draft is sent again.
const ACK_PATIENCE_MS: u64 = 30_000;

#[cfg(test)]
mod tests;
