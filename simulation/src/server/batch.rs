//! The tick: what was said becomes one batch, is written, synced, and only then known.

use std::collections::BTreeMap;

use ois_chat::{Fact, session};
use ois_protocol::{ErrorCode, ErrorFrame, EventId, NewEvent, Nonce, ServerFrame, ShortName};

use super::{FIRST, Origin, Server, Stored};
use crate::scene::{Event, Life, Scene};

/// What to say and to whom once a draft is stored.
#[derive(Debug)]
pub(super) struct Receipt {
    nonce: Option<(ShortName, Nonce)>,
    origin: Origin,
    /// Its place in the batch.
    at: usize,
    is_duplicate: bool,
    fact: Option<NewEvent>,
    /// Where in the log the batch begins.
    base: usize,
}

impl Server {
    /// Puts an event in line for the log.
    pub(super) fn line_up(&mut self, event: NewEvent, origin: Origin, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        process.queue.push((event, origin));
        self.plan(scene);
    }

    fn plan(&mut self, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        if process.batch.is_none() && !process.is_planned && !process.queue.is_empty() {
            process.is_planned = true;
            let ms = scene.random.below(5);
            scene.after(ms, Event::ServerWrites(self.life));
        }
    }

    /// Takes what is in line as one batch, and begins to write it.
    pub(crate) fn writes(&mut self, life: Life, scene: &mut Scene) {
        if life != self.life || self.may_die(scene) {
            return;
        }
        let Some(process) = &mut self.process else { return };
        process.is_planned = false;
        let queue = std::mem::take(&mut process.queue);
        let (events, receipts) = self.sift(queue, scene);
        if events.is_empty() {
            return;
        }
        if !self.log.is_full(scene.now)
            && let Some(until) = scene.full_until()
        {
            self.log.fill(until);
        }
        let base = self.log.entries().len();
        let number = FIRST + base as u64;
        let stored = events.into_iter().enumerate().map(|(at, event)| {
            let id = EventId::new(number + at as u64).expect("a small number");
            Stored::new(event, id, scene.now)
        });
        if self.log.write(stored.collect::<Vec<_>>(), scene.now).is_err() {
            scene.note(format_args!("server's disk takes nothing"));
            return self.regret(receipts, scene);
        }
        let Some(process) = &mut self.process else { return };
        process.batch = Some(receipts);
        let slow = scene.random.chance(scene.weather.slow_disk);
        let ms = scene.random.between(1, if slow { 8000 } else { 20 });
        scene.after(ms, Event::ServerSyncs(life));
    }

    /// Sets aside what was stored before, and what stands twice in the batch.
    fn sift(
        &mut self,
        drafts: Vec<(NewEvent, Origin)>,
        scene: &mut Scene,
    ) -> (Vec<NewEvent>, Vec<Receipt>) {
        let base = self.log.entries().len();
        let (mut events, mut receipts): (Vec<NewEvent>, Vec<Receipt>) = (Vec::new(), Vec::new());
        let mut first: BTreeMap<(ShortName, Nonce), usize> = BTreeMap::new();
        for (event, origin) in drafts {
            let Some(process) = &mut self.process else { break };
            let nonce = event.nonce().map(|nonce| (event.author().clone(), nonce.clone()));
            let stored =
                nonce.as_ref().and_then(|(author, nonce)| process.nonces.find(author, nonce));
            if let Some(id) = stored {
                process.desk.drop_event(&event);
                self.answer(origin, nonce, id, true, scene);
                continue;
            }
            let next = events.len();
            let at = nonce.clone().map_or(next, |nonce| *first.entry(nonce).or_insert(next));
            let is_duplicate = at < next;
            let mut fact = None;
            if is_duplicate {
                process.desk.drop_event(&event);
            } else {
                fact = Fact::is(&event).then(|| event.clone());
                events.push(event);
            }
            receipts.push(Receipt { nonce, origin, at, is_duplicate, fact, base });
        }
        (events, receipts)
    }

