//! Signing in, and who may do what.

use serde_json::json;
use tungstenite::{Message, client::IntoClientRequest};

use crate::house::{AGENT, Answer, GUEST, House, JSON, PASSWORD, bearer};

fn login(house: &House, body: &str) -> Answer {
    house.send("POST /api/login", &[JSON], body.as_bytes())
}

#[test]
fn a_login_answers_with_a_token_and_a_cookie_that_both_verify() {
    let house = House::open();
    let answer = house.login("tester");
    assert_eq!(answer.status, 200);
    let json = answer.json();
    assert_eq!((&json["ok"], &json["user"]), (&json!(true), &json!("tester")));
    let token = json["token"].as_str().unwrap();
    assert_eq!(token.len(), 64);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with(&format!("ois_session={token}; HttpOnly; SameSite=Strict")));
    let verify =
        |header: &str| house.send("GET /api/verify", &[header], b"").json()["user"].clone();
    assert_eq!(verify(&bearer(token)), "tester");
    assert_eq!(verify(&format!("Authorization: {token}")), "tester");
    assert_eq!(verify(&format!("Cookie: ois_session={token}")), "tester");
    assert_eq!(verify(&bearer(AGENT)), "HKH 🐱");
}

#[test]
fn what_is_no_login_is_refused_in_the_words_on_record() {
    let house = House::open();
    let wrong = (401, "Invalid password".to_owned());
    let nope = json!({ "username": "tester", "password": "nope" }).to_string();
    let nameless = json!({ "password": PASSWORD }).to_string();
    for body in [nope.as_str(), &nameless, "{}", ""] {
        assert_eq!(login(&house, body).error(), wrong, "{body}");
    }
    let form = ["Content-Type: application/x-www-form-urlencoded"];
    let answer = house.send("POST /api/login", &form, b"username=tester&password=pw-under-test");
    assert_eq!(answer.error(), wrong);
    assert_eq!(login(&house, "{\"username\":").error().0, 400);
    let object = json!({ "username": { "a": 1 }, "password": PASSWORD }).to_string();
    assert_eq!(login(&house, &object).error().0, 400);
}

#[test]
fn nobody_signs_in_under_an_agents_name() {
    let house = House::open();
    let answer = house.login("hkh");
    assert_eq!(answer.error().0, 409);
}

#[test]
fn nobody_signs_in_under_a_name_that_is_taken_for_an_agents_or_the_servers() {
    let house = House::open();
    for name in ["O\u{200d}IS", "HKH\u{3164}", "НКН", "HKH🌸"] {
        assert_eq!(house.login(name).error().0, 400, "{name:?}");
    }
    assert_eq!(house.login("小明Bot").status, 200);
}

#[test]
fn guessing_passwords_is_slowed_down_and_says_for_how_long() {
    let house = House::open();
    let guess = json!({ "username": "tester", "password": "nope" }).to_string();
    for _ in 0..10 {
        assert_eq!(login(&house, &guess).status, 401);
    }
    let answer = login(&house, &guess);
    assert_eq!(answer.error().0, 429);
    assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(house.login("tester").status, 429);
    // Who has a token already goes on.
    assert_eq!(house.ask("GET /api/verify").status, 200);
}

#[test]
fn guessing_tokens_is_slowed_down_but_an_old_session_is_not_a_guess() {
    let house = House::open();
    let verify = |token: &str| house.send("GET /api/verify", &[&bearer(token)], b"").error();
    for _ in 0..20 {
        assert_eq!(verify(&"0a".repeat(32)), (401, "Invalid token".to_owned()));
    }
    for _ in 0..10 {
        assert_eq!(verify("guess").0, 401);
    }
    assert_eq!(verify("guess").0, 429);
}

