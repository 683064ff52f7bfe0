//! Pictures of the page for people to look at, in `target/screenshots`.
//!
//! A picture is no proof; what can be told by machine is asserted for each (nothing sticks out,
//! nothing went wrong).

use anyhow::{Result, ensure};
use e2e::browser::{Network, Screen};
use e2e::room::Room;
use e2e::server::AGENTS;
use tempfile::TempDir;

use crate::conversation;
use crate::visit::{STRANGER, Visit, named};

pub(crate) const DESK: Screen = Screen { width: 1440, height: 900, scale: 1.0, mobile: false };
const TALL: Screen = Screen { width: 1440, height: 1112, scale: 1.0, mobile: false };
const SMALL: Screen = Screen { width: 1024, height: 768, scale: 1.0, mobile: false };
pub(crate) const SCREENS: [(&str, Screen); 3] =
    [("1440", DESK), ("1024", SMALL), ("390", Screen::PHONE)];

/// A team in the middle of its work, the reader signed in.
fn at_work() -> Result<(Visit, Vec<Room>)> {
    let root = TempDir::new()?;
    conversation::write_earlier(root.path())?;
    let mut visit = Visit::of_agents(root, &AGENTS)?;
    visit.page.screen(DESK)?;
    let files = TempDir::new()?;
    let chart = conversation::chart(&mut visit.browser, files.path())?;
    visit.sign_in()?;
    let rooms = conversation::say_rest(&visit.server, &chart)?;
    visit.sees(
        "@Mira both pages are in the shared files. One question: may the old path go next week?",
    )?;
    visit.page.wait("document.querySelector('.thumb img')?.naturalWidth > 0")?;
    visit.page.wait("document.querySelectorAll('ois-roster .member-online').length === 5")?;
    Ok((visit, rooms))
}

/// Takes the picture, after what a machine can tell of it.
pub(crate) fn look(visit: &mut Visit, name: &str) -> Result<()> {
    let out = visit.page.eval(
        "[...document.querySelectorAll('#app *, ois-login *, dialog *')].filter(e => e.checkVisibility() && !e.closest('svg, pre, .quick, .off-screen, .skip')) \
         .filter(e => { const r = e.getBoundingClientRect(); return r.width > 0 && (r.right > innerWidth + 1 || r.left < -1); }).map(e => e.className || e.localName)",
    )?;
    ensure!(out.as_array().is_some_and(Vec::is_empty), "{name}: sticks out: {out}");
    visit.page.screenshot(name)?;
    Ok(())
}

pub(crate) fn to_end(visit: &mut Visit) -> Result<()> {
    visit.page.wait(
        "(() => { const a = document.querySelector('.area'); a.scrollTop = a.scrollHeight; \
         return a.scrollHeight - a.scrollTop - a.clientHeight < 2; })()",
    )
}

#[test]
fn the_room_looks_right_on_every_screen_in_both_themes_and_languages() -> Result<()> {
    let (mut visit, _rooms) = at_work()?;
    visit.page.screen(TALL)?;
    visit.page.click(&named("about-room"))?;
    visit.page.wait("!document.querySelector('ois-details').hidden")?;
    visit.page.hover(".view-head h1")?;
    for theme in ["light", "dark"] {
        visit.choose("theme", theme)?;
        to_end(&mut visit)?;
        look(&mut visit, &format!("room-tall-{theme}"))?;
    }
    visit.page.click(&named("details-close"))?;
    visit.page.wait("document.querySelector('ois-details').hidden")?;
    visit.page.click(&named("composer"))?;
    for (width, screen) in SCREENS {
        visit.page.screen(screen)?;
        for theme in ["light", "dark"] {
            visit.choose("theme", theme)?;
            for language in ["en", "zh"] {
                visit.choose("lang", language)?;
                to_end(&mut visit)?;
                look(&mut visit, &format!("room-{width}-{theme}-{language}"))?;
            }
        }
    }
    visit.was_calm(&[STRANGER])
}

