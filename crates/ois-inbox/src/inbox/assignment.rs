//! An assignment: the call that a runtime is handed, with what of its surroundings is known.

use ois_protocol::{EventId, Message, Notice};

use super::{Identity, UnderWay};

/// A call on its way to the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The message that calls.
    pub message: Message,
    /// What was said since the call before, oldest first.
    pub context: Vec<Message>,
    /// What the message answers, and what that answers, oldest first.
    pub thread: Vec<Message>,
    /// The messages that a digest hands over, oldest first.
    pub listed: Vec<Message>,
    /// What of these two was not in memory.
    pub missing: Missing,
    /// The agent that is called, and its team.
    pub identity: Identity,
    /// Names this attempt for the runtime: `ois:<team>:<id>:<agent>:<attempt>`.
    pub key: String,
    /// Numbers the attempt, from 1.
    pub attempt: u32,
    /// Whether an earlier attempt may have begun a turn as well.
    pub possible_duplicate: bool,
    /// Set if a turn under this key may have begun: what became of it is to be found out first.
    pub under_way: Option<UnderWay>,
    /// Whether somebody wants the turn stopped: then none is begun, and one that goes on is stopped.
    pub stopping: bool,
}

/// What belongs to a call and was not in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// The next message up the thread.
    pub above: Option<EventId>,
    /// Messages that a digest hands over.
    pub listed: Vec<EventId>,
}

impl Missing {
    /// What is not among these.
    pub(super) fn of(message: &Message, thread: &[Message], listed: &[Message]) -> Self {
        let top = thread.first().unwrap_or(message);
        let above = top.reply_to.filter(|_| thread.len() < THREAD_MOST);
        let is_there = |id: &EventId| listed.iter().any(|it| it.id == *id);
        let listed = digest(message).iter().filter(|id| !is_there(id)).copied().collect();
        Self { above, listed }
    }

    /// Whether nothing is.
    pub fn is_nothing(&self) -> bool {
        self.above.is_none() && self.listed.is_empty()
    }
}

impl Assignment {
    /// Takes in messages that were fetched; what else is missing stands in
    /// [`missing`](Self::missing) afterwards, or has been `asked` for in vain.
    pub fn fetched(&mut self, messages: &[Message], asked: EventId) {
        self.listed
            .extend(messages.iter().filter(|it| self.missing.listed.contains(&it.id)).cloned());
        self.listed.sort_by_key(|message| message.id);
        while let Some(above) = self.missing.above {
            let Some(found) = messages.iter().find(|it| it.id == above) else { break };
            self.thread.insert(0, found.clone());
            self.missing.above = found.reply_to.filter(|_| self.thread.len() < THREAD_MOST);
        }
        let listed = Missing::of(&self.message, &self.thread, &self.listed).listed;
        self.missing.listed.retain(|id| listed.contains(id) && *id != asked);
        self.missing.above = self.missing.above.filter(|above| *above != asked);
    }
}

/// The messages that a digest hands over, the last ones if there are many.
pub(super) fn digest(message: &Message) -> &[EventId] {
    match &message.notice {
        Some(Notice::Digest { messages, .. }) => {
            &messages[messages.len().saturating_sub(LISTED_MOST)..]
        }
        _ => &[],
    }
}

/// How far up a thread goes along.
pub(super) const THREAD_MOST: usize = 8;
/// How many messages of a digest go along.
const LISTED_MOST: usize = 32;
