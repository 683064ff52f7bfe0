//! The routes about people, what they say, and what becomes of it.

pub(crate) mod deliveries;
pub(crate) mod members;
pub(crate) mod messages;
pub(crate) mod runs;
pub(crate) mod session;
pub(crate) mod ticket;

use ois_protocol::{Kind, Member};

use crate::{reply::Refusal, route::Ask};

/// The query's `limit`: how many are wanted at the most.
fn limit(ask: &Ask, usual: usize, most: usize) -> Result<usize, Refusal> {
    let Some(text) = ask.target.get("limit") else { return Ok(usual) };
    let limit = text.parse().ok().filter(|limit| (1..=most).contains(limit));
    limit.ok_or_else(|| Refusal::bad(format!("limit is a number from 1 to {most}")))
}

/// What costs money or undoes a decision is for people to say.
fn only_people(member: &Member) -> Result<(), Refusal> {
    if member.kind == Kind::Human {
        Ok(())
    } else {
        Err(Refusal::forbidden("a person decides this"))
    }
}
