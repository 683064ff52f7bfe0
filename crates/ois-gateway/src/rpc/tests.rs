use super::*;
use proptest::prelude::*;
use serde_json::json;

const CHALLENGE: &str =
    r#"{"type":"event","event":"connect.challenge","payload":{"nonce":"c4978b5d","ts":1}}"#;

fn hello() -> String {
    res(
        "0",
        &json!({
            "type": "hello-ok", "protocol": 4,
            "server": {"version": "2026.9.6", "bootId": "b1"},
            "auth": {"scopes": ["operator.read", "operator.write"]},
            "policy": {"maxPayload": 2000, "tickIntervalMs": 30_000},
        }),
    )
}

fn res(id: &str, payload: &Value) -> String {
    json!({"type": "res", "id": id, "ok": true, "payload": payload}).to_string()
}

fn response_error(id: &str, error: &Value) -> String {
    json!({"type": "res", "id": id, "ok": false, "error": error}).to_string()
}

fn opening() -> Rpc {
    Rpc::open(json!({"minProtocol": 4}), 0, 30_000)
}

fn ready() -> Rpc {
    let mut rpc = opening();
    rpc.receive(CHALLENGE, 1);
    assert!(matches!(rpc.receive(&hello(), 2)[..], [Effect::Ready(_)]));
    rpc
}

fn ask(rpc: &mut Rpc, method: &'static str, now_ms: u64, deadline_ms: u64) -> RequestId {
    let (id, effect) = rpc.request(method, &json!({}), now_ms, deadline_ms);
    assert!(matches!(effect, Effect::Send(_)));
    id
}

#[test]
fn connect_is_said_once_and_only_after_the_challenge() {
    let mut rpc = opening();
    let effects = rpc.receive(CHALLENGE, 1);
    let [Effect::Send(frame)] = &effects[..] else { panic!("{effects:?}") };
    let wanted = r#"{"type":"req","id":"0","method":"connect","params":{"minProtocol":4}}"#;
    assert_eq!(frame, wanted);
    assert!(rpc.receive(CHALLENGE, 2).is_empty());
}

