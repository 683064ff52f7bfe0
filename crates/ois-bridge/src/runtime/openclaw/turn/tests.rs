use ois_gateway::{Role, Row, SessionState, StopReason};
use ois_inbox::{Identity, Missing, UnderWay};
use ois_protocol::{EventId, Message};

use super::*;

const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);
const KEY: &str = "ois:0a1b2c3d:7:aria:1";

fn assignment() -> Assignment {
    let id = EventId::new(7).unwrap();
    let (team, me) = ("0a1b2c3d".to_owned(), "ARIA".parse().unwrap());
    Assignment {
        message: Message::plain(id, "Mira".to_owned(), "@ARIA hi".to_owned(), NOON),
        context: Vec::new(),
        thread: Vec::new(),
        listed: Vec::new(),
        missing: Missing::default(),
        identity: Identity { team, native: true, me },
        key: KEY.to_owned(),
        attempt: 1,
        possible_duplicate: false,
        under_way: None,
        stopping: false,
    }
}

fn under_way(epoch: &str) -> Assignment {
    let under_way = UnderWay { epoch: Some(epoch.to_owned()), run: Some(KEY.to_owned()) };
    Assignment { under_way: Some(under_way), ..assignment() }
}

fn begin(assignment: Assignment) -> (Turn, TurnStep) {
    Turn::begin(assignment, "boot-1".to_owned(), TurnLimits::default())
}

fn heard(turn: &mut Turn, reply: GatewayReply) -> TurnStep {
    turn.heard(Ok(reply), Progress::default(), &mut Interruptions::default(), NOON).unwrap()
}

fn lost(turn: &mut Turn) -> TurnStep {
    let error = GatewayError::Lost { why: "cut".to_owned() };
    turn.heard(Err(error), Progress::default(), &mut Interruptions::default(), NOON).unwrap()
}

/// A turn that the gateway has admitted.
fn admitted() -> Turn {
    let (mut turn, step) = begin(assignment());
    assert!(matches!(step, TurnStep::AskToBegin(boot) if boot == "boot-1"));
    assert!(matches!(turn.may_begin(true), TurnStep::Ask(GatewayRequest::Deliver)));
    let step = heard(&mut turn, GatewayReply::Admitted(KEY.to_owned()));
    assert!(matches!(step, TurnStep::Admitted(run, GatewayRequest::Wait { .. }) if run == KEY));
    turn
}

fn history(rows: Vec<Row>, active: &[&str], state: SessionState) -> GatewayReply {
    GatewayReply::History(Box::new(History {
        rows,
        has_more: false,
        queued: Vec::new(),
        active_runs: active.iter().map(|run| (*run).to_owned()).collect(),
        last_run: None,
        state,
    }))
}

fn row(role: Role, text: &str, key: Option<&str>, run: Option<&str>) -> Row {
    Row {
        role,
        text: text.to_owned(),
        key: key.map(str::to_owned),
        run_id: run.map(str::to_owned),
        stop: run.map(|_| StopReason::Stop),
        is_recovery: false,
        cost: None,
    }
}

