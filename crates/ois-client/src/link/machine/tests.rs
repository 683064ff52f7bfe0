use super::*;
use crate::Memory;

fn machine() -> LinkMachine<Memory> {
    let address = "ws://127.0.0.1:8800".parse().unwrap();
    let config = Config::new(address, Credential::agent("token"));
    LinkMachine::new(&config, Outbox::open(Memory).unwrap())
}

fn actions(machine: &mut LinkMachine<Memory>, now_ms: u64) -> Vec<LinkAction> {
    std::iter::from_fn(|| machine.next_action(now_ms)).collect()
}

/// A machine that has signed in at a server of protocol 2.
fn signed_in(now_ms: u64) -> LinkMachine<Memory> {
    let mut machine = machine();
    assert!(matches!(actions(&mut machine, now_ms)[..], [LinkAction::Dial]));
    machine.opened(now_ms);
    let auth = AuthOk { user: "ARIA".to_owned(), protocol: Some(2), ..AuthOk::default() };
    machine.frame(ServerFrame::AuthOk(auth), now_ms);
    actions(&mut machine, now_ms);
    while machine.next_event().is_some() {}
    machine
}

fn say(machine: &mut LinkMachine<Memory>, nonce: &str) {
    machine.say(nonce.parse().unwrap(), Chat::in_main()).unwrap();
}

#[test]
fn a_draft_waits_for_the_sign_in_and_is_sent_again_over_the_next_connection() {
    let mut machine = machine();
    say(&mut machine, "n1");
    assert!(matches!(actions(&mut machine, 0)[..], [LinkAction::Dial]));
    machine.opened(0);
    assert_eq!(actions(&mut machine, 0).len(), 1, "the sign-in and nothing else");
    let auth = AuthOk { user: "ARIA".to_owned(), protocol: Some(2), ..AuthOk::default() };
    machine.frame(ServerFrame::AuthOk(auth.clone()), 1);
    assert_eq!(actions(&mut machine, 1).len(), 1, "the draft");
    machine.lost(Lost::Silent, 2, 0);
    let again = machine.next_wake().unwrap();
    machine.wake(again);
    assert!(matches!(actions(&mut machine, again)[..], [LinkAction::Dial]));
    machine.opened(again);
    machine.frame(ServerFrame::AuthOk(auth), again);
    assert_eq!(actions(&mut machine, again).len(), 2, "the sign-in and the draft");
}

#[test]
fn a_silent_server_is_pinged_and_then_given_up() {
    let mut machine = signed_in(0);
    machine.wake(30_000);
    assert!(matches!(actions(&mut machine, 30_000)[..], [LinkAction::Ping]));
    machine.heard(30_001);
    machine.wake(60_000);
    machine.wake(90_000);
    assert_eq!(actions(&mut machine, 90_000).len(), 2);
    machine.wake(120_000);
    assert!(matches!(actions(&mut machine, 120_000)[..], [LinkAction::Close(Lost::Silent)]));
}

#[test]
fn events_that_the_owner_has_not_taken_do_not_make_the_server_silent() {
    let mut machine = signed_in(0);
    machine.frame(ServerFrame::CaughtUp { id: EventId::ZERO }, 1);
    machine.wake(30_000);
    machine.wake(60_000);
    machine.wake(90_000);
    let closes = |action: &LinkAction| matches!(action, LinkAction::Close(_));
    assert!(!actions(&mut machine, 90_000).iter().any(closes));
}

#[test]
fn a_token_that_is_not_accepted_is_tried_again_after_the_longest_pause() {
    let mut machine = machine();
    actions(&mut machine, 0);
    machine.opened(0);
    machine.frame(ServerFrame::AuthFail, 5);
    let closing = actions(&mut machine, 5).pop();
    assert!(matches!(closing, Some(LinkAction::Close(Lost::Unauthorized))));
    machine.lost(Lost::Unauthorized, 5, 0);
    assert_eq!(machine.next_wake(), Some(30_005));
}

#[test]
fn what_is_worth_nothing_later_is_dropped_while_there_is_no_connection() {
    let mut machine = machine();
    actions(&mut machine, 0);
    assert!(!machine.tell(ClientFrame::Ping));
    assert!(actions(&mut machine, 0).is_empty());
}

#[test]
fn a_second_loss_of_the_same_connection_changes_nothing() {
    let mut machine = signed_in(0);
    machine.lost(Lost::Silent, 10, u32::MAX);
    machine.lost(Lost::Gone("again".to_owned()), 20, u32::MAX);
    assert_eq!(machine.next_wake(), Some(1010));
    assert!(machine.next_event().is_some() && machine.next_event().is_none());
}
