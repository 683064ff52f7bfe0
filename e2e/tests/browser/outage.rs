//! The server dies and comes back, the network goes and returns: nothing is lost, nothing doubled.

use anyhow::Result;
use e2e::browser::Network;
use rustix::process::Signal;
use serde_json::Value;

use crate::visit::{STRANGER, Visit};

/// The problems that the browser itself reports when the server is not there.
const AWAY: [&str; 4] = [STRANGER, "WebSocket connection", "net::ERR_", "/api/members"];

fn stored(visit: &Visit) -> Result<Vec<String>> {
    let (rest, _room) = visit.server.person("Jun")?;
    let page = rest.get("/api/messages?limit=100")?.ok()?;
    let messages = page["messages"].as_array().cloned().unwrap_or_default();
    Ok(messages.iter().map(|m: &Value| m["text"].as_str().unwrap_or_default().to_owned()).collect())
}

#[test]
fn a_killed_server_costs_no_message_and_doubles_none() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    visit.server.agent("token-of-hkh")?.say("before")?;
    visit.sees("before")?;

    visit.page.network(Network::Cut)?;
    visit.server.kill()?;
    visit.page.wait(
        "['waiting', 'offline'].includes(document.querySelector('ois-connection').dataset.state)",
    )?;
    visit.say("written while it was away")?;
    visit.page.wait("document.querySelector('.draft .send-status')?.textContent === 'will be sent when the connection is back'")?;

    visit.server.restart()?;
    let mut agent = visit.server.agent("token-of-hkh")?;
    for text in ["while 1", "while 2", "while 3"] {
        agent.say(text)?;
    }
    visit.page.network(Network::There)?;
    visit.sees("written while it was away")?;
    visit.page.wait("document.querySelectorAll('.draft').length === 0")?;
    agent.say("after")?;
    visit.sees("after")?;
    let all = ["before", "while 1", "while 2", "while 3", "written while it was away", "after"];
    assert_eq!(visit.shown()?, all);
    assert_eq!(stored(&visit)?, all);
    visit.was_calm(&AWAY)
}

#[test]
fn a_message_that_died_with_the_server_is_sent_again_by_itself_and_once() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    visit.say("first")?;
    visit.sees("first")?;
    // It leaves the browser, and nobody reads it.
    visit.server.process().signal(Signal::STOP)?;
    visit.say("second")?;
    visit.page.wait("document.querySelector('.draft')")?;
    visit.server.restart()?;
    visit.sees("second")?;
    visit.page.wait("document.querySelectorAll('.draft').length === 0")?;
    visit.say("third")?;
    visit.sees("third")?;
    assert_eq!(visit.shown()?, ["first", "second", "third"]);

    // Not even a page that was closed meanwhile forgets what it had to say.
    visit.server.process().signal(Signal::STOP)?;
    visit.say("fourth")?;
    visit.page.wait("document.querySelector('.draft')")?;
    visit.server.restart()?;
    visit.page.reload()?;
    visit.in_room()?;
    visit.sees("fourth")?;
    visit.page.wait("document.querySelectorAll('.draft').length === 0")?;
    assert_eq!(visit.shown()?, ["first", "second", "third", "fourth"]);
    assert_eq!(stored(&visit)?, ["first", "second", "third", "fourth"]);
    visit.was_calm(&AWAY)
}
