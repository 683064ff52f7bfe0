//! The state of a mention beside its message, rung by rung: after a failure, after a reload.

use anyhow::Result;
use serde_json::json;

use crate::monitor::Monitor;
use crate::visit::{STRANGER, Visit, named};

/// The line of this agent in the state, beside a message.
pub(crate) fn rung(agent: &str, state: &str) -> String {
    format!(
        "document.querySelector('.message [data-testid=rung][data-agent=\"{agent}\"][data-state={state}]')"
    )
}

const LADDER_BOX: &str = "(() => { const r = document.querySelector('.ladder').getBoundingClientRect(); \
    return [r.top, r.height].map(Math.round).join(); })()";

#[test]
fn each_rung_shows_in_place_and_nothing_jumps() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    visit.page.stop_clock()?;
    let mut hkh = Monitor::join(&visit.server, "token-of-hkh", "HKH")?;
    visit.say("@HKH how long did it take?")?;
    let asked = hkh.hears("take?")?;
    visit.page.wait(&rung("hkh", "stored"))?;
    let place = visit.page.eval(LADDER_BOX)?;

    hkh.reports(asked, "received", &json!({}))?;
    visit.page.wait(&rung("hkh", "received"))?;
    hkh.turn("r1", asked, &json!({}))?;
    hkh.reports(asked, "admitted", &json!({"run": "r1"}))?;
    visit.page.wait(&format!(
        "/^◐HKHworking \\d\\d?:\\d\\d/.test({}?.textContent)",
        rung("hkh", "admitted")
    ))?;
    assert_eq!(visit.page.texts(".rung .sign-live")?, Vec::<String>::new(), "no activity yet");
    hkh.does("working", &json!({"run": "r1", "note": "reading files"}))?;
    visit
        .page
        .wait(&format!("{}.textContent.endsWith('· reading files')", rung("hkh", "admitted")))?;
    assert_eq!(visit.page.texts(".rung .sign-live")?, ["◐"]);
    visit.page.wait(
        "document.querySelector('.activity').textContent === 'HKH is working · reading files'",
    )?;
    hkh.reports(asked, "ended", &json!({"run": "r1"}))?;
    visit.page.wait(&rung("hkh", "ended"))?;
    assert_eq!(visit.page.eval(LADDER_BOX)?, place);

    let answer = hkh.answers(asked, "Three minutes.")?;
    hkh.reports(asked, "replied", &json!({"run": "r1", "answer": answer}))?;
    visit.page.wait(&rung("hkh", "replied"))?;
    assert_eq!(visit.page.eval("document.querySelector('.ladder').clientHeight")?, height(&place));
    assert_eq!(visit.page.texts(".answers")?, Vec::<String>::new(), "the line leads there already");
    visit.page.click(".rung a.rung-said")?;
    visit.page.wait(&format!("document.activeElement.dataset.id === '{answer}'"))?;
    visit.was_calm(&[STRANGER])
}

fn height(place: &serde_json::Value) -> u64 {
    place.as_str().and_then(|place| place.split(',').nth(1)?.parse().ok()).unwrap_or_default()
}

#[test]
fn what_failed_is_told_and_driven_again_by_one_click() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    let mut hkh = Monitor::join(&visit.server, "token-of-hkh", "HKH")?;
    visit.say("@HKH are you there?")?;
    let asked = hkh.hears("there?")?;
    hkh.reports(asked, "failed", &json!({"reason": "unreachable", "detail": "<b>refused</b>"}))?;
    visit.page.wait(&rung("hkh", "failed"))?;
    assert_eq!(visit.page.texts(".rung-said")?, ["failed: gateway unreachable"]);
    hkh.reports(asked, "dead", &json!({"attempt": 2, "reason": "unreachable"}))?;
    visit.page.wait(&rung("hkh", "dead"))?;
    visit
        .page
        .wait("document.querySelector('[data-testid=notice] [data-testid=delivery-retry]')")?;
    let notice = visit.page.texts("[data-testid=notice] .text")?;
    assert_eq!(notice, ["No answer will come from HKH: gateway unreachable."]);

    visit.page.click(".ladder [data-testid=delivery-retry]")?;
    hkh.is_called_again(asked, 3)?;
    visit.page.wait(&format!("{}.textContent.includes('attempt 3')", rung("hkh", "stored")))?;
    visit.page.wait("!document.querySelector('[data-testid=notice] [data-testid=delivery-retry]').checkVisibility()")?;
    hkh.reports(asked, "dead", &json!({"attempt": 3, "reason": "busy"}))?;
    visit.page.wait(&rung("hkh", "dead"))?;
    visit.page.wait("document.querySelectorAll('.notice-dead').length === 2")?;
    // From the keyboard, from the details; the focus stays with what it was on.
    visit.page.click(".rung-agent")?;
    visit.page.wait("document.querySelector('ois-details [data-testid=delivery][data-state=dead] [data-testid=delivery-retry]')")?;
    visit
        .page
        .eval("document.querySelector('ois-details [data-testid=delivery-retry]').focus()")?;
    visit.page.press("Enter")?;
    hkh.is_called_again(asked, 4)?;
    visit
        .page
        .wait("document.querySelector('ois-details [data-testid=delivery][data-state=stored]')")?;
    visit.page.wait("document.querySelector('ois-details [data-testid=delivery]').contains(document.activeElement)")?;
    assert_eq!(visit.page.texts("ois-details b")?, Vec::<String>::new());
    visit.was_calm(&[STRANGER])
}

