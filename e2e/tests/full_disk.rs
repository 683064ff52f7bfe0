//! A disk that takes no more: the sender is told, nobody sees what was not stored, reading goes
//! on, and writing resumes by itself.

use std::process::Command;

use anyhow::{Result, ensure};
use e2e::server::{AGENTS, Server};
use serde_json::{Value, json};

/// Lets the server's files grow to this many bytes and no further; the kernel refuses the rest.
fn limit_files(server: &Server, bytes: &str) -> Result<()> {
    let pid = server.process().pid().as_raw_nonzero().to_string();
    let status = Command::new("prlimit")
        .args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")])
        .status()?;
    ensure!(status.success(), "prlimit failed");
    Ok(())
}

#[test]
fn a_full_disk_is_told_to_the_sender_alone_and_mends_itself() -> Result<()> {
    let mut server = Server::fresh()?;
    let (rest, mut tester) = server.person("tester")?;
    let mut other = server.agent(AGENTS[0].0)?;
    tester.say("before")?;
    rest.put("/api/file?path=kept.txt", b"kept")?.ok()?;

    limit_files(&server, "0")?;
    tester.send(&json!({"type": "chat", "text": "lost?", "nonce": "n-1"}))?;
    let error = tester.wait_for_type("error")?;
    assert_eq!((&error["code"], &error["nonce"]), (&json!("storage"), &json!("n-1")));
    ensure!(error["retryAfterMs"].as_u64().is_some_and(|ms| ms > 0), "{error}");
    let sent = rest.post("/api/messages", &json!({"text": "lost too?"}))?;
    assert_eq!(sent.status, 503, "{}", sent.text());
    let put = rest.put("/api/file?path=kept.txt", b"overwritten")?;
    assert_eq!(put.status, 507, "{}", put.text());
    assert_eq!(rest.get("/api/file?path=kept.txt")?.ok()?["content"], "kept");
    assert_eq!(rest.get("/readyz")?.status, 503);
    assert_eq!(texts(&rest.get("/api/messages")?.ok()?), ["before"]);
    assert!(other.drain()?.iter().all(|frame| frame["message"]["text"] != "lost?"));

    limit_files(&server, "unlimited")?;
    tester.send(&json!({"type": "chat", "text": "lost?", "nonce": "n-1"}))?;
    let ack = tester.wait_for_type("ack")?;
    assert!(ack["duplicate"].is_null(), "it had not been stored: {ack}");
    other.hear("tester", |text| text == "lost?")?;
    assert_eq!(rest.get("/readyz")?.status, 200);

    server.restart()?;
    let rest = server.rest().with_token(AGENTS[0].0);
    assert_eq!(texts(&rest.get("/api/messages")?.ok()?), ["before", "lost?"]);
    Ok(())
}

fn texts(answer: &Value) -> Vec<&str> {
    let messages = answer["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    messages.iter().filter_map(|message| message["text"].as_str()).collect()
}
