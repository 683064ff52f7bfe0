//! Every mention ends, for a reason that is true; nobody is woken twice without being told so.

use std::collections::{BTreeMap, BTreeSet};

use ois_chat::ladder::Query;
use ois_protocol::{
    Delivery, DeliveryId, EventId, Message, Notice, Reason, Rung, ServerFrame, ShortName,
};

use super::messages::messages;
use crate::{
    ledger::{End, Turn},
    world::World,
};

pub(super) fn check(world: &World, wrong: &mut Vec<String>) {
    let Some(process) = &world.servers[0].process else { return };
    let all = Query::default();
    let known: BTreeMap<DeliveryId, &Delivery> =
        process.team.desk().ladder().find(&all).map(|it| (it.id(), it)).collect();
    every_call_is_over(world, &known, wrong);
    every_offer_is_over(world, &known, wrong);
    every_death_is_told(world, wrong);
    for stored in world.scene.log.entries() {
        if let ServerFrame::Delivery(said) = &stored.frame {
            is_true(world, said, wrong);
        }
    }
    no_unmarked_second_turn(world, wrong);
    no_more_turns_than_attempts(world, &known, wrong);
    for run in process.team.desk().runs().active() {
        wrong.push(format!("run {} never ended", run.run));
    }
    for (at, monitor) in world.monitors.iter().enumerate() {
        if !monitor.is_done() {
            wrong.push(format!("monitor {at} is not done: {}", monitor.left()));
        }
    }
}

fn every_call_is_over(
    world: &World,
    known: &BTreeMap<DeliveryId, &Delivery>,
    wrong: &mut Vec<String>,
) {
    for message in messages(world) {
        for agent in &message.calls {
            let id = DeliveryId { message: message.id, agent: agent.clone() };
            if !known.contains_key(&id) {
                wrong.push(format!("{id} is not known"));
            }
        }
    }
    for (id, delivery) in known {
        let turns = turns_of(world, id);
        let words = || format!("{id} is {} ({:?})", delivery.state.word(), delivery.reason);
        match delivery.state {
            Rung::Replied => {
                let answer = delivery.answer.and_then(|answer| message(world, answer));
                if answer.is_none_or(|answer| answer.user != id.agent.as_str()) {
                    wrong.push(format!("{}: no answer of its own", words()));
                }
            }
            Rung::Silent if turns.is_empty() => wrong.push(format!("{}: no turn", words())),
            Rung::Silent => {}
            Rung::Failed | Rung::Dead if delivery.reason.is_none() => {
                wrong.push(format!("{}: no reason", words()));
            }
            Rung::Failed if !is_ended_by_others(delivery) => wrong.push(words()),
            Rung::Failed | Rung::Dead => {}
            _ => wrong.push(words()),
        }
    }
}

fn every_offer_is_over(
    world: &World,
    known: &BTreeMap<DeliveryId, &Delivery>,
    wrong: &mut Vec<String>,
) {
    for message in messages(world) {
        for offer in &message.offers {
            let is_its = |it: &&ShortName| !message.calls.contains(it);
            let claims = offer.agents.iter().filter(is_its).filter(|agent| {
                let id = DeliveryId { message: message.id, agent: (*agent).clone() };
                known.contains_key(&id)
            });
            let notices = notices(world, message.id);
            let unclaimed = notices.filter(|it| matches!(it, Notice::Unclaimed { .. })).count();
            let claims = claims.count();
            let is_called = offer.agents.iter().any(|agent| message.calls.contains(agent));
            if claims + unclaimed != 1 && !(is_called && claims + unclaimed == 0) {
                let id = message.id;
                wrong.push(format!("{id}: {claims} claims, {unclaimed} notices that nobody did"));
            }
        }
    }
}

/// A person has stopped the turn, or the server has, since it went on for too long.
fn is_ended_by_others(delivery: &Delivery) -> bool {
    matches!(delivery.reason, Some(Reason::Stopped | Reason::Timeout))
}

/// Each time that a delivery is given up there is one notice, and it names the agent once.
fn every_death_is_told(world: &World, wrong: &mut Vec<String>) {
    let mut deaths: BTreeMap<DeliveryId, BTreeSet<u32>> = BTreeMap::new();
    for stored in world.scene.log.entries() {
        if let ServerFrame::Delivery(said) = &stored.frame
            && (said.state == Rung::Dead && said.reason != Some(Reason::NoMonitor)
                || said.reason == Some(Reason::Timeout))
        {
            deaths.entry(said.id()).or_default().insert(said.attempt);
        }
    }
    for (id, attempts) in deaths {
        let told = notices(world, id.message).filter(|notice| match notice {
            Notice::Dead { agents, .. } => agents.contains(&id.agent),
            _ => false,
        });
        let (told, died) = (told.count(), attempts.len());
        if told != died {
            wrong.push(format!("{id} died {died} times and {told} notices say so"));
        }
    }
}

