//! Writing: completion, the buttons that call someone, and what goes with a message.

use anyhow::Result;
use serde_json::json;

use crate::visit::{PIXEL, STRANGER, Visit, named};

const VALUE: &str = "document.querySelector('#composer-text').value";

fn offered(visit: &mut Visit) -> Result<Vec<String>> {
    visit.page.wait("!document.querySelector('#mention-menu').hidden")?;
    visit.page.texts("#mention-menu .option-name")
}

#[test]
fn names_are_completed_from_the_keyboard_in_every_script() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    let mut agent = visit.server.agent("token-of-hkh")?;
    visit.page.click(&named("composer"))?;
    visit.page.type_text("@ar")?;
    assert_eq!(offered(&mut visit)?[0], "ARIA");
    visit.page.press("Tab")?;
    assert_eq!(visit.page.eval(VALUE)?, "@ARIA ");

    visit.page.type_text("请@小")?;
    assert_eq!(offered(&mut visit)?, ["小雪"]);
    visit.page.press("Enter")?;
    assert_eq!(visit.page.eval(VALUE)?, "@ARIA 请@小雪 ");

    visit.page.type_text("@ne")?;
    assert_eq!(offered(&mut visit)?[0], "Neko🐾");
    visit.page.press("Enter")?;
    visit.page.type_text("and @al")?;
    assert_eq!(offered(&mut visit)?[0], "all");
    visit.page.press("Escape")?;
    visit.page.wait("document.querySelector('#mention-menu').hidden")?;
    visit.page.type_text("l")?;
    offered(&mut visit)?;
    // Written out in full, so Enter sends.
    visit.page.press("Enter")?;
    let heard = agent.hear("Mira", |text| text.starts_with("@ARIA"))?;
    assert_eq!(heard["text"], "@ARIA 请@小雪 @Neko🐾 and @all");
    let mut called: Vec<&str> = heard["mentions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str())
        .collect();
    called.sort_unstable();
    assert_eq!(called, ["ARIA", "Neko🐾", "all", "小雪"]);
    visit.sees("@ARIA 请@小雪 @Neko🐾 and @all")?;
    assert_eq!(visit.page.texts(".message .mention")?, ["@ARIA", "@小雪", "@Neko🐾", "@all"]);
    visit.was_calm(&[STRANGER])
}

#[test]
fn arrows_walk_through_the_offers_who_is_online_first() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    let _online = visit.server.agent("token-of-mikasa")?;
    visit.page.wait(
        "document.querySelector('.member-online .person-name')?.textContent.includes('Mikasa')",
    )?;
    visit.page.click(&named("composer"))?;
    visit.page.type_text("@")?;
    let names = offered(&mut visit)?;
    assert_eq!(names[0], "Mikasa");
    assert_eq!(names.last().map(String::as_str), Some("all"));
    visit.page.press("ArrowDown")?;
    visit.page.press("ArrowDown")?;
    visit.page.press("ArrowUp")?;
    visit.page.press("Tab")?;
    assert_eq!(visit.page.eval(VALUE)?, format!("@{} ", names[1]));
    visit.page.press("Backspace")?;
    visit.page.type_text(" @")?;
    offered(&mut visit)?;
    visit.page.press("ArrowUp")?;
    visit.page.press("Enter")?;
    assert_eq!(visit.page.eval(VALUE)?, format!("@{} @all ", names[1]));
    visit.was_calm(&[STRANGER])
}

#[test]
fn buttons_call_agents_and_everyone() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    let chips = visit.page.texts(".quick .chip")?;
    assert!(chips.contains(&"@小雪".to_owned()) && chips.contains(&"@all".to_owned()), "{chips:?}");
    visit.page.click(".quick .chip:last-child")?;
    assert_eq!(visit.page.eval(VALUE)?, "@all ");
    visit.page.hover("ois-roster li.member")?;
    visit.page.click("ois-roster .call")?;
    let name =
        visit.page.eval("document.querySelector('ois-roster .call').dataset.key.slice(2)")?;
    let name = name.as_str().unwrap_or_default();
    assert_eq!(visit.page.eval(VALUE)?, format!("@all @{name} "));
    assert_eq!(visit.page.eval("document.activeElement.id")?, "composer-text");
    visit.was_calm(&[STRANGER])
}

#[test]
fn a_picture_is_seen_before_it_is_sent_and_large_after() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    let mut agent = visit.server.agent("token-of-hkh")?;
    let picture = visit.file("plan.png", PIXEL)?;
    let notes = visit.file("<b>notes.txt", b"as agreed")?;
    visit.page.choose_files(&named("attach-input"), &[&picture, &notes])?;
    visit.page.wait("document.querySelectorAll('.tray-item[data-state=done]').length === 2")?;
    visit.page.wait("document.querySelector('.tray-item img').naturalWidth === 1")?;
    assert_eq!(visit.page.texts(".tray-name")?, ["plan.png", "<b>notes.txt"]);
    // The second thoughts of a person: one goes, one stays.
    visit.page.click(".tray-item:nth-child(2) .icon-button")?;
    visit.page.wait("document.querySelectorAll('.tray-item').length === 1")?;
    visit.page.click(&named("composer"))?;
    visit.page.type_text("the plan")?;
    visit.page.click(&named("send"))?;
    let heard = agent.hear("Mira", |text| text == "the plan")?;
    assert_eq!(heard["attachments"][0]["name"], "plan.png");
    assert_eq!(heard["attachments"].as_array().map(Vec::len), Some(1));

    let thumb = format!("{} .thumb", named("message"));
    visit.page.wait(&format!("document.querySelector('{thumb} img')?.naturalWidth === 1"))?;
    visit.page.click(&thumb)?;
    visit
        .page
        .wait("document.querySelector('[data-testid=lightbox][open] img').naturalWidth === 1")?;
    assert_eq!(visit.page.texts(".lightbox-name")?, ["plan.png"]);
    visit.page.press("Escape")?;
    visit.page.wait("!document.querySelector('[data-testid=lightbox]')")?;
    assert_eq!(visit.page.eval("document.activeElement.className")?, "thumb");
    visit.was_calm(&[STRANGER])
}

#[test]
fn files_dropped_on_the_room_wait_in_the_tray_and_a_long_text_stays_with_its_reason() -> Result<()>
{
    let mut visit = Visit::signed_in()?;
    let table = visit.file("table.csv", b"a,b\n1,2\n")?;
    visit.page.drop_files("ois-timeline", &[&table])?;
    visit.page.wait("document.querySelectorAll('.tray-item[data-state=done]').length === 1")?;
    visit.page.press("Enter")?;
    visit.page.wait("document.querySelector('.message .file-card')")?;
    assert_eq!(visit.page.texts(".message .file-name")?, ["table.csv"]);

    let set = json!("x".repeat(262_145));
    visit.page.click(&named("composer"))?;
    visit.page.eval(&format!("document.execCommand('insertText', false, {set})"))?;
    visit.page.press("Enter")?;
    visit.page.wait("document.querySelector('.draft.failed .send-status')")?;
    let status = visit.page.texts(".draft .send-status .bad")?;
    assert!(status[0].starts_with("Not sent: longer than 256 KiB"), "{status:?}");
    visit.page.click(".draft .send-status .link-button:last-of-type")?;
    visit.page.wait("document.querySelectorAll('.draft').length === 0")?;
    visit.was_calm(&[STRANGER])
}
