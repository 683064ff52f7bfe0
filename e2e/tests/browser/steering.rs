//! A person steers agents: stops a turn, lets a chain go on, allows or declines a wake.

use anyhow::{Result, ensure};
use e2e::rest::Rest;
use serde_json::json;

use crate::deliveries::rung;
use crate::monitor::Monitor;
use crate::visit::{STRANGER, Visit, named};

/// Keeps the lines that the page shows for a few seconds only.
const KEEP_NOTICES: &str = "{ const shown = document.querySelector('ois-notices'); globalThis.notices = []; \
    new MutationObserver(() => shown.textContent && notices.push(shown.textContent)).observe(shown, {childList: true, subtree: true}); }";

#[test]
fn a_turn_is_stopped_and_the_answer_is_told() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    visit.page.eval(KEEP_NOTICES)?;
    let mut hkh = Monitor::join(&visit.server, "token-of-hkh", "HKH")?;
    visit.say("@HKH count to a million")?;
    let asked = hkh.hears("million")?;
    hkh.turn("r1", asked, &json!({}))?;
    hkh.reports(asked, "admitted", &json!({"run": "r1"}))?;
    visit.page.wait(&rung("hkh", "admitted"))?;
    visit.page.click(".rung-agent")?;
    for (stopped, words) in [
        (false, "Not stopped: the turn was not running any more."),
        (true, "The turn of HKH is stopped."),
    ] {
        visit.page.click(&format!("ois-details {}", named("run-stop")))?;
        let stop = hkh.gets("stop")?;
        ensure!(stop["run"] == "r1" && stop["by"] == "Mira", "{stop}");
        hkh.stopped("r1", stopped)?;
        visit.page.wait(&format!("notices.at(-1) === {}", json!(words)))?;
    }
    hkh.reports(asked, "failed", &json!({"run": "r1", "reason": "stopped"}))?;
    visit.page.wait(&rung("hkh", "failed"))?;
    visit.page.wait("document.querySelector('ois-details .delivery-state').textContent === '!failed: stopped by a person'")?;
    assert_eq!(visit.page.texts(&named("run-stop"))?, Vec::<String>::new());

    visit.say("@HKH and to ten")?;
    let again = hkh.hears("ten")?;
    hkh.turn("r2", again, &json!({}))?;
    hkh.reports(again, "admitted", &json!({"run": "r2"}))?;
    visit.page.wait(&rung("hkh", "admitted"))?;
    visit.page.click(".message:last-of-type .rung-agent")?;
    hkh.cut();
    visit.page.wait("document.querySelector('ois-roster .member-offline [href$=HKH]')")?;
    visit.page.click(&format!("ois-details {}", named("run-stop")))?;
    visit.page.wait("notices.at(-1) === 'Not stopped: its monitor is not connected.'")?;
    visit.was_calm(&[STRANGER, "409"])
}

/// Two agents that thank each other until the server holds them.
fn thank_each_other(visit: &mut Visit, hkh: &mut Monitor, aria: &mut Monitor) -> Result<()> {
    visit.say("@HKH thank ARIA for me")?;
    let mut cause = hkh.hears("for me")?;
    for turn in 0..12 {
        let (one, other) = if turn % 2 == 0 { (&mut *hkh, "ARIA") } else { (&mut *aria, "HKH") };
        cause = one.says(
            &format!("@{other} thank you, that was round {turn} of our work on part {}", turn * 7),
            &json!({"cause": cause}),
        )?;
        if turn % 2 == 0 {
            aria.hears(&format!("part {}", turn * 7))?
        } else {
            hkh.hears(&format!("part {}", turn * 7))?
        };
    }
    Ok(())
}

#[test]
fn a_chain_that_goes_in_circles_is_told_and_a_click_lets_it_go_on() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    let mut hkh = Monitor::join(&visit.server, "token-of-hkh", "HKH")?;
    let mut aria = Monitor::join(&visit.server, "token-of-aria", "ARIA")?;
    thank_each_other(&mut visit, &mut hkh, &mut aria)?;
    visit
        .page
        .wait("document.querySelector('.message:last-of-type').textContent.includes('part 77')")?;
    visit.page.wait("document.querySelector('.message:last-of-type .rung-held')")?;
    visit.page.wait("[...document.querySelectorAll('.rung-held')].every(r => r.textContent.endsWith('not woken: loop guard'))")?;
    visit.page.wait("document.querySelectorAll('.notice-loop').length === 1")?;
    visit.page.wait(
        "document.querySelector('.cause-line').textContent.startsWith('Woken by Mira: @HKH')",
    )?;
    visit.page.click(&named("notice-continue"))?;
    hkh.hears("/continue").or_else(|_| aria.hears("/continue"))?;
    visit
        .page
        .wait("document.querySelector('.notice-loop').textContent.includes('continued by Mira')")?;
    assert_eq!(visit.page.texts(&named("notice-continue"))?, Vec::<String>::new());
    visit.page.wait("document.querySelector('.message:last-of-type .rung-stored')")?;
    visit.was_calm(&[STRANGER])
}

fn one_turn_a_day(rest: &Rest, minutes: u32) -> Result<()> {
    let budgets =
        json!({"budgets": [{"agent": "HKH", "turns": 1, "policy": "ask", "minutes": minutes}]});
    rest.put("/api/budgets", budgets.to_string().as_bytes())?.ok()?;
    Ok(())
}

#[test]
fn a_used_up_budget_asks_and_a_click_answers() -> Result<()> {
    let (mut visit, admin) = Visit::of_admin()?;
    one_turn_a_day(&admin, 60)?;
    let mut hkh = Monitor::join(&visit.server, "token-of-hkh", "HKH")?;
    visit.say("@HKH one")?;
    let one = hkh.hears("one")?;
    hkh.turn("r1", one, &json!({}))?;
    hkh.reports(one, "admitted", &json!({"run": "r1"}))?;
    hkh.reports(one, "silent", &json!({"run": "r1"}))?;
    visit.page.wait(&rung("hkh", "silent"))?;
    visit.say("@HKH two")?;
    visit.page.wait(&rung("hkh", "held"))?;
    visit.page.wait("[...document.querySelectorAll('.rung-held')].at(-1).textContent.endsWith('not woken: budget')")?;
    visit.page.wait("document.querySelector('.notice-ask')")?;
    visit.page.click(&named("notice-allow"))?;
    hkh.hears("/allow HKH")?;
    visit
        .page
        .wait("document.querySelector('.notice-ask').textContent.includes('allowed by Mira')")?;
    visit.page.wait("document.querySelector('.message:last-of-type .rung-stored')")?;

    visit.say("@HKH three")?;
    visit.page.wait("document.querySelectorAll('.notice-ask').length === 2")?;
    visit.page.click(&named("notice-deny"))?;
    visit.page.wait("[...document.querySelectorAll('.notice-ask')].at(-1).textContent.includes('declined by Mira')")?;
    visit.page.wait("document.querySelector('.notice-not_allowed')")?;
    visit.was_calm(&[STRANGER])
}