#[test]
fn hello_makes_it_ready() {
    let mut rpc = opening();
    rpc.receive(CHALLENGE, 1);
    let effects = rpc.receive(&hello(), 2);
    let [Effect::Ready(hello)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((hello.boot_id.as_str(), hello.tick_interval_ms), ("b1", 30_000));
}

#[test]
fn a_refused_connect_closes_with_its_reason() {
    let mut rpc = opening();
    rpc.receive(CHALLENGE, 1);
    let error = json!({"code": "INVALID_REQUEST", "message": "unauthorized: gateway token mismatch",
        "details": {"code": "AUTH_TOKEN_MISMATCH"}});
    let effects = rpc.receive(&response_error("0", &error), 2);
    assert!(matches!(effects[..], [Effect::Close(GatewayError::Unauthorized { .. })]));
}

#[test]
fn a_protocol_mismatch_names_both_numbers() {
    let mut rpc = opening();
    rpc.receive(CHALLENGE, 1);
    let error = json!({"code": "INVALID_REQUEST", "message": "protocol mismatch",
        "details": {"code": "PROTOCOL_MISMATCH", "expectedProtocol": 5}});
    let effects = rpc.receive(&response_error("0", &error), 2);
    let [Effect::Close(GatewayError::Incompatible { ours: 4, theirs: 5 })] = effects[..] else {
        panic!("{effects:?}")
    };
}

#[test]
fn a_gateway_that_never_greets_is_given_up_at_the_deadline() {
    let mut rpc = opening();
    assert_eq!(rpc.next_tick_ms(), 30_000);
    assert!(rpc.tick(29_999).is_empty());
    let effects = rpc.tick(30_000);
    let [Effect::Close(GatewayError::TimedOut { what, after_ms: 30_000 })] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(what, "connect");
}

#[test]
fn something_that_is_no_gateway_is_told_at_its_first_word() {
    let effects = opening().receive("220 smtp.example ESMTP", 1);
    assert!(matches!(effects[..], [Effect::Close(GatewayError::BadAnswer { .. })]));
}

#[test]
fn requests_are_answered_each_under_its_own_id_in_any_order() {
    let mut rpc = ready();
    let (first, second) = (ask(&mut rpc, "health", 3, 100), ask(&mut rpc, "agent.wait", 3, 100));
    for id in [second, first] {
        let effects = rpc.receive(&res(&id.to_string(), &json!({"n": id})), 4);
        let [Effect::Answer(to, Ok(payload))] = &effects[..] else { panic!("{effects:?}") };
        assert_eq!((*to, payload["n"].as_u64()), (id, Some(id)));
    }
}

#[test]
fn the_second_answer_to_agent_is_not_an_answer_to_anybody() {
    let mut rpc = ready();
    let id = ask(&mut rpc, "agent", 3, 100).to_string();
    let accepted = rpc.receive(&res(&id, &json!({"runId": "k", "status": "accepted"})), 4);
    assert!(matches!(accepted[..], [Effect::Answer(_, Ok(_))]));
    assert!(rpc.receive(&res(&id, &json!({"runId": "k", "status": "ok"})), 5).is_empty());
    // When the run fails, the second answer is an error with a payload.
    let failed = json!({"type": "res", "id": id, "ok": false, "payload": {"status": "error"},
        "error": {"code": "UNAVAILABLE", "message": "LLM request failed"}});
    assert!(rpc.receive(&failed.to_string(), 6).is_empty());
}

#[test]
fn a_request_is_answered_at_its_deadline_and_not_again() {
    let mut rpc = ready();
    let id = ask(&mut rpc, "agent.wait", 10, 510);
    assert_eq!(rpc.next_tick_ms(), 510);
    assert!(rpc.tick(509).is_empty());
    let effects = rpc.tick(510);
    let [Effect::Answer(_, Err(GatewayError::TimedOut { after_ms: 500, .. }))] = effects[..] else {
        panic!("{effects:?}")
    };
    assert!(rpc.receive(&res(&id.to_string(), &json!({})), 511).is_empty());
}

#[test]
fn two_intervals_of_silence_end_the_link_and_everybodys_waiting() {
    let mut rpc = ready();
    ask(&mut rpc, "agent.wait", 3, 600_000);
    rpc.receive(r#"{"type":"event","event":"tick","payload":{"ts":1}}"#, 30_000);
    assert!(rpc.tick(89_999).is_empty());
    let effects = rpc.tick(90_000);
    assert!(matches!(
        effects[..],
        [
            Effect::Answer(_, Err(GatewayError::Lost { .. })),
            Effect::Close(GatewayError::Lost { .. })
        ]
    ));
    assert!(rpc.tick(200_000).is_empty());
}

#[test]
fn a_ping_is_a_sign_of_life() {
    let mut rpc = ready();
    rpc.note_activity(50_000);
    assert!(rpc.tick(109_999).is_empty());
}

#[test]
fn a_request_beyond_the_gateways_limit_is_not_sent() {
    let mut rpc = ready();
    let (_, effect) = rpc.request("agent", &json!({"message": "x".repeat(2000)}), 3, 100);
    let Effect::Answer(_, Err(GatewayError::TooLong { limit_bytes: 2000, .. })) = effect else {
        panic!("{effect:?}")
    };
}

#[test]
fn a_request_on_a_closed_link_is_lost_at_once() {
    let mut rpc = ready();
    rpc.close(GatewayError::lost("gone"));
    let (_, effect) = rpc.request("health", &json!({}), 3, 100);
    assert!(matches!(effect, Effect::Answer(_, Err(GatewayError::Lost { .. }))));
}

#[test]
fn garbage_after_the_greeting_harms_nobody() {
    let mut rpc = ready();
    let id = ask(&mut rpc, "health", 3, 100);
    for garbage in ["", "{", "[]", "null", r#"{"type":"res"}"#, r#"{"type":"res","id":7,"ok":1}"#] {
        assert!(rpc.receive(garbage, 4).is_empty(), "{garbage}");
    }
    assert_eq!(rpc.receive(&res(&id.to_string(), &json!({})), 5).len(), 1);
}

#[test]
fn a_runs_event_is_told() {
    let payload = json!({"runId": "k", "sessionKey": "s", "state": "delta", "deltaText": "po"});
    let frame = json!({"type": "event", "event": "chat", "payload": payload, "seq": 11});
    assert!(matches!(
        ready().receive(&frame.to_string(), 3)[..],
        [Effect::Event(GatewayEvent::Run(_))]
    ));
}

/// One thing that can happen to a link.
#[derive(Debug, Clone)]
enum Step {
    Ask { patience_ms: u64 },
    Answer { id: u64, ok: bool },
    Garbage(String),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (1..2000_u64).prop_map(|patience_ms| Step::Ask { patience_ms }),
        (0..20_u64, any::<bool>()).prop_map(|(id, ok)| Step::Answer { id, ok }),
        ".{0,40}".prop_map(Step::Garbage),
        (0..1500_u64).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    #[test]
    fn whatever_comes_every_request_is_answered_exactly_once(steps in steps()) {
        let (mut rpc, mut now_ms) = (ready(), 2);
        let (mut asked, mut answered) = (Vec::new(), Vec::new());
        let mut note = |effects: Vec<Effect>| {
            answered.extend(effects.iter().filter_map(|effect| match effect {
                Effect::Answer(id, _) => Some(*id),
                _ => None,
            }));
        };
        for step in steps {
            match step {
                Step::Ask { patience_ms } => {
                    let (id, effect) =
                        rpc.request("health", &json!({}), now_ms, now_ms + patience_ms);
                    asked.push(id);
                    note(vec![effect]);
                }
                Step::Answer { id, ok: true } => {
                    note(rpc.receive(&res(&id.to_string(), &json!({})), now_ms));
                }
                Step::Answer { id, ok: false } => {
                    note(rpc.receive(&response_error(&id.to_string(), &json!({})), now_ms));
                }
                Step::Garbage(text) => note(rpc.receive(&text, now_ms)),
                Step::Wait(ms) => {
                    now_ms += ms;
                    note(rpc.tick(now_ms));
                }
            }
        }
        note(rpc.close(GatewayError::lost("end of the test")));
        answered.sort_unstable();
        prop_assert_eq!(answered, asked);
    }
}
