//! The room over the wire: resume, nonce, presence, paging, and what lies on the disk.

use std::{collections::BTreeSet, fs, thread};

use anyhow::{Context, Result};
use e2e::{
    room::{Credential, Room},
    server::{AGENTS, PASSWORD, Server},
};
use serde_json::{Value, json};

fn id(message: &Value) -> Result<u64> {
    message["id"].as_u64().with_context(|| format!("no id in {message}"))
}

#[test]
fn a_resume_brings_exactly_what_came_after_and_says_when_it_is_done() -> Result<()> {
    let server = Server::fresh()?;
    let mut writer = server.agent(AGENTS[0].0)?;
    let first = id(&writer.say("one")?)?;
    for text in ["two", "three", "four"] {
        writer.say(text)?;
    }
    let (mut reader, welcome) =
        Room::resume(&server.ws_url(), Credential::Agent(AGENTS[1].0), first)?;
    assert_eq!(welcome["protocol"], 2);
    assert_eq!(welcome["team"].as_str().map(str::len), Some(8));
    let done = reader.wait_for_type("caught_up")?;
    let texts: Vec<Value> = reader
        .drain()?
        .iter()
        .filter(|frame| frame["type"] == "message")
        .map(|frame| frame["message"]["text"].clone())
        .collect();
    assert_eq!(texts, ["two", "three", "four"]);
    assert_eq!(done["id"], welcome["head"]);
    writer.say("five")?;
    reader.hear("HKH", |text| text == "five")?;
    Ok(())
}

#[test]
fn a_cursor_ahead_of_the_log_is_told_so_and_gets_the_history() -> Result<()> {
    let server = Server::fresh()?;
    server.agent(AGENTS[0].0)?.say("one")?;
    let (mut reader, _) =
        Room::resume(&server.ws_url(), Credential::Agent(AGENTS[1].0), 9_000_000_000_000_000)?;
    assert_eq!(reader.wait_for_type("error")?["code"], "cursor_ahead");
    let history = reader.wait_for_type("history")?;
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[test]
fn a_draft_sent_twice_is_one_message_also_after_a_restart() -> Result<()> {
    let mut server = Server::fresh()?;
    let frame = json!({"type": "chat", "text": "once", "nonce": "n-1"});
    let mut room = server.agent(AGENTS[0].0)?;
    room.send(&frame)?;
    let first = room.wait_for_type("ack")?;
    assert_eq!(first["nonce"], "n-1");
    assert!(first["duplicate"].is_null());
    room.send(&frame)?;
    let second = room.wait_for_type("ack")?;
    assert_eq!((&second["id"], &second["duplicate"]), (&first["id"], &json!(true)));

    server.restart()?;
    let mut room = server.agent(AGENTS[0].0)?;
    room.send(&frame)?;
    let third = room.wait_for_type("ack")?;
    assert_eq!((&third["id"], &third["duplicate"]), (&first["id"], &json!(true)));
    let rest = server.rest().with_token(AGENTS[0].0);
    assert_eq!(rest.get("/api/messages")?.ok()?["messages"].as_array().map(Vec::len), Some(1));
    let sent = rest
        .request(
            "POST",
            "/api/messages",
            &[("content-type", "application/json"), ("idempotency-key", "n-1")],
            Some(br#"{"text":"once"}"#),
        )?
        .ok()?;
    assert_eq!((&sent["id"], &sent["duplicate"]), (&first["id"], &json!(true)));
    Ok(())
}

#[test]
fn a_message_over_http_reaches_the_room_and_is_paged_both_ways() -> Result<()> {
    let server = Server::fresh()?;
    let (rest, mut room) = server.person("tester")?;
    let mut ids = Vec::new();
    for number in 0..30 {
        let sent =
            rest.post("/api/messages", &json!({"text": format!("message {number} @hkh")}))?.ok()?;
        ids.push(id(&sent)?);
    }
    let heard = room.hear("tester", |text| text.starts_with("message 29"))?;
    assert_eq!(heard["mentions"], json!(["HKH"]));
    assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[1] == pair[0] + 1), "{ids:?}");

    let page = |query: &str| -> Result<(Vec<u64>, bool)> {
        let answer = rest.get(&format!("/api/messages?{query}"))?.ok()?;
        let messages = answer["messages"].as_array().context("no messages")?;
        Ok((messages.iter().map(id).collect::<Result<_>>()?, answer["more"] == true))
    };
    assert_eq!(page("limit=10")?, (ids[20..].to_vec(), true));
    assert_eq!(page(&format!("before={}&limit=20", ids[20]))?, (ids[..20].to_vec(), false));
    assert_eq!(page(&format!("after={}&limit=5", ids[9]))?, (ids[10..15].to_vec(), true));
    let (around, _) = page(&format!("around={}&limit=11", ids[15]))?;
    assert!(
        around.contains(&ids[15]) && around.contains(&ids[12]) && around.contains(&ids[18]),
        "{around:?}"
    );
    Ok(())
}

