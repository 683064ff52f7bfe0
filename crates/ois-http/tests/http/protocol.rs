//! HTTP itself: methods, addresses, upgrades, health.

use std::io::{Read, Write};

use serde_json::json;

use crate::house::{AGENT, Answer, House, bearer};

const UPGRADE: [&str; 3] =
    ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];

fn upgrade(house: &House, path: &str, more: &[&str]) -> Answer {
    house.send(&format!("GET {path}"), &[&UPGRADE, more].concat(), b"")
}

#[test]
fn unknown_paths_and_methods_are_told_apart() {
    let house = House::open();
    assert_eq!(house.ask("GET /api/nope").error().0, 404);
    let answer = house.ask("GET /api/login");
    assert_eq!(answer.error().0, 405);
    assert_eq!(answer.header("allow"), Some("POST, OPTIONS"));
    let options = house.send("OPTIONS /api/file", &[], b"");
    let allow = Some("GET, POST, PUT, DELETE, HEAD, OPTIONS");
    assert_eq!((options.status, options.header("allow")), (204, allow));
}

#[test]
fn an_address_that_cannot_be_decoded_is_refused() {
    let house = House::open();
    for query in ["%ff", "%zz", "%4", "a&path=b"] {
        let answer = house.ask(&format!("GET /api/file?path={query}"));
        assert_eq!(answer.error().0, 400, "{query}");
    }
}

#[test]
fn an_upgrade_is_taken_on_any_path() {
    let house = House::open();
    for path in ["/", "/ws", "/anything/else?x=1"] {
        let answer = upgrade(&house, path, &["Sec-WebSocket-Version: 13"]);
        assert_eq!(answer.status, 101, "{path}");
        let accept = Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(answer.header("sec-websocket-accept"), accept);
    }
}

#[test]
fn a_handshake_that_is_none_is_refused() {
    let house = House::open();
    let old = upgrade(&house, "/", &["Sec-WebSocket-Version: 8"]);
    assert_eq!(old.error().0, 426);
    assert_eq!(old.header("sec-websocket-version"), Some("13"));
    let keyless = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
    assert_eq!(house.send("GET /", &keyless, b"").error().0, 400);
    assert_eq!(house.send("GET /", &keyless[1..], b"").error().0, 400);
    assert_eq!(house.ask("GET /ws").error().0, 426);
}

#[test]
fn a_foreign_page_cannot_use_the_cookie_for_a_connection() {
    let house = House::open();
    let version = "Sec-WebSocket-Version: 13";
    let cookie = "Cookie: ois_session=abc";
    let foreign = "Origin: http://evil.example";
    assert_eq!(upgrade(&house, "/", &[version, cookie, foreign]).error().0, 403);
    assert_eq!(upgrade(&house, "/", &[version, foreign]).status, 101);
    assert_eq!(upgrade(&house, "/", &[version, cookie]).status, 101);
}

/// An answer to this request, sent as the first of a connection or behind another one, and what
/// follows a ping right behind it if it was a handshake.
fn answered(house: &House, head: &str, behind: &str) -> (Answer, Option<[u8; 2]>) {
    let mut stream = house.connect();
    if !behind.is_empty() {
        stream.write_all(behind.as_bytes()).unwrap();
        assert_eq!(Answer::next(&mut stream).status, 200);
    }
    stream.write_all(&[head.as_bytes(), b"\x89\x80mask"].concat()).unwrap();
    let mut answer = Answer::next(&mut stream);
    answer.headers.retain(|(name, _)| name != "date");
    let mut pong = [0; 2];
    let is_open = answer.status == 101 && stream.read_exact(&mut pong).is_ok();
    (answer, is_open.then_some(pong))
}

#[test]
fn a_handshake_is_answered_alike_as_the_first_request_and_behind_another() {
    let house = House::open();
    let version = "Sec-WebSocket-Version: 13\r\n";
    let good = format!("{}\r\n{version}", UPGRADE.join("\r\n"));
    let foreign = format!("{good}Cookie: ois_session=a\r\nOrigin: http://evil.example\r\n");
    for (headers, status) in [
        (good.clone(), 101),
        (format!("{good}Cookie: ois_session=a\r\n"), 101),
        (format!("{good}Sec-WebSocket-Protocol: chat\r\nX-Other: 1\r\n"), 101),
        (foreign, 403),
        (good.replace(": 13", ": 8"), 426),
        (good.replace("dGhl", "dGh"), 400),
    ] {
        let head = format!("GET /ws?x=1 HTTP/1.1\r\nHost: here\r\n{headers}\r\n");
        let first = answered(&house, &head, "");
        let second = answered(&house, &head, "GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n");
        assert_eq!(first.0.status, status, "{head}");
        assert_eq!(format!("{first:?}"), format!("{second:?}"), "{head}");
        assert_eq!(first.1, (status == 101).then_some([0x8a, 0]), "{head}");
    }
}

#[test]
fn the_server_says_that_it_lives_and_is_ready() {
    let house = House::open();
    assert_eq!(house.send("GET /healthz", &[], b"").json(), json!({ "ok": true }));
    assert_eq!(house.send("GET /readyz", &[], b"").json(), json!({ "ok": true }));
}

#[test]
fn answers_of_the_api_are_not_cached_and_not_guessed_at() {
    let house = House::open();
    let answer = house.send("GET /api/members", &[&bearer(AGENT)], b"");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}
