//! The closed loop over the wire: what monitors report, who is shown it, and what people do about it.

use anyhow::{Context, Result, ensure};
use e2e::{
    admin,
    rest::Rest,
    room::{Credential, Room},
    server::{AGENTS, PASSWORD, Server},
};
use serde_json::{Value, json};

/// A connection as an agent's monitor has it.
fn monitor(server: &Server, agent: usize) -> Result<Room> {
    let more = json!({"subscribe": ["deliveries", "runs"]});
    Ok(Room::join_with(&server.ws_url(), Credential::Agent(AGENTS[agent].0), more)?.0)
}

/// A person who is shown everything.
fn person(server: &Server) -> Result<(Rest, Room)> {
    let token = server.rest().login("Mira", PASSWORD)?;
    let more = json!({"subscribe": ["deliveries", "activity", "presence", "runs"]});
    let (room, _) = Room::join_with(&server.ws_url(), Credential::Session(&token), more)?;
    Ok((server.rest().with_token(&token), room))
}

fn report(message: &Value, state: &str) -> Value {
    json!({"type": "delivery", "message": message["id"], "agent": "x", "attempt": 1,
        "state": state, "at": "2026-02-06T12:34:56.789Z"})
}

fn with(mut frame: Value, more: Value) -> Value {
    for (name, value) in more.as_object().into_iter().flatten() {
        frame[name] = value.clone();
    }
    frame
}

fn state_of(rest: &Rest, message: &Value) -> Result<Value> {
    let path = format!("/api/messages/{}/deliveries", message["id"]);
    let deliveries = rest.get(&path)?.ok()?["deliveries"].clone();
    ensure!(deliveries.as_array().is_some_and(|all| all.len() == 1), "{deliveries}");
    Ok(deliveries[0].clone())
}

#[test]
fn every_rung_is_shown_to_who_asked_and_to_nobody_else() -> Result<()> {
    let server = Server::fresh()?;
    let (rest, mut mira) = person(&server)?;
    let (mut hkh, mut aria) = (monitor(&server, 0)?, monitor(&server, 1)?);
    let mut old = server.agent(AGENTS[2].0)?;
    let call = mira.say("@HKH hi")?;
    assert_eq!(call["calls"], json!(["HKH"]));
    assert_eq!(state_of(&rest, &call)?["state"], "stored");
    for (state, more) in [
        ("received", json!({})),
        ("admitted", json!({"run": "r1"})),
        ("ended", json!({"run": "r1"})),
    ] {
        hkh.send(&with(report(&call, state), more))?;
        for room in [&mut hkh, &mut mira] {
            let seen = room.wait_for_type("delivery")?;
            assert_eq!((&seen["state"], &seen["agent"]), (&json!(state), &json!("HKH")));
            assert_ne!(seen["at"], "2026-02-06T12:34:56.789Z", "the server's own time");
        }
    }
    hkh.send(
        &json!({"type": "chat", "text": "hello", "replyTo": call["id"], "cause": call["id"]}),
    )?;
    let answer = mira.hear("HKH", |text| text == "hello")?;
    assert_eq!((&answer["cause"], &answer["hop"]), (&call["id"], &json!(1)));
    hkh.send(&with(report(&call, "replied"), json!({"answer": answer["id"]})))?;
    assert_eq!(mira.wait_for_type("delivery")?["answer"], answer["id"]);
    assert_eq!(state_of(&rest, &call)?["state"], "replied");
    for room in [&mut aria, &mut old] {
        room.hear("HKH", |text| text == "hello")?;
        assert!(room.drain()?.iter().all(|frame| frame["type"] != "delivery"));
    }
    Ok(())
}

