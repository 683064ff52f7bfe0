//! Reading: what comes live, what is fetched back, what answers what.

use anyhow::Result;
use rustix::process::Signal;
use serde_json::json;

use crate::visit::{STRANGER, Visit, message, named};

#[test]
fn an_own_message_is_greyed_until_the_server_has_it() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    visit.server.process().signal(Signal::STOP)?;
    visit.say("is anybody there")?;
    visit.page.wait(&format!("document.querySelector('{} .text')", named("draft")))?;
    let opacity =
        visit.page.eval("getComputedStyle(document.querySelector('.draft .text')).opacity")?;
    assert!(opacity.as_str().is_some_and(|part| part < "0.9"), "not greyed: {opacity}");
    assert_eq!(visit.page.texts(".draft .send-status")?, ["sending…"]);

    visit.server.process().signal(Signal::CONT)?;
    visit.sees("is anybody there")?;
    visit.page.wait("document.querySelectorAll('.draft').length === 0")?;
    assert_eq!(visit.shown()?, ["is anybody there"]);
    assert_eq!(
        visit.page.eval("getComputedStyle(document.querySelector('.message .text')).opacity")?,
        "1"
    );
    visit.was_calm(&[STRANGER])
}

#[test]
fn what_an_agent_says_arrives_live_with_its_name_and_sign() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    let mut agent = visit.server.agent("token-of-hkh")?;
    agent.say("**Build** is green, @Mira: `cargo test` took 40 s")?;
    visit.sees("Build is green, @Mira: cargo test took 40 s")?;
    assert_eq!(visit.page.texts(".message .author")?, ["HKH 🐱"]);
    assert_eq!(visit.page.texts(".message .tag")?, ["agent"]);
    assert_eq!(visit.page.texts(".message strong")?, ["Build"]);
    assert_eq!(visit.page.texts(".message code")?, ["cargo test"]);
    // The reader is called, and sees it.
    visit.page.wait("document.querySelector('.message.called .mention')")?;
    visit.was_calm(&[STRANGER])
}

#[test]
fn paging_back_keeps_the_place_and_brings_everything_once() -> Result<()> {
    let mut visit = Visit::prepare()?;
    let mut agent = visit.server.agent("token-of-hkh")?;
    let said: Vec<String> = (0..180).map(|n| format!("line {n}")).collect();
    for text in &said {
        agent.send(&json!({"type": "chat", "text": text}))?;
    }
    agent.hear("HKH", |text| text == "line 179")?;
    visit.sign_in()?;
    visit.sees("line 179")?;
    let at_end = "(() => { const a = document.querySelector('.area'); return a.scrollHeight - a.scrollTop - a.clientHeight < 2; })()";
    visit.page.wait(at_end)?;

    let mut rounds = 0;
    while visit.page.eval("!document.querySelector('.start')")? == true && rounds < 10 {
        rounds += 1;
        // To the top, and where the first row in view stands before older ones come.
        visit.page.eval(
            "window.place = (() => { const a = document.querySelector('.area'); a.scrollTop = 0; \
             const row = document.querySelector('.message'); \
             return {row, y: row.getBoundingClientRect().y, count: document.querySelectorAll('.message').length}; })(); 1",
        )?;
        visit.page.wait("document.querySelectorAll('.message').length > place.count")?;
        let moved = visit.page.eval(
            "(() => { const row = document.querySelector(`[data-id='${place.row.dataset.id}']`); \
             return Math.abs(row.getBoundingClientRect().y - place.y); })()",
        )?;
        assert!(moved.as_f64().is_some_and(|by| by < 2.0), "the place moved by {moved}");
    }
    assert_eq!(visit.shown()?, said);
    visit.was_calm(&[STRANGER])
}

#[test]
fn new_messages_do_not_move_what_is_read_and_a_pill_leads_down() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    let mut agent = visit.server.agent("token-of-hkh")?;
    for n in 0..120 {
        agent.say(&format!("line {n}"))?;
    }
    visit.sees("line 119")?;
    visit.page.hover(".area")?;
    visit.page.eval("document.querySelector('.area').scrollTop = 300; 1")?;
    visit.page.wait("document.querySelector('[data-testid=new-pill]:not([hidden])')")?;
    for text in ["one more", "and another", "and a third"] {
        agent.say(text)?;
    }
    visit.sees("and a third")?;
    visit.page.wait("document.querySelector('[data-testid=new-pill]').textContent === '3 new'")?;
    assert_eq!(visit.page.eval("document.querySelector('.area').scrollTop")?, 300);
    visit.page.click(&named("new-pill"))?;
    visit.page.wait("document.querySelector('[data-testid=new-pill]').hidden")?;
    visit.was_calm(&[STRANGER])
}

#[test]
fn a_reply_names_what_it_answers_and_leads_there() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    let mut agent = visit.server.agent("token-of-aria")?;
    let asked = agent.say("Which port do we take?")?;
    visit.sees("Which port do we take?")?;
    visit.page.hover(&message(1))?;
    visit.page.click(&format!("{} [data-action=reply]", message(1)))?;
    visit.page.wait("document.querySelector('.reply-name')")?;
    assert_eq!(visit.page.texts(".reply-bar .reply-name")?, ["Replying to ARIA"]);
    visit.page.type_text("8800, as ever")?;
    visit.page.press("Enter")?;
    let reply = agent.hear("Mira", |text| text == "8800, as ever")?;
    assert_eq!(reply["replyTo"], asked["id"]);

    visit.sees("8800, as ever")?;
    visit.page.wait("document.querySelector('.reply-bar').hidden")?;
    assert_eq!(visit.page.texts(".quote-line")?, ["Reply to ARIA: Which port do we take?"]);
    visit.page.click(".quote-line")?;
    visit.page.wait(&format!("document.activeElement.dataset.id === '{}'", asked["id"]))?;
    visit.page.click(".answers")?;
    visit.page.wait("document.querySelectorAll('ois-details .card').length === 2")?;
    visit.page.press("Escape")?;
    visit.page.wait("document.querySelector('ois-details').hidden")?;
    visit.was_calm(&[STRANGER])
}
