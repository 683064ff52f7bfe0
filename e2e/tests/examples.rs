//! The example agents against a real server: each answers a mention with the words that called it,
//! and the server learns how far the mention came.
//!
//! An example is told `OIS_URL` (`ws://…`), `OIS_AGENT_TOKEN` and `OIS_AGENT_NAME`.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use e2e::binary;
use e2e::process::Process;
use e2e::room::{Credential, Room};
use e2e::server::{AGENTS, PASSWORD, Server};
use serde_json::{Value, json};

#[test]
fn the_rust_example_answers_a_mention() -> Result<()> {
    answers_a_mention(Command::new(binary::path("echo-agent")?), &["replied"])
}

#[test]
fn the_python_examples_answer_a_mention() -> Result<()> {
    scripts_answer("python3", "examples/python", "py")
}

#[test]
fn the_node_examples_answer_a_mention() -> Result<()> {
    scripts_answer("node", "examples/node", "mjs")
}

/// Runs every script of a directory that says in its name that it is an agent.
fn scripts_answer(interpreter: &str, dir: &str, ending: &str) -> Result<()> {
    if Command::new(interpreter).arg("--version").output().is_err() {
        eprintln!("no {interpreter} on this machine");
        return Ok(());
    }
    let dir = binary::workspace().join(dir);
    let listing = std::fs::read_dir(&dir).with_context(|| format!("no {}", dir.display()))?;
    let mut scripts = listing.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    scripts.retain(|path| {
        let stem = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        path.extension() == Some(OsStr::new(ending)) && stem.contains("agent")
    });
    ensure!(!scripts.is_empty(), "no agent in {}", dir.display());
    for script in scripts {
        let mut command = Command::new(interpreter);
        command.arg(&script);
        answers_a_mention(command, &["received", "replied"])
            .with_context(|| script.display().to_string())?;
    }
    Ok(())
}

fn answers_a_mention(mut command: Command, states: &[&str]) -> Result<()> {
    let server = Server::fresh()?;
    let session = server.rest().login("Mira", PASSWORD)?;
    let subscribe = json!({"subscribe": ["presence", "deliveries"]});
    let (mut room, _) =
        Room::join_with(&server.ws_url(), Credential::Session(&session), subscribe)?;
    let (token, _) = AGENTS[1];
    command
        .env("OIS_URL", server.ws_url())
        .env("OIS_AGENT_TOKEN", token)
        .env("OIS_AGENT_NAME", "ARIA");
    let _agent = Process::start("example", command)?;
    room.wait_for("the agent signs in", |frame| {
        frame["type"] == "presence" && frame["name"] == "ARIA" && frame["state"] != "offline"
    })?;
    let call = room.say("@aria hello")?;
    let answer = room.hear("ARIA", |text| text.contains("hello"))?;
    ensure!(answer["replyTo"] == call["id"], "it answers something else: {answer}");
    came_to(&mut room, &call["id"], states)
}

/// Waits until a call has come to each of these states in turn.
fn came_to(room: &mut Room, call: &Value, states: &[&str]) -> Result<()> {
    for state in states {
        room.wait_for(state, |frame| frame["message"] == *call && frame["state"] == *state)?;
    }
    Ok(())
}