#[test]
fn states_outlive_a_kill_and_resume_like_messages() -> Result<()> {
    let mut server = Server::fresh()?;
    let (_, mut mira) = person(&server)?;
    let call = mira.say("@HKH hi")?;
    let mut hkh = monitor(&server, 0)?;
    hkh.send(&with(report(&call, "admitted"), json!({"run": "r1"})))?;
    hkh.wait_for_type("delivery")?;
    server.restart()?;
    let (rest, _) = person(&server)?;
    assert_eq!(state_of(&rest, &call)?["run"], "r1");
    let token = server.rest().login("Mira", PASSWORD)?;
    let more = json!({"after": call["id"], "subscribe": ["deliveries"]});
    let (mut again, _) = Room::join_with(&server.ws_url(), Credential::Session(&token), more)?;
    assert_eq!(again.wait_for_type("delivery")?["state"], "admitted");
    again.wait_for_type("caught_up")?;
    Ok(())
}

#[test]
fn what_cannot_be_is_answered_with_what_is() -> Result<()> {
    let server = Server::fresh()?;
    let (_, mut mira) = person(&server)?;
    let (mut hkh, mut aria) = (monitor(&server, 0)?, monitor(&server, 1)?);
    let call = mira.say("@HKH hi")?;
    aria.send(&report(&call, "received"))?;
    let error = aria.wait_for_type("error")?;
    assert_eq!(
        (&error["code"], &error["about"]),
        (&json!("not_found"), &json!(format!("{}:ARIA", call["id"])))
    );
    hkh.send(&report(&call, "silent"))?;
    hkh.wait_for_type("delivery")?;
    hkh.send(&report(&call, "silent"))?;
    assert_eq!(hkh.wait_for_type("delivery")?["state"], "silent", "a repeat is a receipt");
    hkh.send(&report(&call, "dead"))?;
    assert_eq!(hkh.wait_for_type("error")?["code"], "bad_transition");
    assert_eq!(hkh.wait_for_type("delivery")?["state"], "silent");
    mira.send(&report(&call, "dead"))?;
    assert_eq!(mira.wait_for_type("error")?["code"], "forbidden");
    Ok(())
}

#[test]
fn a_death_is_told_once_and_a_person_drives_it_again() -> Result<()> {
    let mut server = Server::fresh()?;
    let (_, mut mira) = person(&server)?;
    let mut hkh = monitor(&server, 0)?;
    let call = mira.say("@HKH hi")?;
    let words = json!({"reason": "unreachable", "detail": "no gateway"});
    hkh.send(&with(report(&call, "dead"), words))?;
    let notice = mira.hear("OIS", |text| text.contains("No answer will come from HKH"))?;
    assert_eq!(
        notice["notice"],
        json!({"kind": "dead", "agents": ["HKH"], "reason": "unreachable"})
    );
    assert_eq!(notice["replyTo"], call["id"]);
    server.restart()?;
    let (rest, mut mira) = person(&server)?;
    let mut hkh = monitor(&server, 0)?;
    let dead = rest.get("/api/deliveries?state=dead")?.ok()?;
    assert_eq!(dead["deliveries"][0]["message"], call["id"]);
    let path = format!("/api/deliveries/{}:HKH/retry", call["id"]);
    let again = rest.post(&path, &json!({}))?.ok()?["delivery"].clone();
    assert_eq!((&again["attempt"], &again["state"]), (&json!(2), &json!("stored")));
    assert_eq!(hkh.wait_for_type("delivery")?["attempt"], 2, "the monitor learns of it");
    assert_eq!(rest.post(&path, &json!({}))?.status, 409);
    let agent = server.rest().with_token(AGENTS[1].0);
    assert_eq!(agent.post(&path, &json!({}))?.status, 403, "a person decides");
    let notices = mira.drain()?.into_iter().filter(|frame| frame["message"]["notice"].is_object());
    assert_eq!(notices.count(), 0, "it was told before");
    Ok(())
}

