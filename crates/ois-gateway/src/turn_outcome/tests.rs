//! The histories here are those that a real gateway showed after each of these accidents.

use super::*;
use crate::wire::history::Queued;

const THEN: &str = "boot-1";
const NOW: &str = "boot-2";

fn user(key: &str) -> Row {
    Row {
        role: Role::User,
        text: "hi".into(),
        key: Some(format!("{key}:user")),
        run_id: None,
        stop: None,
        is_recovery: false,
        cost: None,
    }
}

fn says(run: &str, text: &str, stop: StopReason) -> Row {
    Row {
        role: Role::Assistant,
        text: text.into(),
        key: None,
        run_id: Some(run.into()),
        stop: Some(stop),
        is_recovery: false,
        cost: None,
    }
}

fn recovery(run: &str) -> Row {
    Row { is_recovery: true, ..user(run) }
}

fn history(rows: Vec<Row>) -> History {
    History { rows, ..History::default() }
}

fn after_restart_of(history: &History) -> TurnOutcome {
    turn_outcome(history, "k", THEN, NOW)
}

#[test]
fn an_answer_counts_whoever_restarted() {
    let answered = history(vec![user("k"), says("k", "pong: hi", StopReason::Stop)]);
    assert_eq!(turn_outcome(&answered, "k", THEN, THEN), TurnOutcome::Answered("pong: hi".into()));
    assert_eq!(after_restart_of(&answered), TurnOutcome::Answered("pong: hi".into()));
}

#[test]
fn the_answer_is_the_last_text_and_not_what_was_said_before_a_tool() {
    let rows = vec![
        user("k"),
        says("k", "let me look", StopReason::ToolUse),
        says("k", "it is green", StopReason::Stop),
    ];
    assert_eq!(after_restart_of(&history(rows)), TurnOutcome::Answered("it is green".into()));
}

#[test]
fn an_empty_or_no_reply_answer_is_silence() {
    let rows = vec![user("k"), says("k", "", StopReason::Stop)];
    assert_eq!(after_restart_of(&history(rows)), TurnOutcome::Silent);
}

#[test]
fn a_message_without_answer_is_still_running_in_the_same_process() {
    let active = History { active_runs: vec!["k".into()], ..history(vec![user("k")]) };
    assert_eq!(turn_outcome(&active, "k", THEN, THEN), TurnOutcome::Running);
    // Between two phases of a run it stands in no list.
    let between = History { state: SessionState::Running, ..history(vec![user("k")]) };
    assert_eq!(turn_outcome(&between, "k", THEN, THEN), TurnOutcome::Running);
}

#[test]
fn a_turn_that_ended_without_a_row_in_the_same_process_was_silent() {
    let last = History { state: SessionState::Done, ..history(vec![user("k")]) };
    assert_eq!(turn_outcome(&last, "k", THEN, THEN), TurnOutcome::Silent);
    let state = SessionState::Running;
    let followed = History { state, ..history(vec![user("k"), user("next")]) };
    assert_eq!(turn_outcome(&followed, "k", THEN, THEN), TurnOutcome::Silent);
}

#[test]
fn a_turn_that_ended_badly_without_a_row_has_died() {
    assert_eq!(turn_outcome(&history(vec![user("k")]), "k", THEN, THEN), TurnOutcome::Died);
}

#[test]
fn a_turn_that_somebody_stopped_is_told_from_one_that_died() {
    let state = SessionState::Stopped;
    let stopped = History { state, last_run: Some("k".into()), ..history(vec![user("k")]) };
    assert_eq!(turn_outcome(&stopped, "k", THEN, THEN), TurnOutcome::Stopped);
    assert_eq!(after_restart_of(&stopped), TurnOutcome::Stopped);
}

#[test]
fn a_turn_that_waits_behind_another_is_running_though_it_has_no_row() {
    let queued = Queued { run_id: "k".into(), state: QueuedState::Waiting };
    let waiting = History { queued: vec![queued], ..history(vec![user("other")]) };
    assert_eq!(turn_outcome(&waiting, "k", THEN, THEN), TurnOutcome::Running);
}

