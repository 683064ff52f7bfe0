//! Carrying out what the inbox wants, as `ois-bridge/agent/carry.rs`, one thing at a time.

use ois_inbox::Effect;
use ois_protocol::{Chat, ClientFrame};

use super::{Monitor, Next, Process, Step, Then, Turn};
use crate::scene::{Call, Event, Life, Scene};

/// How long a full disk is waited for.
const DISK_PAUSE_MS: u64 = 5_000;

impl Monitor {
    pub(super) fn carry_out_one(&mut self, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        if process.writing > 0 {
            self.journal.sync();
            process.effects.drain(..process.writing);
            process.writing = 0;
            return;
        }
        let records = process.effects.iter().map_while(|effect| match effect {
            Effect::Journal(record) => Some(record.clone()),
            _ => None,
        });
        let records: Vec<_> = records.collect();
        if !records.is_empty() {
            if !self.journal.is_full(scene.now)
                && let Some(until) = scene.full_until()
            {
                self.journal.fill(until);
                self.drafts.disk().fill(until);
            }
            let count = records.len();
            match self.journal.write(records, scene.now) {
                Ok(()) => process.writing = count,
                Err(_) => process.patience = scene.now.after_ms(DISK_PAUSE_MS),
            }
            return;
        }
        let Some(effect) = process.effects.pop_front() else { return };
        self.carry_out(effect, scene);
    }

    fn carry_out(&mut self, effect: Effect, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        let agent = self.agent;
        match effect {
            Effect::Journal(_) => {}
            Effect::Deliver(delivery) => {
                let key = &delivery.key;
                scene.note(format_args!("monitor {agent} delivers {key}"));
                let turn = process.add(Turn::new(delivery));
                self.ask(turn, crate::gateway::Request::Hello, scene);
            }
            Effect::Stop(delivery) => {
                // Over the connection that stands, whichever gateway that is.
                let boots = process.turns.values().filter_map(|turn| turn.boot);
                let boot = boots.max().unwrap_or_default();
                let (turn, request) = Turn::stopping(delivery, boot);
                let turn = process.add(turn);
                self.ask(turn, request, scene);
            }
            Effect::Fetch(id) => scene.after(20, Event::Fetches(agent, self.life, id)),
            Effect::Report(report) => {
                let (id, attempt, state) = (report.message, report.attempt, report.state.word());
                scene.note(format_args!("monitor {agent} reports {id}/{attempt} {state}"));
                process.link.tell(ClientFrame::Delivery(*report), scene);
            }
            Effect::Run(run) => process.link.tell(ClientFrame::Run(*run), scene),
            Effect::NotStopped(stopped) => process.link.tell(ClientFrame::Stopped(stopped), scene),
            Effect::Say(chat) => self.say(chat, scene),
            Effect::Ended { id, ending } => {
                scene.note(format_args!("monitor {agent}: {id} ends: {ending:?}"));
            }
        }
    }

    fn say(&mut self, chat: Chat, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        let Some(nonce) = chat.nonce.clone() else { return };
        if !process.link.say(nonce, chat.clone(), scene) {
            process.effects.push_front(Effect::Say(chat));
            process.patience = scene.now.after_ms(DISK_PAUSE_MS);
        }
    }

    pub(super) fn go_on_with(&mut self, then: Then, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        match then {
            Then::Begin(turn) => {
                let Some(waits) = process.turns.get_mut(&turn) else { return };
                let may = process.inbox.may_begin(waits.delivery.message.id);
                let next = waits.kept(may);
                self.goes_on(turn, next, scene);
            }
            Then::Say(chat) => {
                process.nonces += 1;
                let nonce = format!("own-{}-{}-{}", self.agent, self.life, process.nonces);
                let nonce: ois_protocol::Nonce = nonce.parse().expect("words and numbers");
                // Where the disk is full the agent is told so, and nothing was said.
                process.link.say(nonce, chat, scene);
            }
        }
    }

    /// A turn does what is next.
    pub(super) fn goes_on(&mut self, turn: u32, next: Next, scene: &mut Scene) {
        let Some(process) = &mut self.process else { return };
        let Some(it) = process.turns.get(&turn) else { return };
        let id = it.delivery.message.id;
        match next {
            Next::Ask(request) => self.ask(turn, request, scene),
            Next::Begun(epoch) => process.steps.push_back(Step::Begun(turn, id, epoch)),
            Next::Admitted(run, request) => {
                process.steps.push_back(Step::Admitted(id, run));
                self.ask(turn, request, scene);
            }
            Next::Settled(outcome) => {
                scene.note(format_args!("monitor {}: {id} {outcome:?}", self.agent));
                process.turns.remove(&turn);
                process.steps.push_back(Step::Settled(id, outcome));
            }
            Next::Stopped(stopped) => {
                let under_way = it.delivery.under_way.as_ref();
                let run = under_way.and_then(|it| it.run.clone()).unwrap_or_default();
                process.turns.remove(&turn);
                process.steps.push_back(Step::Stopped(id, run, stopped));
            }
        }
    }

    fn ask(&mut self, turn: u32, request: crate::gateway::Request, scene: &mut Scene) {
        let Some(process) = &self.process else { return };
        let boot = process.turns.get(&turn).and_then(|turn| turn.boot);
        let life: Life = self.life;
        let ms = scene.random.between(1, 40);
        scene.after(ms, Event::Asks(self.agent, Call { life, turn, boot }, request));
    }
}

impl Process {
    fn add(&mut self, turn: Turn) -> u32 {
        self.began += 1;
        self.turns.insert(self.began, turn);
        self.began
    }
}