#[test]
fn an_offer_wakes_the_first_of_five_who_claims_it() -> Result<()> {
    let server = Server::fresh()?;
    let mut tokens = Vec::new();
    for at in 0..5 {
        let words = ["agent", "add", &format!("Agent{at}"), "--duty", "reviewer"];
        tokens.push(admin::secret(&admin::run(server.root(), &words)?)?.to_owned());
    }
    let (rest, mut mira) = person(&server)?;
    let more = json!({"subscribe": ["deliveries"]});
    let mut rooms = Vec::new();
    for token in &tokens {
        let who = Credential::Agent(token);
        rooms.push(Room::join_with(&server.ws_url(), who, more.clone())?.0);
    }
    let call = mira.say("@one:reviewer please")?;
    assert_eq!(call["offers"][0]["agents"].as_array().map(Vec::len), Some(5));
    assert_eq!((&call["calls"], &call["mentions"]), (&Value::Null, &Value::Null));
    for room in &mut rooms {
        room.send(&report(&call, "received"))?;
    }
    let mut woken = 0;
    for room in &mut rooms {
        let answer = room.wait_for("an answer", |frame| {
            frame["type"] == "delivery" || frame["type"] == "error"
        })?;
        woken += usize::from(answer["type"] == "delivery");
    }
    assert_eq!(woken, 1);
    assert_eq!(state_of(&rest, &call)?["state"], "received");
    Ok(())
}

#[test]
fn three_agents_in_a_ring_stop_with_one_notice_and_a_person_goes_on() -> Result<()> {
    let server = Server::fresh()?;
    let (_, mut mira) = person(&server)?;
    let mut rooms = [monitor(&server, 0)?, monitor(&server, 1)?, monitor(&server, 2)?];
    let names = ["HKH", "ARIA", "Mikasa"];
    let mut last = mira.say("@HKH begin")?;
    let mut at = 0;
    while last["calls"].is_array() {
        let text = format!("@{} what about {}", names[(at + 1) % 3], "z".repeat(at * at));
        let room = &mut rooms[at % 3];
        room.send(&json!({"type": "chat", "text": text, "cause": last["id"]}))?;
        last = mira.hear(names[at % 3], |said| said == text)?;
        at += 1;
        ensure!(at < 50, "they go on for ever");
    }
    assert_eq!(last["held"][0]["by"], "loop");
    let notice = mira.hear("OIS", |text| text.contains("/continue"))?;
    assert_eq!((&notice["notice"]["kind"], &notice["replyTo"]), (&json!("loop"), &last["id"]));
    let go_on = mira.say("/continue")?;
    assert_eq!(go_on["calls"], json!([last["held"][0]["agent"]]));
    let more = mira.drain()?;
    assert!(more.iter().all(|frame| frame["message"]["notice"].is_null()), "one notice");
    Ok(())
}

#[test]
fn a_budget_of_five_turns_stops_at_five() -> Result<()> {
    let server = Server::fresh()?;
    let (_, mut mira) = person(&server)?;
    let admin = admin::session(&server)?;
    let budgets = json!({"budgets": [{"agent": "HKH", "turns": 5}]});
    let put = |rest: &Rest| {
        let json = [("content-type", "application/json")];
        rest.request("PUT", "/api/budgets", &json, Some(budgets.to_string().as_bytes()))
    };
    let member = server.rest().login("Mira", PASSWORD)?;
    assert_eq!(put(&server.rest().with_token(&member))?.status, 403);
    put(&admin)?.ok()?;
    let mut woken = 0;
    for turn in 0..8 {
        woken += usize::from(mira.say(&format!("@HKH {turn}"))?["calls"].is_array());
    }
    assert_eq!(woken, 5);
    let reached = mira
        .wait_for("the notice", |frame| frame["message"]["notice"]["kind"] == "budget_reached")?;
    assert_eq!(reached["message"]["notice"]["spent"]["limit"], 5);
    Ok(())
}

