//! A session's turns: one after the other, with whatever agents say in them.

use ois_gateway::{Cost, Outcome, Role, Row, SessionState, StopReason};
use ois_protocol::Chat;

use super::{Active, Gateway};
use crate::{
    ledger::{End, Turn},
    scene::{Event, Scene},
};

impl Gateway {
    /// The next turn begins, if none is under way.
    pub(super) fn begin(&mut self, scene: &mut Scene) {
        let Some(process) = self.process.as_mut().filter(|process| process.active.is_none()) else {
            return;
        };
        let Some(input) = process.queue.pop_front() else { return };
        let run = input.key.clone();
        scene.note(format_args!("gateway {} begins {run}", self.agent));
        scene.ledger.turns.push(Turn {
            agent: self.agent,
            message: input.message,
            key: run.clone(),
            attempt: input.attempt,
            is_marked: input.is_marked,
            end: None,
        });
        process.active = Some(Active { run: run.clone(), input, said: Vec::new() });
        self.state = SessionState::Running;
        // A turn that is taken up later comes behind this one, and is not taken up any more.
        if let Some((lost, _)) = self.cut_short.take() {
            scene.ledger.ends(self.agent, &lost.run, End::Died);
        }
        self.rows.push(row(Role::User, "", Some(format!("{run}:user")), None));
        self.goes_on(run, scene);
    }

    fn goes_on(&mut self, run: String, scene: &mut Scene) {
        let long = scene.random.chance(scene.weather.takes_long);
        let most = if long { 7_200_000 } else { 30_000 };
        let ms = scene.random.between(200, most);
        if scene.random.chance(scene.weather.speaks) {
            let when = scene.random.below(ms);
            scene.after(when, Event::TurnSpeaks(self.agent, self.boot, run.clone()));
        }
        scene.after(ms, Event::TurnEnds(self.agent, self.boot, run));
    }

    /// The agent says something by itself: an answer, its last words before they are its last, or
    /// anything.
    pub(crate) fn turn_speaks(&mut self, boot: u32, run: &str, scene: &mut Scene) {
        let text = self.words(scene);
        let Some(active) = self.active(boot, run) else { return };
        let reply_to = scene.random.chance(4000).then_some(active.input.message);
        active.said.push(text.clone());
        let chat = Chat { text, reply_to, ..Chat::in_main() };
        scene.note(format_args!("agent {} says by itself {:?}", self.agent, chat.text));
        scene.after(5, Event::Speaks(self.agent, Box::new(chat)));
        self.may_die(scene);
    }

    pub(crate) fn turn_ends(&mut self, boot: u32, run: &str, scene: &mut Scene) {
        let text = self.words(scene);
        let Some(active) = self.active(boot, run) else { return };
        let said = active.said.last().cloned();
        if self.may_die(scene) {
            return;
        }
        let text = said.filter(|_| scene.random.chance(4000)).unwrap_or(text);
        let (reply, end) = match scene.random.below(10) {
            _ if scene.random.chance(scene.weather.model_fails) => {
                (Outcome::Failed { reason: "failed".to_owned() }, End::Failed)
            }
            0 => (Outcome::Silent, End::Silent),
            _ => (Outcome::Replied(text.clone()), End::Answered),
        };
        scene.note(format_args!("gateway {} ends {run}: {end:?}", self.agent));
        match end {
            End::Answered => {
                let stop = Some(StopReason::Stop);
                let tokens = scene.random.between(100, 50_000);
                let cost = Cost { input_tokens: Some(tokens), ..Cost::default() };
                let cost = scene.random.chance(7000).then_some(cost);
                self.rows.push(Row { stop, cost, ..row(Role::Assistant, &text, None, Some(run)) });
            }
            End::Failed => self.write_failure(run),
            _ => {}
        }
        self.state = if end == End::Failed { SessionState::Other } else { SessionState::Done };
        self.last_run = Some(run.to_owned());
        if let Some(process) = &mut self.process {
            process.active = None;
        }
        scene.ledger.ends(self.agent, run, end);
        self.tell(run, reply, scene);
        self.begin(scene);
    }

    /// A run that failed leaves a note.
    pub(super) fn write_failure(&mut self, run: &str) {
        let key = Some(format!("{run}:terminal-error"));
        let stop = Some(StopReason::Error);
        self.rows.push(Row { stop, ..row(Role::Assistant, "failed", key, Some(run)) });
    }

    /// The process's end cuts a turn short; it may be taken up by the next one, some times.
    pub(super) fn cut(&mut self, active: Active, scene: &mut Scene) {
        let key = scene.ledger.key(self.agent, &active.run).to_owned();
        let runs = scene.ledger.continued.values().filter(|first| **first == key).count();
        let again = u32::try_from(runs).unwrap_or(u32::MAX);
        if again < 3 && scene.random.chance(scene.weather.takes_up) {
            self.state = SessionState::Running;
            self.cut_short = Some((active, again));
        } else {
            self.state = SessionState::Other;
            self.last_run = Some(active.run.clone());
            scene.ledger.ends(self.agent, &active.run, End::Died);
        }
    }

    /// The new process goes on with the turn that was cut short, under another name.
    pub(crate) fn takes_up(&mut self, boot: u32, scene: &mut Scene) {
        let Some(process) = self.process.as_mut().filter(|_| boot == self.boot) else { return };
        let Some((active, again)) = self.cut_short.take() else { return };
        let first = scene.ledger.key(self.agent, &active.run).to_owned();
        let run = format!("recovery-{again}-{first}");
        scene.note(format_args!("gateway {} takes {first} up as {run}", self.agent));
        scene.ledger.continued.insert((self.agent, run.clone()), first);
        process.active = Some(Active { run: run.clone(), ..active });
        let written = Some(format!("{run}:user"));
        self.rows.push(Row { is_recovery: true, ..row(Role::User, "", written, None) });
        self.goes_on(run, scene);
    }

    fn active(&mut self, boot: u32, run: &str) -> Option<&mut Active> {
        let process = self.process.as_mut().filter(|_| boot == self.boot)?;
        process.active.as_mut().filter(|active| active.run == run)
    }

    /// What agents say: often the same, often to each other.
    fn words(&mut self, scene: &mut Scene) -> String {
        let what = ["done", "on it", "see the file", "that is all I know of it"];
        let number = scene.random.below(1000);
        let words = scene.random.pick(&what);
        let words = if scene.random.chance(7000) {
            format!("{words}, {number} of them in {}", number * 7)
        } else {
            (*words).to_owned()
        };
        if self.others.is_empty() || !scene.random.chance(scene.weather.mentions) {
            return words;
        }
        if scene.random.chance(500) {
            return format!("@one:reviewer {words}");
        }
        format!("@{} {words}", scene.random.pick(&self.others))
    }
}

fn row(role: Role, text: &str, key: Option<String>, run: Option<&str>) -> Row {
    let (text, run_id) = (text.to_owned(), run.map(str::to_owned));
    Row { role, text, key, run_id, stop: None, is_recovery: false, cost: None }
}
