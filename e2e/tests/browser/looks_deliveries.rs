//! Pictures of mentions on their way, for people to look at, in `target/screenshots`.

use anyhow::Result;
use e2e::browser::Screen;
use e2e::rest::Rest;
use serde_json::{Value, json};

use crate::deliveries::rung;
use crate::looks::{DESK, SCREENS, look, to_end};
use crate::monitor::Monitor;
use crate::visit::{STRANGER, Visit, named};

const PART: &str = "Found it. Of 41 minutes, 38 are waiting for the disk:\n- 18,400 rows, each committed by itself\n- one fsync per commit";

/// A team whose agents are at work, with most that can become of a mention.
fn at_work() -> Result<(Visit, Rest, Vec<Monitor>)> {
    let (mut visit, admin) = Visit::of_admin()?;
    // An activity holds for ten seconds of the page's clock; the pictures take longer than that.
    visit.page.stop_clock()?;
    let budgets = json!({"budgets": [
        {"agent": "Neko🐾", "turns": 1, "policy": "ask", "minutes": 30},
        {"room": "main", "microUsd": 20_000_000, "policy": "digest"},
    ]});
    admin.put("/api/budgets", budgets.to_string().as_bytes())?.ok()?;
    let reviewer = visit.add_agent("Nova", "reviewer")?;
    let mut hkh = Monitor::join(&visit.server, "token-of-hkh", "HKH")?;
    let mut aria = Monitor::join(&visit.server, "token-of-aria", "ARIA")?;
    let mut mikasa = Monitor::join(&visit.server, "token-of-mikasa", "Mikasa")?;
    let mut neko = Monitor::join(&visit.server, "token-of-neko", "Neko🐾")?;
    let nova = Monitor::join(&visit.server, &reviewer, "Nova")?;
    mikasa.is("deaf")?;
    aria.is("online")?;

    visit.say(
        "@HKH @ARIA @Mikasa please look over the numbers before noon, they decide what we ship.",
    )?;
    let numbers = hkh.hears("ship.")?;
    begin(&mut hkh, "run-02aa", numbers)?;
    end(&mut hkh, "run-02aa", numbers, "silent", &json!({}))?;
    begin(&mut aria, "run-01f3", numbers)?;
    let answer = aria.answers(numbers, "Both done. The flag is called `--one-by-one` now.")?;
    let twice = json!({"answer": answer, "possibleDuplicate": true});
    end(&mut aria, "run-01f3", numbers, "replied", &twice)?;
    let detail = "connect to 127.0.0.1:18789: connection refused";
    mikasa.reports(
        numbers,
        "dead",
        &json!({"attempt": 3, "reason": "unreachable", "detail": detail}),
    )?;
    visit.say("@Neko🐾 tidy up")?;
    let tidy = neko.hears("tidy up")?;
    begin(&mut neko, "run-05c0", tidy)?;
    end(&mut neko, "run-05c0", tidy, "failed", &json!({"reason": "error"}))?;
    visit.say("@Neko🐾 and sweep")?;
    visit.page.wait("document.querySelector('.notice-ask')")?;
    visit.say("@one:reviewer who has a minute for the import?")?;
    visit.say(
        "@HKH @Mikasa @小雪 why is the nightly import slow again? Please trace one full run.",
    )?;
    let slow = hkh.hears("full run.")?;
    mikasa.reports(slow, "received", &json!({}))?;
    begin(&mut hkh, "run-7c41", slow)?;
    hkh.is("busy")?;
    visit.page.wait("document.querySelectorAll('ois-roster .member-busy').length === 1")?;
    visit.page.wait(&rung("hkh", "admitted"))?;
    Ok((visit, admin, vec![hkh, aria, mikasa, neko, nova]))
}

fn begin(agent: &mut Monitor, run: &str, cause: u64) -> Result<()> {
    agent.turn(run, cause, &json!({}))?;
    agent.reports(cause, "admitted", &json!({"run": run}))
}

fn end(agent: &mut Monitor, run: &str, cause: u64, state: &str, more: &Value) -> Result<()> {
    let mut report = more.clone();
    report["run"] = run.into();
    agent.reports(cause, state, &report)?;
    let usage = json!({"inputTokens": 18_234, "outputTokens": 420, "microUsd": 61_200});
    let over = json!({"end": "2026-02-06T12:35:00.000Z", "outcome": state, "usage": usage});
    agent.turn(run, cause, &over)
}

#[test]
fn mentions_on_their_way_look_right_on_every_screen() -> Result<()> {
    let (mut visit, _admin, mut agents) = at_work()?;
    visit.page.hover(".view-head h1")?;
    for (width, screen) in SCREENS {
        visit.page.screen(screen)?;
        for theme in ["light", "dark"] {
            visit.choose("theme", theme)?;
            for language in ["en", "zh"] {
                visit.choose("lang", language)?;
                agents[0].does("working", &json!({"run": "run-7c41", "note": "reading files", "partial": {"seq": 1, "text": PART}}))?;
                visit.page.wait("document.querySelector('[data-testid=bubble]')")?;
                to_end(&mut visit)?;
                look(&mut visit, &format!("deliveries-{width}-{theme}-{language}"))?;
            }
        }
    }
    visit.was_calm(&[STRANGER])
}

#[test]
fn what_is_told_of_work_looks_right() -> Result<()> {
    let (mut visit, _admin, mut agents) = at_work()?;
    visit.page.screen(DESK)?;
    agents[0].does("working", &json!({"run": "run-7c41", "note": "exec"}))?;
    visit.page.click(".message .rung-agent")?;
    visit.page.wait(
        "document.querySelectorAll('ois-details [data-testid=delivery] code').length === 2",
    )?;
    look(&mut visit, "delivery-1440")?;
    visit.page.click(&named("about-work"))?;
    visit.page.wait("document.querySelector('.usage tbody tr') && document.querySelector('[data-testid=budget]')")?;
    look(&mut visit, "work-1440")?;
    visit.page.click("ois-roster [data-key=\"p:Mikasa\"]")?;
    visit.page.wait("document.querySelector('.big-member')")?;
    look(&mut visit, "deaf-1440")?;
    visit.page.screen(Screen::PHONE)?;
    visit.choose("theme", "dark")?;
    visit.choose("lang", "zh")?;
    visit.page.click(&named("nav-team"))?;
    look(&mut visit, "agents-390-dark-zh")?;
    visit.page.click(&named("about-work"))?;
    visit.page.wait("document.querySelector('.usage tbody tr') && document.querySelector('[data-testid=budget]')")?;
    look(&mut visit, "work-390-dark-zh")?;
    visit.page.click(&named("budget-add"))?;
    visit.page.wait("document.querySelector('dialog[open]')")?;
    look(&mut visit, "budget-390-dark-zh")?;
    visit.page.press("Escape")?;
    visit.was_calm(&[STRANGER])
}
