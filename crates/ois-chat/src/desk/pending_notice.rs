//! Notices that the log does not have yet.

use ois_protocol::{
    Delivery, EventId, Held, HeldBy, LoopSign, Message, Notice, Policy, Reason, RoomName, Rung,
    ShortName, Spent, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::Desk;
use crate::budget::{Judgement, Pending};

/// A notice that the log does not have yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum PendingNotice {
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
    /// Adds a notice, unless one that says the same is pending already.
    pub(super) fn add_notice(&mut self, notice: PendingNotice) {
        if !self.pending_notices.iter().any(|known| known.is_same(&notice)) {
            self.pending_notices.push(notice);
        }
    }

    /// A message is in the log: if it is a notice, it is pending no more.
    pub(super) fn settle_notices(&mut self, message: &Message) {
        if let Some(notice) = &message.notice {
            self.pending_notices
                .retain_mut(|pending| !pending.is_settled_by(notice, message.reply_to));
        }
    }

    /// What there is to say about a message that was held, or that used a budget nearly up.
    pub(super) fn notices_for_message(&mut self, message: &Message, author: &ShortName) {
        let held = |by: HeldBy| message.held.iter().filter(move |held| held.by == by);
        let in_loop: Vec<ShortName> = held(HeldBy::Loop).map(|held| held.agent.clone()).collect();
        if !in_loop.is_empty() {
            self.add_loop_notice(message, author, in_loop);
        }
        let mut before = Pending::default();
        for agent in &message.calls {
            let judged = self.budgets.judge_among(agent, &message.room, &before, message.time);
            if let Judgement::Go { warn: Some(spent) } = judged {
                self.add_notice(PendingNotice::Warning { room: message.room.clone(), spent });
            }
            before.add(agent, &message.room);
        }
        // Whom the message calls may have used up what was left for the others.
        for held in held(HeldBy::Budget) {
            self.add_budget_notice(message, held, &before);
        }
    }

    /// A delivery that died is told to whoever asked, unless nobody can tell what became of it.
    pub(super) fn notices_for_delivery(&mut self, room: &RoomName, delivery: &Delivery) {
        let reason = delivery.reason.unwrap_or(Reason::Unknown);
        let before = self.ladder.get(&delivery.id());
        let is_known =
            before.is_some_and(|it| (it.attempt, it.state) == (delivery.attempt, delivery.state));
        let is_end = match delivery.state {
            Rung::Dead => reason != Reason::NoMonitor,
            Rung::Failed => reason == Reason::Timeout,
            _ => false,
        };
        if !is_end || is_known {
            return;
        }
        let (message, agent) = (delivery.message, delivery.agent.clone());
        let same = self.pending_notices.iter_mut().find_map(|pending| match pending {
            PendingNotice::Dead { message: known, reason: why, agents, .. }
                if (*known, *why) == (message, reason) =>
            {
                Some(agents)
            }
            _ => None,
        });
        match same {
            Some(agents) if agents.contains(&agent) => {}
            Some(agents) => agents.push(agent),
            None => self.pending_notices.push(PendingNotice::Dead {
                room: room.clone(),
                message,
                agents: vec![agent],
                reason,
                detail: delivery.detail.clone().unwrap_or_default(),
            }),
        }
    }

    fn add_loop_notice(&mut self, message: &Message, author: &ShortName, agents: Vec<ShortName>) {
        let verdict = self.guard.judge_stored(message, author);
        if let Some(stop) = verdict.stop.filter(|stop| !stop.told) {
            self.add_notice(PendingNotice::Loop {
                room: message.room.clone(),
                message: message.id,
                root: stop.root,
                sign: stop.sign,
                agents,
            });
        }
    }

    /// What is said of an agent that a budget held, as it was when that was decided: the budget may
    /// count less by the time that the message is stored. An older message does not say which it was.
    fn add_budget_notice(&mut self, message: &Message, held: &Held, before: &Pending) {
        let (room, agent) = (|| message.room.clone(), &held.agent);
        let (spent, policy) = match (&held.spent, held.policy) {
            (Some(spent), Some(policy)) => (spent.clone(), policy),
            _ => match self.budgets.judge_among(agent, &message.room, before, message.time) {
                Judgement::Hold { spent, policy, .. } => (spent, policy),
                Judgement::Go { .. } => return,
            },
        };
        let told = self.budgets.is_told(&spent, message.time);
        // Where a person is asked, the question says it.
        if !told && policy != Policy::Ask {
            self.add_notice(PendingNotice::Reached {
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
            self.add_notice(PendingNotice::Ask { room: room(), message: message.id, agent, until });
        }
    }
}

impl PendingNotice {
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
    fn is_settled_by(&mut self, notice: &Notice, to: Option<EventId>) -> bool {
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
