//! Messages without a WebSocket.

use ois_protocol::{Delivery, EventId, NewEvent, RoomName, Timestamp};
use serde_json::{Value, json};

use crate::house::{AGENT, Answer, House, JSON, bearer};

fn say(house: &House, text: &str) -> u64 {
    let answer = house.tell("POST /api/messages", &json!({ "text": text }));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["id"].as_u64().unwrap()
}

/// The texts of an answer, and whether there are more.
fn texts(answer: &Answer) -> (Vec<String>, bool) {
    let json = answer.json();
    let text = |message: &Value| message["text"].as_str().unwrap().to_owned();
    let texts = json["messages"].as_array().unwrap().iter().map(text).collect();
    (texts, json["more"].as_bool().unwrap())
}

fn list(texts: &[&str], more: bool) -> (Vec<String>, bool) {
    (texts.iter().map(|text| (*text).to_owned()).collect(), more)
}

#[test]
fn what_was_said_can_be_read_from_any_place_on() {
    let house = House::open();
    let ids: Vec<u64> = ["a", "b", "c", "d", "e"].map(|text| say(&house, text)).to_vec();
    let read = |query: &str| texts(&house.ask(&format!("GET /api/messages?{query}")));
    assert_eq!(read(""), list(&["a", "b", "c", "d", "e"], false));
    assert_eq!(read("limit=2"), list(&["d", "e"], true));
    assert_eq!(read(&format!("after={}&limit=2", ids[0])), list(&["b", "c"], true));
    assert_eq!(read(&format!("after={}", ids[3])), list(&["e"], false));
    assert_eq!(read(&format!("before={}&limit=2", ids[2])), list(&["a", "b"], false));
    assert_eq!(read(&format!("before={}&limit=1", ids[2])), list(&["b"], true));
    assert_eq!(read(&format!("around={}&limit=3", ids[2])), list(&["b", "c", "d"], true));
    assert_eq!(read(&format!("around={}", ids[2])), list(&["a", "b", "c", "d", "e"], false));
    assert_eq!(read("after=0&limit=1"), list(&["a"], true));
}

#[test]
fn a_message_is_shown_as_the_wire_shows_it() {
    let house = House::open();
    let id = say(&house, "hello @reader");
    let message = &house.ask("GET /api/messages").json()["messages"][0];
    assert_eq!((&message["id"], &message["user"]), (&json!(id), &json!("HKH 🐱")));
    assert_eq!(message["mentions"], json!(["Reader"]));
}

#[test]
fn the_same_key_yields_the_same_message() {
    let house = House::open();
    let headers = [bearer(AGENT), JSON.to_owned(), "Idempotency-Key: key-1".to_owned()];
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let body = json!({ "text": "once" }).to_string();
    let first = house.send("POST /api/messages", &headers, body.as_bytes()).json();
    let second = house.send("POST /api/messages", &headers, body.as_bytes()).json();
    assert_eq!(first["id"], second["id"]);
    assert_eq!(second["duplicate"], json!(true));
    assert_eq!(texts(&house.ask("GET /api/messages")), list(&["once"], false));
}

#[test]
fn what_cannot_be_said_or_read_is_refused() {
    let house = House::open();
    let long = "x".repeat((256 << 10) + 1);
    for (body, status) in [
        (json!({}), 400),
        (json!({ "text": 42 }), 400),
        (json!({ "text": long }), 413),
        (json!({ "text": "x", "replyTo": 99 }), 404),
        (json!({ "text": "x", "attachments": [{ "url": "javascript:alert(1)" }] }), 400),
        (json!({ "text": "x", "nonce": "two words" }), 400),
    ] {
        assert_eq!(house.tell("POST /api/messages", &body).error().0, status, "{body:.80}");
    }
    for query in ["limit=0", "limit=201", "limit=x", "after=x", "after=1&before=2", "room="] {
        let answer = house.ask(&format!("GET /api/messages?{query}"));
        assert_eq!(answer.error().0, 400, "{query}");
    }
    assert_eq!(house.ask("GET /api/messages?room=secret").error().0, 404);
}

#[test]
fn one_message_is_read_by_its_id() {
    let house = House::open();
    let (first, second) = (say(&house, "one"), say(&house, "two"));
    let ask = |id: &str| house.ask(&format!("GET /api/messages/{id}"));
    let answer = ask(&first.to_string()).json();
    let page = house.ask("GET /api/messages").json();
    assert_eq!(answer, json!({ "message": page["messages"][0] }));
    assert_eq!(ask(&second.to_string()).json()["message"]["text"], "two");
    let missing = (404, "there is no such message".to_owned());
    assert_eq!(ask(&(second + 1).to_string()).error(), missing);
    assert_eq!(ask("0").error(), missing);
    assert_eq!(ask("one").error().0, 400);
}

#[test]
fn what_is_in_the_log_and_is_no_message_is_not_read_as_one() {
    let house = House::open();
    let id = say(&house, "hello");
    let event = NewEvent::Delivery {
        room: RoomName::main(),
        delivery: Delivery::stored(
            EventId::new(id).unwrap(),
            "HKH".parse().unwrap(),
            Timestamp::from_ms(0),
        ),
    };
    let after = *house.store().head().borrow();
    let append = house.store().append(vec![event], Timestamp::from_ms(0), after);
    let stored = house.wait(append).unwrap();
    let answer = house.ask(&format!("GET /api/messages/{}", stored.first));
    assert_eq!(answer.error(), (404, "there is no such message".to_owned()));
}
