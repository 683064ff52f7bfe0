//! Clients of OIS 1.2 get the answers that they got from the original.
//!
//! `fixtures/transcripts.json` holds 121 steps recorded from the original server: a request and its
//! answer, with ids, times, tokens and upload names replaced by marks. Every step is sent again, in
//! order, and the answer has to hold at least what was recorded; more fields are welcome. What is
//! answered otherwise on purpose stands in [`fixes`], each with its reason.

mod fixes;
mod frames;
mod http;
mod matching;
mod root;

use anyhow::{Result, ensure};
use e2e::server::{PASSWORD, Server, Settings};
use serde_json::{Map, Value};
use tempfile::TempDir;

use frames::Sockets;

/// The values of earlier steps that later steps need.
struct Replay {
    server: Server,
    session: String,
    /// The address of the first upload with each ending.
    uploads: Map<String, Value>,
}

#[test]
fn what_was_recorded_from_the_original_is_answered_again() -> Result<()> {
    let dir = TempDir::new()?;
    root::lay_out(dir.path())?;
    let mut settings = Settings::at(dir.path());
    settings.flags = vec!["--utc-offset".into(), "+08:00".into()];
    let server = Server::start(settings)?;
    let session = server.rest().login("tester", PASSWORD)?;
    let mut replay = Replay { server, session, uploads: Map::new() };
    let mut sockets = Sockets::default();

    let steps: Vec<Value> = serde_json::from_str(include_str!("../../fixtures/transcripts.json"))?;
    let mut wrong = Vec::new();
    for step in &steps {
        let name = step["step"].as_str().unwrap_or_default();
        let outcome = if step["request"]["ws"].is_string() {
            sockets.replay(&replay, name, step)
        } else {
            replay.http(name, step)
        };
        if let Err(error) = outcome {
            wrong.push(format!("{name}: {error:#}"));
        }
    }
    ensure!(wrong.is_empty(), "{} of {} steps:\n{}", wrong.len(), steps.len(), wrong.join("\n"));
    Ok(())
}

#[test]
fn every_fix_belongs_to_a_step_and_every_defect_has_a_fix() -> Result<()> {
    let steps: Vec<Value> = serde_json::from_str(include_str!("../../fixtures/transcripts.json"))?;
    let names: Vec<&str> = steps.iter().filter_map(|step| step["step"].as_str()).collect();
    assert_eq!(names.len(), 121);
    for fix in fixes::FIXES {
        assert!(names.contains(&fix.step), "no step {}", fix.step);
    }
    for step in steps.iter().filter(|step| step["defect"].is_string()) {
        let name = step["step"].as_str().unwrap_or_default();
        // That `anon` hears the room is mended for all steps at once, in `frames`.
        assert!(fixes::of(name).is_some() || name == "ws.chat", "no fix for {name}");
    }
    Ok(())
}
