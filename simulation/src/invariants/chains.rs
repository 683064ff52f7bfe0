//! Agents stop among themselves, are told so once, and use no more than they may.

use std::collections::{BTreeMap, BTreeSet};

use ois_protocol::{DeliveryId, EventId, HeldBy, Message, Notice, Rung, ServerFrame};

use super::messages::messages;
use crate::world::World;

pub(super) fn check(world: &World, wrong: &mut Vec<String>) {
    let hops = world.desk.guard.hops;
    let mut told: BTreeMap<EventId, u32> = BTreeMap::new();
    let mut stopped = BTreeSet::new();
    let all: BTreeMap<EventId, &Message> = messages(world).map(|it| (it.id, it)).collect();
    for message in messages(world) {
        let wakes = !message.calls.is_empty() || !message.offers.is_empty();
        if message.agent && message.notice.is_none() && wakes && message.hop > hops {
            wrong.push(format!("{} wakes beyond {hops} hops", message.id));
        }
        if message.held.iter().any(|held| held.by == HeldBy::Loop) {
            stopped.insert(root(&all, message));
        }
        if let Some(Notice::Loop { root, .. }) = &message.notice {
            *told.entry(*root).or_default() += 1;
        }
    }
    for root in stopped {
        let told = told.remove(&root).unwrap_or_default();
        if told != 1 {
            wrong.push(format!("the chain of {root} was stopped, and {told} notices say so"));
        }
    }
    for root in told.keys() {
        wrong.push(format!("a notice says that the chain of {root} was stopped, and it was not"));
    }
    budgets_hold(world, wrong);
    budgets_are_told(world, wrong);
}

/// With which message a chain begins.
fn root(all: &BTreeMap<EventId, &Message>, message: &Message) -> EventId {
    let digest = match &message.notice {
        Some(Notice::Digest { messages, .. }) => {
            messages.iter().filter_map(|id| all.get(id)).max_by_key(|it| (it.hop, it.id))
        }
        _ => None,
    };
    let by_agent = message.agent && message.notice.is_none();
    let cause = if by_agent { message.cause.and_then(|id| all.get(&id)) } else { digest };
    cause.map_or(message.id, |cause| root(all, cause))
}

/// Of the calls of the first day that a budget let through, so many at the most began a turn.
fn budgets_hold(world: &World, wrong: &mut Vec<String>) {
    for budget in &world.budgets {
        let limit = budget.turns.unwrap_or(u64::MAX);
        let is_its = |id: &DeliveryId| budget.agent.as_ref().is_none_or(|it| *it == id.agent);
        let began = first_turns(world).into_iter().filter(is_its).count() as u64;
        if began > limit {
            wrong.push(format!("{began} turns on a budget of {limit} for {:?}", budget.agent));
        }
    }
}

/// What is used up or nearly so is told once a day; every question has an end.
fn budgets_are_told(world: &World, wrong: &mut Vec<String>) {
    let mut told: BTreeMap<_, u32> = BTreeMap::new();
    for message in messages(world) {
        let day = message.time.ms() / DAY_MS;
        match &message.notice {
            Some(Notice::BudgetWarning { spent }) => {
                let key = (day, false, spent.agent.clone(), spent.measure, spent.limit);
                *told.entry(key).or_default() += 1;
            }
            Some(Notice::BudgetReached { spent, .. }) => {
                let key = (day, true, spent.agent.clone(), spent.measure, spent.limit);
                *told.entry(key).or_default() += 1;
            }
            Some(Notice::Ask { agent, .. }) => {
                let ends = |it: &&Message| match &it.notice {
                    Some(Notice::NotAllowed { agent: other }) => other == agent,
                    Some(_) => false,
                    None => !it.agent && it.calls.contains(agent),
                };
                let answers = messages(world).filter(|it| it.reply_to == Some(message.id));
                if answers.filter(ends).count() == 0 {
                    wrong.push(format!("nobody heard what became of the question {}", message.id));
                }
            }
            _ => {}
        }
        for held in message.held.iter().filter(|held| held.by == HeldBy::Budget) {
            let says_so = |it: &Message| match &it.notice {
                Some(Notice::BudgetReached { spent, .. }) => {
                    spent.agent.as_ref().is_none_or(|agent| *agent == held.agent)
                }
                Some(Notice::Ask { agent, .. }) => *agent == held.agent,
                _ => false,
            };
            let mut today = messages(world).filter(|it| it.time.ms() / DAY_MS == day);
            if !today.any(says_so) {
                wrong.push(format!("{} did not wake {}, for no reason", message.id, held.agent));
            }
        }
    }
    for (what, times) in told.into_iter().filter(|(_, times)| *times > 1) {
        wrong.push(format!("{what:?} was told {times} times"));
    }
}

/// Calls of the first day, apart from those that budgets do not hold (a digest, a person's word),
/// whose first attempt began a turn before anything else became of it.
fn first_turns(world: &World) -> BTreeSet<DeliveryId> {
    let Some(first) = world.scene.log.entries().first() else { return BTreeSet::new() };
    let day = first.time.ms() / DAY_MS;
    let (mut open, mut began) = (BTreeSet::new(), BTreeSet::new());
    for stored in world.scene.log.entries().iter().take_while(|it| it.time.ms() / DAY_MS == day) {
        match &stored.frame {
            ServerFrame::Message { message } => {
                let is_free = message.notice.is_some() || message.text.starts_with("/allow");
                let calls = message.calls.iter().filter(|_| !is_free);
                open.extend(
                    calls.map(|agent| DeliveryId { message: message.id, agent: agent.clone() }),
                );
            }
            ServerFrame::Delivery(said) if matches!(said.state, Rung::Stored | Rung::Received) => {}
            ServerFrame::Delivery(said) => {
                let id = said.id();
                if open.remove(&id) && said.state == Rung::Admitted {
                    began.insert(id);
                }
            }
            _ => {}
        }
    }
    began
}

const DAY_MS: u64 = 86_400_000;
