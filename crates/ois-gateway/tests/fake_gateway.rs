//! Tests of the link against a gateway that misbehaves on purpose.
#![expect(clippy::unwrap_used, reason = "helpers of tests are not seen as tests")]

#[path = "fake/server.rs"]
mod server;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use ois_gateway::{
    Admission, Gateway, GatewayError, GatewayEvent, Http, Outcome, RunStep, SessionsSend, Turn,
};
use serde_json::json;
use server::{Peer, config, serve};
use tungstenite::Message;

const SOON: Duration = Duration::from_secs(30);

fn turn(key: &str) -> Turn {
    Turn {
        session_key: "agent:main:ois".into(),
        message: "hi".into(),
        idempotency_key: key.into(),
        extra_system_prompt: None,
        source: None,
    }
}

#[test]
fn a_gateway_that_lets_us_in_says_who_it_is() {
    let (config, served) = serve(|mut peer| {
        peer.accept_client();
        peer.until_gone();
    });
    let gateway = Gateway::connect(&config).unwrap();
    assert_eq!(gateway.boot_id(), "b1");
    assert_eq!(gateway.server_version(), "2026.9.6");
    assert_eq!(gateway.scopes(), ["operator.read", "operator.write"]);
    assert!(gateway.ended().is_none());
    // Dropping the last clone closes the link, which the gateway sees.
    drop(gateway);
    served.join().unwrap();
}

#[test]
fn nobody_there_is_unreachable() {
    // The listener is bound and dropped, so no program listens on this port any more.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = Gateway::connect(&config(&format!("ws://{address}"))).unwrap_err();
    assert!(matches!(error, GatewayError::Unreachable { .. }), "{error:?}");
    assert!(!error.may_have_begun());
}

#[test]
fn a_wrong_token_is_unauthorized_and_stands_in_no_text() {
    let (config, served) = serve(|mut peer| {
        peer.challenge();
        let connect = peer.next();
        let message = "unauthorized: gateway token mismatch (provide gateway auth token)";
        let details = json!({"code": "AUTH_TOKEN_MISMATCH", "authReason": "token_mismatch"});
        let error = json!({"code": "INVALID_REQUEST", "message": message, "details": details});
        peer.complain(&connect, &error);
        peer.close(1008, "unauthorized");
    });
    let error = Gateway::connect(&config).unwrap_err();
    assert!(matches!(error, GatewayError::Unauthorized { .. }), "{error:?}");
    assert!(!format!("{error:?} {error} {config:?}").contains("s3cret"));
    served.join().unwrap();
}

#[test]
fn a_gateway_of_another_protocol_is_incompatible() {
    let (config, served) = serve(|mut peer| {
        peer.challenge();
        let connect = peer.next();
        let details = json!({"code": "PROTOCOL_MISMATCH", "expectedProtocol": 3});
        let error =
            json!({"code": "INVALID_REQUEST", "message": "protocol mismatch", "details": details});
        peer.complain(&connect, &error);
        peer.close(1002, "protocol mismatch");
    });
    let error = Gateway::connect(&config).unwrap_err();
    assert!(matches!(error, GatewayError::Incompatible { ours: 4, theirs: 3 }), "{error:?}");
    served.join().unwrap();
}

#[test]
fn a_gateway_that_closes_while_it_starts_is_busy() {
    let (config, served) = serve(|peer| peer.close(1013, "starting"));
    let error = Gateway::connect(&config).unwrap_err();
    assert!(matches!(error, GatewayError::Busy { .. }), "{error:?}");
    served.join().unwrap();
}

