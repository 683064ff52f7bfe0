//! Every frame of a client, sent by everybody.

use std::{collections::BTreeSet, net::TcpStream};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use super::{EVERYBODY, Right, Team, Who, allowed, specification};

/// A frame, and what it needs; `None` if anybody may send it.
fn cases() -> Vec<(Value, Option<Right>)> {
    let at = "2026-02-06T12:34:56.789Z";
    vec![
        (json!({ "type": "ping" }), None),
        (json!({ "type": "auth", "token": "nobody's" }), None),
        (json!({ "type": "agent_auth", "token": "nobody's" }), None),
        (json!({ "type": "chat", "text": "said" }), Some(Right::Chat)),
        (json!({ "type": "message", "text": "said" }), Some(Right::Chat)),
        (json!({ "type": "activity", "state": "typing" }), Some(Right::Report)),
        (
            json!({ "type": "delivery", "message": 1, "agent": "Agent", "attempt": 1,
                    "state": "received", "at": at }),
            Some(Right::Report),
        ),
        (
            json!({ "type": "presence", "name": "Agent", "state": "busy", "since": at }),
            Some(Right::Report),
        ),
        (
            json!({ "type": "run", "run": "r-1", "agent": "Agent", "cause": 1, "start": at }),
            Some(Right::Report),
        ),
        (json!({ "type": "stopped", "run": "r-1", "stopped": true }), Some(Right::Report)),
        (json!({ "type": "holding", "calls": ["1:1"] }), Some(Right::Report)),
    ]
}

#[test]
fn every_frame_has_a_line_in_the_matrix() {
    let specification = specification(include_str!("../../../../../specs/websocket.json"));
    let messages = specification["components"]["messages"].as_object().unwrap();
    let specified: BTreeSet<&str> =
        messages.keys().filter_map(|name| name.strip_prefix("client.")).collect();
    let cases = cases();
    let listed: BTreeSet<&str> =
        cases.iter().map(|(frame, _)| frame["type"].as_str().unwrap()).collect();
    assert_eq!(listed, specified);
}

#[test]
fn a_frame_without_the_right_is_refused_and_stores_nothing() {
    let team = Team::open();
    for who in EVERYBODY.map(Some).into_iter().chain([None]) {
        let mut socket = sign_in(&team, who);
        for (frame, right) in cases() {
            let Some(right) = right else { continue };
            let before = *team.house.store().head().borrow();
            let answers = answers(&mut socket, &frame);
            let expected = match who {
                None => Some("unauthorized"),
                Some(who) if !allowed(who, right) => Some("forbidden"),
                Some(_) => None,
            };
            assert_eq!(refusal(&answers), expected, "{who:?} {frame}: {answers:?}");
            if expected.is_some() {
                let head = *team.house.store().head().borrow();
                assert_eq!((head, answers.len()), (before, 1), "{who:?} {frame}: {answers:?}");
            } else if right == Right::Chat {
                assert!(next_of(&mut socket, answers, "message"), "{who:?} {frame}");
            }
        }
    }
}

/// A connection of this member, past everything that a sign-in is answered with.
fn sign_in(team: &Team, who: Option<Who>) -> WebSocket<TcpStream> {
    let (mut socket, _) = tungstenite::client("ws://ois/ws", team.house.connect()).unwrap();
    let Some(who) = who else { return socket };
    let is_agent = matches!(who, Who::Agent | Who::AgentAdmin | Who::AgentGuest);
    let kind = if is_agent { "agent_auth" } else { "auth" };
    let answers = answers(&mut socket, &json!({ "type": kind, "token": team.token(who) }));
    assert!(answers.iter().any(|answer| answer["type"] == "auth_ok"), "{who:?} {answers:?}");
    socket
}

/// What comes back for a frame before the answer to a ping that is sent behind it.
fn answers(socket: &mut WebSocket<TcpStream>, frame: &Value) -> Vec<Value> {
    for frame in [frame, &json!({ "type": "ping" })] {
        socket.send(Message::text(frame.to_string())).unwrap();
    }
    let mut answers = Vec::new();
    loop {
        let answer = next(socket);
        if answer["type"] == "pong" {
            return answers;
        }
        answers.push(answer);
    }
}

/// Whether a frame of this type is among the answers or comes next.
fn next_of(socket: &mut WebSocket<TcpStream>, answers: Vec<Value>, kind: &str) -> bool {
    answers.iter().any(|answer| answer["type"] == kind) || next(socket)["type"] == kind
}

fn next(socket: &mut WebSocket<TcpStream>) -> Value {
    serde_json::from_str(socket.read().unwrap().to_text().unwrap()).unwrap()
}

/// The code of an error that says that the sender may not.
fn refusal(answers: &[Value]) -> Option<&str> {
    let codes = answers.iter().filter_map(|answer| answer["code"].as_str());
    codes.into_iter().find(|code| ["unauthorized", "forbidden"].contains(code))
}
