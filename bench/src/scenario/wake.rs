//! What `ois-monitor` adds: the time from a mention in the room to the request at the agent's
//! runtime.

mod gateway;

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::json;
use tempfile::TempDir;

use crate::context::Bench;
use crate::load::http::{Client, head};
use crate::load::{Swarm, Target, text_frame};
use crate::peer::{Durability, Running, ois};
use crate::process::Process;
use crate::report::Section;
use crate::stats::median;
use gateway::Gateway;

/// Measures the time that passes in the monitor, and the CPU time it takes while nothing happens.
///
/// # Errors
/// Fails when one of the programs fails.
pub(crate) fn wake(bench: &Bench) -> Result<Section> {
    let mentions = bench.sized(100, 30, 3);
    let mut section = Section::new("wake", "Waking an agent", ABOUT, COLUMNS);
    let (mut times, mut memory, mut switches) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..bench.options.rounds.min(3) {
        let folder = TempDir::new_in(&bench.roots).context("no folder for the room")?;
        let mut command = ois::server(&folder.path().join("room"), Durability::Os)?;
        command.env("PASSWORD", PASSWORD);
        let room = Running::of("ois-server", command, None)?;
        let gateway = Gateway::start()?;
        let monitor = start_monitor(&room, &folder, &gateway)?;
        let mut person = sign_in(&room)?;
        // The first turn opens the connection to the gateway.
        mention(&mut person, &gateway)?;
        let mut took = Vec::new();
        for _ in 0..mentions {
            took.push(mention(&mut person, &gateway)?);
        }
        let idle = bench.span() * 2;
        // The end of the last turn is written to disk before the monitor has nothing to do.
        person.rest(idle / 2)?;
        let before = monitor.context_switches()?;
        person.rest(idle)?;
        let switched = monitor.context_switches()?.saturating_sub(before) as f64;
        switches.push(switched / idle.as_secs_f64());
        memory.push(monitor.resident()? as f64 / f64::from(1 << 20));
        let took = median(took);
        bench.say(&format!("round {}: {took:.0} µs", round + 1));
        times.push(took);
    }
    section.row(["mention to request, median".to_owned(), format!("{:.0} µs", median(times))]);
    section.row(["resident, idle".to_owned(), format!("{:.1} MiB", median(memory))]);
    section.row(["context switches, idle".to_owned(), format!("{:.1}/s", median(switches))]);
    Ok(section)
}

fn start_monitor(room: &Running, folder: &TempDir, gateway: &Gateway) -> Result<Process> {
    let url = format!("ws://{}/", room.target.address);
    let state = folder.path().join("monitor");
    let command: Command = ois::monitor(&url, &state, (gateway.port(), gateway::TOKEN))?;
    let monitor = Process::start("ois-monitor", command)?;
    monitor.line(|line| line.contains("monitor ready on ").then_some(()))?;
    Ok(monitor)
}

/// Signs in a person, whom agents answer.
fn sign_in(room: &Running) -> Result<Swarm> {
    let body = json!({"username": "Mira", "password": PASSWORD}).to_string();
    let mut client = Client::connect(room.target.address)?;
    client.send(&head("POST", "/api/login", "", "application/json", body.len() as u64))?;
    client.send(body.as_bytes())?;
    let answer = client.json()?;
    let token = answer["token"].as_str().with_context(|| format!("no token in {answer}"))?;
    let hello = json!({"type": "auth", "token": token});
    let mut person = Swarm::new()?;
    person.join(&Target::signing_in(room.target.address, &hello, 2), 1, 1)?;
    Ok(person)
}

/// Mentions the agent; returns the microseconds from seeing the own message, which the monitor sees
/// in the same sweep, to the request at the gateway.
fn mention(person: &mut Swarm, gateway: &Gateway) -> Result<f64> {
    let frame = json!({"type": "chat", "text": "@Other are you there?"}).to_string();
    person.count_anew();
    person.send(0, &text_frame(frame.as_bytes()))?;
    person.hear(0, 1)?;
    let seen = Instant::now();
    let asked = gateway.asked()?;
    Ok(asked.saturating_duration_since(seen).as_secs_f64() * 1e6)
}

const PASSWORD: &str = "password-of-the-bench";

const COLUMNS: &[&str] = &["what", "measured"];
const ABOUT: &str = "\
A person mentions an agent, `ois-monitor` hears it in the same sweep as everybody, keeps it in its \
journal, synced, and asks a gateway that speaks OpenClaw's protocol and has no model. Measured is \
from the message's arrival to the gateway's `agent` request, and then the monitor while nothing \
happens.";
