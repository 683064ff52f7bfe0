//! A gateway does wrong on purpose: each delivery ends in the right state, none stays open, and no
//! answer is doubled without a mark.

use anyhow::Result;
use e2e::fake_gateway::{End, Manner, Step};
use serde_json::json;

use crate::team::Team;

fn impatient(variable: &str, value: &str) -> Result<Team> {
    Team::start_with(|settings| settings.env.push((variable.to_owned(), value.to_owned())))
}

#[test]
fn one_that_accepts_and_drops_is_found_out() -> Result<()> {
    let mut team = impatient("OIS_ATTEMPTS", "1")?;
    team.gateway.behave(Manner::Drops);
    let call = team.call("@ARIA one")?;
    team.until_state(call, "admitted")?;
    team.told(call)?;
    let dead = team.delivery(call)?;
    assert_eq!((&dead["state"], &dead["reason"]), (&json!("dead"), &json!("dropped")));
    team.gateway.behave(Manner::Well);
    team.close(&[])
}

#[test]
fn one_that_answers_after_the_deadline_is_heard_all_the_same() -> Result<()> {
    let mut team = impatient("OIS_DEADLINE", "10s")?;
    let call = team.call("@ARIA one")?;
    let turn = team.turn_for(call)?;
    let next = team.call("@ARIA two")?;
    team.until_state(next, "received")?;
    let asked = team.gateway.times("health");
    // More than ten seconds: the monitor asks how the gateway is at most once a second.
    team.gateway.asked("health", asked + 11)?;
    assert_eq!(team.delivery(call)?["state"], "admitted", "it says that it lives");
    team.gateway.finish(&turn, End::Text("late".to_owned()));
    team.answer(call)?;
    team.until_state(call, "replied")?;
    team.reply(next, "in its turn")?;
    team.answer(next)?;
    team.close(&[(call, "late"), (next, "in its turn")])
}

#[test]
fn one_that_closes_half_way_has_begun_and_is_asked_what_became_of_it() -> Result<()> {
    let mut team = Team::start()?;
    team.gateway.behave(Manner::Cuts);
    let call = team.call("@ARIA one")?;
    let turn = team.turn_for(call)?;
    team.gateway.behave(Manner::Well);
    let admitted = team.until_state(call, "admitted")?;
    assert_eq!((&admitted["attempt"], &admitted["run"]), (&json!(1), &json!(turn.key)));
    team.gateway.finish(&turn, End::Text("once".to_owned()));
    team.answer(call)?;
    let begun = team.gateway.steps().into_iter().filter(|it| matches!(it, Step::Begun(_)));
    assert_eq!(begun.count(), 1);
    team.close(&[(call, "once")])
}

#[test]
fn one_that_has_no_time_or_is_starting_is_asked_again() -> Result<()> {
    let mut team = Team::start()?;
    team.gateway.behave(Manner::Busy);
    let busy = team.call("@ARIA one")?;
    let asked = team.gateway.asked("agent", 0)?;
    team.gateway.asked("agent", asked)?;
    assert_eq!(team.delivery(busy)?["state"], "received");
    team.comes_back_as(Manner::Unavailable)?;
    let tries = team.gateway.times("connect");
    team.gateway.asked("connect", tries + 1)?;
    assert_eq!(team.delivery(busy)?["state"], "received");
    team.gateway.behave(Manner::Well);
    team.reply(busy, "at last")?;
    team.answer(busy)?;
    team.close(&[(busy, "at last")])
}

#[test]
fn one_that_has_no_time_until_the_deadline_is_told_as_such() -> Result<()> {
    let mut team = impatient("OIS_DEADLINE", "10s")?;
    team.gateway.behave(Manner::Busy);
    let call = team.call("@ARIA one")?;
    team.told(call)?;
    assert_eq!(team.delivery(call)?["reason"], "busy");
    team.gateway.behave(Manner::Well);
    team.close(&[])
}

#[test]
fn one_that_admits_twice_is_answered_once() -> Result<()> {
    let mut team = Team::start()?;
    team.gateway.behave(Manner::AdmitsTwice);
    let call = team.call("@ARIA one")?;
    team.reply(call, "once")?;
    team.answer(call)?;
    team.close(&[(call, "once")])
}

#[test]
fn one_that_dies_in_the_turn_is_asked_anew_and_the_second_turn_is_marked() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA one")?;
    let turn = team.turn_for(call)?;
    team.until_state(call, "admitted")?;
    team.gateway.down()?;
    team.gateway.up()?;
    let again = team.turn_for(call)?;
    assert_ne!(again.key, turn.key);
    team.gateway.finish(&again, End::Text("from the start".to_owned()));
    team.answer(call)?;
    let replied = team.until_state(call, "replied")?;
    assert_eq!((&replied["attempt"], &replied["possibleDuplicate"]), (&json!(2), &json!(true)));
    let runs = team.runs()?;
    let first = runs.iter().find(|run| run["run"] == turn.key.as_str());
    let first = first.map(|run| (run["outcome"].clone(), run["reason"].clone()));
    assert_eq!(first, Some((json!("failed"), json!("interrupted"))));
    team.close(&[(call, "from the start")])
}

#[test]
fn one_that_floods_the_link_with_events_is_answered_as_ever() -> Result<()> {
    let mut team = Team::start()?;
    team.gateway.behave(Manner::Floods);
    let call = team.call("@ARIA one")?;
    team.reply(call, "short")?;
    team.answer(call)?;
    team.gateway.behave(Manner::Well);
    team.close(&[(call, "short")])
}