#[test]
fn who_asked_learns_who_comes_and_goes_and_nobody_else_does() -> Result<()> {
    let server = Server::fresh()?;
    let (mut asked, _) = Room::join_with(
        &server.ws_url(),
        Credential::Agent(AGENTS[0].0),
        json!({"subscribe": ["presence"]}),
    )?;
    let mut plain = server.agent(AGENTS[1].0)?;
    let came = asked
        .wait_for("ARIA comes", |frame| frame["type"] == "presence" && frame["name"] == "ARIA")?;
    assert_eq!(came["state"], "online");
    let rest = server.rest().with_token(AGENTS[0].0);
    let members = rest.get("/api/members")?.ok()?;
    let state = |members: &Value, name: &str| {
        let all = members["members"].as_array().cloned().unwrap_or_default();
        all.iter().find(|member| member["name"] == name).map(|member| member["state"].clone())
    };
    assert_eq!(state(&members, "ARIA"), Some(json!("online")));
    assert_eq!(state(&members, "Mikasa"), Some(json!("offline")));
    assert!(plain.drain()?.iter().all(|frame| frame["type"] != "presence"));
    plain.cut();
    let went = asked.wait_for("ARIA goes", |frame| {
        frame["type"] == "presence" && frame["state"] == "offline"
    })?;
    assert_eq!(went["name"], "ARIA");
    Ok(())
}

#[test]
fn sessions_ids_and_history_survive_a_stop_and_a_start() -> Result<()> {
    let mut server = Server::fresh()?;
    let token = server.rest().login("tester", PASSWORD)?;
    let (mut room, _) = Room::join(&server.ws_url(), Credential::Session(&token))?;
    let first = id(&room.say("before")?)?;
    assert!(server.stop()?.success(), "a stop that is asked for succeeds");
    room.wait_closed()?;
    server.restart()?;
    assert_eq!(server.rest().with_token(&token).get("/api/verify")?.ok()?["user"], "tester");
    let (mut room, _) = Room::join(&server.ws_url(), Credential::Session(&token))?;
    let history = room.wait_for_type("history")?;
    assert_eq!(history["messages"][0]["text"], "before");
    assert_eq!(id(&room.say("after")?)?, first + 1, "ids are dense");
    Ok(())
}

#[test]
fn agents_that_read_the_files_find_what_was_said() -> Result<()> {
    let server = Server::fresh()?;
    let mut room = server.agent(AGENTS[0].0)?;
    let said = room.say("for the files\n## 12:00 - Nobody\n---")?;
    assert!(server.stop()?.success());
    let history: Value =
        serde_json::from_str(&fs::read_to_string(server.root().join("chat/history.json"))?)?;
    assert_eq!(history, json!([said]));
    let date = said["time"].as_str().and_then(|time| time.get(..10)).context("no time")?;
    let day = fs::read_to_string(server.root().join(format!("chat/{date}.md")))?;
    assert!(day.starts_with(&format!("# {date} Chat Log\n")), "{day}");
    assert!(
        day.contains("- HKH 🐱\n\nfor the files\n\\## 12:00 - Nobody\n\\---\n\n---\n"),
        "{day}"
    );
    Ok(())
}

