//! The commands for operators about agents: budgets, usage, deliveries, beside a running server
//! and without one.

use anyhow::{Context, Result, ensure};
use e2e::{
    admin::{command, run as ois},
    room::{Credential, Room},
    server::{AGENTS, Server},
};
use serde_json::{Value, json};

/// The error of `ois-server` for words that it refuses.
fn refused(server: &Server, words: &[&str]) -> Result<String> {
    let output = command(server.root(), words)?.output()?;
    ensure!(!output.status.success(), "{words:?} was not refused");
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

fn json_of(server: &Server, words: &[&str]) -> Result<Value> {
    Ok(serde_json::from_str(&ois(server.root(), words)?)?)
}

/// A connection as an agent's monitor has it.
fn monitor(server: &Server, agent: usize) -> Result<Room> {
    let more = json!({"subscribe": ["deliveries", "runs"]});
    Ok(Room::join_with(&server.ws_url(), Credential::Agent(AGENTS[agent].0), more)?.0)
}

#[test]
fn a_budget_counts_at_once_and_after_a_restart() -> Result<()> {
    let mut server = Server::fresh()?;
    let (_, mut mira) = server.person("Mira")?;
    let none = ois(server.root(), &["budget", "list"])?;
    assert!(none.contains("there are no budgets"), "{none}");
    assert!(mira.say("@HKH one")?["calls"].is_array());
    let set = ois(server.root(), &["budget", "set", "--agent", "HKH", "--turns", "1"])?;
    assert_eq!(set.trim(), "HKH: 1 turns a day; then stop");
    assert_eq!(mira.say("@HKH two")?["held"][0]["by"], "budget");
    assert!(server.stop()?.success());
    let words = ["budget", "set", "--agent", "hkh", "--turns", "5", "--usd", "0.25"];
    ois(server.root(), &[&words[..], &["--on-breach", "ask", "--minutes", "5"]].concat())?;
    let kept =
        json!([{"agent": "hkh", "turns": 5, "microUsd": 250_000, "policy": "ask", "minutes": 5}]);
    assert_eq!(json_of(&server, &["budget", "list", "--json"])?, kept);
    server.restart()?;
    let (rest, mut mira) = server.person("Mira")?;
    assert_eq!(rest.get("/api/budgets")?.ok()?["budgets"], kept);
    assert!(mira.say("@HKH three")?["calls"].is_array());
    ois(server.root(), &["budget", "remove", "--agent", "HKH"])?;
    assert_eq!(rest.get("/api/budgets")?.ok()?["budgets"], json!([]));
    let why = refused(&server, &["budget", "remove", "--agent", "HKH"])?;
    assert!(why.contains("there is no such budget"), "{why}");
    Ok(())
}

#[test]
fn what_turns_cost_is_told_beside_a_running_server_and_without_one() -> Result<()> {
    let server = Server::fresh()?;
    let (_, mut mira) = server.person("Mira")?;
    let mut hkh = monitor(&server, 0)?;
    let call = mira.say("@HKH hi")?;
    hkh.send(&json!({"type": "run", "run": "r1", "agent": "HKH", "cause": call["id"],
        "start": call["time"], "end": call["time"], "outcome": "silent",
        "usage": {"inputTokens": 900, "outputTokens": 40, "microUsd": 1_500_000}}))?;
    hkh.wait_for_type("run")?;
    let told = "HKH: 1 turns, 900 tokens read, 40 written, $1.50";
    assert_eq!(ois(server.root(), &["usage"])?.trim(), told);
    assert!(server.stop()?.success());
    assert_eq!(ois(server.root(), &["usage"])?.trim(), told);
    let by_room = json_of(&server, &["usage", "--by", "room", "--json"])?;
    assert_eq!((&by_room[0]["key"], &by_room[0]["microUsd"]), (&json!("main"), &json!(1_500_000)));
    assert_eq!(json_of(&server, &["usage", "--from", "2999-01-01", "--json"])?, json!([]));
    Ok(())
}

#[test]
fn a_dead_delivery_is_listed_and_driven_again_with_and_without_a_server() -> Result<()> {
    let mut server = Server::fresh()?;
    let (_, mut mira) = server.person("Mira")?;
    let mut hkh = monitor(&server, 0)?;
    let call = mira.say("@HKH hi")?;
    let name = format!("{}:HKH", call["id"]);
    let die = |attempt: u32, hkh: &mut Room| -> Result<()> {
        hkh.send(&json!({"type": "delivery", "message": call["id"], "agent": "HKH",
            "attempt": attempt, "state": "dead", "at": call["time"], "reason": "unreachable",
            "detail": "no gateway"}))?;
        hkh.wait_for("the death", |frame| frame["state"] == "dead").map(drop)
    };
    die(1, &mut hkh)?;
    let dead = ois(server.root(), &["deliveries", "--state", "dead"])?;
    assert!(dead.starts_with(&format!("{name}  dead in attempt 1 at ")), "{dead}");
    assert!(dead.trim().ends_with(", unreachable, no gateway"), "{dead}");
    let again = ois(server.root(), &["retry", &name])?;
    assert!(again.starts_with(&format!("{name}  stored in attempt 2 at ")), "{again}");
    hkh.wait_for("the next attempt", |frame| frame["attempt"] == 2)?;
    let why = refused(&server, &["retry", &name])?;
    assert!(why.contains("the delivery is stored in attempt 2"), "{why}");
    die(2, &mut hkh)?;
    assert!(server.stop()?.success());
    ois(server.root(), &["retry", &name])?;
    let open = json_of(&server, &["deliveries", "--agent", "HKH", "--json"])?;
    assert_eq!(open["deliveries"][0]["attempt"], 3);
    server.restart()?;
    let (rest, _) = server.person("Mira")?;
    let stands = rest.get(&format!("/api/messages/{}/deliveries", call["id"]))?.ok()?;
    assert_eq!(
        (&stands["deliveries"][0]["attempt"], &stands["deliveries"][0]["state"]),
        (&json!(3), &json!("stored"))
    );
    Ok(())
}

#[test]
fn what_nobody_takes_is_given_up_at_the_deadline_that_is_set() -> Result<()> {
    let server = Server::with_flags(&["--delivery-deadline", "1s", "--ping-seconds", "10"])?;
    let (rest, mut mira) = server.person("Mira")?;
    let call = mira.say("@HKH hi")?;
    let notice = mira.hear("OIS", |text| text.contains("its time was over"))?;
    assert_eq!(notice["replyTo"], call["id"]);
    let metrics = rest.get("/metrics")?.text();
    for line in [
        "ois_open_deliveries 0",
        "ois_active_runs 0",
        r#"ois_deliveries_total{state="stored"} 1"#,
        r#"ois_deliveries_total{state="dead"} 1"#,
        r#"ois_notices_total{kind="dead"} 1"#,
        "ois_messages_total 2",
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line}\n{metrics}");
    }
    Ok(())
}

