//! A monitor, its gateway, its server and the wire between them, each of which dies at any step:
//! whatever happens, each mention is answered once or its end is told, and in the end the server
//! knows it as it is.
//!
//! Everything is in memory and drawn from one seed, so that a seed that fails fails again.

mod gateway;
mod server;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ois_chat::inbox::{Delivery, Effect, Fetched, Inbox, Outcome, Record, Settings, State};
use ois_protocol::{AuthOk, Chat, EventId, Reason, Rung, ServerFrame, Timestamp};

use self::{
    gateway::{Gateway, Turn},
    server::{Server, Told},
};

const SEEDS: u64 = 600;
const STEPS: usize = 2000;
/// Enough for every call, one after the other, once nothing dies any more.
const QUIET_STEPS: usize = 3000;

#[test]
fn each_mention_ends_once_and_the_server_knows_how_whatever_dies() {
    let mut seen = BTreeSet::new();
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step(Faults::Many);
        }
        for _ in 0..QUIET_STEPS {
            world.step(Faults::None);
        }
        world.check(seed);
        seen.extend(world.server.deliveries().into_iter().map(|(message, delivery)| {
            let offered = !message.offers.is_empty();
            (offered, world.server.retries.get(&message.id) > Some(&0), delivery.state)
        }));
    }
    // Neither an end nor a way to it was left out.
    for state in [Rung::Replied, Rung::Silent, Rung::Failed, Rung::Dead] {
        assert!(seen.contains(&(false, false, state)), "{state:?} is not in {seen:?}");
    }
    for way in [(true, false), (false, true)] {
        assert!(seen.contains(&(way.0, way.1, Rung::Replied)), "{way:?} is not in {seen:?}");
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Faults {
    Many,
    None,
}

/// How far the runtime is with a delivery.
enum Work {
    Fresh(Box<Delivery>),
    Begun(Box<Delivery>),
    Sent(Box<Delivery>),
    Stop(Box<Delivery>),
    Fetch(EventId),
}

struct World {
    dice: u64,
    now: Timestamp,
    server: Server,
    gateway: Gateway,
    journal: Vec<Record>,
    inbox: Inbox,
    effects: VecDeque<Effect>,
    work: Vec<Work>,
    outbox: Vec<Chat>,
    /// Whether the wire to the server stands.
    online: bool,
    /// What is on it, to the server and back.
    to_server: VecDeque<Told>,
    to_monitor: VecDeque<ServerFrame>,
    /// How much of the log the link has read, and which message was the last of it.
    read: usize,
    cursor: EventId,
    caught_up: bool,
    /// Turns begun for a message, and those that were marked as possible duplicates.
    turns: BTreeMap<EventId, (u32, u32)>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            dice: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            now: Timestamp::from_ms(1_771_200_000_000),
            server: Server::default(),
            gateway: Gateway { up: true, ..Gateway::default() },
            journal: Vec::new(),
            inbox: Inbox::new(Settings::default(), State::default()),
            effects: VecDeque::new(),
            work: Vec::new(),
            outbox: Vec::new(),
            online: false,
            to_server: VecDeque::new(),
            to_monitor: VecDeque::new(),
            read: 0,
            cursor: EventId::ZERO,
            caught_up: false,
            turns: BTreeMap::new(),
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
        let many = faults == Faults::Many;
        match self.draw(if many { 19 } else { 13 }) {
            0 => self.person_acts(many),
            1 | 2 => self.link_reads(),
            3 | 4 => self.effect(),
            5 | 6 => self.runtime_works(faults),
            7 => self.gateway_works(faults),
            8 => self.outbox_flushes(faults),
            9 if !many && !self.gateway.up => self.gateway.dies_or_starts(),
            9 => {
                let effects = self.inbox.wake(self.now);
                self.effects.extend(effects);
            }
            10 | 11 => self.server_hears(),
            12 => self.monitor_hears(),
            13 => self.gateway.dies_or_starts(),
            // What dies all the time gets nowhere near an end.
            14 if self.draw(3) == 0 => self.start_monitor(),
            15 => self.gateway_link_breaks(),
            16 if self.draw(3) == 0 => self.wire_breaks(),
            14 | 16 => self.link_reads(),
            17 => self.person_stops(),
            _ => self.server.another_agent_claims(self.now),
        }
    }

    fn person_acts(&mut self, many: bool) {
        match self.draw(4) {
            0 => self.server.offers(self.now),
            1 | 2 if many => self.server.person_retries(self.now),
            _ => self.server.calls(self.now),
        }
    }

    /// The monitor is killed, if it ran, and starts on what its disk holds.
    fn start_monitor(&mut self) {
        let mut state = State::default();
        self.journal.iter().cloned().for_each(|record| state.apply(record));
        self.inbox = Inbox::new(Settings::default(), state);
        (self.effects, self.work, self.outbox) = (VecDeque::new(), Vec::new(), Vec::new());
        self.cursor = self.inbox.resume_after().unwrap_or_default();
        self.wire_breaks();
        let effects = self.inbox.start(self.now);
        self.effects.extend(effects);
    }

    /// What is under way to the server and back is lost.
    fn wire_breaks(&mut self) {
        self.online = false;
        self.to_server.clear();
        self.to_monitor.clear();
    }

    fn sign_in(&mut self) {
        let auth = AuthOk {
            user: "ARIA".to_owned(),
            team: Some("0a1b2c3d".to_owned()),
            ..AuthOk::default()
        };
        (self.online, self.caught_up) = (true, false);
        let first = self.inbox.state().identity.is_none();
        let effects = self.inbox.signed_in(&auth, "", self.now).expect("the same team");
        self.effects.extend(effects);
        if first {
            let effects = self.inbox.look_back(&self.server.messages(), self.now);
            self.effects.extend(effects);
            (self.read, self.caught_up) = (self.server.log.len(), true);
        } else {
            self.read = usize::try_from(self.cursor.get()).unwrap_or_default();
        }
    }

    /// The link connects, or reads the next event of the log.
    fn link_reads(&mut self) {
        if !self.online {
            return self.sign_in();
        }
        let effects = match self.server.log.get(self.read).cloned() {
            Some(ServerFrame::Message { message }) => {
                self.cursor = message.id;
                self.inbox.receive(&message, self.now)
            }
            Some(ServerFrame::Delivery(delivery)) => self.inbox.told(&delivery, self.now),
            Some(ServerFrame::Run(run)) => self.inbox.run_told(&run),
            Some(_) => Vec::new(),
            None if self.caught_up => return,
            None => {
                self.caught_up = true;
                self.effects.extend(self.inbox.caught_up(self.now));
                return;
            }
        };
        self.read += 1;
        self.effects.extend(effects);
    }

    /// Carries out one effect: a kill may come between any two.
    fn effect(&mut self) {
        let told = match self.effects.pop_front() {
            Some(Effect::Journal(record)) => return self.journal.push(record),
            Some(Effect::Deliver(delivery)) => return self.work.push(Work::Fresh(delivery)),
            Some(Effect::Stop(delivery)) => return self.work.push(Work::Stop(delivery)),
            Some(Effect::Fetch(id)) => return self.work.push(Work::Fetch(id)),
            Some(Effect::Say(chat)) => return self.outbox.push(chat),
            Some(Effect::Report(report)) => Told::Report(*report),
            Some(Effect::Run(run)) => Told::Run(*run),
            Some(Effect::NotStopped(_) | Effect::Ended { .. }) | None => return,
        };
        if self.online {
            self.to_server.push_back(told);
        }
    }

    fn server_hears(&mut self) {
        if let Some(told) = self.to_server.pop_front() {
            self.to_monitor.extend(self.server.hears(told, self.now));
        }
    }

    fn monitor_hears(&mut self) {
        let effects = match self.to_monitor.pop_front() {
            Some(ServerFrame::Delivery(delivery)) => self.inbox.told(&delivery, self.now),
            Some(ServerFrame::Error(error)) => self.inbox.not_taken(&error, self.now),
            Some(ServerFrame::Stop(stop)) => self.inbox.stop(&stop),
            _ => Vec::new(),
        };
        self.effects.extend(effects);
    }

    fn person_stops(&mut self) {
        let stop = self.server.stop();
        self.to_monitor.extend(stop.filter(|_| self.online).map(ServerFrame::Stop));
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
            Work::Stop(delivery) => {
                let stopped = self.gateway.stop(&delivery.key);
                let effects = self.inbox.stopped(delivery.message.id, stopped);
                self.effects.extend(effects);
            }
            Work::Fetch(id) => {
                let found = self.server.messages().into_iter().find(|message| message.id == id);
                let fetched = match found {
                    _ if faults == Faults::Many && self.draw(3) == 0 => Fetched::Failed,
                    Some(message) => Fetched::Found(Box::new(message)),
                    None => Fetched::Gone,
                };
                let effects = self.inbox.fetched(id, fetched, self.now);
                self.effects.extend(effects);
            }
        }
    }

    fn look_or_begin(&mut self, delivery: Box<Delivery>) {
        let Some(under_way) = &delivery.under_way else {
            if !self.gateway.up {
                let (reason, why) = (Reason::Unreachable, "unreachable".to_owned());
                let outcome = Outcome::NotBegun { reason, why, retry_after_ms: None };
                return self.settle(&delivery, outcome);
            }
            return self.begin(delivery);
        };
        if !self.gateway.up {
            return self.settle(&delivery, Outcome::Unclear { why: "unreachable".to_owned() });
        }
        let same = under_way.epoch.as_deref() == Some(&self.gateway.boot.to_string());
        match self.gateway.history.get(&delivery.key) {
            None if delivery.stopping => self.settle(&delivery, failed(Reason::Stopped)),
            None => self.begin(delivery),
            Some(Some(_)) => self.wait(delivery),
            Some(None) if same => {
                if delivery.stopping {
                    self.gateway.stop(&delivery.key);
                }
                self.work.push(Work::Sent(delivery));
            }
            Some(None) => self.settle(&delivery, failed(Reason::Interrupted)),
        }
    }

    fn begin(&mut self, delivery: Box<Delivery>) {
        if !self.inbox.may_begin(delivery.message.id) {
            return self.settle(&delivery, Outcome::Unclear { why: "not to begin".to_owned() });
        }
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
            self.gateway.begin(&delivery.key);
        }
        if faults == Faults::Many && self.draw(4) == 0 {
            return self.settle(&delivery, Outcome::Unclear { why: "lost".to_owned() });
        }
        let effects = self.inbox.admitted(id, delivery.key.clone(), self.now);
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
            Some(Turn::Silent) => self.settle(&delivery, Outcome::Silent),
            Some(Turn::Failed) => self.settle(&delivery, failed(Reason::Error)),
            Some(Turn::Stopped) => self.settle(&delivery, failed(Reason::Stopped)),
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
        let end = match self.draw(8) {
            0..4 if faults == Faults::Many => Turn::Failed,
            4 => Turn::Silent,
            _ => Turn::Answered,
        };
        self.gateway.works(end);
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
        if !self.online {
            return;
        }
        let Some(chat) = self.outbox.first().cloned() else { return };
        let nonce = chat.nonce.clone().expect("an answer has a nonce");
        let id = self.server.says(&chat, self.now);
        if faults == Faults::Many && self.draw(3) == 0 {
            return;
        }
        self.outbox.remove(0);
        let effects = self.inbox.acked(&nonce, id, self.now);
        self.effects.extend(effects);
    }

    fn check(&self, seed: u64) {
        let state = self.inbox.state();
        assert!(state.calls.is_empty(), "seed {seed}: {:?}", state.calls);
        assert!(state.closings.is_empty(), "seed {seed}: {:?}", state.closings);
        assert!(state.runs.is_empty(), "seed {seed}: {:?}", state.runs);
        assert!(state.wanted.is_empty(), "seed {seed}: {:?}", state.wanted);
        let open: Vec<_> = self.server.runs.values().filter(|run| run.end.is_none()).collect();
        assert!(open.is_empty(), "seed {seed}: {open:?}");
        for (message, delivery) in self.server.deliveries() {
            let id = message.id;
            let told = format!("seed {seed}: {delivery:?}");
            let answers = self.server.answers(id);
            let wanted: &[EventId] = match delivery.state {
                Rung::Replied => &answers,
                _ => &[],
            };
            assert!(delivery.state.is_final(), "{told}");
            assert_eq!(answers, wanted, "{told}");
            assert_eq!(answers.len(), usize::from(delivery.state == Rung::Replied), "{told}");
            assert_eq!(delivery.answer, answers.first().copied(), "{told}");
            let (turns, marked) = self.turns.get(&id).copied().unwrap_or_default();
            assert!(turns <= marked + 1, "{told} had a second turn that was not marked");
            let driven = self.server.retries.get(&id).copied().unwrap_or_default() + 1;
            assert!(turns <= driven * Settings::default().attempts, "{told} had {turns} turns");
        }
    }
}

fn failed(reason: Reason) -> Outcome {
    Outcome::Failed { reason, why: "no answer".to_owned() }
}
