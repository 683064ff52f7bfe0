//! The main job, from end to end: a person writes on the web page, the monitor beside a real
//! gateway wakes the agent, and its answer stands in the room, in the browser and on the disk.

use std::fs;

use anyhow::{Context, Result, ensure};
use e2e::{
    browser::Browser,
    gateway::{Gateway, Model},
    monitor::{Monitor, Settings},
    server::{AGENTS, PASSWORD, Server},
};
use serde_json::Value;
use tempfile::TempDir;

#[test]
fn a_word_on_the_page_wakes_an_agent_whose_answer_is_seen_and_kept() -> Result<()> {
    let folder = TempDir::new()?;
    let model = Model::start(folder.path())?;
    let gateway = Gateway::start(folder.path(), &model)?;
    let server = Server::fresh()?;
    let monitor = Monitor::start(Settings {
        ois_url: server.ws_url(),
        token: AGENTS[1].0.to_owned(),
        name: "ARIA".to_owned(),
        state: folder.path().join("monitor"),
        gateway: Some((gateway.port()?, gateway.token()?.to_owned())),
        flags: Vec::new(),
        env: Vec::new(),
    })?;
    let mut browser = Browser::start()?;
    let mut page = browser.page()?;
    page.goto(&server.url())?;
    page.fill("[data-testid=login-user]", "Mira")?;
    page.fill("[data-testid=login-password]", PASSWORD)?;
    page.click("[data-testid=login-submit]")?;
    page.wait("document.querySelector('ois-connection').dataset.state === 'ready'")?;
    page.fill("[data-testid=composer]", "@aria are you there? [[say:here I am]]")?;
    page.press("Enter")?;
    let answer = "[...document.querySelectorAll('.message:not(.bubble)')].some(it => \
        it.textContent.includes('ARIA') && it.querySelector('.text')?.textContent.trim() === 'here I am')";
    page.wait(answer)?;
    page.screenshot("whole-1440")?;

    ensure!(monitor.stop()?.success() && server.stop()?.success(), "something did not end well");
    gateway.stop()?;
    let history = fs::read_to_string(server.root().join("chat/history.json"))?;
    let history: Vec<Value> = serde_json::from_str(&history)?;
    let [call, reply] = history.as_slice() else { anyhow::bail!("{history:#?}") };
    assert_eq!((&call["user"], &call["mentions"]), (&"Mira".into(), &serde_json::json!(["ARIA"])));
    assert_eq!((&reply["user"], &reply["text"]), (&AGENTS[1].1.into(), &"here I am".into()));
    assert_eq!((&reply["replyTo"], &reply["agent"]), (&call["id"], &Value::Bool(true)));
    let date = reply["time"].as_str().and_then(|time| time.get(..10)).context("no time")?;
    let day = fs::read_to_string(server.root().join(format!("chat/{date}.md")))?;
    ensure!(day.contains("- ARIA ⚔️\n\nhere I am\n\n---\n"), "{day}");
    Ok(())
}
