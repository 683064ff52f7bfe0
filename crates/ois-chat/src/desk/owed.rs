//! Notices that the log does not have yet.

use ois_protocol::{
    Delivery, EventId, HeldBy, LoopSign, Message, Notice, Policy, Reason, RoomName, Rung,
    ShortName, Spent, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::Desk;
use crate::budget::{Judgement, Pending};

/// A notice that the log does not have yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Owed {
    /// No answer will come.
    Dead {
        room: RoomName,
        message: EventId,
        agents: Vec<ShortName>,
        reason: Reason,
        detail: String,
    },
    /// A chain goes round in circles.
    Loop { room: RoomName, message: EventId, root: EventId, sign: LoopSign, agents: Vec<ShortName> },
    /// Four fifths of a budget are used.
    Warning { room: RoomName, spent: Spent },
    /// A budget is used up.
    Reached { room: RoomName, message: EventId, spent: Spent, policy: Policy },
    /// Whether an agent may be woken all the same.
    Ask { room: RoomName, message: EventId, agent: ShortName, until: Timestamp },
    /// It may not.
    NotAllowed { room: RoomName, agent: ShortName, asked: EventId },
}

impl Desk {
    /// A notice is to be given, unless it is owed already.
    pub(super) fn owe(&mut self, owed: Owed) {
        if !self.owed.iter().any(|known| known.is_same(&owed)) {
            self.owed.push(owed);
        }
    }

    /// A message is in the log: if it is a notice, it is owed no more.
    pub(super) fn pay(&mut self, message: &Message) {
        if let Some(notice) = &message.notice {
            self.owed.retain_mut(|owed| !owed.is_paid(notice, message.reply_to));
        }
    }

    /// What there is to say about a message that was held, or that used a budget nearly up.
    pub(super) fn owe_for_message(&mut self, message: &Message, author: &ShortName) {
        let held = |by: HeldBy| message.held.iter().filter(move |held| held.by == by);
        let in_loop: Vec<ShortName> = held(HeldBy::Loop).map(|held| held.agent.clone()).collect();
        if !in_loop.is_empty() {
            self.owe_loop(message, author, in_loop);
        }
        let mut before = Pending::default();
        for agent in &message.calls {
            let judged = self.budgets.judge_among(agent, &message.room, &before, message.time);
            if let Judgement::Go { warn: Some(spent) } = judged {
                self.owe(Owed::Warning { room: message.room.clone(), spent });
            }
            before.add(agent, &message.room);
        }
        // Whom the message calls may have used up what was left for the others.
        for held in held(HeldBy::Budget) {
            self.owe_budget(message, &held.agent, &before);
        }
    }

    /// A delivery that died is told to whoever asked, unless nobody can tell what became of it.
    pub(super) fn owe_for_delivery(&mut self, room: &RoomName, delivery: &Delivery) {
        let reason = delivery.reason.unwrap_or(Reason::Unknown);
        let before = self.ladder.get(&delivery.id());
        let is_known =
            before.is_some_and(|it| (it.attempt, it.state) == (delivery.attempt, delivery.state));
        if delivery.state != Rung::Dead || reason == Reason::NoMonitor || is_known {
            return;
        }
        let (message, agent) = (delivery.message, delivery.agent.clone());
        let same = self.owed.iter_mut().find_map(|owed| match owed {
            Owed::Dead { message: known, reason: why, agents, .. }
                if (*known, *why) == (message, reason) =>
            {
                Some(agents)
            }
            _ => None,
        });
        match same {
            Some(agents) if agents.contains(&agent) => {}
            Some(agents) => agents.push(agent),
            None => self.owed.push(Owed::Dead {
                room: room.clone(),
                message,
                agents: vec![agent],
                reason,
                detail: delivery.detail.clone().unwrap_or_default(),
            }),
        }
    }

    fn owe_loop(&mut self, message: &Message, author: &ShortName, agents: Vec<ShortName>) {
        let verdict = self.guard.judge_stored(message, author);
        if let Some(stop) = verdict.stop.filter(|stop| !stop.told) {
            self.owe(Owed::Loop {
                room: message.room.clone(),
                message: message.id,
                root: stop.root,
                sign: stop.sign,
                agents,
            });
        }
    }

    fn owe_budget(&mut self, message: &Message, agent: &ShortName, before: &Pending) {
        let room = || message.room.clone();
        let judged = self.budgets.judge_among(agent, &message.room, before, message.time);
        let Judgement::Hold { spent, policy, told } = judged else { return };
        // Who asks says so by asking.
        if !told && policy != Policy::Ask {
            self.owe(Owed::Reached {
                room: room(),
                message: message.id,
                spent: spent.clone(),
                policy,
            });
        }
        if policy == Policy::Ask && self.budgets.asked(agent, &message.room, message.time).is_none()
        {
            let minutes = self.budgets.minutes(&spent);
            let until = message.time.after_ms(u64::from(minutes) * 60_000);
            let agent = agent.clone();
            self.owe(Owed::Ask { room: room(), message: message.id, agent, until });
        }
    }
}

impl Owed {
    /// Whether two say the same, so that one notice is enough.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Loop { root, .. }, Self::Loop { root: other, .. }) => root == other,
            (Self::Warning { spent, .. }, Self::Warning { spent: other, .. })
            | (Self::Reached { spent, .. }, Self::Reached { spent: other, .. }) => {
                is_same_budget(spent, other)
            }
            (Self::Ask { room, agent, .. }, Self::Ask { room: there, agent: other, .. }) => {
                (room, agent) == (there, other)
            }
            _ => self == other,
        }
    }

    /// Whether this notice, which answers that message, is all of it. While one is being stored,
    /// another agent may have died of the same.
    fn is_paid(&mut self, notice: &Notice, to: Option<EventId>) -> bool {
        match (self, notice) {
            (
                Self::Dead { message, reason, agents, .. },
                Notice::Dead { reason: why, agents: told },
            ) if Some(*message) == to && reason == why => {
                agents.retain(|agent| !told.contains(agent));
                agents.is_empty()
            }
            (Self::Loop { root, .. }, Notice::Loop { root: told, .. }) => root == told,
            (Self::Warning { spent, .. }, Notice::BudgetWarning { spent: told })
            | (Self::Reached { spent, .. }, Notice::BudgetReached { spent: told, .. }) => {
                is_same_budget(spent, told)
            }
            (Self::Ask { agent, .. }, Notice::Ask { agent: told, .. }) => agent == told,
            (Self::NotAllowed { asked, .. }, Notice::NotAllowed { .. }) => Some(*asked) == to,
            _ => false,
        }
    }
}

fn is_same_budget(one: &Spent, other: &Spent) -> bool {
    (&one.agent, &one.room, one.measure) == (&other.agent, &other.room, other.measure)
}
