//! Presence, turns under way, usage and budgets on the page.

use anyhow::Result;
use serde_json::json;

use crate::monitor::Monitor;
use crate::visit::{STRANGER, Visit, named};

#[test]
fn presence_tells_what_was_proved_and_when() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    let mut hkh = Monitor::join(&visit.server, "token-of-hkh", "HKH")?;
    let member = "document.querySelector('ois-roster [data-key=\"p:HKH\"]').parentElement";
    hkh.is("online")?;
    visit.page.wait(&format!("/^online, proved \\d\\d:\\d\\d$/.test({member}.title)"))?;
    hkh.is("busy")?;
    visit.page.wait(&format!("{member}.matches('.member-busy')"))?;
    hkh.is("deaf")?;
    visit.page.wait(&format!("/^HKH has been silent since \\d\\d:\\d\\d; its host answers, its gateway does not\\.$/.test({member}.title)"))?;
    visit.page.click("ois-roster [data-key=\"p:HKH\"]")?;
    visit.page.wait(
        "document.querySelector('ois-details .facts').textContent.includes('its gateway does not')",
    )?;
    let sign = "document.querySelector('ois-details .presence').getAttribute('aria-label')";
    assert_eq!(visit.page.eval(sign)?, "not answering");
    hkh.cut();
    visit.page.wait(&format!("{member}.matches('.member-offline')"))?;
    visit.page.wait(
        "document.querySelector('ois-details .facts').textContent.includes('offline since')",
    )?;
    visit.was_calm(&[STRANGER])
}

#[test]
fn the_pane_of_work_tells_what_goes_on_and_what_was_left() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    let mut hkh = Monitor::join(&visit.server, "token-of-hkh", "HKH")?;
    visit.say("@HKH first")?;
    let first = hkh.hears("first")?;
    hkh.reports(first, "dead", &json!({"reason": "deadline"}))?;
    visit.say("@HKH second")?;
    let second = hkh.hears("second")?;
    hkh.turn("r1", second, &json!({}))?;
    hkh.reports(second, "admitted", &json!({"run": "r1"}))?;
    visit.page.wait("document.querySelector('.work-link').textContent === 'At work1 now'")?;
    visit.page.reload()?;
    visit.in_room()?;
    visit.page.click(&named("about-work"))?;
    visit.page.wait("document.querySelector('[data-testid=run] .run-cause')?.textContent === 'for Mira: @HKH second'")?;
    // By the server's clock, whatever the monitor's says.
    visit
        .page
        .wait("/^◐\\d\\d?:\\d\\d$/.test(document.querySelector('.run-state').textContent)")?;
    visit.page.wait(
        "document.querySelector('[data-testid=down]').textContent.includes('gave up: out of time')",
    )?;
    visit.page.click(&format!("{} {}", named("down"), named("delivery-retry")))?;
    hkh.is_called_again(first, 2)?;
    visit.page.wait("!document.querySelector('[data-testid=down]')")?;

    let usage = json!({"inputTokens": 2_000_000, "outputTokens": 500, "microUsd": 1_840_000});
    hkh.turn(
        "r1",
        second,
        &json!({"end": "2026-02-06T12:35:00.000Z", "outcome": "silent", "usage": usage}),
    )?;
    visit.page.wait("!document.querySelector('[data-testid=run]')")?;
    visit.page.click(&named("usage-room"))?;
    visit
        .page
        .wait("document.querySelector('.usage tbody tr')?.textContent === '#main12M$1.84'")?;
    visit.page.click(&named("usage-agent"))?;
    visit.page.wait("document.querySelector('.usage tbody tr')?.textContent === 'HKH12M$1.84'")?;
    assert_eq!(visit.page.texts(&named("budget-add"))?, Vec::<String>::new(), "for admins only");
    visit.was_calm(&[STRANGER])
}

#[test]
fn an_admin_sets_budgets() -> Result<()> {
    let (mut visit, admin) = Visit::of_admin()?;
    visit.page.click(&named("about-work"))?;
    visit.page.click(&named("budget-add"))?;
    visit.page.click(&named("dialog-ok"))?;
    visit.page.wait("document.querySelector('dialog .form-error').textContent === 'Fill in at least one bound.'")?;
    visit.page.eval("document.querySelector('dialog select').value = 'HKH'")?;
    visit.page.click("dialog input[type=number]")?;
    visit.page.type_text("5")?;
    visit.page.press("Enter")?;
    visit.page.wait("document.querySelector('[data-testid=budget]')?.textContent === 'HKH5 turns a daythen stop until the next day'")?;
    let kept = admin.get("/api/budgets")?.ok()?;
    assert_eq!(kept["budgets"], json!([{"agent": "HKH", "turns": 5, "policy": "stop"}]));
    visit.page.click("[data-testid=budget] .icon-button:last-child")?;
    visit.page.wait("!document.querySelector('[data-testid=budget]')")?;
    assert_eq!(admin.get("/api/budgets")?.ok()?["budgets"], json!([]));
    visit.was_calm(&[STRANGER])
}

#[test]
fn an_offer_names_the_duty_then_the_one_who_took_it() -> Result<()> {
    let mut visit = Visit::prepare()?;
    let token = visit.add_agent("Nova", "reviewer")?;
    visit.add_agent("Juno", "reviewer")?;
    let mut nova = Monitor::join(&visit.server, &token, "Nova")?;
    visit.sign_in()?;
    visit.say("@one:reviewer please have a look")?;
    visit.page.wait(
        "document.querySelector('.rung-offered')?.textContent === '◌offered to @reviewer (2)'",
    )?;
    let asked = nova.hears("look")?;
    nova.reports(asked, "received", &json!({}))?;
    visit.page.wait(
        "document.querySelector('.rung-received')?.textContent === '●Novareceived· for @reviewer'",
    )?;
    assert_eq!(visit.page.texts(".rung-offered")?, Vec::<String>::new());
    visit.was_calm(&[STRANGER])
}
