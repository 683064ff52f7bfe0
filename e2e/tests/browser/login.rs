//! Coming in, staying in and going out.

use anyhow::Result;
use e2e::server::PASSWORD;

use crate::visit::{PERSON, STRANGER, Visit, named};

#[test]
fn a_wrong_password_is_told_and_the_right_one_opens_an_empty_room() -> Result<()> {
    let mut visit = Visit::prepare()?;
    visit.page.goto(&visit.server.url())?;
    visit.page.fill(&named("login-user"), PERSON)?;
    visit.page.fill(&named("login-password"), "not it")?;
    visit.page.press("Enter")?;
    visit
        .page
        .wait("document.querySelector('.form-error').textContent.includes('do not match')")?;
    assert_eq!(
        visit.page.eval("document.querySelector('[data-testid=login-password]').value")?,
        ""
    );
    assert_eq!(visit.page.eval("document.activeElement.type")?, "password");

    visit.page.type_text(PASSWORD)?;
    visit.page.press("Enter")?;
    visit.in_room()?;
    assert_eq!(visit.page.texts("ois-timeline .empty-title")?, ["Nothing has been said here yet."]);
    assert_eq!(visit.page.texts(".message")?, Vec::<String>::new());
    visit.page.wait("document.activeElement.id === 'composer-text'")?;
    visit.was_calm(&[STRANGER, "/api/login"])
}

#[test]
fn a_reload_keeps_the_session_the_view_the_draft_and_the_unread_line() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    let mut agent = visit.server.agent("token-of-aria")?;
    for n in 0..40 {
        agent.say(&format!("line {n}"))?;
    }
    visit.sees("line 39")?;
    visit.page.wait("!document.hidden && JSON.parse(localStorage['ois.read.Mira']) > 0")?;
    visit.page.click(&named("composer"))?;
    visit.page.type_text("half a thought")?;

    visit.page.click(&named("nav-files"))?;
    visit.page.wait("location.hash === '#/files'")?;
    visit.page.reload()?;
    visit.page.wait(
        "!document.querySelector('ois-files').hidden && !document.querySelector('#app').hidden",
    )?;
    assert_eq!(visit.page.eval("document.querySelector('ois-login').hidden")?, true);
    // The room is out of view: what comes now is unread.
    visit.page.wait("document.querySelector('ois-connection').dataset.state === 'ready'")?;
    for n in 40..80 {
        agent.say(&format!("line {n}"))?;
    }
    visit.page.wait("document.querySelector('.nav-chat .badge').textContent === '40'")?;

    visit.page.reload()?;
    visit.page.click(&named("nav-chat"))?;
    visit.in_room()?;
    visit.page.wait(
        "(() => { const line = document.querySelector('.rule-new'); if (!line) return false; \
         const y = line.getBoundingClientRect().y; return y > 0 && y < innerHeight \
         && line.nextElementSibling.textContent.includes('line 40'); })()",
    )?;
    assert_eq!(
        visit.page.eval("document.querySelector('#composer-text').value")?,
        "half a thought"
    );
    visit.was_calm(&[STRANGER])
}

#[test]
fn logging_out_shows_the_way_in_and_the_session_is_over() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    visit.say("goodbye")?;
    visit.sees("goodbye")?;
    visit.page.click(&named("logout"))?;
    visit.page.wait("document.querySelector('[data-testid=login-form]')")?;
    assert_eq!(visit.page.texts(".message")?, Vec::<String>::new());
    assert_eq!(visit.page.eval("fetch('/api/messages').then(a => a.status)")?, 401);
    visit.page.reload()?;
    visit.page.wait("document.querySelector('[data-testid=login-user]').value === 'Mira'")?;
    visit.was_calm(&[STRANGER, "/api/messages"])
}
