//! Steps over WebSockets.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use e2e::room::{Credential, Room};
use e2e::server::AGENTS;
use serde_json::{Value, json};
use tungstenite::Message;

use super::Replay;
use super::fixes::{self, Now};
use super::matching::{holds, shortened};

/// The recording's sockets by their names there, opened when they are first heard of.
#[derive(Default)]
pub(super) struct Sockets {
    open: BTreeMap<String, Room>,
}

/// Frames by the name of the socket that gets them.
type Expected = BTreeMap<String, Vec<Value>>;

impl Sockets {
    /// Sends a step again and compares what every open socket gets.
    pub(super) fn replay(&mut self, replay: &Replay, name: &str, step: &Value) -> Result<()> {
        match name {
            "ws.paths" => return paths(replay, &step["response"]["paths"]),
            "ws.flood-110" => return self.flood(replay),
            "ws.history-limits" => return limits(replay),
            _ => {}
        }
        let socket = step["request"]["ws"].as_str().unwrap_or_default();
        if !self.open.contains_key(socket) {
            self.open.insert(socket.to_owned(), Room::open(&replay.server.ws_url())?);
        }
        let room = self.open.get_mut(socket).context("opened just now")?;
        if step["response"]["controlPong"].is_number() {
            ensure!(room.answers_control_ping()?, "no pong");
            return Ok(());
        }
        let upload = replay.uploads.get(".png").cloned().unwrap_or_default();
        for frame in step["request"]["send"].as_array().into_iter().flatten() {
            room.send_message(message(name, frame, &replay.session, &upload))?;
        }
        let expected = expected(name, socket, &step["response"]["frames"])?;
        self.compare(&expected, &upload)
    }

    /// The author's own socket first: `anon` hears nothing, but only after the room has heard.
    fn compare(&mut self, expected: &Expected, upload: &Value) -> Result<()> {
        let none = Vec::new();
        for socket in ["user", "agent", "sess-as-agent", "anon"] {
            let Some(room) = self.open.get_mut(socket) else { continue };
            let recorded = expected.get(socket).unwrap_or(&none);
            let mut found = Vec::new();
            for _ in recorded {
                found
                    .push(room.wait_for("any frame", |_| true).with_context(|| socket.to_owned())?);
            }
            found.extend(room.drain()?);
            ensure!(
                found.len() == recorded.len(),
                "{socket} got {} frames, not {}: {}",
                found.len(),
                recorded.len(),
                shortened(&json!(found))
            );
            for (found, recorded) in found.iter().zip(recorded) {
                let recorded = with_upload(recorded, upload);
                holds(found, &recorded, socket)?;
            }
        }
        Ok(())
    }

    /// 110 messages at once come back once each, in order, with ids that only grow.
    fn flood(&mut self, replay: &Replay) -> Result<()> {
        let (mut room, _) =
            Room::join(&replay.server.ws_url(), Credential::Session(&replay.session))?;
        room.wait_for_type("history")?;
        for number in 0..FLOOD {
            room.send(&json!({"type": "chat", "text": format!("flood {number}")}))?;
        }
        let mut last = 0;
        for number in 0..FLOOD {
            let frame = room.wait_for_type("message")?;
            ensure!(frame["message"]["text"] == format!("flood {number}"), "out of order: {frame}");
            let id = frame["message"]["id"].as_u64().unwrap_or_default();
            ensure!(id > last, "id {id} after {last}");
            last = id;
        }
        for room in self.open.values_mut() {
            room.drain()?;
        }
        Ok(())
    }
}

/// The frames that each socket gets, as recorded or as fixed; none for one that never signed in.
fn expected(name: &str, sender: &str, frames: &Value) -> Result<Expected> {
    let mut expected = Expected::new();
    for (socket, frames) in frames.as_object().into_iter().flatten() {
        let frames = frames.as_array().cloned().unwrap_or_default();
        if socket == "everybody" {
            // The original told `anon` as well; a room is for its members.
            expected.insert("user".to_owned(), frames.clone());
            expected.insert("agent".to_owned(), frames);
        } else {
            expected.insert(socket.clone(), frames);
        }
    }
    match fixes::of(name).map(|fix| &fix.now) {
        None => {}
        Some(Now::Refused(codes)) => {
            let code = if let [code] = codes { json!(code) } else { json!("<code>") };
            let error = json!({"type": "error", "code": code});
            expected = Expected::from([(sender.to_owned(), vec![error])]);
        }
        Some(Now::NoMentions) => {
            for frame in expected.values_mut().flatten() {
                frame["message"].as_object_mut().context("a message")?.remove("mentions");
            }
        }
        Some(Now::Error(_) | Now::Ok(_) | Now::UniqueIds) => anyhow::bail!("no fix for frames"),
    }
    Ok(expected)
}

/// The frame to send for a recorded one: tokens and upload names are put back in.
fn message(name: &str, frame: &Value, session: &str, upload: &Value) -> Message {
    if let Some(raw) = frame.as_str() {
        return Message::text(raw.to_owned());
    }
    if let Some(raw) = frame["binary"].as_str() {
        return Message::binary(raw.as_bytes().to_vec());
    }
    let mut frame = with_upload(frame, upload);
    let [hkh, aria, _] = AGENTS.map(|(token, _)| token);
    let token = match name {
        "ws.auth-fail" | "ws.agent-auth-fail" => "a token of nobody",
        "ws.reauth-as-agent" => aria,
        "ws.agent-auth-ok+history" | "ws.agent-token-as-session" => hkh,
        _ => session,
    };
    if frame["token"].is_string() {
        frame["token"] = token.into();
    }
    if frame["text"] == "<100000 chars>" {
        frame["text"] = "c".repeat(100_000).into();
    }
    if frame["id"].is_string() {
        frame["id"] = 1.into();
    }
    Message::text(frame.to_string())
}

/// The recorded frame with the address of the picture that was uploaded here.
fn with_upload(frame: &Value, upload: &Value) -> Value {
    let mut frame = frame.clone();
    for message in ["", "/message"] {
        let place = format!("{message}/attachments/0/url");
        if let Some(url) = frame.pointer_mut(&place)
            && *url == "/uploads/<hex32>.png"
        {
            *url = upload.clone();
        }
    }
    frame
}

fn paths(replay: &Replay, paths: &Value) -> Result<()> {
    for path in paths.as_object().into_iter().flatten().map(|(path, _)| path) {
        let url = format!("ws://127.0.0.1:{}{path}", replay.server.port());
        Room::open(&url)?.drain().with_context(|| format!("at {path}"))?;
    }
    Ok(())
}

fn limits(replay: &Replay) -> Result<()> {
    let url = replay.server.ws_url();
    let who = [(Credential::Session(&replay.session), 100), (Credential::Agent(AGENTS[0].0), 50)];
    for (credential, limit) in who {
        let (mut room, _) = Room::join(&url, credential)?;
        let history = room.wait_for_type("history")?["messages"].clone();
        let texts = history.as_array().cloned().unwrap_or_default();
        let texts: Vec<&str> =
            texts.iter().filter_map(|message| message["text"].as_str()).collect();
        let wanted: Vec<String> = (FLOOD - limit..FLOOD).map(|n| format!("flood {n}")).collect();
        ensure!(texts == wanted, "history holds {} messages: {texts:?}", texts.len());
    }
    Ok(())
}

const FLOOD: usize = 110;