fn outcome(step: TurnStep) -> Outcome {
    match step {
        TurnStep::Settled(done) => done.outcome,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_is_settled_after_its_cost_was_looked_for() {
    let mut turn = admitted();
    let step = heard(&mut turn, GatewayReply::Waited(WaitOutcome::Replied("done".to_owned())));
    assert!(matches!(step, TurnStep::Ask(GatewayRequest::History { .. })));
    let cost = Some(Cost { input_tokens: Some(5), ..Cost::default() });
    let rows = vec![Row { cost, ..row(Role::Assistant, "done", None, Some(KEY)) }];
    let step = heard(&mut turn, history(rows, &[], SessionState::Done));
    let TurnStep::Settled(done) = step else { panic!("{step:?}") };
    assert_eq!(done.outcome, Outcome::Replied("done".to_owned()));
    assert_eq!(done.usage.and_then(|usage| usage.input_tokens), Some(5));
}

#[test]
fn a_lost_link_leaves_open_what_became_of_the_turn() {
    let mut turn = admitted();
    assert!(matches!(outcome(lost(&mut turn)), Outcome::Unclear { .. }));
    let (mut turn, _) = begin(assignment());
    turn.may_begin(true);
    assert!(matches!(outcome(lost(&mut turn)), Outcome::Unclear { .. }));
}

#[test]
fn what_was_refused_before_a_turn_began_is_tried_again_under_the_same_key() {
    let (mut turn, _) = begin(assignment());
    turn.may_begin(true);
    let busy = GatewayError::Busy { retry_after_ms: Some(9), why: "draining".to_owned() };
    let step = turn.heard(Err(busy), Progress::default(), &mut Interruptions::default(), NOON);
    let retry = Some(9);
    assert!(matches!(
        outcome(step.unwrap()),
        Outcome::NotBegun { reason: Reason::Busy, retry_after_ms, .. } if retry_after_ms == retry
    ));
}

#[test]
fn an_answer_that_nobody_saw_is_found_in_the_history() {
    let (mut turn, step) = begin(under_way("boot-0"));
    assert!(matches!(step, TurnStep::Ask(GatewayRequest::History { rows: 50 })));
    let key = format!("{KEY}:user");
    let rows =
        vec![row(Role::User, "", Some(&key), None), row(Role::Assistant, "done", None, Some(KEY))];
    let step = heard(&mut turn, history(rows.clone(), &[], SessionState::Done));
    assert!(matches!(step, TurnStep::Ask(GatewayRequest::History { .. })), "its cost");
    let step = heard(&mut turn, history(rows, &[], SessionState::Done));
    assert_eq!(outcome(step), Outcome::Replied("done".to_owned()));
}

#[test]
fn a_turn_without_a_trace_is_dropped_at_the_third_look() {
    let mut turn = admitted();
    for look in 1..=3 {
        heard(&mut turn, GatewayReply::Waited(WaitOutcome::StillRunning));
        let step = heard(&mut turn, history(Vec::new(), &[], SessionState::Other));
        match step {
            TurnStep::Ask(GatewayRequest::Wait { .. }) if look < 3 => {}
            TurnStep::Settled(done) if look == 3 => {
                let reason = Reason::Dropped;
                assert!(matches!(done.outcome, Outcome::Failed { reason: it, .. } if it == reason));
            }
            other => panic!("look {look}: {other:?}"),
        }
    }
}

#[test]
fn a_turn_that_a_restart_cut_short_is_waited_for_two_minutes() {
    let rows = || vec![row(Role::User, "", Some(&format!("{KEY}:user")), None)];
    let mut interruptions = Interruptions::default();
    let mut look = |now: Timestamp| {
        let (mut turn, _) = begin(under_way("boot-0"));
        let reply = history(rows(), &[], SessionState::Running);
        let step = turn.heard(Ok(reply), Progress::default(), &mut interruptions, now).unwrap();
        outcome(step)
    };
    assert!(matches!(look(NOON), Outcome::Unclear { .. }));
    assert!(matches!(look(NOON.after_ms(119_999)), Outcome::Unclear { .. }));
    let cut = look(NOON.after_ms(120_000));
    assert!(matches!(cut, Outcome::Failed { reason: Reason::Interrupted, .. }));
    assert!(matches!(look(NOON.after_ms(120_001)), Outcome::Unclear { .. }), "it was forgotten");
}

#[test]
fn a_turn_that_is_to_be_stopped_is_not_begun_and_one_that_goes_on_is_aborted() {
    let (_, step) = begin(Assignment { stopping: true, ..assignment() });
    assert!(matches!(outcome(step), Outcome::Failed { reason: Reason::Stopped, .. }));
    let (mut turn, _) = begin(Assignment { stopping: true, ..under_way("boot-1") });
    let step = heard(&mut turn, history(Vec::new(), &[KEY], SessionState::Running));
    assert!(matches!(step, TurnStep::Admitted(_, GatewayRequest::Abort { .. })));
    let step = heard(&mut turn, GatewayReply::Aborted(true));
    assert!(matches!(step, TurnStep::Ask(GatewayRequest::Wait { .. })));
}

#[test]
fn an_answer_to_no_question_changes_nothing() {
    let mut turn = admitted();
    let reply = Ok(GatewayReply::Admitted(KEY.to_owned()));
    let step = turn.heard(reply, Progress::default(), &mut Interruptions::default(), NOON);
    assert!(step.is_none());
    let step = heard(&mut turn, GatewayReply::Waited(WaitOutcome::Stopped));
    assert!(matches!(outcome(step), Outcome::Failed { reason: Reason::Stopped, .. }));
}
