//! The server's own endpoint, over a socket. It answers every message with one of its own.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::{Value, json};

use crate::{
    frames::{FIN, Heard, LAST, PING, TEXT, frame, read},
    house::{AGENT, House},
    peer::{half_closed, hold, upgraded},
};

/// What a message says is no matter of its frame.
fn any_text(heard: Heard) -> Heard {
    match heard {
        Heard::Text(_) | Heard::Binary(_) => Heard::Text(Vec::new()),
        other => other,
    }
}

fn text(json: &Value) -> Vec<u8> {
    frame(TEXT, json.to_string().as_bytes())
}

fn kinds(heard: &[Heard]) -> Vec<String> {
    let kind = |heard: &Heard| match heard {
        Heard::Text(text) => {
            let json: Value = serde_json::from_slice(text).unwrap();
            json["type"].as_str().unwrap().to_owned()
        }
        other => format!("{other:?}"),
    };
    heard.iter().map(kind).collect()
}

#[test]
fn the_endpoint_keeps_every_rule_however_the_bytes_come() {
    let house = House::open();
    hold(house.connect().peer_addr().unwrap(), 1 << 20, any_text);
}

#[test]
fn who_ends_their_half_hears_the_answers_to_what_they_said_before() {
    let house = House::open();
    let address = house.connect().peer_addr().unwrap();
    let asked = [frame(PING, b"1"), text(&json!({"type": "ping"})), frame(PING, b"2")].concat();
    let heard = half_closed(address, &asked);
    assert_eq!(heard.first(), Some(&Heard::Pong(b"1".to_vec())));
    assert_eq!(heard.last(), Some(&Heard::Pong(b"2".to_vec())));
    assert_eq!(kinds(&heard[1..2]), ["pong"]);
    // Half a frame is never heard, and nobody waits for the rest of it.
    let cut = [frame(PING, b"1"), frame(TEXT, b"{}")[..5].to_vec()].concat();
    assert_eq!(half_closed(address, &cut), [Heard::Pong(b"1".to_vec())]);
    let piece = frame(TEXT & !FIN, b"{\"type\":\"ping\"}");
    assert_eq!(half_closed(address, &piece), []);
}

#[test]
fn what_was_said_before_the_half_was_ended_is_told_to_others_and_kept() {
    let house = House::open();
    let address = house.connect().peer_addr().unwrap();
    let auth = text(&json!({"type": "agent_auth", "token": AGENT}));
    let mut witness = upgraded(address);
    witness.write_all(&auth).unwrap();
    until(&mut witness, "history");
    let said = text(&json!({"type": "chat", "text": "and gone"}));
    half_closed(address, &[auth, said].concat());
    assert!(kinds(&until(&mut witness, "message")).contains(&"message".to_owned()));
    let kept = house.ask("GET /api/messages").json();
    assert_eq!(kept["messages"][0]["text"], "and gone");
}

#[test]
fn a_member_is_heard_in_pieces_with_pings_between_them() {
    let house = House::open();
    let mut stream = upgraded(house.connect().peer_addr().unwrap());
    let chat = json!({"type": "chat", "text": "写真 in pieces", "nonce": "n1"}).to_string();
    stream.write_all(&text(&json!({"type": "agent_auth", "token": AGENT, "after": 0}))).unwrap();
    for (at, byte) in chat.bytes().enumerate() {
        let first = if at == 0 { TEXT & !FIN } else { 0 };
        stream.write_all(&[frame(first, &[byte]), frame(PING, b"")].concat()).unwrap();
    }
    stream.write_all(&frame(LAST, b"")).unwrap();
    let heard = until(&mut stream, "ack");
    let pongs = heard.iter().filter(|heard| **heard == Heard::Pong(vec![])).count();
    assert_eq!(pongs, chat.len());
    assert!(kinds(&heard).contains(&"auth_ok".to_owned()), "{:?}", kinds(&heard));
    let kept = house.ask("GET /api/messages").json();
    assert_eq!(kept["messages"][0]["text"], "写真 in pieces");
}

/// Reads until a frame of this type has come, and what came with it.
fn until(stream: &mut TcpStream, kind: &str) -> Vec<Heard> {
    let mut bytes = Vec::new();
    read_to(stream, &mut bytes, format!("{{\"type\":\"{kind}\"").as_bytes());
    // The answer to a ping stands between whole frames.
    stream.write_all(&frame(PING, b"until here")).unwrap();
    let end = read_to(stream, &mut bytes, b"\x8a\x0auntil here");
    read(&bytes[..end])
}

/// Reads until these bytes have come, and tells where they begin.
fn read_to(stream: &mut TcpStream, bytes: &mut Vec<u8>, marker: &[u8]) -> usize {
    loop {
        if let Some(at) = bytes.windows(marker.len()).position(|part| part == marker) {
            return at;
        }
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "it ended before {}", marker.escape_ascii());
        bytes.extend_from_slice(&piece[..count]);
    }
}