#[test]
fn a_turn_that_waited_when_the_gateway_died_was_dropped() {
    let queued = Queued { run_id: "k".into(), state: QueuedState::Interrupted };
    let dropped = History { queued: vec![queued], ..history(vec![user("other")]) };
    assert_eq!(after_restart_of(&dropped), TurnOutcome::Dropped);
}

#[test]
fn a_turn_cut_short_is_interrupted_while_the_gateway_means_to_take_it_up() {
    let cut = History { state: SessionState::Running, ..history(vec![user("k")]) };
    assert_eq!(after_restart_of(&cut), TurnOutcome::Interrupted);
}

#[test]
fn a_run_without_a_row_may_be_the_one_that_takes_the_turn_up() {
    let taken = History {
        active_runs: vec!["r".into()],
        state: SessionState::Running,
        ..history(vec![user("k")])
    };
    assert_eq!(after_restart_of(&taken), TurnOutcome::Interrupted);
}

#[test]
fn a_turn_cut_short_in_a_tool_is_interrupted_as_well() {
    let rows = vec![user("k"), says("k", "let me look", StopReason::ToolUse)];
    let cut = History { state: SessionState::Running, ..history(rows) };
    assert_eq!(after_restart_of(&cut), TurnOutcome::Interrupted);
}

#[test]
fn a_turn_that_was_taken_up_goes_on_under_another_run() {
    let goes_on = History {
        active_runs: vec!["r".into()],
        state: SessionState::Running,
        ..history(vec![user("k"), recovery("r")])
    };
    assert_eq!(after_restart_of(&goes_on), TurnOutcome::Continued { run_id: "r".into() });
}

#[test]
fn the_answer_of_the_run_that_took_it_up_is_the_answer() {
    let rows = vec![user("k"), recovery("r"), says("r", "done", StopReason::Stop)];
    assert_eq!(after_restart_of(&history(rows)), TurnOutcome::Answered("done".into()));
}

#[test]
fn a_second_restart_is_followed_too() {
    let rows = vec![user("k"), recovery("r"), recovery("s"), says("s", "done", StopReason::Stop)];
    assert_eq!(after_restart_of(&history(rows)), TurnOutcome::Answered("done".into()));
}

#[test]
fn a_turn_that_nobody_takes_up_has_died() {
    assert_eq!(after_restart_of(&history(vec![user("k")])), TurnOutcome::Died);
}

#[test]
fn a_turn_after_which_another_began_has_died_whatever_that_one_does() {
    let later = History {
        active_runs: vec!["l".into()],
        state: SessionState::Running,
        ..history(vec![user("k"), user("l")])
    };
    assert_eq!(after_restart_of(&later), TurnOutcome::Died);
}

#[test]
fn a_silent_turn_is_known_after_a_restart_if_it_was_the_last() {
    let silent = History {
        last_run: Some("k".into()),
        state: SessionState::Done,
        ..history(vec![user("k")])
    };
    assert_eq!(after_restart_of(&silent), TurnOutcome::Silent);
}

#[test]
fn a_failed_turn_has_failed_in_the_gateways_words() {
    let rows = vec![user("k"), says("k", "LLM request failed", StopReason::Error)];
    assert_eq!(
        turn_outcome(&history(rows), "k", THEN, THEN),
        TurnOutcome::Failed("LLM request failed".into())
    );
}

#[test]
fn a_message_that_is_nowhere_was_never_begun() {
    assert_eq!(after_restart_of(&history(vec![user("other")])), TurnOutcome::NeverBegun);
    let cut_off = History { has_more: true, ..history(vec![user("other")]) };
    assert_eq!(after_restart_of(&cut_off), TurnOutcome::OutOfSight);
}

#[test]
fn a_key_that_only_begins_alike_is_another_key() {
    assert_eq!(after_restart_of(&history(vec![user("k2")])), TurnOutcome::NeverBegun);
}