#[test]
fn what_opens_over_the_room_looks_right() -> Result<()> {
    let (mut visit, _rooms) = at_work()?;
    visit.page.click(&named("about-room"))?;
    visit.page.wait("!document.querySelector('ois-details').hidden")?;
    look(&mut visit, "details-room-1440")?;
    visit.page.click("ois-roster .person")?;
    look(&mut visit, "details-member-1440")?;
    visit.page.click(".answers")?;
    visit.page.wait("document.querySelectorAll('ois-details .card').length === 2")?;
    look(&mut visit, "details-message-1440")?;
    visit.page.press("Escape")?;

    let plan = visit.file("plan.md", b"# Plan\n")?;
    visit.page.choose_files(&named("attach-input"), &[&plan])?;
    visit.page.wait("document.querySelector('.tray-item[data-state=done]')")?;
    visit.page.hover(".message:last-of-type")?;
    visit.page.click(".message:last-of-type [data-action=reply]")?;
    visit.page.click(&named("composer"))?;
    visit.page.type_text("Yes. @")?;
    visit.page.wait("!document.querySelector('#mention-menu').hidden")?;
    look(&mut visit, "composing-1440")?;
    visit.page.press("Escape")?;
    visit.page.press("Escape")?;
    visit.page.hover(".message:last-of-type")?;
    look(&mut visit, "hover-1440")?;
    visit.page.click(".thumb")?;
    visit
        .page
        .wait("document.querySelector('[data-testid=lightbox][open] img').naturalWidth > 1")?;
    look(&mut visit, "lightbox-1440")?;
    visit.page.press("Escape")?;
    visit.was_calm(&[STRANGER])
}

#[test]
fn the_files_look_right() -> Result<()> {
    let (mut visit, _rooms) = at_work()?;
    visit.page.click(&named("nav-files"))?;
    visit.page.wait("document.querySelectorAll('[data-testid=file-row]').length > 2")?;
    visit.page.hover("[data-name='AGENTS.md'] .file-open")?;
    look(&mut visit, "files-1440")?;
    visit.page.click("[data-name='AGENTS.md'] [data-testid=file-delete]")?;
    visit.page.wait("document.querySelector('dialog[open]')")?;
    look(&mut visit, "files-delete-1440")?;
    visit.page.press("Escape")?;
    visit.choose("theme", "dark")?;
    visit.page.click("[data-name='docs'] .file-open")?;
    visit.page.click("[data-name='import.md'] .file-open")?;
    visit.page.wait("document.querySelector('[data-testid=editor]')")?;
    look(&mut visit, "editor-1440-dark")?;
    visit.page.click(".editor [aria-pressed]")?;
    visit.page.wait("document.querySelector('.editor-preview .code')")?;
    look(&mut visit, "preview-1440-dark")?;

    visit.page.screen(Screen::PHONE)?;
    visit.choose("lang", "zh")?;
    look(&mut visit, "preview-390-dark-zh")?;
    visit.page.click(".crumb-up")?;
    visit.page.wait("document.querySelectorAll('[data-testid=file-row]').length === 2")?;
    look(&mut visit, "files-390-dark-zh")?;
    visit.page.click(&named("nav-team"))?;
    look(&mut visit, "team-390-dark-zh")?;
    visit.page.click("ois-roster .person")?;
    visit.page.wait("!document.querySelector('ois-details').hidden")?;
    look(&mut visit, "member-390-dark-zh")?;
    visit.was_calm(&[STRANGER])
}

#[test]
fn the_way_in_an_empty_room_and_an_outage_look_right() -> Result<()> {
    let mut visit = Visit::prepare()?;
    visit.page.screen(DESK)?;
    visit.page.goto(&visit.server.url())?;
    visit.page.wait("document.querySelector('[data-testid=login-form]')")?;
    visit.page.click(&named("login-submit"))?;
    look(&mut visit, "login-1440")?;
    visit.choose("theme", "dark")?;
    visit.choose("lang", "zh")?;
    look(&mut visit, "login-1440-dark-zh")?;
    visit.sign_in()?;
    look(&mut visit, "empty-1440-dark-zh")?;
    visit.choose("theme", "light")?;
    visit.choose("lang", "en")?;
    look(&mut visit, "empty-1440")?;

    visit.page.network(Network::Cut)?;
    visit.server.kill()?;
    visit.page.wait(
        "['waiting', 'offline'].includes(document.querySelector('ois-connection').dataset.state)",
    )?;
    visit.page.network(Network::There)?;
    visit.say("This goes out as soon as the server is back.")?;
    visit.page.wait("document.querySelector('.draft')")?;
    visit.page.wait("document.querySelector('ois-connection').dataset.state === 'waiting'")?;
    look(&mut visit, "outage-1440")?;
    visit.page.screen(Screen::PHONE)?;
    look(&mut visit, "outage-390")?;
    visit.server.restart()?;
    visit.sees("This goes out as soon as the server is back.")?;
    visit.page.click(&named("nav-team"))?;
    visit.page.click(&named("logout"))?;
    visit.choose("theme", "dark")?;
    visit.choose("lang", "zh")?;
    look(&mut visit, "login-390-dark-zh")?;
    visit.was_calm(&[STRANGER, "WebSocket connection", "net::ERR_"])
}
