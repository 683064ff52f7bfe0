//! On a phone: one pane at a time and a bar at the bottom.

use anyhow::Result;
use e2e::browser::Screen;

use crate::visit::{STRANGER, Visit, named};

/// Nothing sticks out sideways, and the bar stands at the bottom.
const FITS: &str = "document.documentElement.scrollWidth <= 390 \
    && Math.abs(document.querySelector('.nav').getBoundingClientRect().bottom - innerHeight) < 1 \
    && [...document.querySelectorAll('.nav-link')].filter(l => l.checkVisibility()).length === 3";

fn shown_panes(visit: &mut Visit) -> Result<Vec<String>> {
    let panes = "['ois-chat', 'ois-files', 'ois-roster', 'ois-details'].filter(n => document.querySelector(n).checkVisibility())";
    Ok(serde_json::from_value(visit.page.eval(panes)?)?)
}

#[test]
fn a_phone_shows_one_pane_at_a_time_above_a_bar() -> Result<()> {
    let mut visit = Visit::prepare()?;
    visit.page.screen(Screen::PHONE)?;
    visit.sign_in()?;
    let mut agent = visit.server.agent("token-of-hkh")?;
    agent.say(&format!("a long word {} and `{}`", "x".repeat(90), "y".repeat(120)))?;
    agent.say("last")?;
    visit.sees("last")?;
    assert_eq!(shown_panes(&mut visit)?, ["ois-chat"]);
    visit.page.wait(FITS)?;
    let inside = "(() => { const c = document.querySelector('#composer-text').getBoundingClientRect(); \
                  return c.bottom <= document.querySelector('.nav').getBoundingClientRect().top && c.top > 0; })()";
    assert_eq!(visit.page.eval(inside)?, true);

    visit.page.click(&named("nav-team"))?;
    visit.page.wait("document.querySelector('ois-roster').checkVisibility()")?;
    assert_eq!(shown_panes(&mut visit)?, ["ois-roster"]);
    visit.page.wait(FITS)?;
    visit.page.click("ois-roster .person")?;
    visit.page.wait("document.querySelector('ois-details').checkVisibility()")?;
    assert_eq!(shown_panes(&mut visit)?, ["ois-details"]);
    visit.page.wait(FITS)?;
    visit.page.click(&named("details-close"))?;
    visit.page.wait("document.querySelector('ois-roster').checkVisibility()")?;

    visit.page.click(&named("nav-files"))?;
    visit.page.wait("document.querySelector('ois-files').checkVisibility()")?;
    assert_eq!(shown_panes(&mut visit)?, ["ois-files"]);
    visit.page.wait(FITS)?;
    visit.page.click(&named("nav-chat"))?;
    visit.say("from the phone")?;
    agent.hear("Mira", |text| text == "from the phone")?;
    visit.was_calm(&[STRANGER])
}
