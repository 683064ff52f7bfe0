//! One batch: taken from the team, written, synced, and only then read back and shown.

use ois_chat::team::Batch;
use ois_protocol::{EventId, NewEvent};

use super::{FIRST, Server, Stored};
use crate::scene::{Event, Life, Scene};

impl Server {
    /// Plans the next batch, if there is anything for it.
    pub(super) fn plan(&mut self, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        if !process.is_writing && !process.is_planned && process.team.has_work() {
            process.is_planned = true;
            let ms = scene.random.below(5);
            scene.after(ms, Event::ServerWrites(self.life));
        }
    }

    /// Takes the next batch, and begins to write it.
    pub(crate) fn writes(&mut self, life: Life, scene: &mut Scene) {
        if life != self.life || self.may_die(scene) {
            return;
        }
        let Some(process) = &mut self.process else { return };
        process.is_planned = false;
        let Some(Batch { events, after }) = process.team.take_batch(scene.now) else {
            self.carry_out(scene);
            return;
        };
        if after != self.head() {
            scene.ledger.wrong(format!("a batch was decided after {after}, not after the head"));
        }
        if !self.log.is_full(scene.now)
            && let Some(until) = scene.full_until()
        {
            self.log.fill(until);
        }
        let number = FIRST + self.log.entries().len() as u64;
        let stored = events.into_iter().enumerate().map(|(at, event)| {
            let id = EventId::new(number + at as u64).expect("a small number");
            Stored::new(event, id, scene.now)
        });
        let Some(process) = &mut self.process else { return };
        if self.log.write(stored.collect::<Vec<_>>(), scene.now).is_err() {
            scene.note(format_args!("server's disk takes nothing"));
            process.team.append_failed();
            self.carry_out(scene);
            return self.plan(scene);
        }
        process.is_writing = true;
        let slow = scene.random.chance(scene.weather.slow_disk);
        let ms = scene.random.between(1, if slow { 8000 } else { 20 });
        scene.after(ms, Event::ServerSyncs(life));
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
        process.is_writing = false;
        let new = &self.log.entries()[process.shown..];
        if let Some(first) = new.first() {
            process.team.appended(first.id);
        }
        for stored in new {
            scene
                .trace
                .note(scene.now, format_args!("server stores {} {}", stored.id, brief(stored)));
            process.team.stored(&stored.record);
        }
        process.shown = self.log.entries().len();
        self.line_up_outputs(scene);
        if self.sweep(scene) {
            self.plan(scene);
        }
    }
}

/// An event in a word or two.
fn brief(stored: &Stored) -> String {
    match &stored.event {
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
