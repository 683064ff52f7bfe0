//! A monitor, its gateway and its server, each of which dies at any step: whatever happens, each
//! mention is answered once, or its end is marked.
//!
//! Everything is in memory and drawn from one seed, so that a seed that fails fails again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ois_chat::inbox::{Delivery, Effect, Ending, Inbox, Outcome, Record, Settings, State};
use ois_protocol::{AuthOk, Chat, EventId, Message, Nonce, Timestamp};

const SEEDS: u64 = 1000;
const MENTIONS: u64 = 6;
const STEPS: usize = 400;
/// Enough for every call, one after the other, once nothing dies any more.
const QUIET_STEPS: usize = 2000;

#[test]
fn each_mention_is_answered_once_whatever_dies() {
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step(Faults::Many);
        }
        for _ in 0..QUIET_STEPS {
            world.step(Faults::None);
        }
        world.check(seed);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Faults {
    Many,
    None,
}

/// A turn in the gateway's process.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Running,
    Answered,
    Failed,
}

#[derive(Default)]
struct Gateway {
    up: bool,
    boot: u64,
    /// Forgotten when the process dies.
    turns: BTreeMap<String, Turn>,
    /// Kept on disk: the keys begun, and whether they were answered.
    history: BTreeMap<String, Option<Turn>>,
}

/// How far the runtime is with a delivery.
enum Work {
    Fresh(Box<Delivery>),
    Begun(Box<Delivery>),
    Sent(Box<Delivery>),
}

