//! `kill -9` at any instant loses no message that its sender saw come back.
//!
//! `OIS_CRASH_ROUNDS` and `OIS_CRASH_SEED` make it longer and other (`cargo xtask crash`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use anyhow::{Context, Result, ensure};
use e2e::room::{Credential, Room};
use e2e::server::{AGENTS, Server};
use serde_json::{Value, json};

#[test]
fn a_kill_under_load_loses_nothing_that_its_sender_saw() -> Result<()> {
    let seed = setting("OIS_CRASH_SEED")?.unwrap_or(SEED);
    let mut random = Random(seed);
    let mut server = Server::with_flags(&["--chat-rate", "0"])?;
    let begin = server.agent(AGENTS[0].0)?.say("begin")?;
    let begin = begin["id"].as_u64().context("a message without an id")?;

    let mut seen = BTreeMap::new();
    for round in 0..setting("OIS_CRASH_ROUNDS")?.unwrap_or(ROUNDS) {
        let kill_after = random.within(KILL_AFTER);
        seen.extend(load_and_kill(&server, round, kill_after)?);
        server.restart()?;
        let kept = everything_after(&server, begin)?;
        check(&seen, &kept).with_context(|| format!("round {round}, seed {seed}"))?;
    }
    Ok(())
}

/// Lets every agent talk until `kill_after` messages came back, kills the server in the middle of
/// it, and answers with all messages (id, text) that came back to their senders.
fn load_and_kill(server: &Server, round: u64, kill_after: u64) -> Result<Vec<(u64, String)>> {
    // When it is full the talkers wait, which only makes the load smaller.
    let (came_back, coming) = sync_channel(1024);
    for (writer, (token, _)) in AGENTS.iter().enumerate() {
        let (room, _) = Room::join(&server.ws_url(), Credential::Agent(token))?;
        let came_back = came_back.clone();
        thread::spawn(move || talk(room, &format!("{round}-{writer}-"), &came_back));
    }
    drop(came_back);
    let mut seen = Vec::new();
    // Ends when the last talker has lost its connection.
    for message in coming {
        seen.push(message);
        if seen.len() as u64 == kill_after {
            server.kill()?;
        }
    }
    ensure!(seen.len() as u64 >= kill_after, "the server ended by itself");
    Ok(seen)
}

/// Says numbered words, many at once, until the connection is gone.
fn talk(mut room: Room, own: &str, came_back: &SyncSender<(u64, String)>) {
    for number in 0..AHEAD {
        if say(&mut room, own, number).is_err() {
            return;
        }
    }
    let mut next = AHEAD;
    while let Ok(frame) = room.wait_for("any frame", |_| true) {
        let message = &frame["message"];
        let text = message["text"].as_str().unwrap_or_default();
        let Some(id) = message["id"].as_u64().filter(|_| text.starts_with(own)) else { continue };
        if came_back.send((id, text.to_owned())).is_err() || say(&mut room, own, next).is_err() {
            return;
        }
        next += 1;
    }
}

fn say(room: &mut Room, own: &str, number: u64) -> Result<()> {
    room.send(&json!({"type": "chat", "text": format!("{own}{number}")}))
}

/// All messages after the id `after`, in the order in which the server sends them.
fn everything_after(server: &Server, after: u64) -> Result<Vec<(u64, String)>> {
    let (mut room, _) = Room::resume(&server.ws_url(), Credential::Agent(AGENTS[0].0), after)?;
    let mut kept = Vec::new();
    loop {
        let frame = room.wait_for("a message or caught_up", |frame| {
            frame["type"] == "message" || frame["type"] == "caught_up"
        })?;
        if frame["type"] == "caught_up" {
            return Ok(kept);
        }
        let message: &Value = &frame["message"];
        let id = message["id"].as_u64().context("a message without an id")?;
        kept.push((id, message["text"].as_str().unwrap_or_default().to_owned()));
    }
}

/// Everything seen is kept under its id, ids only grow, nothing is there twice, and each writer's
/// words stand in the order in which they were said, without a gap.
fn check(seen: &BTreeMap<u64, String>, kept: &[(u64, String)]) -> Result<()> {
    ensure!(kept.windows(2).all(|pair| pair[0].0 < pair[1].0), "ids that do not grow");
    let by_id: BTreeMap<u64, &str> = kept.iter().map(|(id, text)| (*id, text.as_str())).collect();
    for (id, text) in seen {
        let found = by_id.get(id).copied();
        ensure!(found == Some(text), "{id} was {text:?} to its sender and is {found:?} now");
    }
    let texts: BTreeSet<&str> = by_id.values().copied().collect();
    ensure!(texts.len() == kept.len(), "{} messages are there twice", kept.len() - texts.len());
    let mut next: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, text) in kept {
        let (writer, number) = text.rsplit_once('-').context("nobody said this")?;
        let expected = next.entry(writer).or_default();
        ensure!(number.parse() == Ok(*expected), "{text} where {writer}-{expected} was next");
        *expected += 1;
    }
    Ok(())
}

fn setting(name: &str) -> Result<Option<u64>> {
    let Ok(value) = std::env::var(name) else { return Ok(None) };
    value.parse().map(Some).with_context(|| format!("{name}={value} is no number"))
}

/// Numbers that a seed fixes (splitmix64).
struct Random(u64);

impl Random {
    fn within(&mut self, range: Range<u64>) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        range.start + (mixed ^ (mixed >> 31)) % (range.end - range.start)
    }
}

const ROUNDS: u64 = 4;
const SEED: u64 = 1;
/// How many messages come back before the kill.
const KILL_AFTER: Range<u64> = 20..600;
/// How many messages each writer keeps on the way.
const AHEAD: u64 = 40;
