//! Against a real OpenClaw gateway whose model is a stub that obeys marks in the message.
//!
//! Needs the feature `real-gateway` and a running gateway: `OIS_TEST_GATEWAY_URL` and
//! `OIS_TEST_GATEWAY_TOKEN` say which. Its configuration allows `sessions_send` over HTTP. Sessions
//! and keys are fresh in every run, so the tests may meet the same gateway again.
#![expect(clippy::unwrap_used, reason = "helpers of tests are not seen as tests")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ois_gateway::{
    Admission, Config, Event, Fate, Gateway, GatewayError, Http, Outcome, RunStep, SessionsSend,
    Source, Token, ToolPhase, Turn, fate,
};

/// The bound on every request and wait; it only ends a test that hangs. A gateway that has just
/// started loads much of itself with its first turn, which takes long on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(300);

fn setting(name: &str) -> String {
    let Ok(value) = std::env::var(name) else {
        panic!(
            "{name} is not set: start a gateway and say with OIS_TEST_GATEWAY_URL and OIS_TEST_GATEWAY_TOKEN where it is"
        )
    };
    value
}

fn config() -> Config {
    let token = Token::new(&setting("OIS_TEST_GATEWAY_TOKEN"));
    Config::new(&setting("OIS_TEST_GATEWAY_URL"), token)
}

fn gateway() -> Gateway {
    Gateway::connect(&config()).unwrap()
}

/// A name that no other test and no other run has.
fn fresh(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!("{what}-{now}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn turn(message: &str) -> Turn {
    Turn {
        session_key: format!("agent:main:ois:{}", fresh("test")),
        message: message.to_owned(),
        idempotency_key: fresh("key"),
        extra_system_prompt: Some("Answer NO_REPLY to stay silent.".to_owned()),
        source: Some(Source {
            session_key: "ois:main".to_owned(),
            channel: "ois".to_owned(),
            tool: "ois".to_owned(),
        }),
    }
}

fn run(gateway: &Gateway, turn: &Turn) -> Outcome {
    let admitted = gateway.deliver(turn, TIMEOUT).unwrap();
    gateway.wait(&admitted.run_id, TIMEOUT).unwrap()
}

fn fate_of(gateway: &Gateway, turn: &Turn) -> Fate {
    let history = gateway.history(&turn.session_key, 50, TIMEOUT).unwrap();
    fate(&history, &turn.idempotency_key, gateway.boot_id(), gateway.boot_id())
}

#[test]
fn a_delivered_message_is_answered_and_the_history_knows_it() {
    let (gateway, turn) = (gateway(), turn("[[say:the build is green]]"));
    assert_eq!(fate_of(&gateway, &turn), Fate::NeverBegun);
    assert_eq!(run(&gateway, &turn), Outcome::Replied("the build is green".to_owned()));
    assert_eq!(fate_of(&gateway, &turn), Fate::Answered("the build is green".to_owned()));
}

#[test]
fn no_reply_is_silence() {
    let (gateway, turn) = (gateway(), turn("[[say:NO_REPLY]]"));
    assert_eq!(run(&gateway, &turn), Outcome::Silent);
    // No row tells it, in this process of the gateway or a later one.
    assert_eq!(fate_of(&gateway, &turn), Fate::Silent);
    let restarted = gateway.history(&turn.session_key, 50, TIMEOUT).unwrap();
    assert_eq!(fate(&restarted, &turn.idempotency_key, "before", gateway.boot_id()), Fate::Silent);
}

#[test]
fn a_model_that_fails_is_a_turn_that_failed() {
    let (gateway, turn) = (gateway(), turn("[[fail:400]]"));
    let outcome = run(&gateway, &turn);
    let Outcome::Failed { reason } = &outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("LLM request failed"), "{reason}");
    assert!(matches!(fate_of(&gateway, &turn), Fate::Failed(_)));
}