struct World {
    dice: u64,
    now: Timestamp,
    log: Vec<Message>,
    nonces: BTreeSet<Nonce>,
    gateway: Gateway,
    journal: Vec<Record>,
    inbox: Inbox,
    effects: VecDeque<Effect>,
    work: Vec<Work>,
    outbox: Vec<Chat>,
    /// How much of the log the link has handed over.
    read: EventId,
    /// Turns begun for a message, and those that were marked as possible duplicates.
    turns: BTreeMap<EventId, (u32, u32)>,
    endings: BTreeMap<EventId, Ending>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            dice: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            now: Timestamp::from_ms(1_771_200_000_000),
            log: Vec::new(),
            nonces: BTreeSet::new(),
            gateway: Gateway { up: true, ..Gateway::default() },
            journal: Vec::new(),
            inbox: Inbox::new(Settings::default(), State::default()),
            effects: VecDeque::new(),
            work: Vec::new(),
            outbox: Vec::new(),
            read: EventId::ZERO,
            turns: BTreeMap::new(),
            endings: BTreeMap::new(),
        };
        world.start_monitor();
        world
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice % below
    }

    fn step(&mut self, faults: Faults) {
        self.now = self.now.after_ms(self.dice % 3000);
        match self.draw(if faults == Faults::Many { 12 } else { 9 }) {
            0 => self.person_speaks(),
            1 => self.link_reads(),
            2 | 3 => self.effect(),
            4 | 5 => self.runtime_works(faults),
            6 => self.gateway_works(faults),
            7 => self.outbox_flushes(faults),
            8 if faults == Faults::None && !self.gateway.up => self.gateway_dies_or_starts(),
            8 => {
                let effects = self.inbox.wake(self.now);
                self.effects.extend(effects);
            }
            9 => self.gateway_dies_or_starts(),
            10 => self.start_monitor(),
            _ => self.gateway_link_breaks(),
        }
    }

    fn person_speaks(&mut self) {
        let calls = self.log.iter().filter(|message| message.user == "Mira").count() as u64;
        if calls < MENTIONS {
            self.append("Mira", "@ARIA", None);
        }
    }

    fn append(&mut self, user: &str, text: &str, reply_to: Option<EventId>) -> EventId {
        let id = EventId::new(self.log.len() as u64 + 1).unwrap_or_default();
        self.log.push(Message {
            mentions: if user == "Mira" { vec!["ARIA".to_owned()] } else { Vec::new() },
            reply_to,
            cause: reply_to,
            agent: user == "ARIA",
            ..Message::plain(id, user.to_owned(), text.to_owned(), self.now)
        });
        id
    }

    /// The monitor is killed, if it ran, and starts on what its disk holds.
    fn start_monitor(&mut self) {
        let mut state = State::default();
        self.journal.iter().cloned().for_each(|record| state.apply(record));
        self.inbox = Inbox::new(Settings::default(), state);
        (self.effects, self.work, self.outbox) = (VecDeque::new(), Vec::new(), Vec::new());
        let resumed = self.inbox.resume_after();
        let mut effects = self.inbox.start(self.now);
        let auth = AuthOk {
            user: "ARIA".to_owned(),
            team: Some("0a1b2c3d".to_owned()),
            ..AuthOk::default()
        };
        effects.extend(self.inbox.signed_in(&auth, "").expect("the same team"));
        self.read = match resumed {
            Some(after) => after,
            None => {
                effects.extend(self.inbox.look_back(&self.log, self.now));
                EventId::new(self.log.len() as u64).unwrap_or_default()
            }
        };
        self.effects.extend(effects);
    }

    fn link_reads(&mut self) {
        let next = self.log.iter().find(|message| message.id > self.read).cloned();
        if let Some(message) = next {
            self.read = message.id;
            let effects = self.inbox.receive(&message, self.now);
            self.effects.extend(effects);
        }
    }

    /// Carries out one effect: a kill may come between any two.
    fn effect(&mut self) {
        match self.effects.pop_front() {
            Some(Effect::Journal(record)) => self.journal.push(record),
            Some(Effect::Deliver(delivery)) => self.work.push(Work::Fresh(delivery)),
            Some(Effect::Say(chat)) => self.outbox.push(chat),
            Some(Effect::Ended { id, ending }) => {
                let before = self.endings.insert(id, ending);
                assert!(before.is_none(), "{id} ended twice");
            }
            None => {}
        }
    }

    fn runtime_works(&mut self, faults: Faults) {
        // Effects come first: what is to be on disk is there before the runtime goes on.
        if self.work.is_empty() || !self.effects.is_empty() {
            return;
        }
        match self.work.remove(0) {
            Work::Fresh(delivery) => self.look_or_begin(delivery),
            Work::Begun(delivery) => self.send(delivery, faults),
            Work::Sent(delivery) => self.wait(delivery),
        }
    }

    fn look_or_begin(&mut self, delivery: Box<Delivery>) {
        let Some(under_way) = &delivery.under_way else {
            if !self.gateway.up {
                let why = "unreachable".to_owned();
                return self.settle(&delivery, Outcome::NotBegun { why, retry_after_ms: None });
            }
            return self.begin(delivery);
        };
        if !self.gateway.up {
            return self.settle(&delivery, Outcome::Unclear { why: "unreachable".to_owned() });
        }
        let same = under_way.epoch.as_deref() == Some(&self.gateway.boot.to_string());
        match self.gateway.history.get(&delivery.key) {
            None => self.begin(delivery),
            Some(Some(_)) => self.wait(delivery),
            Some(None) if same => self.work.push(Work::Sent(delivery)),
            Some(None) => self.settle(&delivery, Outcome::Failed { why: "died".to_owned() }),
        }
    }

    fn begin(&mut self, delivery: Box<Delivery>) {
        let boot = self.gateway.boot.to_string();
        let effects = self.inbox.begun(delivery.message.id, Some(boot));
        self.effects.extend(effects);
        self.work.push(Work::Begun(delivery));
    }

    /// The request goes out; its answer may be lost on the way back.
    fn send(&mut self, delivery: Box<Delivery>, faults: Faults) {
        let id = delivery.message.id;
        if !self.gateway.up {
            return self.settle(&delivery, Outcome::Unclear { why: "lost".to_owned() });
        }
        if !self.gateway.history.contains_key(&delivery.key) {
            let (begun, marked) = self.turns.entry(id).or_default();
            *begun += 1;
            *marked += u32::from(delivery.possible_duplicate);
            self.gateway.turns.insert(delivery.key.clone(), Turn::Running);
            self.gateway.history.insert(delivery.key.clone(), None);
        }
        if faults == Faults::Many && self.draw(4) == 0 {
            return self.settle(&delivery, Outcome::Unclear { why: "lost".to_owned() });
        }
        let effects = self.inbox.admitted(id, delivery.key.clone());
        self.effects.extend(effects);
        self.work.push(Work::Sent(delivery));
    }

    fn wait(&mut self, delivery: Box<Delivery>) {
        let known = self.gateway.turns.get(&delivery.key).copied();
        let kept = self.gateway.history.get(&delivery.key).copied().flatten();
        match known.filter(|turn| *turn != Turn::Running).or(kept) {
            Some(Turn::Answered) => {
                let text = format!("answer to {}", delivery.message.id);
                self.settle(&delivery, Outcome::Replied(text));
            }
            Some(Turn::Failed) => {
                self.settle(&delivery, Outcome::Failed { why: "model".to_owned() });
            }
            Some(Turn::Running) | None if known.is_none() || !self.gateway.up => {
                self.settle(&delivery, Outcome::Unclear { why: "lost".to_owned() });
            }
            _ => self.work.push(Work::Sent(delivery)),
        }
    }

    fn settle(&mut self, delivery: &Delivery, outcome: Outcome) {
        let dice = u32::try_from(self.draw(1 << 32)).unwrap_or_default();
        let effects = self.inbox.settle(delivery.message.id, outcome, self.now, dice);
        self.effects.extend(effects);
    }

    fn gateway_works(&mut self, faults: Faults) {
        let fails = faults == Faults::Many && self.draw(8) == 0;
        let running = self.gateway.turns.iter().find(|(_, turn)| **turn == Turn::Running);
        if let Some(key) = running.map(|(key, _)| key.clone()).filter(|_| self.gateway.up) {
            let end = if fails { Turn::Failed } else { Turn::Answered };
            self.gateway.turns.insert(key.clone(), end);
            self.gateway.history.insert(key, Some(end));
        }
    }

    fn gateway_dies_or_starts(&mut self) {
        self.gateway.up = !self.gateway.up;
        self.gateway.turns.clear();
        self.gateway.boot += u64::from(self.gateway.up);
    }

    /// Whoever waits for a turn loses sight of it.
    fn gateway_link_breaks(&mut self) {
        let (sent, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.work)
            .into_iter()
            .partition(|work| matches!(work, Work::Sent(_)));
        self.work = rest;
        for work in sent {
            if let Work::Sent(delivery) = work {
                self.settle(&delivery, Outcome::Unclear { why: "lost".to_owned() });
            }
        }
    }

    /// The server takes what is said, once per nonce; its ack may be lost.
    fn outbox_flushes(&mut self, faults: Faults) {
        let Some(chat) = self.outbox.first().cloned() else { return };
        let nonce = chat.nonce.clone().expect("an answer has a nonce");
        if self.nonces.insert(nonce.clone()) {
            self.append("ARIA", &chat.text, chat.reply_to);
        }
        if faults == Faults::Many && self.draw(3) == 0 {
            return;
        }
        self.outbox.remove(0);
        let stored = self.log.iter().find(|message| message.reply_to == chat.reply_to);
        let id = stored.map_or(EventId::ZERO, |message| message.id);
        let effects = self.inbox.acked(&nonce, id);
        self.effects.extend(effects);
    }

    fn check(&self, seed: u64) {
        assert!(self.inbox.state().calls.is_empty(), "seed {seed}: {:?}", self.inbox.state().calls);
        for call in self.log.iter().filter(|message| message.user == "Mira") {
            let id = call.id;
            let answers = self.log.iter().filter(|it| it.reply_to == Some(id)).count();
            assert_eq!(answers, 1, "seed {seed}: {id} of {:?}", self.endings);
            let (turns, marked) = self.turns.get(&id).copied().unwrap_or_default();
            assert!(turns <= marked + 1, "seed {seed}: {id} had a second turn that was not marked");
            assert!(turns <= Settings::default().attempts, "seed {seed}: {id} had {turns} turns");
        }
    }
}
