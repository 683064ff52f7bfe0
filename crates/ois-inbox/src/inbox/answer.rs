//! Saying an answer: part after part, until the server has stored the last one.
//!
//! The next part is said when the one before it is stored, so that they stand in their order in the
//! room. After a restart the first part is said again: what the server has already is confirmed as
//! such, since every part keeps its nonce.

use ois_protocol::{ErrorCode, ErrorFrame, EventId, Nonce, Reason, Timestamp};

use super::{Call, Effect, Ending, Inbox, Record, Stage};

/// How far the last words of a call are said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Saying {
    /// The part that is not stored yet, from 0.
    part: usize,
    /// The message that the first part became, once another one is said.
    first: Option<EventId>,
}

impl Inbox {
    /// The server has stored what was said with this nonce.
    pub fn acked(&mut self, nonce: &Nonce, stored: EventId, now: Timestamp) -> Vec<Effect> {
        let Some((call, saying)) = self.speaking(nonce) else { return Vec::new() };
        let id = call.message.id;
        if let Stage::AnnouncingFailure { reason, detail } = &call.stage {
            let ending = Ending::Failed { reason: *reason, detail: detail.clone() };
            return self.close(id, ending, now);
        }
        let (first, part) = (saying.first.or(Some(stored)), saying.part + 1);
        match call.last_words().into_iter().nth(part) {
            Some(next) => {
                self.saying.insert(id, Saying { part, first });
                vec![Effect::Say(next)]
            }
            None => self.close(id, Ending::Replied { answer: first }, now),
        }
    }

    /// The server will not take what was said with the nonce of this error. If it allows less text
    /// than was thought, the answer is said in shorter parts.
    pub fn refused(&mut self, error: &ErrorFrame, now: Timestamp) -> Vec<Effect> {
        let speaking = error.nonce.as_ref().and_then(|nonce| self.speaking(nonce));
        let Some((call, saying)) = speaking else { return Vec::new() };
        let id = call.message.id;
        if let Stage::Answering { text, nonce, part_bytes } = &call.stage
            && error.code == ErrorCode::TooLong
            && saying.part == 0
        {
            let part_bytes = (*part_bytes).min(text.len()) / 2;
            if part_bytes >= LEAST_PART_BYTES {
                let (text, nonce) = (text.clone(), nonce.clone());
                let call = Call { stage: Stage::Answering { text, nonce, part_bytes }, ..call };
                let mut effects = vec![self.note(Record::Call(Box::new(call.clone())))];
                effects.extend(self.say_from_the_first(&call));
                return effects;
            }
        }
        let detail = format!("the server refused the answer: {}", error.message);
        self.close(id, Ending::Failed { reason: Reason::AnswerRefused, detail }, now)
    }

    /// Says the first part of the last words of a call, if it has any.
    pub(super) fn say_from_the_first(&mut self, call: &Call) -> Option<Effect> {
        self.saying.remove(&call.message.id);
        call.last_words().into_iter().next().map(Effect::Say)
    }

    /// The call of whose last words the part with this nonce is waited for, and how far they are said.
    fn speaking(&self, nonce: &Nonce) -> Option<(Call, Saying)> {
        self.state.calls.values().filter(|call| call.is_speaking()).find_map(|call| {
            let saying = self.saying.get(&call.message.id).copied();
            let saying = saying.unwrap_or(Saying { part: 0, first: None });
            let waited_for = call.nonce(saying.part + 1)?;
            (waited_for == *nonce).then(|| (call.clone(), saying))
        })
    }
}

/// A server that refuses parts of this length refuses the answer.
const LEAST_PART_BYTES: usize = 1024;