    /// The batch is durable: everybody, the senders included, learns of it by reading the log.
    pub(crate) fn syncs(&mut self, life: Life, scene: &mut Scene) {
        if life != self.life || self.may_die(scene) || self.process.is_none() {
            return;
        }
        self.log.sync();
        if self.may_die(scene) {
            return; // it is stored, and nobody has been told
        }
        let Some(process) = &mut self.process else { return };
        let receipts = process.batch.take().unwrap_or_default();
        process.shown = self.log.entries().len();
        for Receipt { nonce, origin, at, is_duplicate, fact, base } in receipts {
            let Some(process) = &mut self.process else { return };
            let Some(stored) = self.log.entries().get(base + at) else { continue };
            let (id, time) = (stored.id, stored.time);
            scene
                .trace
                .note(scene.now, format_args!("server stores {id} {}", brief(&stored.event)));
            if let Some(fact) = fact.and_then(|event| Fact::of(event, id, time)) {
                process.desk.apply(&fact);
            }
            if let (Some((author, nonce)), false) = (&nonce, is_duplicate) {
                process.nonces.insert(author.clone(), nonce.clone(), id, time);
            }
            self.answer(origin, nonce, id, is_duplicate, scene);
        }
        if !self.sweep(scene) {
            return;
        }
        if self.process.as_ref().is_some_and(|process| process.desk.owes()) {
            self.pay_dues(scene);
        }
        self.plan(scene);
    }

    /// Nothing of the batch was stored: its senders alone are told.
    fn regret(&mut self, receipts: Vec<Receipt>, scene: &mut Scene) {
        for Receipt { nonce, origin, fact, .. } in receipts {
            let Some(process) = &mut self.process else { return };
            if let Some(event) = fact {
                process.desk.drop_event(&event);
            }
            let frame = ErrorFrame {
                nonce: nonce.map(|(_, nonce)| nonce),
                retry_after_ms: Some(RETRY_AFTER_MS),
                ..ErrorFrame::new(ErrorCode::Storage, "not stored")
            };
            match origin {
                Origin::Conn(line) => self.say(line, ServerFrame::Error(frame), scene),
                Origin::Report(line, about) => {
                    let frame = ErrorFrame { about: Some(about), ..frame };
                    self.say(line, ServerFrame::Error(frame), scene);
                }
                Origin::Post => {}
                Origin::Server => process.owing = false,
            }
        }
        self.plan(scene);
    }

    fn answer(
        &mut self,
        origin: Origin,
        nonce: Option<(ShortName, Nonce)>,
        id: EventId,
        is_duplicate: bool,
        scene: &mut Scene,
    ) {
        let Some(process) = &mut self.process else { return };
        match (origin, nonce) {
            (Origin::Conn(line), Some((_, nonce))) => {
                self.say(line, session::ack(nonce, id, is_duplicate), scene);
            }
            (Origin::Server, _) => process.owing = false,
            _ => {}
        }
    }

    /// Puts what the server itself wants to have stored in line, if nothing of it is there already.
    pub(super) fn pay_dues(&mut self, scene: &mut Scene) {
        let Some(process) = self.process.as_mut().filter(|process| !process.owing) else { return };
        let due = process.desk.due(scene.now, |agent| process.room.last_here(agent));
        process.owing = !due.is_empty();
        for event in due {
            self.line_up(event, Origin::Server, scene);
        }
    }
}

/// An event in a word or two.
fn brief(event: &NewEvent) -> String {
    match event {
        NewEvent::Message(draft) => match &draft.notice {
            Some(notice) => format!("{notice:?}"),
            None => format!("calls {:?} held {:?}", draft.calls, draft.held),
        },
        NewEvent::Delivery { delivery: it, .. } => {
            let (word, mark) = (it.state.word(), if it.possible_duplicate { " again" } else { "" });
            format!("{}/{} {word}{mark} {:?}", it.id(), it.attempt, it.reason)
        }
        NewEvent::Run(run) => format!("run {} {:?}", run.run, run.outcome),
        _ => String::new(),
    }
}

/// After a failed write: when a sender may try again.
const RETRY_AFTER_MS: u64 = 1000;
