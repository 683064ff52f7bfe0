//! The port on this host, by which the agent speaks of its own accord.

use anyhow::Result;
use e2e::{fake_gateway::End, until};
use serde_json::{Value, json};

use crate::team::Team;

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn what_the_agent_sends_is_said_in_the_room() -> Result<()> {
    let mut team = Team::start()?;
    let local = team.monitor.local();
    let answer = local.post("/send", &json!({"text": "the build is green"}))?.ok()?;
    assert_eq!(answer["ok"], true);
    let said = team.bob.room().hear("ARIA", |text| text == "the build is green")?;
    assert_eq!(said["replyTo"], Value::Null);
    // As `curl -d` sends it.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    local.request("POST", "/send", &form, Some("{\"text\":\"再来\"}".as_bytes()))?.ok()?;
    team.bob.room().hear("ARIA", |text| text == "再来")?;
    team.stop()
}

#[test]
fn a_missing_text_is_refused_in_the_originals_words() -> Result<()> {
    let team = Team::start()?;
    let local = team.monitor.local();
    for path in ["/send", "/send_to_user"] {
        for body in [json!({}), json!({"text": ""}), json!({"words": "hi"})] {
            let answer = local.post(path, &body)?;
            assert_eq!(answer.status, 400, "{path} {body}");
            assert_eq!(answer.json()?["error"], "missing text", "{path} {body}");
        }
        for body in ["", "no json", "[]", "{\"text\":7}", "\u{0}"] {
            let answer = local.request("POST", path, &[JSON], Some(body.as_bytes()))?;
            assert_eq!(answer.status, 400, "{path} {body:?}");
        }
    }
    assert_eq!(local.get("/nothing")?.status, 404);
    assert!(team.said()?.is_empty());
    team.stop()
}

#[test]
fn without_the_server_nothing_can_be_sent_and_afterwards_it_can() -> Result<()> {
    let mut team = Team::start()?;
    let local = team.monitor.local();
    team.server.kill()?;
    let mut last = Value::Null;
    until("the monitor knows that the server is gone", || {
        let answer = local.post("/send", &json!({"text": "probe"}))?;
        last = answer.json()?;
        Ok(answer.status == 503)
    })?;
    assert_eq!(last["error"], "ws not connected");
    team.restart_server()?;
    until("it is connected again", || {
        Ok(local.post("/send", &json!({"text": "back"}))?.status == 200)
    })?;
    team.hear("back")?;
    team.stop()
}

#[test]
fn what_is_for_the_owner_reaches_the_agents_main_session() -> Result<()> {
    let team = Team::start()?;
    let answer = team.monitor.local().post("/send_to_user", &json!({"text": "look here"}))?.ok()?;
    assert_eq!(answer, json!({"ok": true}));
    let turn = team.gateway.turn()?;
    assert_eq!(turn.session, "agent:main:main");
    assert!(turn.message.contains("look here"), "{}", turn.message);
    team.gateway.finish(&turn, End::Text("seen".to_owned()));
    // Its answer is for its owner, not for the room.
    team.close(&[])
}

#[test]
fn a_web_page_is_not_a_program_on_this_host() -> Result<()> {
    let team = Team::start()?;
    let local = team.monitor.local();
    let body = br#"{"text":"from a page"}"#;
    for (name, value) in [
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1"),
        ("host", "evil.example"),
        ("host", "evil.example:18790"),
        ("host", "127.0.0.1.evil.example"),
    ] {
        for path in ["/send", "/send_to_user"] {
            let answer = local.request("POST", path, &[JSON, (name, value)], Some(body))?;
            assert_eq!(answer.status, 403, "{path} with {name}: {value}");
        }
    }
    let port = team.monitor.port();
    let fine = format!("localhost:{port}");
    local.request("POST", "/send", &[JSON, ("host", &fine)], Some(body))?.ok()?;
    team.hear("from a page")?;
    team.close_after_words(&["from a page"])
}

#[test]
fn an_answer_that_the_agent_sent_itself_is_not_said_again() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@ARIA tell us")?;
    let turn = team.turn_for(call)?;
    team.monitor.local().post("/send", &json!({"text": "I tell you"}))?.ok()?;
    team.gateway.finish(&turn, End::Text("I tell you".to_owned()));
    let named = team.call("@ARIA once more")?;
    let turn = team.turn_for(named)?;
    team.monitor.local().post("/send", &json!({"text": "as a reply", "replyTo": named}))?.ok()?;
    team.gateway.finish(&turn, End::Text("I have replied.".to_owned()));
    team.close_after_words(&["I tell you", "as a reply"])
}
