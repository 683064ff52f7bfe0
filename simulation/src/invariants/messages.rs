//! Nothing that was acknowledged is lost, doubled or reordered, and everybody sees everything once.

use std::collections::BTreeMap;

use ois_protocol::{EventId, Message, NewEvent, ServerFrame};

use crate::world::World;

pub(super) fn check(world: &World, wrong: &mut Vec<String>) {
    acknowledged_once(world, wrong);
    let ids: Vec<EventId> = messages(world).map(|message| message.id).collect();
    for ((peer, line), view) in &world.scene.ledger.views {
        let Some(after) = view.after else { continue };
        let later = ids.iter().filter(|id| **id > after);
        if !later.take(view.ids.len()).eq(&view.ids) {
            wrong.push(format!("client {peer} saw over wire {line} after {after} {:?}", view.ids));
        }
    }
    for person in &world.people {
        let seen = person.seen();
        let first = seen.first().copied().unwrap_or(EventId::MAX);
        if !ids.iter().filter(|id| **id >= first).eq(seen) {
            wrong.push(format!("{} saw {seen:?} of {ids:?}", person.name()));
        }
        if !person.is_done() {
            wrong.push(format!("what {} said is not confirmed", person.name()));
        }
    }
}

/// Every nonce stands in the log at most once, where its sender was told, and what was kept to be sent
/// stands there in the end.
fn acknowledged_once(world: &World, wrong: &mut Vec<String>) {
    let mut stored = BTreeMap::new();
    for event in world.scene.log.entries() {
        if let NewEvent::Message(draft) = &event.event
            && let Some(nonce) = &draft.nonce
        {
            let author = draft.author.name.as_str().to_owned();
            if stored.insert((author, nonce.clone()), event.id).is_some() {
                wrong.push(format!("{nonce} stands in the log twice"));
            }
        }
    }
    for (name, nonce) in &world.scene.ledger.kept {
        if !stored.contains_key(&(name.clone(), nonce.clone())) {
            wrong.push(format!("{nonce}, which {name} had kept, never came into the log"));
        }
    }
    for (name, nonce, id) in &world.scene.ledger.acks {
        if stored.get(&(name.clone(), nonce.clone())) != Some(id) {
            wrong.push(format!("{name} was told that {nonce} is {id}, and it is not"));
        }
    }
}

/// Every message of the log.
pub(super) fn messages(world: &World) -> impl Iterator<Item = &Message> {
    world.scene.log.entries().iter().filter_map(|stored| match &stored.frame {
        ServerFrame::Message { message } => Some(message),
        _ => None,
    })
}