#[test]
fn the_same_key_twice_runs_once() {
    let (gateway, turn) = (gateway(), turn("once"));
    let first = run(&gateway, &turn);
    let again = gateway.deliver(&turn, TIMEOUT).unwrap();
    assert_ne!(again.admission, Admission::Accepted);
    assert_eq!(gateway.wait(&again.run_id, TIMEOUT).unwrap(), first);
    let history = gateway.history(&turn.session_key, 50, TIMEOUT).unwrap();
    assert_eq!(history.rows.len(), 2, "{:?}", history.rows);
}

#[test]
fn two_sessions_run_at_once_over_one_link() {
    let gateway = gateway();
    let (slow, quick) = (turn("[[sleep:300]] slow"), turn("[[say:quick]]"));
    gateway.deliver(&slow, TIMEOUT).unwrap();
    assert_eq!(run(&gateway, &quick), Outcome::Replied("quick".to_owned()));
    assert_eq!(fate_of(&gateway, &slow), Fate::Running);
    let patience = Duration::from_millis(1);
    assert_eq!(gateway.wait(&slow.idempotency_key, patience).unwrap(), Outcome::StillRunning);
    assert!(gateway.abort(&slow.session_key, &slow.idempotency_key, TIMEOUT).unwrap());
    let outcome = gateway.wait(&slow.idempotency_key, TIMEOUT).unwrap();
    assert_eq!(outcome, Outcome::Stopped);
}

#[test]
fn a_run_is_told_step_by_step() {
    let (gateway, turn) = (gateway(), turn("[[tool:session_status {}]]"));
    let events = gateway.events(10_000);
    assert!(matches!(run(&gateway, &turn), Outcome::Replied(_)));
    let mut steps = Vec::new();
    while !steps.contains(&RunStep::Ended) {
        match events.recv_timeout(TIMEOUT).unwrap() {
            Event::Run(run) if run.run_id == turn.idempotency_key => steps.push(run.step),
            _ => {}
        }
    }
    let tool = |phase| RunStep::Tool { name: "session_status".to_owned(), phase };
    for wanted in [RunStep::Started, tool(ToolPhase::Start), tool(ToolPhase::Done)] {
        assert!(steps.contains(&wanted), "{wanted:?} is not in {steps:?}");
    }
    assert!(steps.iter().any(|step| matches!(step, RunStep::Delta(_))), "{steps:?}");
    assert!(steps.iter().any(|step| matches!(step, RunStep::Usage { .. })), "{steps:?}");
}

#[test]
fn a_gateway_tells_how_it_is_without_a_model() {
    let gateway = gateway();
    let health = gateway.probe(TIMEOUT).unwrap();
    assert!(health.ok && health.agents.contains(&"main".to_owned()), "{health:?}");
    let http = Http::new(&config()).unwrap();
    assert!(http.alive(TIMEOUT).unwrap());
    assert!(http.ready(TIMEOUT).unwrap().ready);
}

#[test]
fn sessions_send_reaches_a_session_where_it_is_allowed() {
    // The tool sends to sessions that there are; it makes none.
    let opening = turn("[[say:hello]]");
    run(&gateway(), &opening);
    let send = SessionsSend {
        session_key: opening.session_key,
        // Anything else and the gateway goes on with turns of its own.
        message: "[[say:REPLY_SKIP]]".to_owned(),
        caller: Some(format!("agent:main:{}", fresh("ois"))),
    };
    let sent = Http::new(&config()).unwrap().sessions_send(&send, TIMEOUT).unwrap();
    assert_eq!(sent.status, "ok");
    assert!(sent.run_id.is_some(), "{sent:?}");
}

#[test]
fn a_wrong_token_is_unauthorized_on_both_ways() {
    let wrong = Config { token: Token::new("wrong"), ..config() };
    let error = Gateway::connect(&wrong).unwrap_err();
    assert!(matches!(error, GatewayError::Unauthorized { .. }), "{error:?}");
    let send = SessionsSend {
        session_key: "agent:main:main".to_owned(),
        message: "hi".to_owned(),
        caller: None,
    };
    let error = Http::new(&wrong).unwrap().sessions_send(&send, TIMEOUT).unwrap_err();
    assert!(matches!(error, GatewayError::Unauthorized { .. }), "{error:?}");
}