#[test]
fn turns_are_told_counted_and_stopped_by_word_of_the_monitor() -> Result<()> {
    let server = Server::fresh()?;
    let (rest, mut mira) = person(&server)?;
    let mut hkh = monitor(&server, 0)?;
    let call = mira.say("@HKH hi")?;
    let run = json!({"type": "run", "run": "r/1", "agent": "HKH", "cause": call["id"],
        "start": "2026-02-06T12:34:56.789Z"});
    hkh.send(&run)?;
    assert_eq!(mira.wait_for_type("run")?["agent"], "HKH");
    assert_eq!(rest.get("/api/runs?active=1")?.ok()?["runs"][0]["run"], "r/1");
    let asked = std::thread::spawn({
        let rest = rest.clone();
        move || rest.post("/api/runs/r%2F1/stop", &json!({}))
    });
    assert_eq!(hkh.wait_for_type("stop")?["by"], "Mira");
    hkh.send(&json!({"type": "stopped", "run": "r/1", "stopped": true}))?;
    let answer = asked.join().ok().context("the request ended badly")??.ok()?;
    assert_eq!(answer["stopped"], true);
    let usage = json!({"inputTokens": 900, "outputTokens": 40});
    let end = json!({"end": "2026-02-06T12:35:00.000Z", "outcome": "failed", "reason": "stopped", "usage": usage});
    hkh.send(&with(run, end))?;
    mira.wait_for("the end", |frame| frame["type"] == "run" && frame["end"].is_string())?;
    let used = rest.get("/api/usage?by=agent")?.ok()?["usage"][0].clone();
    assert_eq!(
        (&used["key"], &used["turns"], &used["inputTokens"]),
        (&json!("HKH"), &json!(1), &json!(900))
    );
    assert_eq!(rest.post("/api/runs/r%2F1/stop", &json!({}))?.status, 409);
    assert_eq!(rest.post("/api/runs/nope/stop", &json!({}))?.status, 404);
    Ok(())
}

#[test]
fn presence_is_what_the_monitor_proves_and_activity_ends_with_it() -> Result<()> {
    let server = Server::fresh()?;
    let (rest, mut mira) = person(&server)?;
    let mut hkh = monitor(&server, 0)?;
    let presence = |state: &str| json!({"type": "presence", "name": "HKH", "state": state, "since": "2026-02-06T12:34:56.789Z"});
    hkh.send(&presence("online"))?;
    let proven = mira.wait_for("a proof", |frame| frame["provenAt"].is_string())?;
    assert_eq!((&proven["name"], &proven["state"]), (&json!("HKH"), &json!("online")));
    hkh.send(&presence("deaf"))?;
    mira.wait_for("deaf", |frame| frame["state"] == "deaf")?;
    let members = rest.get("/api/members")?.ok()?["members"].clone();
    let mut members = members.as_array().context("no members")?.iter();
    let shown = members.find(|member| member["name"] == "HKH").context("no HKH")?;
    assert_eq!(shown["state"], "deaf");
    assert_eq!(shown["provenAt"], proven["provenAt"], "the last proof");
    hkh.send(&json!({"type": "activity", "state": "working", "note": "reading", "agent": "ARIA"}))?;
    let activity = mira.wait_for_type("activity")?;
    assert_eq!((&activity["agent"], &activity["note"]), (&json!("HKH"), &json!("reading")));
    hkh.cut();
    assert_eq!(mira.wait_for_type("activity")?["state"], "idle");
    mira.wait_for("offline", |frame| frame["name"] == "HKH" && frame["state"] == "offline")?;
    Ok(())
}

#[test]
fn an_agent_that_no_monitor_tells_of_has_answered_when_it_speaks() -> Result<()> {
    let server = Server::fresh()?;
    let (rest, mut mira) = person(&server)?;
    let mut old = server.agent(AGENTS[0].0)?;
    let call = mira.say("@HKH hi")?;
    old.hear("Mira", |text| text == "@HKH hi")?;
    old.send(&json!({"type": "message", "text": "hello"}))?;
    let answer = mira.hear("HKH", |text| text == "hello")?;
    let replied = mira.wait_for_type("delivery")?;
    assert_eq!((&replied["state"], &replied["answer"]), (&json!("replied"), &answer["id"]));
    assert_eq!(state_of(&rest, &call)?["state"], "replied");
    Ok(())
}
