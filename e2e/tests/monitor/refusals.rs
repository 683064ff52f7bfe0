//! The gateway or the agent's model refuses: it is said, once, and names no token.

use anyhow::Result;
use e2e::fake_gateway::{End, Manner};
use serde_json::json;

use crate::team::Team;

/// Bob calls a gateway that behaves so and does not change before the deadline: he is told, once.
fn who_called_is_told_once(manner: Manner) -> Result<()> {
    let mut team = Team::start_with(|settings| {
        settings.env.push(("OIS_DEADLINE".to_owned(), "10s".to_owned()));
    })?;
    team.comes_back_as(manner)?;
    let call = team.call("@ARIA hello?")?;
    team.told(call)?;
    let dead = team.delivery(call)?;
    assert_eq!((&dead["state"], &dead["reason"]), (&json!("dead"), &json!("unauthorized")));
    assert!(dead["detail"].as_str().is_some_and(|words| words.contains("gateway")), "{dead}");
    team.gateway.behave(Manner::Well);
    // The operator mends it and starts the monitor with the right token.
    team.restart_monitor()?;
    team.close(&[])
}

#[test]
fn a_gateway_that_refuses_the_token_is_told_once() -> Result<()> {
    who_called_is_told_once(Manner::Unauthorized)
}

#[test]
fn a_gateway_that_grants_no_scope_is_told_once() -> Result<()> {
    who_called_is_told_once(Manner::NoScope)
}

#[test]
fn calls_that_a_gateway_refused_are_answered_once_it_lets_the_monitor_in() -> Result<()> {
    let mut team = Team::start()?;
    team.comes_back_as(Manner::Unauthorized)?;
    let tries = team.gateway.times("connect");
    let call = team.call("@ARIA hello?")?;
    team.gateway.asked("connect", tries)?;
    let other = team.call("@ARIA anybody?")?;
    team.gateway.behave(Manner::Well);
    team.restart_monitor()?;
    team.reply(call, "hello")?;
    team.reply(other, "me")?;
    team.answer(other)?;
    team.close(&[(call, "hello"), (other, "me")])
}

#[test]
fn a_turn_that_fails_is_tried_again_under_fresh_keys_and_then_told() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA fail")?;
    let mut keys = Vec::new();
    for _ in 0..3 {
        let turn = team.turn_for(call)?;
        team.gateway.finish(&turn, End::Failed("LLM request failed: no credit".to_owned()));
        keys.push(turn.key);
    }
    keys.dedup();
    assert_eq!(keys.len(), 3, "{keys:?}");
    team.told(call)?;
    let dead = team.delivery(call)?;
    assert_eq!((&dead["state"], &dead["reason"]), (&json!("dead"), &json!("error")));
    assert!(dead["detail"].as_str().is_some_and(|words| words.contains("no credit")), "{dead}");
    team.close(&[])
}

#[test]
fn a_log_of_everything_names_no_token() -> Result<()> {
    let mut team = Team::start_with(|settings| {
        settings.env.push(("OIS_LOG".to_owned(), "trace".to_owned()));
    })?;
    let call = team.call("@ARIA say it")?;
    team.reply(call, "said")?;
    team.answer(call)?;
    let tries = team.gateway.times("connect");
    team.gateway.down()?;
    team.gateway.behave(Manner::Unauthorized);
    team.gateway.up()?;
    let refused = team.call("@ARIA and now?")?;
    team.gateway.asked("connect", tries)?;
    team.gateway.behave(Manner::Well);
    team.restart_server()?;
    team.restart_monitor()?;
    team.reply(refused, "now as well")?;
    team.answer(refused)?;
    team.close(&[(call, "said"), (refused, "now as well")])
}
