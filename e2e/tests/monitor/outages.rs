//! One end is down for a while: each call is answered once all the same.

use anyhow::Result;
use e2e::{
    fake_gateway::{End, Manner},
    until,
};

use crate::team::Team;

#[test]
fn a_mention_while_the_monitor_is_down_is_answered_once_after_it() -> Result<()> {
    let mut team = Team::start()?;
    let before = team.call("@ARIA before")?;
    team.reply(before, "b")?;
    team.answer(before)?;
    assert!(team.monitor.stop()?.success());
    let while_down = team.call("@ARIA while you were away")?;
    team.call("nothing for anybody")?;
    team.restart_monitor()?;
    team.reply(while_down, "w")?;
    team.answer(while_down)?;
    team.restart_monitor()?;
    team.close(&[(before, "b"), (while_down, "w")])
}

#[test]
fn a_mention_while_the_gateway_is_down_is_answered_once_after_it() -> Result<()> {
    let mut team = Team::start()?;
    team.gateway.down()?;
    let call = team.call("@ARIA are you there?")?;
    let other = team.call("@ARIA really?")?;
    let local = team.monitor.local();
    until("the monitor has both", || Ok(local.get("/status")?.ok()?["agents"][0]["calls"] == 2))?;
    team.gateway.up()?;
    team.reply(call, "now I am")?;
    team.reply(other, "really")?;
    team.answer(other)?;
    team.close(&[(call, "now I am"), (other, "really")])
}

#[test]
fn a_gateway_without_time_is_asked_again() -> Result<()> {
    let mut team = Team::start()?;
    team.gateway.behave(Manner::Busy);
    let call = team.call("@ARIA one")?;
    let asked = team.gateway.asked("agent", 0)?;
    team.gateway.asked("agent", asked)?;
    team.gateway.behave(Manner::Well);
    team.reply(call, "done")?;
    team.answer(call)?;
    team.close(&[(call, "done")])
}

#[test]
fn a_server_killed_during_the_turn_gets_the_answer_once_after_it() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA during a restart")?;
    let turn = team.turn_for(call)?;
    team.server.kill()?;
    team.gateway.finish(&turn, End::Text("after it".to_owned()));
    team.restart_server()?;
    team.answer(call)?;
    team.close(&[(call, "after it")])
}

#[test]
fn a_server_restarted_twice_loses_and_doubles_nothing() -> Result<()> {
    let mut team = Team::start()?;
    let first = team.call("@ARIA first")?;
    team.restart_server()?;
    let second = team.call("@ARIA second")?;
    team.reply(first, "1")?;
    team.restart_server()?;
    team.reply(second, "2")?;
    team.answer(second)?;
    team.close(&[(first, "1"), (second, "2")])
}

#[test]
fn a_link_that_breaks_during_the_turn_is_made_anew_and_the_answer_found() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA this one is cut short")?;
    let turn = team.turn_for(call)?;
    team.gateway.down()?;
    team.gateway.up()?;
    // The turn is lost with the gateway: a fresh key, and the agent is told that it may have been
    // handed this before.
    let again = team.turn_for(call)?;
    assert_ne!(again.key, turn.key);
    assert!(again.message.contains("You may have been handed"), "{}", again.message);
    assert!(!turn.message.contains("You may have been handed"), "{}", turn.message);
    team.gateway.finish(&again, End::Text("second try".to_owned()));
    team.answer(call)?;
    team.close(&[(call, "second try")])
}
