//! The gateway is killed, is down, and comes back.

use anyhow::{Result, ensure};
use e2e::{
    gateway::{Gateway, Model},
    rest::Rest,
};
use tempfile::TempDir;

use crate::{one_at_a_time, team::Team};

#[test]
fn calls_at_a_gateway_that_is_killed_are_answered_once_when_it_is_back() -> Result<()> {
    let _one = one_at_a_time();
    let state = TempDir::new()?;
    let model = Model::start(state.path())?;
    let mut gateway = Gateway::start(state.path(), &model)?;
    let (url, token) = (gateway.url()?.to_owned(), gateway.token()?.to_owned());

    let mut cut_short = Team::start(&gateway)?;
    let in_the_turn = cut_short.call("@ARIA cut short [[until:back]] [[say:after all]]")?;
    model.hears("@ARIA cut short")?;
    gateway.kill()?;
    ensure!(Rest::new(&url).get("/readyz").is_err(), "still there");
    let in_between = cut_short.call("@ARIA in between [[say:here again]]")?;
    // A monitor that has never seen it up.
    let mut fresh = Team::start(&gateway)?;
    let at_first = fresh.call("@ARIA first of all [[say:good morning]]")?;
    cut_short.has_open(2)?;
    fresh.has_open(1)?;

    model.release("back")?;
    gateway.restart()?;
    ensure!(gateway.url()? == url && gateway.token()? == token, "it came back as another");
    ensure!(Rest::new(&url).get("/readyz")?.ok()?["ready"] == true, "it is not ready");
    ensure!(fresh.answer(at_first)? == "good morning", "another answer");
    // The gateway takes the turn up again by itself, in words of its own.
    cut_short.answer(in_the_turn)?;
    let replied = cut_short.bob.until_state("ARIA", in_the_turn, "replied")?;
    ensure!(replied["answer"].is_u64(), "{replied}");
    let open = cut_short.bob.rest().get("/api/runs?active=1&agent=ARIA")?.ok()?;
    ensure!(open["runs"].as_array().is_some_and(|runs| runs.len() <= 1), "{open}");
    ensure!(cut_short.answer(in_between)? == "here again", "another answer");
    fresh.close(&[at_first])?;
    cut_short.close(&[in_the_turn, in_between])?;
    gateway.stop()?;
    ensure!(Rest::new(&url).get("/readyz").is_err(), "it did not stop");
    Ok(())
}