#[test]
fn a_web_server_is_no_gateway() {
    let (config, served) = answer_http("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    let error = Gateway::connect(&config).unwrap_err();
    assert!(matches!(error, GatewayError::BadAnswer { .. }), "{error:?}");
    served.join().unwrap();
}

#[test]
fn tls_to_a_plain_gateway_is_unreachable() {
    let (mut config, served) = answer_http("HTTP/1.1 400 Bad Request\r\n\r\n");
    config.url = config.url.replace("ws://", "wss://");
    let error = Gateway::connect(&config).unwrap_err();
    assert!(matches!(error, GatewayError::Unreachable { .. }), "{error:?}");
    served.join().unwrap();
}

#[test]
fn a_listener_that_never_answers_is_given_up_at_the_deadline() {
    // The system completes the connection, but no program ever accepts it.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config(&format!("ws://{}", listener.local_addr().unwrap()));
    config.connect_within = Duration::from_millis(50);
    let error = Gateway::connect(&config).unwrap_err();
    assert!(matches!(error, GatewayError::TimedOut { after_ms: 50, .. }), "{error:?}");
}

#[test]
fn a_gateway_that_never_challenges_is_given_up_at_the_deadline() {
    let (mut config, served) = serve(Peer::until_gone);
    config.connect_within = Duration::from_millis(300);
    let error = Gateway::connect(&config).unwrap_err();
    assert!(matches!(error, GatewayError::TimedOut { .. }), "{error:?}");
    served.join().unwrap();
}

#[test]
fn a_turn_is_delivered_and_its_second_answer_disturbs_nobody() {
    let (config, served) = serve(|mut peer| {
        peer.accept_client();
        let agent = peer.next();
        assert_eq!(agent["params"]["idempotencyKey"], "k");
        peer.answer(&agent, &json!({"runId": "k", "status": "accepted"}));
        let wait = peer.next();
        assert_eq!(wait["params"]["runId"], "k");
        peer.answer(&agent, &json!({"runId": "k", "status": "ok", "summary": "completed"}));
        let reply = json!({"disposition": "visible", "text": "pong"});
        peer.answer(&wait, &json!({"runId": "k", "status": "ok", "terminalReply": reply}));
        peer.until_gone();
    });
    let gateway = Gateway::connect(&config).unwrap();
    let admitted = gateway.deliver(&turn("k"), SOON).unwrap();
    assert_eq!((admitted.run_id.as_str(), admitted.admission), ("k", Admission::Accepted));
    assert_eq!(gateway.wait("k", SOON).unwrap(), Outcome::Replied("pong".into()));
    drop(gateway);
    served.join().unwrap();
}

#[test]
fn many_threads_share_one_link_and_each_gets_its_own_answer() {
    const CALLERS: usize = 40;
    let (config, served) = serve(|mut peer| {
        peer.accept_client();
        // All requests are under way before the first is answered, and the last is answered first.
        let waits: Vec<_> = (0..CALLERS).map(|_| peer.next()).collect();
        for wait in waits.iter().rev() {
            let reply = json!({"disposition": "visible", "text": wait["params"]["runId"]});
            peer.answer(wait, &json!({"status": "ok", "terminalReply": reply}));
        }
        peer.until_gone();
    });
    let gateway = Gateway::connect(&config).unwrap();
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let gateway = gateway.clone();
            scope.spawn(move || {
                let run = format!("run-{caller}");
                assert_eq!(gateway.wait(&run, SOON).unwrap(), Outcome::Replied(run));
            });
        }
    });
    drop(gateway);
    served.join().unwrap();
}

#[test]
fn a_close_in_the_middle_of_a_request_is_told_to_who_waits_and_to_who_comes_later() {
    let (config, served) = serve(|mut peer| {
        peer.accept_client();
        peer.next();
        peer.close(1012, "service restart");
    });
    let gateway = Gateway::connect(&config).unwrap();
    let events = gateway.events(8);
    let error = gateway.deliver(&turn("k"), SOON).unwrap_err();
    assert!(matches!(error, GatewayError::Lost { .. }) && error.may_have_begun(), "{error:?}");
    assert!(events.recv().is_err(), "the events end with the link");
    assert!(matches!(gateway.ended(), Some(GatewayError::Busy { .. })), "{gateway:?}");
    let later = gateway.deliver(&turn("k"), SOON).unwrap_err();
    assert!(matches!(later, GatewayError::Lost { .. }), "{later:?}");
    served.join().unwrap();
}

#[test]
fn a_socket_that_just_ends_is_a_lost_link() {
    let (config, served) = serve(|mut peer| {
        peer.accept_client();
        peer.next();
    });
    let gateway = Gateway::connect(&config).unwrap();
    let error = gateway.wait("k", SOON).unwrap_err();
    assert!(matches!(error, GatewayError::Lost { .. }), "{error:?}");
    served.join().unwrap();
}

#[test]
fn a_request_without_answer_times_out_and_the_link_lives_on() {
    let (config, served) = serve(|mut peer| {
        peer.accept_client();
        let ignored = peer.next();
        let health = peer.next();
        peer.answer(&ignored, &json!({"runId": "k", "status": "accepted"}));
        peer.answer(&health, &json!({"ok": true, "agents": [{"agentId": "main"}]}));
        peer.until_gone();
    });
    let gateway = Gateway::connect(&config).unwrap();
    let error = gateway.deliver(&turn("k"), Duration::from_millis(30)).unwrap_err();
    assert!(matches!(error, GatewayError::TimedOut { after_ms: 30, .. }), "{error:?}");
    let health = gateway.probe(SOON).unwrap();
    assert!(health.ok && health.agents == ["main"]);
    drop(gateway);
    served.join().unwrap();
}