#[test]
fn without_a_token_nothing_is_shown() {
    let house = House::open();
    let ask = |what| house.send(what, &[], b"").error();
    assert_eq!(ask("GET /api/verify"), (401, "Invalid token".to_owned()));
    for what in [
        "GET /api/members",
        "GET /api/messages",
        "GET /api/files?path=",
        "GET /api/file?path=readme.md",
        "GET /api/download?path=readme.md",
        "DELETE /api/file?path=readme.md",
        "POST /api/rename",
        "POST /api/upload",
        "PUT /api/file?path=x",
    ] {
        assert_eq!(ask(what), (401, "Unauthorized".to_owned()), "{what}");
    }
}

#[test]
fn a_guest_reads_and_does_no_more() {
    let house = House::open();
    let ask = |what| house.send(what, &[&bearer(GUEST)], b"");
    assert_eq!(ask("GET /api/files").status, 200);
    assert_eq!(ask("GET /api/messages").status, 200);
    for what in ["PUT /api/file?path=x", "POST /api/messages", "DELETE /api/file?path=x"] {
        assert_eq!(ask(what).error().0, 403, "{what}");
    }
}

#[test]
fn a_cookie_changes_something_only_from_our_own_page() {
    let house = House::open();
    let token = house.login("tester").json()["token"].as_str().unwrap().to_owned();
    let cookie = format!("Cookie: ois_session={token}");
    let make = |name: &str, headers: &[&str]| {
        let body = json!({ "path": name }).to_string();
        let all = [&[cookie.as_str(), JSON], headers].concat();
        house.send("POST /api/mkdir", &all, body.as_bytes()).status
    };
    assert_eq!(make("a", &[]), 403);
    assert_eq!(make("a", &["Origin: http://evil.example"]), 403);
    assert_eq!(make("a", &["Sec-Fetch-Site: cross-site"]), 403);
    assert_eq!(make("a", &["Sec-Fetch-Site: same-origin"]), 200);
    assert_eq!(house.send("GET /api/files", &[&cookie], b"").status, 200);
}

#[test]
fn after_a_logout_the_token_is_nobodys() {
    let house = House::open();
    let token = house.login("tester").json()["token"].as_str().unwrap().to_owned();
    let answer = house.send("POST /api/logout", &[&bearer(&token)], b"");
    assert_eq!(answer.json(), json!({ "ok": true }));
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(house.send("GET /api/verify", &[&bearer(&token)], b"").status, 401);
}

#[test]
fn a_session_and_the_register_outlive_the_server() {
    let house = House::open();
    let token = house.login("tester").json()["token"].as_str().unwrap().to_owned();
    let house = house.restart();
    assert_eq!(house.send("GET /api/verify", &[&bearer(&token)], b"").json()["user"], "tester");
    assert_eq!(house.send("GET /api/verify", &[&bearer(GUEST)], b"").status, 200);
}

#[test]
fn the_members_are_those_of_the_register() {
    let house = House::open();
    let members = house.ask("GET /api/members").json();
    let names: Vec<&str> = members["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"HKH") && names.contains(&"Reader"), "{names:?}");
}

#[test]
fn the_counters_are_for_who_sits_on_the_host_or_administers() {
    let house = House::open();
    let answer = house.send("GET /metrics", &[], b"");
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("ois_build_info{version="));
    let passed_on = ["X-Forwarded-For: 203.0.113.9", &bearer(AGENT)];
    assert_eq!(house.send("GET /metrics", &passed_on, b"").status, 403);
}

#[test]
fn a_page_whose_session_ends_is_shown_out() {
    let house = House::open();
    let token = house.login("mira").json()["token"].as_str().unwrap().to_owned();
    let mut request = "ws://ois/ws".into_client_request().unwrap();
    request.headers_mut().insert("cookie", format!("ois_session={token}").parse().unwrap());
    let (mut socket, _) = tungstenite::client(request, house.connect()).unwrap();
    socket.send(Message::text(r#"{"type":"auth"}"#)).unwrap();
    assert!(socket.read().unwrap().to_text().unwrap().contains("auth_ok"));
    assert!(socket.read().unwrap().to_text().unwrap().contains("history"));
    assert_eq!(house.send("POST /api/logout", &[&bearer(&token)], b"").status, 200);
    assert!(socket.read().unwrap().is_close());
}
