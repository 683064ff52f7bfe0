//! How far a mention came at a real gateway, rung by rung.

use anyhow::{Context, Result, ensure};
use e2e::{
    gateway::{Gateway, Model},
    room::{Credential, Room},
    server::PASSWORD,
};
use serde_json::{Value, json};

use crate::team::Team;

pub(crate) fn each_rung_is_what_the_gateway_says(gateway: &Gateway, model: &Model) -> Result<()> {
    let mut team = Team::start(gateway)?;
    let call = team.call("@ARIA climb [[until:climbed]] [[say:at the top]]")?;
    model.hears("@ARIA climb")?;
    let admitted = team.bob.until_state("ARIA", call, "admitted")?;
    let run = admitted["run"].as_str().context("no run")?.to_owned();
    ensure!(run.starts_with("ois:") && run.ends_with(&format!(":{call}:aria:1")), "{admitted}");
    model.release("climbed")?;
    ensure!(team.answer(call)? == "at the top", "another answer");
    let replied = team.bob.until_state("ARIA", call, "replied")?;
    ensure!(replied["run"] == run.as_str() && replied["answer"].is_u64(), "{replied}");
    let ended = run_of(&team, &run)?;
    ensure!(ended["outcome"] == "replied", "{ended}");
    // The stub says ten tokens in and five out.
    ensure!(ended["usage"]["inputTokens"] == 10, "{ended}");
    ensure!(ended["usage"]["outputTokens"] == 5, "{ended}");
    team.close(&[call])
}

pub(crate) fn silence_and_failure_are_what_they_are(gateway: &Gateway) -> Result<()> {
    let mut team = Team::start(gateway)?;
    let silent = team.call("@ARIA nothing, please [[say:NO_REPLY]]")?;
    let delivery = team.bob.until_state("ARIA", silent, "silent")?;
    let run = run_of(&team, delivery["run"].as_str().context("no run")?)?;
    ensure!(run["usage"]["outputTokens"] == 5, "silence has its price: {run}");
    let call = team.call("@ARIA fail, please [[fail:400]]")?;
    let dead = team.bob.until_state("ARIA", call, "dead")?;
    ensure!(dead["reason"] == "error", "{dead}");
    // It would fail every time.
    ensure!(dead["attempt"] == 1, "{dead}");
    let told = team.bob.answer_by("OIS", call)?;
    let words = told["text"].as_str().unwrap_or_default();
    ensure!(words.starts_with("[AUTO] No answer will come from"), "no statement: {words}");
    team.close(&[])
}

pub(crate) fn what_it_does_is_seen_while_it_does_it(
    gateway: &Gateway,
    model: &Model,
) -> Result<()> {
    let mut team = Team::start(gateway)?;
    let session = team.server.rest().login("carol", PASSWORD)?;
    let topics = json!({"subscribe": ["activity"]});
    let (mut room, _) =
        Room::join_with(&team.server.ws_url(), Credential::Session(&session), topics)?;
    let call =
        team.call("@ARIA take your time [[until:watched]] [[say:one word after the other]]")?;
    model.hears("@ARIA take your time")?;
    let seen = |room: &mut Room, what: &str, fits: &dyn Fn(&Value) -> bool| {
        room.wait_for(what, |frame| frame["type"] == "activity" && fits(frame))
    };
    seen(&mut room, "thinking", &|frame| frame["state"] == "thinking")?;
    model.release("watched")?;
    seen(&mut room, "text", &|frame| {
        frame["partial"]["text"].as_str().is_some_and(|text| text.starts_with("one word"))
    })?;
    team.answer(call)?;
    seen(&mut room, "idle", &|frame| frame["state"] == "idle")?;
    team.close(&[call])
}

pub(crate) fn a_turn_is_stopped_and_not_begun_again(
    gateway: &Gateway,
    model: &Model,
) -> Result<()> {
    let mut team = Team::start(gateway)?;
    let call = team.call("@ARIA dig a hole [[until:stopped]]")?;
    model.hears("@ARIA dig a hole")?;
    let admitted = team.bob.until_state("ARIA", call, "admitted")?;
    let run = admitted["run"].as_str().context("no run")?;
    let stopped = team.bob.rest().post(&format!("/api/runs/{run}/stop"), &json!({}))?.ok()?;
    ensure!(stopped["stopped"] == true, "{stopped}");
    let failed = team.bob.until_state("ARIA", call, "failed")?;
    ensure!(failed["reason"] == "stopped" && failed["attempt"] == 1, "{failed}");
    // The next call shows the agent this one again, mark and all.
    model.release("stopped")?;
    team.monitor.restart()?;
    team.close(&[])?;
    ensure!(model.told("@ARIA dig a hole")?.len() <= 2, "it was begun again");
    Ok(())
}

/// The run of this name, once it is over.
fn run_of(team: &Team, name: &str) -> Result<Value> {
    let mut found = Value::Null;
    e2e::until(&format!("the run {name} is over"), || {
        let runs = team.bob.runs()?;
        found = runs.into_iter().find(|run| run["run"] == name).unwrap_or_default();
        Ok(found["end"].is_string())
    })?;
    Ok(found)
}
