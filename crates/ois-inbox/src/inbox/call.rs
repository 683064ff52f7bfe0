//! One call: a message that is for the agent, and how far it came.

use ois_protocol::{Chat, Delivery, EventId, Message, Nonce, Reason, Rung, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Ending, Identity, assignment::Missing, parts::parts};

/// A message that is for the agent, and how far it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// The message that calls.
    pub message: Message,
    /// What was said since the call before, oldest first.
    pub context: Vec<Message>,
    /// What the message answers, and what that answers, oldest first, as far as it was in memory.
    pub thread: Vec<Message>,
    /// The messages that a digest hands over, as far as they were in memory.
    pub listed: Vec<Message>,
    /// When it was received.
    pub received: Timestamp,
    /// Numbers the keys, from 1.
    pub attempt: u32,
    /// How many attempts have ended without an answer.
    pub turns: u32,
    /// How often in a row nobody could tell what became of it.
    pub unclear: u32,
    /// Whether an earlier attempt may have begun a turn as well.
    pub possible_duplicate: bool,
    /// What the agent said by itself during the turn.
    pub said: Vec<Said>,
    /// Whether the agent answered the message by itself.
    pub answered: bool,
    /// The id of that message, once the room has it.
    pub answer: Option<EventId>,
    /// The last thing that went wrong, if anything did.
    pub trouble: Option<Trouble>,
    /// The attempt before this one, which failed.
    pub failed: Option<Box<Delivery>>,
    /// The turn, once the runtime has confirmed it.
    pub run: Option<Running>,
    /// When the attempt was first handed to the runtime such that a turn may have begun.
    #[serde(default)]
    pub begun: Option<Timestamp>,
    /// Whether the turn has gone on for longer than a turn may, and is being stopped for that.
    #[serde(default)]
    pub timed_out: bool,
    /// Whether somebody wants the turn stopped.
    pub stopping: bool,
    /// How far the call has come.
    pub stage: Stage,
}

/// How far a call is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    /// It is offered to several; nothing is done before the server says that this agent has it.
    Offered,
    /// No turn has begun under its key.
    Waiting,
    /// A turn may have begun.
    Delivering {
        /// The runtime's process that was asked, if it has a name.
        epoch: Option<String>,
    },
    /// The turn is over; its answer is not stored yet.
    Answering {
        /// The answer.
        text: String,
        /// The nonce under which its first part is said. A journal of an earlier version has none:
        /// there it is the same for every attempt.
        #[serde(default)]
        nonce: Option<Nonce>,
        /// The most bytes of one message; a longer answer is said in several.
        #[serde(default = "whole")]
        part_bytes: usize,
    },
    /// The turn is over, and the agent has answered by itself; the room has not shown it yet.
    Answered,
    /// There will be no answer; that this was said is not stored yet. Only where the server does
    /// not say it itself.
    #[serde(rename = "regretting")]
    AnnouncingFailure {
        /// The reason, for programs.
        reason: Reason,
        /// The reason in words, for people.
        detail: String,
    },
}

/// Something that the agent said by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The text without white space around it.
    pub text: String,
    /// The message that it became, once the room has it.
    pub id: Option<EventId>,
}

/// The reason why an attempt came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The reason, for programs.
    pub reason: Reason,
    /// The reason in words, for people.
    pub why: String,
}

/// A turn that the runtime has confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Running {
    /// The runtime's name for it.
    pub run: String,
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Option<Timestamp>,
    /// What it cost, as far as the runtime said.
    pub usage: Option<ois_protocol::Usage>,
}

/// What is known of a turn that may have begun.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnderWay {
    /// The runtime's process that was asked, if it has a name.
    pub epoch: Option<String>,
    /// The turn's name, once the runtime has confirmed it.
    pub run: Option<String>,
}

