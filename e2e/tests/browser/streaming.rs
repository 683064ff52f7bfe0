//! An answer while it is being written.

use anyhow::Result;
use serde_json::json;

use crate::deliveries::rung;
use crate::monitor::Monitor;
use crate::visit::{STRANGER, Visit};

fn shows(text: &str) -> String {
    format!("document.querySelector('[data-testid=bubble] .text')?.textContent === {}", json!(text))
}

#[test]
fn what_streams_grows_as_plain_text_and_gives_way_to_the_message() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    visit.page.stop_clock()?;
    let mut hkh = Monitor::join(&visit.server, "token-of-hkh", "HKH")?;
    visit.say("@HKH tell me")?;
    let asked = hkh.hears("tell me")?;
    hkh.turn("r1", asked, &json!({}))?;
    hkh.reports(asked, "admitted", &json!({"run": "r1"}))?;
    let part = |seq: u64, text: &str| json!({"run": "r1", "partial": {"seq": seq, "text": text}});
    hkh.does("typing", &part(2, "**So** <img src=x onerror=alert(1)>"))?;
    visit.page.wait(&shows("**So** <img src=x onerror=alert(1)>"))?;
    assert_eq!(visit.page.texts(".bubble-text *")?, Vec::<String>::new());
    hkh.does("typing", &part(1, "**S"))?;
    hkh.does("typing", &part(3, "**So** far"))?;
    visit.page.wait(&shows("**So** far"))?;

    let answer = hkh.answers(asked, "**So** far, so good.")?;
    visit.page.wait("!document.querySelector('[data-testid=bubble]')")?;
    visit.sees("So far, so good.")?;
    hkh.reports(asked, "replied", &json!({"run": "r1", "answer": answer}))?;
    visit.page.wait(&rung("hkh", "replied"))?;
    hkh.does("typing", &part(4, "late"))?;
    hkh.does("typing", &json!({"run": "r2", "partial": {"seq": 1, "text": "the next"}}))?;
    visit.page.wait(&shows("the next"))?;
    hkh.does("idle", &json!({"run": "r2"}))?;
    visit.page.wait("!document.querySelector('[data-testid=bubble]')")?;
    assert_eq!(visit.shown()?, ["@HKH tell me", "So far, so good."]);
    visit.was_calm(&[STRANGER])
}

#[test]
fn what_streams_ends_with_the_monitor_that_told_it() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    visit.page.stop_clock()?;
    let mut hkh = Monitor::join(&visit.server, "token-of-hkh", "HKH")?;
    hkh.does("typing", &json!({"partial": {"seq": 1, "text": "I was about to"}}))?;
    visit.page.wait(&shows("I was about to"))?;
    hkh.cut();
    visit.page.wait("!document.querySelector('[data-testid=bubble]')")?;
    visit.page.wait("document.querySelector('.activity').textContent === ''")?;
    visit.was_calm(&[STRANGER])
}