#[test]
fn what_became_of_mentions_is_still_told_after_a_reload() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    let mut hkh = Monitor::join(&visit.server, "token-of-hkh", "HKH")?;
    let mut aria = Monitor::join(&visit.server, "token-of-aria", "ARIA")?;
    visit.say("@HKH @ARIA @Mikasa good morning")?;
    let said = hkh.hears("morning")?;
    hkh.reports(said, "silent", &json!({}))?;
    let answer = aria.answers(said, "Morning.")?;
    aria.reports(said, "replied", &json!({"answer": answer, "possibleDuplicate": true}))?;
    visit.page.wait(&rung("aria", "replied"))?;
    visit.page.reload()?;
    visit.in_room()?;
    for (agent, state) in [("hkh", "silent"), ("aria", "replied"), ("mikasa", "stored")] {
        visit.page.wait(&rung(agent, state))?;
    }
    let agents = visit.page.texts(".rung-agent")?;
    assert_eq!(agents, ["HKH", "ARIA", "Mikasa"], "in the order of the mentions");
    visit.page.wait(&format!(
        "{}.textContent.endsWith('· offline, waiting for it')",
        rung("mikasa", "stored")
    ))?;
    visit.page.wait(&format!(
        "{}.textContent.includes('possibly handled twice')",
        rung("aria", "replied")
    ))?;
    visit.page.wait("document.querySelector('.tag-twice').checkVisibility()")?;
    visit.was_calm(&[STRANGER])
}

#[test]
fn the_details_tell_the_rungs_the_turn_and_what_it_cost() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    let mut hkh = Monitor::join(&visit.server, "token-of-hkh", "HKH")?;
    visit.say("@HKH count, please")?;
    let asked = hkh.hears("please")?;
    visit.page.wait(&rung("hkh", "stored"))?;
    visit.page.click(".rung-agent")?;
    visit.page.wait("document.querySelector('ois-details [data-testid=delivery]')")?;
    hkh.reports(asked, "received", &json!({}))?;
    hkh.turn("run-7c41", asked, &json!({}))?;
    hkh.reports(asked, "admitted", &json!({"run": "run-7c41"}))?;
    hkh.reports(asked, "ended", &json!({"run": "run-7c41"}))?;
    let answer = hkh.answers(asked, "Four.")?;
    hkh.reports(asked, "replied", &json!({"run": "run-7c41", "answer": answer}))?;
    let usage = json!({"inputTokens": 1234, "outputTokens": 56, "microUsd": 12_300});
    hkh.turn(
        "run-7c41",
        asked,
        &json!({"end": "2026-02-06T12:35:00.000Z", "outcome": "replied", "usage": usage}),
    )?;
    visit.page.wait(
        "document.querySelector('ois-details .delivery .facts')?.textContent.includes('$0.0123')",
    )?;
    let facts = visit.page.texts("ois-details .delivery dd")?;
    assert_eq!(facts, ["run-7c41", "1,234 read · 56 written", "$0.0123"]);
    let rungs = visit.page.texts("ois-details .path li span:nth-child(2)")?;
    let path = [
        "stored by the server",
        "received by the monitor",
        "taken up by the agent",
        "turn over",
        "answered",
    ];
    assert_eq!(rungs, path);
    visit.page.click(&named("details-close"))?;
    visit.was_calm(&[STRANGER])
}