impl Call {
    pub(super) fn new(message: Message, received: Timestamp, stage: Stage) -> Self {
        Self {
            message,
            context: Vec::new(),
            thread: Vec::new(),
            listed: Vec::new(),
            received,
            attempt: 1,
            turns: 0,
            unclear: 0,
            possible_duplicate: false,
            said: Vec::new(),
            answered: false,
            answer: None,
            trouble: None,
            failed: None,
            run: None,
            begun: None,
            timed_out: false,
            stopping: false,
            stage,
        }
    }

    /// The same call driven once more by a person, as this attempt.
    pub(super) fn again(&self, attempt: u32, possible_duplicate: bool, now: Timestamp) -> Self {
        let fresh = Self::new(self.message.clone(), now, Stage::Waiting);
        let possible_duplicate = self.possible_duplicate || possible_duplicate;
        let (context, thread) = (self.context.clone(), self.thread.clone());
        Self { context, thread, listed: self.listed.clone(), attempt, possible_duplicate, ..fresh }
    }

    pub(super) fn assignment(&self, identity: &Identity) -> super::Assignment {
        let run = self.run.as_ref().map(|running| running.run.clone());
        let under_way = match &self.stage {
            Stage::Delivering { epoch } => Some(UnderWay { epoch: epoch.clone(), run }),
            _ => None,
        };
        let (team, agent) = (&identity.team, identity.me.folded());
        super::Assignment {
            message: self.message.clone(),
            context: self.context.clone(),
            missing: Missing::of(&self.message, &self.thread, &self.listed),
            thread: self.thread.clone(),
            listed: self.listed.clone(),
            identity: identity.clone(),
            key: format!("ois:{team}:{}:{agent}:{}", self.message.id, self.attempt),
            attempt: self.attempt,
            possible_duplicate: self.possible_duplicate,
            under_way,
            stopping: self.stopping,
        }
    }

    /// How far it came, for the server.
    pub(super) fn report(&self, identity: &Identity) -> Delivery {
        let state = match self.stage {
            Stage::Delivering { .. } if self.run.is_some() => Rung::Admitted,
            Stage::Offered | Stage::Waiting | Stage::Delivering { .. } => Rung::Received,
            Stage::Answering { .. } | Stage::Answered | Stage::AnnouncingFailure { .. } => {
                Rung::Ended
            }
        };
        Delivery {
            attempt: self.attempt,
            state,
            run: self.run.as_ref().map(|running| running.run.clone()),
            possible_duplicate: self.possible_duplicate,
            ..Delivery::stored(self.message.id, identity.me.clone(), self.received)
        }
    }

    /// How it ended, for the server; nothing of a call that the server itself has withdrawn.
    pub(super) fn last_report(&self, identity: &Identity, ending: &Ending) -> Option<Delivery> {
        let report = self.report(identity);
        Some(match ending {
            Ending::Withdrawn => return None,
            Ending::Silent => Delivery { state: Rung::Silent, ..report },
            Ending::Replied { answer } => {
                Delivery { state: Rung::Replied, answer: *answer, ..report }
            }
            // A turn that was stopped may be driven again; of every other end the room is told.
            Ending::Failed { reason, detail } => Delivery {
                state: match reason {
                    Reason::Stopped | Reason::Timeout => Rung::Failed,
                    _ => Rung::Dead,
                },
                reason: Some(*reason),
                detail: Some(short(detail)),
                ..report
            },
        })
    }

    /// How this attempt failed, for the server; another one follows.
    pub(super) fn failed_report(&self, identity: &Identity) -> Delivery {
        let trouble = self.trouble.as_ref();
        Delivery {
            state: Rung::Failed,
            reason: Some(trouble.map_or(Reason::Error, |trouble| trouble.reason)),
            detail: trouble.map(|trouble| short(&trouble.why)),
            ..self.report(identity)
        }
    }

