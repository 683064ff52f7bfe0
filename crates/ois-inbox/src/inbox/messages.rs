//! What is said in the room, by others and by the agent itself.

use ois_protocol::{Chat, DisplayName, EventId, Message, ShortName, Timestamp, mention};

use super::{
    Call, Effect, Ending, Inbox, Record, Said, Stage,
    assignment::{THREAD_MOST, digest},
    cut,
};

impl Inbox {
    /// The last messages before the first sign-in, or before a log that was set back: context, and
    /// calls only where they are young and not answered.
    pub fn look_back(&mut self, history: &[Message], now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        let last_own = history.iter().rev().find(|message| self.is_own(message));
        let answered = last_own.map_or(EventId::ZERO, |message| message.id);
        for message in history {
            let young = now.since_ms(message.time) <= self.settings.look_back_ms;
            if young && message.id > answered {
                effects.extend(self.take_up(message, now));
            }
            self.remember(message);
        }
        let cursor = history.last().map_or(EventId::ZERO, |message| message.id);
        effects.push(self.note(Record::Cursor { id: cursor, looked: self.state.looked }));
        self.held_until = None;
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
        if self.held_until.is_some() {
            self.hold(now);
        }
        if message.id <= self.state.cursor && !self.is_twin(message) {
            self.remember(message);
            return effects;
        }
        self.state.cursor = message.id;
        self.newest = Some(message.id);
        self.unwritten += 1;
        if self.is_own(message) {
            effects.extend(self.receive_own(message, now));
        } else if now.since_ms(message.time) <= STALE_MS {
            effects.extend(self.take_up(message, now));
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
                call.said.push(Said { text: text.to_owned(), id: None });
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

    /// The room shows what the agent said: as a reply it is an answer, and during a turn it may be.
    fn receive_own(&mut self, message: &Message, now: Timestamp) -> Vec<Effect> {
        let (mut changed, mut over) = (Vec::new(), Vec::new());
        let text = message.text.trim();
        for (id, call) in &self.state.calls {
            let mut call = call.clone();
            let said = call.said.iter_mut().find(|said| said.id.is_none() && said.text == text);
            let same = said.is_some();
            if let Some(said) = said {
                said.id = Some(message.id);
            }
            let reply = message.reply_to == Some(*id);
            match call.stage {
                Stage::Answered if reply || same => over.push(*id),
                Stage::Answering { .. } | Stage::Answered | Stage::AnnouncingFailure { .. } => {}
                _ if reply => {
                    call.answered = true;
                    call.answer = call.answer.or(Some(message.id));
                    changed.push(Record::Call(Box::new(call)));
                }
                _ if same => changed.push(Record::Call(Box::new(call))),
                _ => {}
            }
        }
        let mut effects: Vec<Effect> =
            changed.into_iter().map(|record| self.note(record)).collect();
        for id in over {
            let ending = Ending::Replied { answer: Some(message.id) };
            effects.extend(self.close(id, ending, now));
        }
        effects
    }

    /// Makes a call of a message, if it is one.
    fn take_up(&mut self, message: &Message, now: Timestamp) -> Vec<Effect> {
        let Some(stage) = self.called(message) else { return Vec::new() };
        let call = self.new_call(message, stage, now);
        let report = call.report(self.state.identity.as_ref().expect("only a member is called"));
        let mut effects = vec![self.note(Record::Call(Box::new(call)))];
        effects.extend(self.tell(report));
        effects
    }

    /// A call with what is in memory of its surroundings.
    pub(super) fn new_call(&self, message: &Message, stage: Stage, now: Timestamp) -> Call {
        let mut call = Call::new(message.clone(), now, stage);
        let mut next = message.reply_to;
        while let Some(found) = next.and_then(|id| self.in_memory(id)) {
            call.thread.insert(0, found.clone());
            next = found.reply_to.filter(|_| call.thread.len() < THREAD_MOST);
        }
        let listed = digest(message).iter().filter_map(|id| self.in_memory(*id));
        call.listed = listed.cloned().collect();
        let beside = call.thread.iter().chain(&call.listed).map(|known| known.id);
        let beside: Vec<EventId> = beside.chain([message.id]).collect();
        // What the agent said it knows, and what it was handed it has.
        let since = self.recent.iter().filter(|known| {
            known.id > self.state.looked
                && known.room == message.room
                && !self.is_own(known)
                && !beside.contains(&known.id)
        });
        let since: Vec<&Message> = since.collect();
        let from = since.len().saturating_sub(self.settings.context_count);
        call.context = since[from..].iter().map(|known| (*known).clone()).collect();
        call
    }

    fn in_memory(&self, id: EventId) -> Option<&Message> {
        self.recent.iter().find(|known| known.id == id)
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
        while self.recent.len() > self.settings.context_count.max(RECENT_KEPT) {
            self.recent.pop_front();
        }
    }

    /// How a message is for the agent, if it is. A server that knows deliveries says in `calls` and
    /// `offers` whom a message wakes; `mentions` counts only at a server of OIS 1.
    fn called(&self, message: &Message) -> Option<Stage> {
        let me = self.me()?;
        if message.from_archive || self.is_own(message) {
            return None;
        }
        if message.calls.contains(me) {
            return Some(Stage::Waiting);
        }
        if message.offers.iter().any(|offer| offer.agents.contains(me)) {
            return Some(Stage::Offered);
        }
        if self.is_native() {
            return None;
        }
        let names_me = |name: &String| {
            name.eq_ignore_ascii_case(mention::ALL)
                || name.parse::<ShortName>().is_ok_and(|name| name == *me)
        };
        message.mentions.iter().any(names_me).then_some(Stage::Waiting)
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
/// How many messages are remembered for threads, though fewer go along as context.
const RECENT_KEPT: usize = 64;
/// How many of the agent's own words during a turn are compared with its last.
const SAID_KEPT: usize = 32;
/// After so many messages the cursor is written down, so that a restart does not read them again.
const CURSOR_EVERY: u32 = 64;
