//! How far a mention came, rung by rung, as everybody can ask the server.

use anyhow::{Context, Result};
use e2e::fake_gateway::{End, Manner};
use serde_json::json;

use crate::team::Team;

#[test]
fn a_mention_climbs_to_its_answer() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA one")?;
    let turn = team.turn_for(call)?;
    let admitted = team.until_state(call, "admitted")?;
    assert_eq!((&admitted["attempt"], &admitted["run"]), (&json!(1), &json!(turn.key)));
    let runs = team.runs()?;
    let run = runs.first().context("no run")?;
    assert_eq!((&run["run"], &run["cause"]), (&json!(turn.key), &json!(call)));
    assert!(run["end"].is_null(), "{run}");
    team.gateway.finish(&turn, End::Text("done".to_owned()));
    let answer = team.answer(call)?;
    let replied = team.until_state(call, "replied")?;
    assert_eq!(replied["answer"], answer["id"]);
    team.close(&[(call, "done")])
}

#[test]
fn silence_is_a_state_and_not_a_message() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA nothing")?;
    let turn = team.turn_for(call)?;
    team.gateway.finish(&turn, End::Silent);
    team.until_state(call, "silent")?;
    team.nothing_is_open()?;
    let runs = team.runs()?;
    assert_eq!(runs.first().context("no run")?["outcome"], "silent");
    team.close(&[])
}

#[test]
fn what_the_agent_sends_itself_is_its_answer() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA by yourself")?;
    let turn = team.turn_for(call)?;
    let own = json!({"text": "said by myself", "replyTo": call});
    let sent = team.monitor.local().post("/send", &own)?.ok()?;
    team.gateway.finish(&turn, End::Silent);
    let replied = team.until_state(call, "replied")?;
    assert_eq!(replied["answer"], sent["id"]);
    team.close(&[(call, "said by myself")])
}

#[test]
fn a_failed_attempt_is_followed_by_another_one_that_is_marked() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA one")?;
    let turn = team.turn_for(call)?;
    team.gateway.finish(&turn, End::Failed("LLM request failed: overloaded".to_owned()));
    let again = team.turn_for(call)?;
    let admitted = team.until_state(call, "admitted")?;
    assert_eq!((&admitted["attempt"], &admitted["run"]), (&json!(2), &json!(again.key)));
    assert_eq!(admitted["possibleDuplicate"], true);
    team.gateway.finish(&again, End::Text("now".to_owned()));
    team.answer(call)?;
    team.close(&[(call, "now")])
}

#[test]
fn what_the_model_will_never_take_is_tried_once() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA one")?;
    let turn = team.turn_for(call)?;
    let words = "LLM request failed: provider rejected the request schema or tool payload.";
    team.gateway.finish(&turn, End::Failed(words.to_owned()));
    team.told(call)?;
    let dead = team.delivery(call)?;
    assert_eq!((&dead["attempt"], &dead["reason"]), (&json!(1), &json!("error")));
    team.close(&[])
}

#[test]
fn a_person_drives_a_dead_one_again_and_it_is_answered() -> Result<()> {
    let mut team = Team::start_with(|settings| {
        settings.env.push(("OIS_DEADLINE".to_owned(), "10s".to_owned()));
    })?;
    team.comes_back_as(Manner::Unauthorized)?;
    let call = team.call("@ARIA are you there?")?;
    team.told(call)?;
    team.gateway.behave(Manner::Well);
    let path = format!("/api/deliveries/{call}:ARIA/retry");
    let again = team.bob.rest().post(&path, &json!({}))?.ok()?;
    assert_eq!(again["delivery"]["attempt"], 2);
    let turn = team.turn_for(call)?;
    assert!(turn.key.ends_with(":2"), "{}", turn.key);
    assert!(turn.message.contains("| @ARIA are you there?"), "{}", turn.message);
    team.gateway.finish(&turn, End::Text("now I am".to_owned()));
    let replied = team.until_state(call, "replied")?;
    assert_eq!(replied["attempt"], 2);
    team.close(&[(call, "now I am")])
}

#[test]
fn one_that_was_driven_again_while_the_monitor_was_down_is_taken_up_after_it() -> Result<()> {
    let mut team = Team::start_with(|settings| {
        settings.env.push(("OIS_ATTEMPTS".to_owned(), "1".to_owned()));
    })?;
    let call = team.call("@ARIA one")?;
    let turn = team.turn_for(call)?;
    team.gateway.finish(&turn, End::Failed("no".to_owned()));
    team.told(call)?;
    team.monitor.kill()?;
    let path = format!("/api/deliveries/{call}:ARIA/retry");
    team.bob.rest().post(&path, &json!({}))?.ok()?;
    team.restart_monitor()?;
    let again = team.turn_for(call)?;
    assert_ne!(again.key, turn.key);
    assert!(again.message.contains("You may have been handed"), "{}", again.message);
    team.gateway.finish(&again, End::Text("yes".to_owned()));
    team.answer(call)?;
    // Once more from the journal and the log: it is over.
    team.until_state(call, "replied")?;
    team.restart_monitor()?;
    team.close(&[(call, "yes")])
}

#[test]
fn an_end_that_the_server_missed_is_told_after_its_restart() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA one")?;
    let turn = team.turn_for(call)?;
    team.until_state(call, "admitted")?;
    team.server.kill()?;
    team.gateway.finish(&turn, End::Silent);
    team.restart_server()?;
    team.until_state(call, "silent")?;
    team.close(&[])
}

#[test]
fn the_thread_comes_along_though_it_is_old() -> Result<()> {
    let mut team = Team::start()?;
    let first = team.call("the oldest word")?;
    for number in 0..80 {
        team.call(&format!("in between {number}"))?;
    }
    team.restart_monitor()?;
    let body = json!({"text": "@ARIA and now?", "replyTo": first});
    let sent = team.bob.rest().post("/api/messages", &body)?.ok()?;
    let call = sent["id"].as_u64().context("no id")?;
    let turn = team.turn_for(call)?;
    let heading = "The thread that it answers:";
    assert!(turn.message.contains(heading), "{}", turn.message);
    assert!(turn.message.contains("| the oldest word"), "{}", turn.message);
    team.gateway.finish(&turn, End::Text("seen".to_owned()));
    team.answer(call)?;
    team.close(&[(call, "seen")])
}