    /// What is left to be said, in the messages in which it is said: the answer, or that none will
    /// come. Their nonces are made of the call and the attempt: said again after a restart, each is
    /// still one message.
    pub(super) fn last_words(&self) -> Vec<Chat> {
        let texts = match &self.stage {
            Stage::Answering { text, part_bytes, .. } => parts(text, *part_bytes),
            // The mark says that a program wrote it (the message format's markers).
            Stage::AnnouncingFailure { detail, .. } => {
                vec![format!("[AUTO] No answer will come: {detail}")]
            }
            Stage::Offered | Stage::Waiting | Stage::Delivering { .. } | Stage::Answered => {
                return Vec::new();
            }
        };
        let said = |(part, text)| Chat {
            text,
            attachments: Vec::new(),
            room: self.message.room.clone(),
            reply_to: Some(self.message.id),
            nonce: self.nonce(part),
            cause: Some(self.message.id),
        };
        (1..).zip(texts).map(said).collect()
    }

    /// The stage of a call that is answered with this text.
    pub(super) fn answering(&self, text: String, part_bytes: usize) -> Stage {
        let nonce = nonce(&format!("answer-{}-{}", self.message.id, self.attempt));
        Stage::Answering { text, nonce: Some(nonce), part_bytes }
    }

    /// The nonce of a part of what is left to be said, from 1; `None` if there is nothing to say.
    pub(super) fn nonce(&self, part: usize) -> Option<Nonce> {
        let first = match &self.stage {
            Stage::Answering { nonce: Some(nonce), .. } => nonce.as_str().to_owned(),
            Stage::Answering { nonce: None, .. } | Stage::AnnouncingFailure { .. } => {
                format!("answer-{}", self.message.id)
            }
            _ => return None,
        };
        Some(nonce(&if part == 1 { first } else { format!("{first}-{part}") }))
    }

    /// How a call ends whose time is over.
    pub(super) fn late(&self) -> Ending {
        let trouble = self.trouble.as_ref();
        let reason = match self.stage {
            Stage::Answered => Reason::AnswerRefused,
            Stage::Delivering { .. } => Reason::Unclear,
            _ => trouble.map_or(Reason::Deadline, |trouble| trouble.reason),
        };
        let why = trouble.map_or("its turn never came", |trouble| trouble.why.as_str());
        Ending::Failed { reason, detail: format!("given up at the deadline: {why}") }
    }

    /// Why an attempt ends that is being stopped; `None` if it is not.
    pub(super) fn reason_of_stop(&self) -> Option<Reason> {
        let reason = if self.timed_out { Reason::Timeout } else { Reason::Stopped };
        self.stopping.then_some(reason)
    }

    /// Whether the agent's own words during the turn stand for its last ones.
    pub(super) fn has_said(&self, text: &str) -> bool {
        self.answered || self.said.iter().any(|said| said.text == text.trim())
    }

    /// The message that does, as far as the room has shown it.
    pub(super) fn own_answer(&self, text: &str) -> Option<EventId> {
        let same = self.said.iter().find(|said| said.text == text.trim());
        self.answer.or_else(|| same.and_then(|said| said.id))
    }

    /// Whether the runtime has said that its turn is over.
    pub(super) fn is_over(&self) -> bool {
        self.run.as_ref().is_some_and(|running| running.end.is_some())
    }

    pub(super) fn is_under_way(&self) -> bool {
        matches!(self.stage, Stage::Delivering { .. })
    }

    /// Whether all that is left is to have its last word stored.
    pub(super) fn is_speaking(&self) -> bool {
        matches!(
            self.stage,
            Stage::Answering { .. } | Stage::Answered | Stage::AnnouncingFailure { .. }
        )
    }
}

fn nonce(text: &str) -> Nonce {
    text.parse().expect("a word and numbers are a nonce")
}

/// The length of a part in a journal of an earlier version, which knew none.
fn whole() -> usize {
    usize::MAX
}

fn short(words: &str) -> String {
    words.chars().take(Delivery::DETAIL_CHARS).collect()
}
