//! More than one: monitors of one agent, by mistake, and agents of one monitor.

use std::fs;

use anyhow::Result;
use e2e::{
    fake_gateway::{End, Step},
    monitor::Monitor,
    server::AGENTS,
};
use serde_json::json;
use tempfile::TempDir;

use crate::team::Team;

#[test]
fn two_monitors_of_one_agent_answer_once() -> Result<()> {
    let mut team = Team::start()?;
    let elsewhere = TempDir::new()?;
    let mut settings = team.monitor.settings().clone();
    settings.state = elsewhere.path().to_owned();
    let second = Monitor::start(settings)?;
    let call = team.call("@ARIA one of you")?;
    let turn = team.turn_for(call)?;
    // Both have asked for the turn, under one key.
    team.gateway.asked("agent", 1)?;
    team.gateway.finish(&turn, End::Text("it was me".to_owned()));
    team.answer(call)?;
    team.gateway.asked("agent.wait", 1)?;
    second.stop()?;
    assert_eq!(team.gateway.steps(), [Step::Begun(turn.key.clone()), Step::Ended(turn.key)]);
    team.close(&[(call, "it was me")])
}

#[test]
fn a_state_folder_is_one_monitors() -> Result<()> {
    let mut team = Team::start()?;
    let refused = Monitor::start(team.monitor.settings().clone());
    let words = refused.expect_err("two monitors share a folder").to_string();
    assert!(words.contains("in use"), "{words}");
    let call = team.call("@ARIA still well?")?;
    team.reply(call, "yes")?;
    team.answer(call)?;
    team.close(&[(call, "yes")])
}

#[test]
fn one_monitor_serves_several_agents_of_its_host() -> Result<()> {
    let folder = TempDir::new()?;
    let config = folder.path().join("agents.json");
    let agents = json!({"agents": {
        "ARIA": {"token": AGENTS[1].0},
        "Mikasa": {"token": AGENTS[2].0, "gatewayAgent": "mikasa"},
    }});
    fs::write(&config, agents.to_string())?;
    let mut team = Team::start_with(|settings| {
        settings.flags.extend(["--config".to_owned(), config.display().to_string()]);
    })?;
    let call = team.call("@Mikasa you alone")?;
    let turn = team.turn_for(call)?;
    assert!(turn.session.starts_with("agent:mikasa:ois:"), "{}", turn.session);
    team.gateway.finish(&turn, End::Text("me alone".to_owned()));
    team.bob.answer_by(AGENTS[2].1, call)?;

    let all = team.call("@all of you")?;
    for _ in 0..2 {
        let turn = team.turn_for(all)?;
        let text = format!("as {}", turn.session.split(':').nth(1).unwrap_or_default());
        team.gateway.finish(&turn, End::Text(text));
    }
    assert_eq!(team.answer(all)?["text"], "as main");
    assert_eq!(team.bob.answer_by(AGENTS[2].1, all)?["text"], "as mikasa");

    let local = team.monitor.local();
    assert_eq!(local.post("/send", &json!({"text": "who?"}))?.status, 400);
    local.post("/send", &json!({"text": "I, Mikasa", "agent": "mikasa"}))?.ok()?;
    team.bob.room().hear("Mikasa", |text| text == "I, Mikasa")?;
    team.close(&[(all, "as main")])
}
