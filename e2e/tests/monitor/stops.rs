//! A person stops a turn.

use anyhow::Result;
use e2e::fake_gateway::{End, Step};
use serde_json::json;

use crate::team::Team;

#[test]
fn a_turn_is_stopped_by_the_gateways_own_word_and_not_begun_again() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA dig a hole")?;
    let turn = team.turn_for(call)?;
    team.until_state(call, "admitted")?;
    let path = format!("/api/runs/{}/stop", turn.key);
    let answer = team.bob.rest().post(&path, &json!({}))?.ok()?;
    assert_eq!(answer["stopped"], true, "{answer}");
    let failed = team.until_state(call, "failed")?;
    assert_eq!((&failed["attempt"], &failed["reason"]), (&json!(1), &json!("stopped")));
    // The gateway has forgotten the turn; after a restart it must not look like a new one.
    team.restart_monitor()?;
    let next = team.call("@ARIA anything new?")?;
    team.reply(next, "no")?;
    team.answer(next)?;
    let begun = team.gateway.steps().into_iter().filter(|it| matches!(it, Step::Begun(_)));
    assert_eq!(begun.count(), 2);
    team.close(&[(next, "no")])
}

#[test]
fn a_turn_that_is_over_cannot_be_stopped() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA one")?;
    let turn = team.turn_for(call)?;
    team.gateway.finish(&turn, End::Text("done".to_owned()));
    team.until_state(call, "replied")?;
    team.nothing_is_open()?;
    let answer = team.bob.rest().post(&format!("/api/runs/{}/stop", turn.key), &json!({}))?;
    assert!(answer.status >= 400 || answer.json()?["stopped"] == false, "{}", answer.text());
    team.close(&[(call, "done")])
}