#[test]
fn a_flood_of_events_holds_up_nobody_and_what_is_lost_is_counted() {
    const FLOOD: u64 = 20_000;
    let (config, served) = serve(|mut peer| {
        peer.accept_client();
        let listening = peer.next();
        peer.answer(&listening, &json!({"ok": true}));
        let flooded = peer.next();
        for _ in 0..FLOOD {
            peer.event("chat", &delta("x"));
        }
        peer.answer(&flooded, &json!({"ok": true}));
        let room_again = peer.next();
        peer.event("chat", &delta("last"));
        peer.answer(&room_again, &json!({"ok": true}));
        peer.until_gone();
    });
    let gateway = Gateway::connect(&config).unwrap();
    let events = gateway.events(4);
    gateway.probe(SOON).unwrap();
    gateway.probe(SOON).unwrap();
    let first: Vec<GatewayEvent> = events.try_iter().collect();
    assert_eq!(first.len(), 4);
    gateway.probe(SOON).unwrap();
    assert_eq!(events.recv().unwrap(), GatewayEvent::Missed(FLOOD - 4));
    let GatewayEvent::Run(run) = events.recv().unwrap() else { panic!("no run") };
    assert_eq!(run.step, RunStep::Delta("last".into()));
    drop(gateway);
    served.join().unwrap();
}

#[test]
fn garbage_frames_are_passed_over() {
    let (config, served) = serve(|mut peer| {
        peer.accept_client();
        let health = peer.next();
        for garbage in ["{", "null", r#"{"type":"res","id":"x","ok":true}"#, r#"{"type":"new"}"#] {
            peer.raw(Message::text(garbage));
        }
        peer.raw(Message::binary(vec![0xff; 100]));
        peer.raw(Message::Ping("are you there".into()));
        peer.answer(&health, &json!({"ok": true}));
        peer.until_gone();
    });
    let gateway = Gateway::connect(&config).unwrap();
    assert!(gateway.probe(SOON).unwrap().ok);
    drop(gateway);
    served.join().unwrap();
}

#[test]
fn an_answer_of_the_wrong_shape_is_a_bad_answer() {
    let (config, served) = serve(|mut peer| {
        peer.accept_client();
        let agent = peer.next();
        peer.answer(&agent, &json!(["not", "a", "run"]));
        peer.until_gone();
    });
    let gateway = Gateway::connect(&config).unwrap();
    let error = gateway.deliver(&turn("k"), SOON).unwrap_err();
    assert!(matches!(error, GatewayError::BadAnswer { .. }), "{error:?}");
    drop(gateway);
    served.join().unwrap();
}

#[test]
fn sessions_send_that_is_denied_names_the_key_that_allows_it() {
    let body = r#"{"ok":false,"error":{"type":"not_found","message":"Tool not available: sessions_send"}}"#;
    let length = body.len();
    let (config, served) =
        answer_http(&format!("HTTP/1.1 404 Not Found\r\nContent-Length: {length}\r\n\r\n{body}"));
    let send = SessionsSend {
        session_key: "agent:main:webchat".into(),
        message: "hi".into(),
        caller: None,
    };
    let error = Http::new(&config).unwrap().sessions_send(&send, SOON).unwrap_err();
    let GatewayError::Refused { allow, .. } = error else { panic!("{error:?}") };
    assert_eq!(allow, r#"gateway.tools.allow: ["sessions_send"]"#);
    let request = served.join().unwrap().to_lowercase();
    assert!(request.starts_with("post /tools/invoke http/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: bearer s3cret\r\n"), "{request}");
    assert!(!request.contains("\r\norigin:"), "{request}");
}

#[test]
fn a_throttling_gateway_is_busy_and_says_for_how_long() {
    let (config, served) = answer_http(
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n",
    );
    let error = Http::new(&config).unwrap().alive(SOON).unwrap_err();
    assert!(matches!(error, GatewayError::Busy { retry_after_ms: Some(60_000), .. }), "{error:?}");
    served.join().unwrap();
}

#[test]
fn readiness_names_what_is_missing() {
    let body = r#"{"ready":false,"failing":["ois"],"uptimeMs":3760}"#;
    let length = body.len();
    let (config, served) = answer_http(&format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: {length}\r\n\r\n{body}"
    ));
    let readiness = Http::new(&config).unwrap().ready(SOON).unwrap();
    assert!(!readiness.ready && readiness.failing == ["ois"]);
    served.join().unwrap();
}

fn delta(text: &str) -> serde_json::Value {
    json!({"runId": "k", "sessionKey": "s", "state": "delta", "deltaText": text})
}

/// Accepts one connection, answers its first bytes with this text and returns what it received.
fn answer_http(answer: &str) -> (ois_gateway::GatewayConfig, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = config(&format!("ws://{}", listener.local_addr().unwrap()));
    let answer = answer.to_owned();
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = vec![0; 4096];
        let length = stream.read(&mut asked).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8_lossy(&asked[..length]).into_owned()
    });
    (config, served)
}