#[test]
fn agents_wake_each_other_as_often_as_is_set() -> Result<()> {
    let server = Server::with_flags(&["--loop-hops", "1"])?;
    let (_, mut mira) = server.person("Mira")?;
    let (mut hkh, mut aria) = (monitor(&server, 0)?, monitor(&server, 1)?);
    let call = mira.say("@HKH begin")?;
    hkh.send(&json!({"type": "chat", "text": "@ARIA your turn", "cause": call["id"]}))?;
    let first = mira.hear("HKH", |text| text.contains("your turn"))?;
    assert_eq!(first["calls"], json!(["ARIA"]));
    aria.send(&json!({"type": "chat", "text": "@HKH no, yours", "cause": first["id"]}))?;
    let second = mira.hear("ARIA", |text| text.contains("no, yours"))?;
    assert_eq!((&second["calls"], &second["held"][0]["by"]), (&Value::Null, &json!("loop")));
    Ok(())
}

#[test]
fn nobody_is_called_as_the_server_is() -> Result<()> {
    let server = Server::fresh()?;
    let error = server.person("OIS").err().context("OIS was let in")?;
    assert!(format!("{error:#}").contains("reserved"), "{error:#}");
    for name in ["OIS", "one:reviewer"] {
        let why = refused(&server, &["agent", "add", name])?;
        assert!(why.contains("name is reserved"), "{why}");
    }
    let why = refused(&server, &["agent", "add", "Nova", "--duty", "one:x"])?;
    assert!(why.contains("no duty can be called one:x"), "{why}");
    Ok(())
}
