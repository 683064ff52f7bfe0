use ois_client::Event;
use ois_protocol::{Ack, AuthOk, Message, ServerFrame, Standby};

use super::*;

const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);

fn id(number: u64) -> EventId {
    EventId::new(number).unwrap()
}

/// A machine that has signed in at a server that knows deliveries, and has nothing to do.
fn machine() -> AgentMachine {
    let settings = AgentSettings {
        inbox: ois_inbox::Settings::default(),
        probe_every_ms: 60_000,
        instance: "this".to_owned(),
        address_hash: "01d".to_owned(),
    };
    let mut machine = AgentMachine::new(settings, InboxState::default(), NOON);
    machine.start(NOON);
    let auth =
        AuthOk { user: "ARIA".to_owned(), team: Some("0a1b2c3d".to_owned()), ..AuthOk::default() };
    machine.link_event(Event::Connected(auth), NOON);
    machine.link_event(Event::History(Vec::new()), NOON);
    machine.wake(NOON);
    done(&mut machine);
    machine
}

/// Everything that the machine does while the disk takes whatever it is given.
fn done(machine: &mut AgentMachine) -> Vec<AgentAction> {
    let mut actions = Vec::new();
    while let Some(action) = machine.next_action(NOON) {
        machine.written();
        actions.push(action);
    }
    actions
}

fn call(number: u64) -> Event {
    let message = Message::plain(id(number), "Mira".to_owned(), "@ARIA hi".to_owned(), NOON);
    Event::Message(Message { calls: vec!["ARIA".parse().unwrap()], ..message })
}

fn words(actions: &[AgentAction]) -> Vec<&'static str> {
    let word = |action: &AgentAction| match action {
        AgentAction::Write(_) => "write",
        AgentAction::Say(_) => "say",
        AgentAction::Send(_) => "send",
        AgentAction::Deliver(_) => "deliver",
        AgentAction::Begin(_) => "begin",
        AgentAction::DoNotBegin(_) => "do not begin",
        AgentAction::Ended { .. } => "ended",
        _ => "other",
    };
    actions.iter().map(word).collect()
}

#[test]
fn a_call_is_on_disk_before_the_server_and_the_runtime_hear_of_it() {
    let mut machine = machine();
    machine.link_event(call(7), NOON);
    assert_eq!(words(&done(&mut machine)), ["write", "send", "deliver"]);
}

#[test]
fn a_turn_begins_only_after_that_is_on_disk() {
    let mut machine = machine();
    machine.link_event(call(7), NOON);
    done(&mut machine);
    machine.ask_to_begin(id(7), None, 3, NOON);
    assert_eq!(words(&done(&mut machine)), ["write", "begin"]);
    machine.ask_to_begin(id(8), None, 4, NOON);
    assert_eq!(done(&mut machine), [AgentAction::DoNotBegin(4)]);
}

#[test]
fn while_the_disk_takes_nothing_nothing_else_is_done() {
    let mut machine = machine();
    machine.link_event(call(7), NOON);
    let write = machine.next_action(NOON).unwrap();
    assert!(machine.next_action(NOON).is_none(), "its outcome is not known");
    machine.not_written("full".to_owned(), NOON);
    assert!(machine.next_action(NOON).is_none() && !machine.is_settled());
    let later = machine.next_wake().unwrap();
    assert_eq!(machine.next_action(later), Some(write));
}

#[test]
fn an_agent_that_speaks_is_told_whether_the_room_has_it() {
    let mut machine = machine();
    let nonce: Nonce = "n1".parse().unwrap();
    machine.say(5, nonce.clone(), Chat::in_main(), false);
    assert_eq!(done(&mut machine), [AgentAction::Answer(5, Err(NotSaid::Offline))]);
    machine.say(6, nonce.clone(), Chat::in_main(), true);
    assert_eq!(words(&done(&mut machine)), ["say"]);
    machine.link_event(Event::Ack(Ack { nonce, id: id(9), duplicate: false }), NOON);
    assert_eq!(done(&mut machine), [AgentAction::Answer(6, Ok(Said { id: id(9) }))]);
}

#[test]
fn what_an_agent_says_by_itself_is_not_tried_again_when_the_disk_does_not_keep_it() {
    let mut machine = machine();
    machine.say(6, "n1".parse().unwrap(), Chat::in_main(), true);
    machine.next_action(NOON);
    machine.not_written("full".to_owned(), NOON);
    let answer = AgentAction::Answer(6, Err(NotSaid::NotKept("full".to_owned())));
    assert_eq!(done(&mut machine), [answer]);
}

#[test]
fn a_runtime_that_does_not_answer_makes_the_agent_deaf_once() {
    let mut machine = machine();
    let failed = || RuntimeReport::Probed(Err(RuntimeError("no answer".to_owned())));
    machine.report(failed(), NOON, 0);
    let deaf = |actions: Vec<AgentAction>| {
        actions.iter().filter(|action| matches!(action, AgentAction::Deaf { .. })).count()
    };
    assert_eq!(deaf(done(&mut machine)), 1);
    machine.report(failed(), NOON, 0);
    assert_eq!(deaf(done(&mut machine)), 0);
    assert_eq!(machine.status().presence, Some(PresenceState::Deaf));
}

#[test]
fn a_monitor_stands_by_while_another_instance_is_awake() {
    let mut machine = machine();
    let standby = |awake: &str| {
        let (agent, awake) = ("ARIA".parse().unwrap(), awake.to_owned());
        Event::Told(ServerFrame::Standby(Standby { agent, awake }))
    };
    machine.link_event(standby("another"), NOON);
    machine.link_event(call(7), NOON);
    machine.report(RuntimeReport::Probed(Ok(())), NOON, 0);
    assert_eq!(words(&done(&mut machine)), ["write"], "no claim, no turn, no presence");
    assert!(machine.status().standby);
    machine.link_event(standby("this"), NOON);
    let actions = done(&mut machine);
    assert_eq!(words(&actions), ["send", "send", "send", "deliver"]);
    let holds = |action: &AgentAction| matches!(action, AgentAction::Send(frame) if matches!(**frame, ClientFrame::Holding(_)));
    assert!(actions.iter().any(holds));
}

#[test]
fn another_team_s_server_ends_the_agent() {
    let mut machine = machine();
    let auth =
        AuthOk { user: "ARIA".to_owned(), team: Some("ffffffff".to_owned()), ..AuthOk::default() };
    machine.link_event(Event::Connected(auth), NOON);
    assert!(matches!(done(&mut machine)[..], [AgentAction::Mismatch(_)]));
}
