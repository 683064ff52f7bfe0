//! Without a mouse.

use anyhow::Result;
use e2e::server::PASSWORD;
use serde_json::{Value, json};

use crate::visit::{PERSON, STRANGER, Visit};

/// The focused element: its name for a screen reader, and whether its focus can be seen.
const FOCUSED: &str = "(() => { const e = document.activeElement, s = getComputedStyle(e); \
    const box = e.closest('.box') && getComputedStyle(e.closest('.box')); \
    const seen = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1 || box && box.boxShadow !== 'none'; \
    const name = e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent.trim(); \
    const r = e.getBoundingClientRect(); \
    return {name, seen, inside: r.width > 0 && r.bottom > 0 && r.top < innerHeight, key: e.dataset.testid ?? e.className, tag: e.localName}; })()";

fn focused(visit: &mut Visit) -> Result<Value> {
    visit.page.eval(FOCUSED)
}

#[test]
fn everything_is_reached_by_keyboard_and_says_its_name() -> Result<()> {
    let mut visit = Visit::prepare()?;
    let mut agent = visit.server.agent("token-of-hkh")?;
    for text in ["Is the nightly run green?", "It is: https://example.org/run/7"] {
        agent.say(text)?;
    }
    visit.page.goto(&visit.server.url())?;
    visit.page.wait("document.activeElement.id === 'login-user'")?;
    visit.page.type_text(PERSON)?;
    visit.page.press("Tab")?;
    visit.page.type_text(PASSWORD)?;
    visit.page.press("Enter")?;
    visit.in_room()?;
    visit.page.wait("document.activeElement.id === 'composer-text'")?;

    let mut met = Vec::new();
    for _ in 0..60 {
        let here = focused(&mut visit)?;
        let name = here["name"].as_str().unwrap_or_default();
        assert!(here["tag"] == "body" || !name.is_empty(), "no name: {here}");
        assert!(here["tag"] == "body" || here["seen"] == true, "no focus to be seen: {here}");
        assert!(
            here["tag"] == "body" || here["inside"] == true,
            "the focus is out of sight: {here}"
        );
        met.push(here["key"].as_str().unwrap_or_default().to_owned());
        visit.page.press("Tab")?;
        if visit.page.eval("document.activeElement.id")? == "composer-text" {
            break;
        }
    }
    assert_eq!(visit.page.eval("document.activeElement.id")?, "composer-text", "{met:?}");
    for key in
        ["nav-files", "person", "logout", "lang", "theme", "about-room", "message", "new-pill"]
    {
        let expected = key != "new-pill";
        assert_eq!(met.iter().any(|met| met.contains(key)), expected, "{key} in {met:?}");
    }
    visit.was_calm(&[STRANGER])
}

#[test]
fn arrows_walk_the_messages_and_r_answers() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    let mut agent = visit.server.agent("token-of-hkh")?;
    for text in ["one", "two", "three"] {
        agent.say(text)?;
    }
    visit.sees("three")?;
    visit.page.click("#composer-text")?;
    // Backwards out of the writing: the newest message is the nearest.
    for _ in 0..20 {
        visit.page.press("Shift+Tab")?;
        if visit.page.eval("document.activeElement.matches('.message')")? == true {
            break;
        }
    }
    let at = "document.activeElement.querySelector('.text')?.textContent";
    assert_eq!(visit.page.eval(at)?, "three");
    visit.page.press("ArrowUp")?;
    assert_eq!(visit.page.eval(at)?, "two");
    visit.page.press("Home")?;
    assert_eq!(visit.page.eval(at)?, "one");
    visit.page.press("ArrowDown")?;
    visit.page.press("Enter")?;
    visit.page.wait("!document.querySelector('ois-details').hidden")?;
    visit.page.press("Escape")?;
    visit.page.wait("document.querySelector('ois-details').hidden")?;
    assert_eq!(visit.page.eval(at)?, "two", "the focus returns to where it was");
    visit.page.press("Tab")?;
    assert_eq!(visit.page.eval("document.activeElement.dataset.action")?, json!("reply"));
    visit.page.press("Shift+Tab")?;
    visit.page.press("r")?;
    visit.page.wait(
        "document.querySelector('.reply-name') && document.activeElement.id === 'composer-text'",
    )?;
    visit.page.type_text("answered")?;
    visit.page.press("Enter")?;
    agent.hear("Mira", |text| text == "answered")?;
    visit.was_calm(&[STRANGER])
}
