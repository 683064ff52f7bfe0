//! The monitor is killed at each step of a call: one answer, none lost, none doubled.

use anyhow::Result;
use e2e::{
    fake_gateway::{End, Manner},
    proxy::Direction,
};

use crate::team::Team;

#[test]
fn killed_between_receiving_and_delivering() -> Result<()> {
    let mut team = Team::start()?;
    // It has the call on its disk, and the gateway has just refused to take it.
    team.gateway.behave(Manner::Busy);
    let call = team.call("@ARIA one")?;
    team.gateway.asked("agent", 0)?;
    team.monitor.kill()?;
    team.gateway.behave(Manner::Well);
    team.restart_monitor()?;
    team.reply(call, "after the kill")?;
    team.answer(call)?;
    team.close(&[(call, "after the kill")])
}

#[test]
fn killed_when_the_gateway_was_asked_and_nothing_came_of_it() -> Result<()> {
    let mut team = Team::start()?;
    team.gateway.behave(Manner::Deaf);
    let call = team.call("@ARIA one")?;
    team.gateway.asked("agent", 0)?;
    team.monitor.kill()?;
    team.gateway.behave(Manner::Well);
    team.restart_monitor()?;
    let turn = team.turn_for(call)?;
    // Nothing had begun, so nobody is told of a possible duplicate.
    assert!(!turn.message.contains("You may have been handed"), "{}", turn.message);
    team.gateway.finish(&turn, End::Text("asked again".to_owned()));
    team.answer(call)?;
    team.close(&[(call, "asked again")])
}

#[test]
fn killed_during_the_turn_that_ends_after_its_restart() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA one")?;
    let turn = team.turn_for(call)?;
    team.monitor.kill()?;
    let looked = team.gateway.times("chat.history");
    team.restart_monitor()?;
    team.gateway.asked("chat.history", looked)?;
    team.gateway.finish(&turn, End::Text("the same turn".to_owned()));
    team.answer(call)?;
    team.close(&[(call, "the same turn")])
}

#[test]
fn killed_during_the_turn_that_ends_before_its_restart() -> Result<()> {
    let mut team = Team::start()?;
    let said = team.call("@ARIA one")?;
    let turn = team.turn_for(said)?;
    team.monitor.kill()?;
    team.gateway.finish(&turn, End::Text("while you were away".to_owned()));
    team.restart_monitor()?;
    team.answer(said)?;
    let silent = team.call("@ARIA two")?;
    let turn = team.turn_for(silent)?;
    team.monitor.kill()?;
    team.gateway.finish(&turn, End::Silent);
    team.restart_monitor()?;
    team.close(&[(said, "while you were away")])
}

#[test]
fn killed_when_its_answer_had_not_reached_the_server() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA one")?;
    let turn = team.turn_for(call)?;
    team.wire.hold(Direction::ToServer);
    let waits = team.gateway.times("agent.wait");
    team.gateway.finish(&turn, End::Text("not lost".to_owned()));
    // The answer stays on the wire. The next call shows that the monitor knows of the end of this one.
    let next = team.call("@ARIA two")?;
    let second = team.turn_for(next)?;
    team.gateway.asked("agent.wait", waits)?;
    team.monitor.kill()?;
    team.wire.release(Direction::ToServer);
    team.restart_monitor()?;
    team.answer(call)?;
    team.gateway.finish(&second, End::Text("nor this".to_owned()));
    team.answer(next)?;
    team.close(&[(call, "not lost"), (next, "nor this")])
}

#[test]
fn killed_when_the_room_had_its_answer_and_it_did_not_know() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA one")?;
    let turn = team.turn_for(call)?;
    team.wire.hold(Direction::ToClient);
    team.gateway.finish(&turn, End::Text("once".to_owned()));
    team.answer(call)?;
    team.monitor.kill()?;
    team.wire.release(Direction::ToClient);
    team.restart_monitor()?;
    team.close(&[(call, "once")])
}

#[test]
fn killed_together_with_the_gateway_during_the_turn() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA one")?;
    let turn = team.turn_for(call)?;
    team.monitor.kill()?;
    team.gateway.down()?;
    team.gateway.up()?;
    team.restart_monitor()?;
    let again = team.turn_for(call)?;
    assert_ne!(again.key, turn.key);
    assert!(again.message.contains("You may have been handed"), "{}", again.message);
    team.gateway.finish(&again, End::Text("from the start".to_owned()));
    team.answer(call)?;
    team.close(&[(call, "from the start")])
}

#[test]
fn killed_together_with_the_gateway_after_the_turn() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA one")?;
    let turn = team.turn_for(call)?;
    team.monitor.kill()?;
    team.gateway.finish(&turn, End::Text("in the history".to_owned()));
    team.gateway.down()?;
    team.restart_monitor()?;
    team.gateway.up()?;
    team.answer(call)?;
    team.close(&[(call, "in the history")])
}

#[test]
fn stopped_in_order_during_a_turn_it_goes_on_afterwards() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA one")?;
    let turn = team.turn_for(call)?;
    team.stop()?;
    team.gateway.finish(&turn, End::Text("goes on".to_owned()));
    team.restart_monitor()?;
    team.answer(call)?;
    team.close(&[(call, "goes on")])
}

#[test]
fn killed_again_and_again_it_answers_each_call_once() -> Result<()> {
    let mut team = Team::start()?;
    let mut answers = Vec::new();
    for (at, word) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        let call = team.call(&format!("@ARIA {word}"))?;
        // At whatever step it is by then.
        if at % 2 == 0 {
            team.restart_monitor()?;
        }
        let turn = team.turn_for(call)?;
        team.gateway.finish(&turn, End::Text(word.to_owned()));
        if at % 2 == 1 {
            team.restart_monitor()?;
        }
        answers.push((call, word));
    }
    for (call, _) in &answers {
        team.answer(*call)?;
    }
    team.close(&answers)
}
