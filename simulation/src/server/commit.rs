//! One batch: taken from the team, written, synced, and only then read back and shown.

use ois_chat::team::Batch;
use ois_protocol::NewEvent;

use super::Server;
use crate::{
    log::{Refused, Stored},
    scene::{Event, Life, Scene},
};

impl Server {
    /// Plans the next batch, if there is anything for it.
    pub(super) fn plan(&mut self, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        if process.writing.is_none() && !process.is_planned && process.team.has_work() {
            process.is_planned = true;
            let ms = scene.random.below(5);
            scene.after(ms, Event::ServerWrites(self.number, self.life));
        }
    }

    /// Takes the next batch, and begins to write it.
    pub(crate) fn writes(&mut self, life: Life, scene: &mut Scene) {
        if life != self.life || self.may_die(scene) {
            return;
        }
        let Some(process) = &mut self.process else { return };
        process.is_planned = false;
        let known = scene.log.look_up(process.team.close_batch());
        let Some(Batch { events, after }) = process.team.take_batch(&known, scene.now) else {
            return self.carry_out(scene);
        };
        if !scene.log.disk().is_full(scene.now)
            && let Some(until) = scene.full_until()
        {
            scene.log.disk().fill(until);
        }
        match scene.log.append(events, after, scene.now) {
            Ok(first) => process.writing = Some(first),
            Err(Refused::Moved) => {
                scene.note(format_args!("the log has moved; a batch is decided anew"));
                process.team.moved();
                return self.catches_up(scene);
            }
            Err(Refused::Full) => {
                scene.note(format_args!("the log's disk takes nothing"));
                process.team.append_failed();
                return self.carry_out(scene);
            }
        }
        if scene.has_two_servers() {
            scene.log.sync();
            let (other, ms) = (1 - self.number, scene.random.below(300));
            scene.after(ms, Event::LogMoves(other));
        }
        let slow = scene.random.chance(scene.weather.slow_disk);
        let ms = scene.random.between(1, if slow { 8000 } else { 20 });
        scene.after(ms, Event::ServerSyncs(self.number, life));
    }

    /// The batch is durable: everybody, the senders included, learns of it by reading the log.
    pub(crate) fn syncs(&mut self, life: Life, scene: &mut Scene) {
        if life != self.life || self.may_die(scene) || self.process.is_none() {
            return;
        }
        scene.log.sync();
        if self.may_die(scene) {
            return; // it is stored, and nobody has been told
        }
        let Some(process) = &mut self.process else { return };
        if let Some(first) = process.writing.take() {
            process.team.appended(first);
        }
        self.catches_up(scene);
    }

    /// Another server has appended something.
    pub(crate) fn log_moves(&mut self, scene: &mut Scene) {
        let is_writing = self.process.as_ref().is_some_and(|process| process.writing.is_some());
        // What it is writing itself comes first; it reads on after that.
        if !is_writing && !self.may_die(scene) {
            self.catches_up(scene);
        }
    }

    /// Reads what the log has that the team has not seen, and shows it to everybody.
    fn catches_up(&mut self, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        for stored in &scene.log.entries()[process.shown..] {
            let words =
                format_args!("server {} reads {} {}", self.number, stored.id, brief(stored));
            scene.trace.note(scene.now, words);
            process.team.stored(&stored.record);
        }
        process.shown = scene.log.entries().len();
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
