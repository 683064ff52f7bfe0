//! One call: a message that is for the agent, and how far it came.

use ois_protocol::{Chat, EventId, Message, Nonce, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Ending, Identity};

/// A message that is for the agent, and how far it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// The message that calls.
    pub message: Message,
    /// What was said since the call before, oldest first.
    pub context: Vec<Message>,
    /// When it was received.
    pub received: Timestamp,
    /// Numbers the keys, from 1.
    pub attempt: u32,
    /// How many turns have begun and ended without an answer.
    pub turns: u32,
    /// How often in a row nobody could tell what became of it.
    pub unclear: u32,
    /// Whether an earlier attempt may have begun a turn as well.
    pub possible_duplicate: bool,
    /// What the agent said by itself during the turn, trimmed.
    pub said: Vec<String>,
    /// Whether the agent answered the message by itself.
    pub answered: bool,
    /// What went wrong last.
    pub trouble: Option<String>,
    /// How far it is.
    pub stage: Stage,
}

/// How far a call is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    /// No turn has begun under its key.
    Waiting,
    /// A turn may have begun.
    Delivering {
        /// What is known of it.
        under_way: UnderWay,
    },
    /// The turn is over; its answer is not stored yet.
    Answering {
        /// The answer.
        text: String,
    },
    /// There will be no answer; that this was said is not stored yet.
    Regretting {
        /// Why.
        reason: String,
    },
}

/// What is known of a turn that may have begun.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnderWay {
    /// The runtime's process that was asked, if it has a name.
    pub epoch: Option<String>,
    /// The turn's name, once the runtime has confirmed it.
    pub run: Option<String>,
}

/// A call on its way to the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The message that calls.
    pub message: Message,
    /// What was said since the call before, oldest first.
    pub context: Vec<Message>,
    /// Who is called, and where.
    pub identity: Identity,
    /// Names this attempt for the runtime: `ois:<team>:<id>:<agent>:<attempt>`.
    pub key: String,
    /// Numbers the attempt, from 1.
    pub attempt: u32,
    /// Whether an earlier attempt may have begun a turn as well.
    pub possible_duplicate: bool,
    /// Set if a turn under this key may have begun: what became of it is to be found out first.
    pub under_way: Option<UnderWay>,
}

impl Call {
    pub(super) fn new(message: Message, context: Vec<Message>, received: Timestamp) -> Self {
        Self {
            message,
            context,
            received,
            attempt: 1,
            turns: 0,
            unclear: 0,
            possible_duplicate: false,
            said: Vec::new(),
            answered: false,
            trouble: None,
            stage: Stage::Waiting,
        }
    }

    pub(super) fn delivery(&self, identity: &Identity) -> Delivery {
        let under_way = match &self.stage {
            Stage::Delivering { under_way } => Some(under_way.clone()),
            _ => None,
        };
        let (team, agent) = (&identity.team, identity.me.folded());
        Delivery {
            message: self.message.clone(),
            context: self.context.clone(),
            identity: identity.clone(),
            key: format!("ois:{team}:{}:{agent}:{}", self.message.id, self.attempt),
            attempt: self.attempt,
            possible_duplicate: self.possible_duplicate,
            under_way,
        }
    }

    /// The last word to be said, if there is one: the answer, or that none will come. Its nonce is
    /// the call's: whatever happens, one member answers one message once.
    pub(super) fn answer(&self) -> Option<Chat> {
        let text = match &self.stage {
            Stage::Answering { text } => text.clone(),
            // The mark says that a program wrote it (the message format's markers).
            Stage::Regretting { reason } => format!("[AUTO] No answer will come: {reason}"),
            Stage::Waiting | Stage::Delivering { .. } => return None,
        };
        Some(Chat {
            text,
            attachments: Vec::new(),
            room: self.message.room.clone(),
            reply_to: Some(self.message.id),
            nonce: Some(self.nonce()),
            cause: Some(self.message.id),
        })
    }

    pub(super) fn nonce(&self) -> Nonce {
        format!("answer-{}", self.message.id).parse().expect("a word and a number are a nonce")
    }

    /// How a call ends whose time is over.
    pub(super) fn late(&self) -> (EventId, Ending) {
        let ending = if self.answered {
            Ending::Replied { answer: None }
        } else {
            let trouble = self.trouble.as_deref().unwrap_or("its turn never came");
            Ending::Failed { reason: format!("given up at the deadline: {trouble}") }
        };
        (self.message.id, ending)
    }

    pub(super) fn has_said(&self, text: &str) -> bool {
        self.answered || self.said.iter().any(|said| said == text.trim())
    }

    pub(super) fn is_under_way(&self) -> bool {
        matches!(self.stage, Stage::Delivering { .. })
    }

    /// Whether all that is left is to have its last word stored.
    pub(super) fn is_speaking(&self) -> bool {
        matches!(self.stage, Stage::Answering { .. } | Stage::Regretting { .. })
    }
}
