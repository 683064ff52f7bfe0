//! Turns at a gateway that stays up.

use anyhow::{Context, Result, ensure};
use e2e::gateway::{Gateway, Model};
use serde_json::json;
use tempfile::TempDir;

use crate::{ladder, one_at_a_time, team::Team};

#[test]
fn a_mention_wakes_the_agent_and_its_answer_comes_back_once() -> Result<()> {
    let _one = one_at_a_time();
    let state = TempDir::new()?;
    let model = Model::start(state.path())?;
    let gateway = Gateway::start(state.path(), &model)?;
    the_doctor_finds_nothing(&gateway, &model).context("the doctor")?;
    the_agent_hears_the_room_and_answers(&gateway, &model).context("an answer")?;
    ladder::each_rung_is_what_the_gateway_says(&gateway, &model).context("the ladder")?;
    ladder::silence_and_failure_are_what_they_are(&gateway).context("silence and failure")?;
    ladder::what_it_does_is_seen_while_it_does_it(&gateway, &model).context("activity")?;
    ladder::a_turn_is_stopped_and_not_begun_again(&gateway, &model).context("a stop")?;
    the_server_is_restarted_during_a_turn(&gateway, &model).context("server restarted")?;
    the_monitor_is_killed_with_a_turn_under_way(&gateway, &model).context("monitor killed")?;
    an_old_gateways_way_works(&gateway, &model).context("sessions_send")?;
    gateway.stop()
}

fn the_doctor_finds_nothing(gateway: &Gateway, model: &Model) -> Result<()> {
    let team = Team::start(gateway)?;
    let folder = TempDir::new()?;
    let mut settings = team.monitor.settings().clone();
    settings.state = folder.path().to_owned();
    let diagnosis = settings.doctor()?;
    for check in &diagnosis.checks {
        ensure!(check["verdict"] == "good", "{check}");
    }
    ensure!(diagnosis.status.success(), "{diagnosis:?}");
    ensure!(model.requests()?.is_empty(), "it has asked the model");
    ensure!(!diagnosis.words.contains(gateway.token()?), "it names the token");
    Ok(())
}

fn the_agent_hears_the_room_and_answers(gateway: &Gateway, model: &Model) -> Result<()> {
    let mut team = Team::start(gateway)?;
    team.call("the build has been red since noon")?;
    let call = team.call("@aria what is wrong? [[say:a test is]]")?;
    ensure!(team.answer(call)? == "a test is", "another answer");
    let heard = model.told("@aria what is wrong?")?;
    let heard = heard.first().context("the model was not asked")?.to_string();
    for words in ["the build has been red since noon", "You are «ARIA»", "human «bob»"] {
        ensure!(heard.contains(words), "{words:?} is not in {heard}");
    }
    // The agent's owner is spoken to in the agent's main session, not in the room.
    let note = json!({"text": "a word to my owner [[say:noted]]"});
    team.monitor.local().post("/send_to_user", &note)?.ok()?;
    model.hears("a word to my owner")?;
    team.close(&[call])
}

fn the_server_is_restarted_during_a_turn(gateway: &Gateway, model: &Model) -> Result<()> {
    let mut team = Team::start(gateway)?;
    let call = team.call("@ARIA over a restart [[until:restarted]] [[say:still here]]")?;
    model.hears("@ARIA over a restart")?;
    team.server.restart()?;
    team.bob.join_again(&team.server)?;
    model.release("restarted")?;
    ensure!(team.answer(call)? == "still here", "another answer");
    ensure!(model.told("@ARIA over a restart")?.len() == 1, "it was woken twice");
    team.close(&[call])
}

/// The second call waits behind the first: killed there, the monitor has received it and has not
/// delivered it; the first one it has delivered and not answered.
fn the_monitor_is_killed_with_a_turn_under_way(gateway: &Gateway, model: &Model) -> Result<()> {
    let mut team = Team::start(gateway)?;
    let first = team.call("@ARIA delivered [[until:killed]] [[say:first]]")?;
    model.hears("@ARIA delivered")?;
    let second = team.call("@ARIA received [[say:second]]")?;
    team.has_open(2)?;
    team.monitor.kill()?;
    ensure!(model.told("@ARIA received")?.is_empty(), "it was delivered already");
    model.release("killed")?;
    team.monitor.restart()?;
    ensure!(team.answer(first)? == "first", "another answer");
    ensure!(team.answer(second)? == "second", "another answer");
    let doubted = model.told("You may have been handed")?;
    let doubted = doubted.iter().any(|it| it.to_string().contains("@ARIA delivered"));
    ensure!(!doubted, "the turn was begun anew");
    // Once more: the turn goes on while no monitor is there.
    let third = team.call("@ARIA ends alone [[until:alone]] [[say:third]]")?;
    model.hears("@ARIA ends alone")?;
    team.monitor.kill()?;
    model.release("alone")?;
    team.monitor.restart()?;
    ensure!(team.answer(third)? == "third", "another answer");
    team.close(&[first, second, third])
}

/// `POST /tools/invoke` with `sessions_send`, as the original monitor did it.
fn an_old_gateways_way_works(gateway: &Gateway, model: &Model) -> Result<()> {
    // The tool sends to sessions that there are.
    let session = ["--session-key", "agent:main:webchat"];
    let mut opening = Team::start_with(gateway, &session)?;
    let call = opening.call("@ARIA open it [[say:open]]")?;
    opening.answer(call)?;
    opening.close(&[call])?;
    let mut team = Team::start_with(gateway, &["--gateway-mode", "legacy"])?;
    team.call("said before")?;
    let call = team.call("@ARIA the old way [[say:as ever]]")?;
    ensure!(team.answer(call)? == "as ever", "another answer");
    let heard = model.told("@ARIA the old way")?;
    let heard = heard.first().context("the model was not asked")?.to_string();
    for words in ["[OIS群聊] bob: @ARIA the old way", "--- 以上为上下文 ---", "bob: said before"]
    {
        ensure!(heard.contains(words), "{words:?} is not in {heard}");
    }
    team.has_open(0)
}