/// Nothing is said of a delivery that did not happen.
fn is_true(world: &World, said: &Delivery, wrong: &mut Vec<String>) {
    let Some(agent) = world.names.iter().position(|name| *name == said.agent) else { return };
    let ledger = &world.scene.ledger;
    let words =
        || format!("{}/{} {} of {:?}", said.id(), said.attempt, said.state.word(), said.run);
    let is_its = |turn: &&Turn| {
        (turn.agent, turn.message, turn.attempt) == (agent, said.message, said.attempt)
    };
    // The runtime's word that it began may have been lost.
    let turn = match &said.run {
        Some(run) => ledger.turn(agent, run),
        None => ledger.turns.iter().find(is_its),
    };
    if let Some(run) = &said.run {
        let key = ledger.key(agent, run).to_owned();
        if !ledger.accepted.contains(&(agent, key)) {
            wrong.push(format!("{}: the runtime never took it", words()));
        }
    }
    let end = turn.and_then(|turn| turn.end);
    match said.state {
        Rung::Ended if end.is_none() && !answered(world, said) => {
            wrong.push(format!("{}: it did not end", words()));
        }
        // Of a turn that was stopped, and followed by another before anybody looked, the history
        // tells no more than that it left no word.
        Rung::Silent if !matches!(end, Some(End::Silent | End::Answered | End::Stopped)) => {
            wrong.push(format!("{}: it was {end:?}", words()));
        }
        _ => {}
    }
}

/// Whether the agent has answered by itself, perhaps in the turn of another attempt.
fn answered(world: &World, said: &Delivery) -> bool {
    messages(world).any(|it| it.user == said.agent.as_str() && it.reply_to == Some(said.message))
}

fn no_unmarked_second_turn(world: &World, wrong: &mut Vec<String>) {
    let retried = |turn: &Turn, before: &Turn| {
        world.scene.log.entries().iter().any(|stored| match &stored.frame {
            ServerFrame::Delivery(said) => {
                said.message == turn.message
                    && said.agent == world.names[turn.agent]
                    && said.state == Rung::Stored
                    && (before.attempt + 1..=turn.attempt).contains(&said.attempt)
            }
            _ => false,
        })
    };
    let turns = &world.scene.ledger.turns;
    for (at, turn) in turns.iter().enumerate() {
        let same = |it: &&Turn| (it.agent, it.message) == (turn.agent, turn.message);
        for before in turns[..at].iter().filter(same) {
            if before.key == turn.key {
                wrong.push(format!("{} began twice", turn.key));
            } else if !turn.is_marked && !retried(turn, before) {
                wrong.push(format!("{} began after {}, unmarked", turn.key, before.key));
            }
        }
    }
}

/// A monitor begins as many turns for a call as its settings allow, and a person as often again.
fn no_more_turns_than_attempts(
    world: &World,
    known: &BTreeMap<DeliveryId, &Delivery>,
    wrong: &mut Vec<String>,
) {
    for id in known.keys() {
        let Some(agent) = world.names.iter().position(|name| *name == id.agent) else { continue };
        let retries = world.scene.log.entries().iter().filter(|stored| match &stored.frame {
            ServerFrame::Delivery(said) => said.id() == *id && said.state == Rung::Stored,
            _ => false,
        });
        let (turns, driven) = (turns_of(world, id).len(), retries.count() + 1);
        let attempts = world.monitors[agent].attempts() as usize;
        if turns > driven * attempts {
            wrong.push(format!("{turns} turns for {id}, driven {driven} times"));
        }
    }
}

fn turns_of<'a>(world: &'a World, id: &DeliveryId) -> Vec<&'a Turn> {
    let is_its = |turn: &&Turn| world.names[turn.agent] == id.agent && turn.message == id.message;
    world.scene.ledger.turns.iter().filter(is_its).collect()
}

fn message(world: &World, id: EventId) -> Option<&Message> {
    messages(world).find(|message| message.id == id)
}

fn notices(world: &World, to: EventId) -> impl Iterator<Item = &Notice> {
    let answers = messages(world).filter(move |message| message.reply_to == Some(to));
    answers.filter_map(|message| message.notice.as_ref())
}