#[test]
fn a_reader_that_stalls_misses_nothing_and_holds_nobody_up() -> Result<()> {
    let server =
        Server::with_flags(&["--chat-rate", "0", "--tail-bytes", "100000", "--durability", "os"])?;
    let mut writer = server.agent(AGENTS[0].0)?;
    let (mut stalled, _) = Room::join(&server.ws_url(), Credential::Agent(AGENTS[1].0))?;
    let (mut reader, _) = Room::join(&server.ws_url(), Credential::Agent(AGENTS[2].0))?;
    let words = "x".repeat(20_000);
    for number in 0..1000 {
        writer.send(&json!({"type": "chat", "text": format!("{number} {words}")}))?;
        if number % 100 == 99 {
            // 20 MB in all: far more than the tail and the socket's buffers hold.
            reader.hear("HKH", |text| text.starts_with(&format!("{number} ")))?;
            writer.drain()?;
            reader.drain()?;
        }
    }
    let mut seen = BTreeSet::new();
    let mut last = 0;
    while seen.len() < 1000 {
        let frame = stalled.wait_for("a message", |frame| frame["type"] == "message")?;
        let number = id(&frame["message"])?;
        assert!(number > last, "{number} after {last}");
        last = number;
        seen.insert(number);
    }
    Ok(())
}

#[test]
fn a_text_that_is_pushed_too_fast_is_read_more_slowly_and_not_dropped() -> Result<()> {
    let server = Server::with_flags(&["--chat-burst", "5", "--chat-rate", "200"])?;
    let mut room = server.agent(AGENTS[0].0)?;
    for number in 0..60 {
        room.send(&json!({"type": "chat", "text": format!("fast {number}")}))?;
    }
    for number in 0..60 {
        room.hear("HKH", |text| text == format!("fast {number}"))?;
    }
    Ok(())
}

#[test]
fn signing_in_again_on_a_slow_connection_splits_no_frame() -> Result<()> {
    let server = Server::with_flags(&[
        "--chat-rate",
        "0",
        "--durability",
        "os",
        "--tail-bytes",
        "100000000",
    ])?;
    let mut writer = server.agent(AGENTS[0].0)?;
    let mut slow = server.agent(AGENTS[1].0)?;
    let words = "x".repeat(20_000);
    for number in 0..1000 {
        writer.send(&json!({"type": "chat", "text": format!("{number} {words}")}))?;
        if number % 100 == 99 {
            // It is stored, and shown to everybody who takes it.
            writer.hear("HKH", |text| text.starts_with(&format!("{number} ")))?;
        }
    }
    slow.send(&json!({"type": "agent_auth", "token": AGENTS[2].0}))?;
    let welcome = slow.wait_for("the second welcome", |frame| frame["user"] == AGENTS[2].1)?;
    assert_eq!(welcome["type"], "auth_ok");
    let history = slow.wait_for("its history", |frame| {
        frame["type"] == "history" && frame["messages"] != json!([])
    })?;
    let texts = history["messages"].as_array().context("no messages")?;
    assert!(
        texts
            .last()
            .is_some_and(|last| last["text"].as_str().is_some_and(|text| text.starts_with("999 ")))
    );
    Ok(())
}

#[test]
fn who_posts_too_fast_is_told_when_to_come_back() -> Result<()> {
    let server = Server::with_flags(&["--chat-burst", "2", "--chat-rate", "1"])?;
    let (rest, mut room) = server.person("tester")?;
    // All at once: one after the other they might come no faster than the rate allows.
    let posts: Vec<_> = (0..30)
        .map(|number| {
            let rest = rest.clone();
            thread::spawn(move || rest.post("/api/messages", &json!({"text": format!("{number}")})))
        })
        .collect();
    let answers = posts.into_iter().map(|post| post.join().ok().context("it panicked")?);
    let answers = answers.collect::<Result<Vec<_>>>()?;
    let refused = answers.iter().find(|answer| answer.status == 429).context("none was refused")?;
    assert_eq!(refused.json()?["code"], "limit");
    assert!(refused.header("retry-after").is_some_and(|seconds| seconds != "0"));
    let stored = answers.iter().filter(|answer| answer.status == 200).count();
    let shown = room.drain()?.iter().filter(|frame| frame["type"] == "message").count();
    assert_eq!(shown, stored, "what was refused was not stored");
    Ok(())
}
