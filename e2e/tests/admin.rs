//! Administration, beside a running server and without one.

use anyhow::{Context, Result, ensure};
use e2e::{
    admin::{command, run as ois, secret as last_line},
    room::{Credential, Room},
    server::{AGENTS, Server, Settings},
};
use serde_json::Value;
use tempfile::TempDir;

/// The error of `ois-server` for words that it refuses.
fn refused(root: &std::path::Path, words: &[&str]) -> Result<String> {
    let output = command(root, words)?.output()?;
    ensure!(!output.status.success(), "{words:?} was not refused");
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn an_agent_added_beside_a_running_server_signs_in_and_is_shown_out_when_removed() -> Result<()> {
    let server = Server::fresh()?;
    let added = ois(server.root(), &["agent", "add", "Nova ✨", "--duty", "reviewer"])?;
    let token = last_line(&added)?;
    assert_eq!(token.len(), 64, "{added}");
    let (mut nova, welcome) = Room::join(&server.ws_url(), Credential::Agent(token))?;
    assert_eq!(welcome["user"], "Nova ✨");
    let mut other = server.agent(AGENTS[0].0)?;
    assert_eq!(other.say("@nova?")?["mentions"], serde_json::json!(["Nova"]));

    let listed: Value = serde_json::from_str(&ois(server.root(), &["agent", "list", "--json"])?)?;
    let names: Vec<&Value> =
        listed.as_array().context("no list")?.iter().map(|agent| &agent["name"]).collect();
    assert!(
        names.contains(&&Value::from("Nova")) && names.contains(&&Value::from("HKH")),
        "{names:?}"
    );
    assert!(!listed.to_string().contains(token));

    ois(server.root(), &["agent", "remove", "nova"])?;
    nova.wait_closed()?;
    assert!(Room::join(&server.ws_url(), Credential::Agent(token)).is_err());
    Ok(())
}

#[test]
fn users_come_and_go_with_and_without_a_server() -> Result<()> {
    let mut server = Server::fresh()?;
    let added = ois(server.root(), &["user", "add", "Mira"])?;
    let password = last_line(&added)?.to_owned();
    let token = server.rest().login("Mira", &password)?;
    assert!(server.stop()?.success());
    let renewed = ois(server.root(), &["user", "password", "mira"])?;
    server.restart()?;
    assert_eq!(
        server.rest().with_token(&token).get("/api/verify")?.status,
        401,
        "its sessions have ended"
    );
    assert!(server.rest().login("Mira", &password).is_err());
    server.rest().login("mira", last_line(&renewed)?)?;
    ois(server.root(), &["user", "remove", "Mira"])?;
    assert!(server.rest().login("Mira", last_line(&renewed)?).is_err());
    let why = refused(server.root(), &["user", "remove", "Mira"])?;
    assert!(why.contains("there is no Mira in the register"), "{why}");
    Ok(())
}

#[test]
fn an_invitation_is_one_line_that_starts_a_monitor() -> Result<()> {
    let server = Server::fresh()?;
    let line = ois(server.root(), &["invite", "Nova", "--public-url", "https://ois.example.org"])?;
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words.len(), 4, "{line}");
    assert_eq!(words[0], "OIS_URL=wss://ois.example.org");
    let token = words[1].strip_prefix("OIS_AGENT_TOKEN=").context("no token")?;
    assert_eq!((words[2], words[3]), ("OIS_AGENT_NAME='Nova'", "ois-monitor"));
    Room::join(&server.ws_url(), Credential::Agent(token))?;
    Ok(())
}

#[test]
fn init_lays_a_team_once_and_verify_finds_it_whole() -> Result<()> {
    let folder = TempDir::new()?;
    let root = folder.path().join("team");
    let first = ois(&root, &["init"])?;
    assert!(first.contains("user admin, password "), "{first}");
    assert!(root.join("AGENTS.md").is_file() && root.join("shared").is_dir());
    let second = ois(&root, &["init"])?;
    assert!(!second.contains("password "), "{second}");
    let seen: Value = serde_json::from_str(&ois(&root, &["verify", "--json"])?)?;
    assert_eq!(seen["ok"], true);

    let server = Server::start(Settings::at(&root))?;
    server.agent(AGENTS[0].0)?.say("one more")?;
    let beside: Value = serde_json::from_str(&ois(&root, &["verify", "--json"])?)?;
    assert_eq!((&beside["events"], &beside["team"]), (&serde_json::json!(1), &seen["team"]));
    assert!(ois(&root, &["init"])?.contains("a server runs on this team already"));
    Ok(())
}

#[test]
fn a_second_server_on_a_root_is_told_who_holds_it() -> Result<()> {
    let server = Server::fresh()?;
    let why = refused(server.root(), &["--listen", "127.0.0.1:0"])?;
    assert!(why.contains("is in use by process"), "{why}");
    Ok(())
}

#[test]
fn the_network_is_not_let_in_without_a_password() -> Result<()> {
    let folder = TempDir::new()?;
    let why = refused(folder.path(), &["--listen", "0.0.0.0:0"])?;
    assert!(why.contains("PASSWORD") && why.contains("ois-server init"), "{why}");
    let laid = ois(folder.path(), &["init"])?;
    assert!(laid.contains("user admin, password "), "the refused start used it up: {laid}");
    Ok(())
}

#[test]
fn a_malformed_agent_token_stops_the_start_and_is_named_by_its_place() -> Result<()> {
    let folder = TempDir::new()?;
    let why =
        refused(folder.path(), &["--listen", "127.0.0.1:0", "--agent-tokens", "good:HKH,s3cret"])?;
    assert!(why.contains('2') && !why.contains("s3cret"), "{why}");
    Ok(())
}

#[test]
fn an_old_deployments_chat_is_imported_beside_a_running_server_once() -> Result<()> {
    let old = TempDir::new()?;
    std::fs::create_dir(old.path().join("chat"))?;
    let message = r#"[{"id":1771200000000,"user":"HKH 🐱","text":"from before","time":"2026-02-16T00:00:00.000Z"}]"#;
    std::fs::write(old.path().join("chat/history.json"), message)?;
    // The same message, as the old server wrote it at UTC+8, and one that only the day's log has.
    let day = "# 2026-02-16 Chat Log\n\n## 07:30 - ARIA ⚔️\n\nearlier\n\n---\n\n## 08:00 - HKH 🐱\n\nfrom before\n\n---\n";
    std::fs::write(old.path().join("chat/2026-02-16.md"), day)?;
    let server = Server::fresh()?;
    let mut room = server.agent(AGENTS[0].0)?;
    let dir = old.path().to_str().context("a path that is no text")?;
    let told = ois(server.root(), &["import", dir])?;
    assert!(told.contains("2 messages imported"), "{told}");
    let said = room.say("from now")?;
    assert!(said["id"].as_u64() > Some(1_771_200_000_000));
    let why = refused(server.root(), &["import", dir])?;
    assert!(why.contains("has events already"), "{why}");
    let mut later = server.agent(AGENTS[1].0)?;
    let history = later.wait_for_type("history")?;
    let texts: Vec<&Value> = history["messages"]
        .as_array()
        .context("no messages")?
        .iter()
        .map(|one| &one["text"])
        .collect();
    assert_eq!(texts, ["earlier", "from before", "from now"]);
    assert_eq!(history["messages"][1]["id"], 1_771_200_000_000_u64);
    let news = room.drain()?;
    assert!(
        news.iter().all(|frame| frame["message"]["text"] != "from before"),
        "old words are no news: {news:?}"
    );
    Ok(())
}
