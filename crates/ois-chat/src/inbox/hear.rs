//! What is said in the room, by others and by the agent itself.

use ois_protocol::{Chat, DisplayName, EventId, Message, ShortName, Timestamp, mention};

use super::{Call, Effect, Inbox, Record, cut};

impl Inbox {
    /// The last messages before the first sign-in, or before a log that was set back: context, and
    /// calls only where they are young and not answered.
    pub fn look_back(&mut self, history: &[Message], now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        let last_own = history.iter().rev().find(|message| self.is_own(message));
        let answered = last_own.map_or(EventId::ZERO, |message| message.id);
        for message in history {
            let young = now.since_ms(message.time) <= self.settings.look_back_ms;
            if young && message.id > answered && self.calls_me(message) {
                let call = self.new_call(message, now);
                effects.push(self.note(Record::Call(Box::new(call))));
            }
            self.remember(message);
        }
        let cursor = history.last().map_or(EventId::ZERO, |message| message.id);
        effects.push(self.note(Record::Cursor { id: cursor, looked: self.state.looked }));
        self.tick(now, &mut effects);
        effects
    }

    /// The server's log does not reach as far as what we have seen: it was set back.
    pub fn rewind(&mut self) -> Vec<Effect> {
        vec![self.note(Record::Rewound)]
    }

    /// Somebody said something. Messages come in order; what was seen already changes nothing.
    pub fn receive(&mut self, message: &Message, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        if message.id <= self.state.cursor && !self.is_twin(message) {
            self.remember(message);
            return effects;
        }
        self.state.cursor = message.id;
        self.newest = Some(message.id);
        self.unwritten += 1;
        if self.is_own(message) {
            let named = message.reply_to.and_then(|id| self.state.calls.get(&id));
            if let Some(call) = named.filter(|call| !call.is_speaking() && !call.answered) {
                let call = Call { answered: true, ..call.clone() };
                effects.push(self.note(Record::Call(Box::new(call))));
            }
        } else if self.calls_me(message) && now.since_ms(message.time) <= STALE_MS {
            let call = self.new_call(message, now);
            effects.push(self.note(Record::Call(Box::new(call))));
        }
        if self.unwritten >= CURSOR_EVERY {
            effects.push(self.cursor());
        }
        self.remember(message);
        self.tick(now, &mut effects);
        effects
    }

    /// The agent said something by itself. During a turn, a reply to the message that called, or
    /// the same words as the turn's last, stands for the answer.
    pub fn spoke(&mut self, chat: &Chat) -> Vec<Effect> {
        let text = chat.text.trim();
        let mut changed = Vec::new();
        for (id, call) in &self.state.calls {
            let mut call = call.clone();
            if chat.reply_to == Some(*id) && !call.is_speaking() {
                call.answered = true;
            } else if call.is_under_way() && call.said.len() < SAID_KEPT {
                call.said.push(text.to_owned());
            } else {
                continue;
            }
            changed.push(Record::Call(Box::new(call)));
        }
        changed.into_iter().map(|record| self.note(record)).collect()
    }

    /// The message that the agent is at work on, if it is one: what it says now is caused by it.
    pub fn cause(&self) -> Option<EventId> {
        let mut under_way = self.state.calls.values().filter(|call| call.is_under_way());
        under_way.next().filter(|_| under_way.next().is_none()).map(|call| call.message.id)
    }

    fn new_call(&self, message: &Message, now: Timestamp) -> Call {
        let since = self.recent.iter().filter(|known| known.id > self.state.looked);
        let since: Vec<&Message> = since.collect();
        let from = since.len().saturating_sub(self.settings.context_count);
        let context = since[from..].iter().map(|known| (*known).clone()).collect();
        Call::new(message.clone(), context, now)
    }

    /// Whether this is another message of the millisecond of the last one: an old server gives both
    /// the same id. The link hands nothing out twice, so within a process it is a new one.
    fn is_twin(&self, message: &Message) -> bool {
        let old = self.state.identity.as_ref().is_some_and(|identity| !identity.native);
        old && self.newest == Some(message.id) && !self.state.calls.contains_key(&message.id)
    }

    fn remember(&mut self, message: &Message) {
        let last = self.recent.back().map(|last| (last.id, last.text.as_str()));
        if last.is_some_and(|last| last.0 > message.id || last == (message.id, &message.text)) {
            return;
        }
        let text = cut(&message.text, CONTEXT_BYTES);
        self.recent.push_back(Message { text, attachments: Vec::new(), ..message.clone() });
        while self.recent.len() > self.settings.context_count {
            self.recent.pop_front();
        }
    }

    fn calls_me(&self, message: &Message) -> bool {
        if message.from_archive || self.is_own(message) {
            return false;
        }
        let Some(me) = self.me() else { return false };
        let names_me = |name: &String| {
            name.eq_ignore_ascii_case(mention::ALL)
                || name.parse::<ShortName>().is_ok_and(|name| name == *me)
        };
        message.mentions.iter().any(names_me)
    }

    fn is_own(&self, message: &Message) -> bool {
        let author = message.user.parse::<DisplayName>().map(|name| name.short());
        self.me().is_some_and(|me| author.is_ok_and(|author| author == *me))
    }

    pub(super) fn me(&self) -> Option<&ShortName> {
        self.state.identity.as_ref().map(|identity| &identity.me)
    }
}

/// A mention older than a week is history, for example of an imported deployment, not a call.
const STALE_MS: u64 = 7 * 24 * 3600 * 1000;
/// Bytes of one message that stay with a call as context.
const CONTEXT_BYTES: usize = 4 << 10;
/// How many of the agent's own words during a turn are compared with its last.
const SAID_KEPT: usize = 32;
/// After so many messages the cursor is written down, so that a restart does not read them again.
const CURSOR_EVERY: u32 = 64;
