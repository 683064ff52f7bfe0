//! Whether the agent can be woken, and what it is doing, as others in the room see it.

use anyhow::{Context, Result};
use e2e::{
    fake_gateway::End,
    room::{Credential, Room},
    server::PASSWORD,
    until,
};
use serde_json::{Value, json};

use crate::team::Team;

/// The entry of ARIA in the register.
fn presence(team: &Team) -> Result<Value> {
    let members = team.bob.rest().get("/api/members")?.ok()?;
    let all = members["members"].as_array().context("no members")?;
    let aria = all.iter().find(|member| member["name"] == "ARIA").context("no ARIA")?;
    Ok(aria.clone())
}

fn until_it_is(team: &Team, state: &str) -> Result<()> {
    until(&format!("ARIA is {state}"), || Ok(presence(team)?["state"] == state))
}

#[test]
fn a_gateway_that_dies_shows_before_anybody_is_mentioned() -> Result<()> {
    let mut team = Team::start()?;
    until_it_is(&team, "online")?;
    let proven = presence(&team)?["provenAt"].clone();
    assert!(proven.is_string());
    until("there is a newer proof", || Ok(presence(&team)?["provenAt"] != proven))?;
    team.gateway.down()?;
    until_it_is(&team, "deaf")?;
    let status = team.monitor.local().get("/status")?.ok()?;
    assert_eq!(status["agents"][0]["presence"], "deaf");
    team.gateway.up()?;
    until_it_is(&team, "online")?;
    team.monitor.kill()?;
    until_it_is(&team, "offline")?;
    team.restart_monitor()?;
    team.close(&[])
}

#[test]
fn a_gateway_that_was_never_there_shows_as_well() -> Result<()> {
    let mut team = Team::start()?;
    team.monitor.kill()?;
    team.gateway.down()?;
    team.restart_monitor()?;
    until_it_is(&team, "deaf")?;
    team.gateway.up()?;
    until_it_is(&team, "online")?;
    team.close(&[])
}

#[test]
fn an_agent_at_work_is_busy_and_what_it_does_is_seen_until_it_ends() -> Result<()> {
    let mut team = Team::start()?;
    until_it_is(&team, "online")?;
    let session = team.server.rest().login("carol", PASSWORD)?;
    let topics = json!({"subscribe": ["activity", "presence"]});
    let (mut room, _) =
        Room::join_with(&team.server.ws_url(), Credential::Session(&session), topics)?;
    let call = team.call("@ARIA write slowly")?;
    let turn = team.turn_for(call)?;
    until_it_is(&team, "busy")?;
    let seen = |room: &mut Room, state: &str| {
        room.wait_for(state, |frame| frame["type"] == "activity" && frame["state"] == state)
    };
    let thinking = seen(&mut room, "thinking")?;
    assert_eq!((&thinking["agent"], &thinking["run"]), (&json!("ARIA"), &json!(turn.key)));
    let tool = json!({"stream": "item", "data": {
        "kind": "tool", "name": "exec", "phase": "start", "args": {"command": "cat secret"},
    }});
    team.gateway.tell(&turn, "agent", tool);
    let working = seen(&mut room, "working")?;
    assert_eq!(working["note"], "exec");
    assert!(!working.to_string().contains("secret"), "{working}");
    team.gateway.tell(&turn, "chat", json!({"state": "delta", "deltaText": "so "}));
    team.gateway.tell(&turn, "chat", json!({"state": "delta", "deltaText": "far"}));
    room.wait_for("the text so far", |frame| frame["partial"]["text"] == "so far")?;
    team.gateway.finish(&turn, End::Text("so far so good".to_owned()));
    seen(&mut room, "idle")?;
    until_it_is(&team, "online")?;
    team.close(&[(call, "so far so good")])
}
