//! What the server is told, what it tells, and what follows.

use ois_protocol::{Delivery, ErrorCode, ErrorFrame, Held, Offer, Rung, ShortName, Stop, Usage};

use super::*;

fn me() -> ShortName {
    "ARIA".parse().unwrap()
}

/// A message that the server has resolved as waking ARIA.
fn call(number: u64) -> Message {
    Message { calls: vec![me()], ..said(number, "Mira", "@ARIA") }
}

fn offer(number: u64) -> Message {
    let agents = vec![me(), "HKH".parse().unwrap()];
    let offers = vec![Offer { duty: "reviewer".parse().unwrap(), agents }];
    Message { offers, ..said(number, "Mira", "@one:reviewer") }
}

fn reports(effects: &[Effect]) -> Vec<&Delivery> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Report(report) => Some(report.as_ref()),
            _ => None,
        })
        .collect()
}

/// Attempt and rung of what is reported.
fn rungs(effects: &[Effect]) -> Vec<(u32, Rung)> {
    reports(effects).into_iter().map(|report| (report.attempt, report.state)).collect()
}

/// Name, whether it is over, and how, of the turns that are reported.
fn runs(effects: &[Effect]) -> Vec<(&str, bool, Option<Rung>)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Run(run) => Some((run.run.as_str(), run.end.is_some(), run.outcome)),
            _ => None,
        })
        .collect()
}

/// What the server says of ARIA's delivery.
fn state(message: u64, attempt: u32, state: Rung) -> Delivery {
    Delivery { attempt, state, ..Delivery::stored(id(message), me(), NOON) }
}

fn refusal(code: ErrorCode, about: &str) -> ErrorFrame {
    ErrorFrame { about: Some(about.to_owned()), ..ErrorFrame::new(code, "no") }
}

fn replied(text: &str) -> Outcome {
    Outcome::Replied(text.to_owned())
}

#[test]
fn each_rung_is_reported_when_it_is_reached() {
    let mut inbox = inbox();
    let effects = inbox.receive(&call(5), NOON);
    let journal = effects.iter().position(|it| matches!(it, Effect::Journal(_)));
    let report = effects.iter().position(|it| matches!(it, Effect::Report(_)));
    assert!(journal < report, "on disk before it is said");
    assert_eq!(rungs(&effects), [(1, Rung::Received)]);
    assert!(rungs(&inbox.begun(id(5), None)).is_empty(), "nobody has confirmed it");
    let effects = inbox.admitted(id(5), "r1".to_owned(), NOON);
    assert_eq!(rungs(&effects), [(1, Rung::Admitted)]);
    assert_eq!(reports(&effects)[0].run.as_deref(), Some("r1"));
    assert_eq!(runs(&effects), [("r1", false, None)]);
    let usage = Some(Usage { input_tokens: Some(7), ..Usage::default() });
    let done = Done { outcome: replied("hi"), usage };
    let effects = inbox.settle(id(5), done, NOON.after_ms(10), 0);
    assert_eq!(rungs(&effects), [(1, Rung::Ended)]);
    let effects = inbox.acked(&"answer-5".parse().unwrap(), id(6), NOON.after_ms(90));
    assert_eq!(rungs(&effects), [(1, Rung::Replied)]);
    assert_eq!(reports(&effects)[0].answer, Some(id(6)));
    assert_eq!(runs(&effects), [("r1", true, Some(Rung::Replied))]);
    let run = &inbox.state().runs["r1"];
    assert_eq!((run.end, run.usage), (Some(NOON.after_ms(10)), usage), "the turn's own end");
}

#[test]
fn a_failed_attempt_is_followed_by_the_next_one_and_the_last_one_is_dead() {
    let mut inbox = inbox();
    inbox.receive(&call(1), NOON);
    let mut now = NOON;
    for attempt in 1..=2 {
        inbox.begun(id(1), None);
        inbox.admitted(id(1), format!("r{attempt}"), now);
        let effects = inbox.settle(id(1), failed(), now, 0);
        assert_eq!(rungs(&effects), [(attempt, Rung::Failed), (attempt + 1, Rung::Received)]);
        assert_eq!(reports(&effects)[0].reason, Some(Reason::Error));
        assert_eq!(reports(&effects)[0].detail.as_deref(), Some("the model failed"));
        let run = format!("r{attempt}");
        assert_eq!(runs(&effects), [(run.as_str(), true, Some(Rung::Failed))]);
        now = now.after_ms(60_000);
        let effects = inbox.wake(now);
        let key = format!("ois:0a1b2c3d:1:aria:{}", attempt + 1);
        assert_eq!(delivered(&effects), [key.as_str()]);
    }
    inbox.begun(id(1), None);
    let effects = inbox.settle(id(1), failed(), now, 0);
    assert_eq!(rungs(&effects), [(3, Rung::Dead)]);
    assert!(reports(&effects)[0].possible_duplicate);
}

#[test]
fn silence_and_what_the_agent_said_by_itself_are_reported_as_what_they_are() {
    let mut inbox = inbox();
    inbox.receive(&call(1), NOON);
    let effects = inbox.settle(id(1), Outcome::Silent, NOON, 0);
    assert_eq!(rungs(&effects), [(1, Rung::Silent)]);

    inbox.receive(&call(2), NOON);
    inbox.begun(id(2), None);
    let chat = Chat { text: "done".to_owned(), reply_to: Some(id(2)), ..Chat::in_main() };
    inbox.spoke(&chat);
    inbox.receive(&Message { reply_to: Some(id(2)), ..said(3, "ARIA ⚔️", "done") }, NOON);
    let effects = inbox.settle(id(2), replied("NO_REPLY"), NOON, 0);
    assert_eq!(rungs(&effects), [(1, Rung::Replied)]);
    assert_eq!(reports(&effects)[0].answer, Some(id(3)));
}

#[test]
fn an_answer_of_its_own_that_the_room_has_not_shown_yet_is_waited_for() {
    for reply_to in [Some(id(2)), None] {
        let mut inbox = inbox();
        inbox.receive(&call(2), NOON);
        inbox.begun(id(2), None);
        inbox.spoke(&Chat { text: "done".to_owned(), reply_to, ..Chat::in_main() });
        let effects = inbox.settle(id(2), replied("done"), NOON, 0);
        assert_eq!(rungs(&effects), [(1, Rung::Ended)]);
        let (mut inbox, _) = back(&inbox, NOON);
        let shown = Message { reply_to, ..said(3, "ARIA ⚔️", "done") };
        let effects = inbox.receive(&shown, NOON);
        assert_eq!(endings(&effects), [&Ending::Replied { answer: Some(id(3)) }]);
        assert_eq!(reports(&effects)[0].answer, Some(id(3)));
    }
}

#[test]
fn what_the_server_resolved_decides_and_held_never_wakes() {
    let mut inbox = inbox();
    let other = Message { calls: vec!["HKH".parse().unwrap()], ..said(1, "Mira", "@all") };
    assert!(inbox.receive(&other, NOON).is_empty(), "another one is called");
    let held = vec![Held::by_loop(me())];
    assert!(inbox.receive(&Message { held, ..said(2, "Mira", "@ARIA") }, NOON).is_empty());
    let digest = Message { calls: vec![me()], ..said(3, "OIS", "what you missed") };
    assert_eq!(delivered(&inbox.receive(&digest, NOON)).len(), 1, "without a mention");
}

#[test]
fn what_is_not_confirmed_is_told_again_after_each_sign_in_and_restart() {
    let mut inbox = inbox();
    inbox.receive(&call(1), NOON);
    inbox.begun(id(1), None);
    inbox.admitted(id(1), "r1".to_owned(), NOON);
    let again = |inbox: &mut Inbox| {
        inbox.signed_in(&auth("ARIA ⚔️", Some("0a1b2c3d")), "old", NOON).unwrap()
    };
    let effects = again(&mut inbox);
    assert_eq!(rungs(&effects), [(1, Rung::Admitted)]);
    assert_eq!(runs(&effects), [("r1", false, None)]);
    inbox.settle(id(1), Outcome::Silent, NOON, 0);
    let (mut inbox, effects) = back(&inbox, NOON);
    assert_eq!(rungs(&effects), [(1, Rung::Silent)]);
    assert_eq!(runs(&effects), [("r1", true, Some(Rung::Silent))]);
    assert!(inbox.reconcile(&state(1, 1, Rung::Admitted), NOON).is_empty(), "an older state");
    let effects = inbox.reconcile(&state(1, 1, Rung::Silent), NOON);
    assert_eq!(effects, [Effect::Journal(Record::Confirmed { id: id(1) })]);
    let run = inbox.state().runs["r1"].clone();
    assert_eq!(inbox.reconcile_run(&run).len(), 1);
    let (mut inbox, effects) = back(&inbox, NOON);
    assert!(effects.is_empty(), "all is known: {effects:?}");
    assert!(again(&mut inbox).is_empty());
}

#[test]
fn after_a_failure_the_server_is_told_of_both_attempts_again() {
    let mut inbox = inbox();
    inbox.receive(&call(1), NOON);
    inbox.begun(id(1), None);
    inbox.settle(id(1), failed(), NOON, 0);
    let effects = killed(&inbox).signed_in(&auth("ARIA", Some("0a1b2c3d")), "old", NOON).unwrap();
    assert_eq!(rungs(&effects), [(1, Rung::Failed), (2, Rung::Received)]);
}

#[test]
fn what_the_server_will_not_hear_is_not_told_again() {
    for code in [ErrorCode::NotFound, ErrorCode::BadTransition, ErrorCode::Forbidden] {
        let mut inbox = inbox();
        inbox.receive(&call(1), NOON);
        assert!(inbox.not_taken(&refusal(code, "1:ARIA"), NOON).is_empty());
        inbox.begun(id(1), None);
        assert!(rungs(&inbox.admitted(id(1), "r1".to_owned(), NOON)).is_empty());
        let effects = inbox.settle(id(1), Outcome::Silent, NOON, 0);
        assert!(rungs(&effects).is_empty());
        assert!(inbox.state().closings.is_empty());
        assert_eq!(inbox.not_taken(&refusal(code, "r1"), NOON).len(), 1);
        assert!(back(&inbox, NOON).1.is_empty());
    }
}

#[test]
fn a_server_that_has_no_time_is_told_again_later() {
    let mut inbox = inbox();
    inbox.receive(&call(1), NOON);
    inbox.settle(id(1), Outcome::Silent, NOON, 0);
    inbox.not_taken(&refusal(ErrorCode::Storage, "1:ARIA"), NOON);
    let later = inbox.next_wake().unwrap();
    assert_eq!(later, NOON.after_ms(30_000));
    assert_eq!(rungs(&inbox.wake(later)), [(1, Rung::Silent)]);
    assert_eq!(inbox.next_wake(), None);
}

#[test]
fn an_old_server_is_told_nothing() {
    let mut inbox = old_inbox();
    let mut effects = inbox.receive(&said(1, "Mira", "@ARIA"), NOON);
    effects.extend(inbox.begun(id(1), None));
    effects.extend(inbox.admitted(id(1), "r1".to_owned(), NOON));
    effects.extend(inbox.settle(id(1), failed(), NOON, 0));
    effects.extend(inbox.wake(NOON.after_ms(1000)));
    effects.extend(inbox.settle(id(1), Outcome::Silent, NOON, 0));
    assert!(rungs(&effects).is_empty() && runs(&effects).is_empty());
    assert!(inbox.state().closings.is_empty() && inbox.state().runs.is_empty());
}

#[test]
fn an_offer_is_claimed_and_wakes_only_when_the_server_says_whose_it_is() {
    let mut inbox = inbox();
    let effects = inbox.receive(&offer(1), NOON);
    assert_eq!((rungs(&effects), delivered(&effects).len()), (vec![(1, Rung::Received)], 0));
    let (mut inbox, effects) = back(&inbox, NOON);
    assert_eq!(rungs(&effects), [(1, Rung::Received)], "claimed again");
    assert!(delivered(&effects).is_empty());
    let effects = inbox.reconcile(&state(1, 1, Rung::Received), NOON);
    assert_eq!(delivered(&effects), ["ois:0a1b2c3d:1:aria:1"]);
}

#[test]
fn an_offer_that_another_one_has_is_dropped_without_a_word() {
    let mut inbox = inbox();
    inbox.receive(&offer(1), NOON);
    let effects = inbox.not_taken(&refusal(ErrorCode::BadTransition, "1:ARIA"), NOON);
    assert_eq!(endings(&effects), [&Ending::Withdrawn]);
    assert!(rungs(&effects).is_empty() && answers(&effects).is_empty());
    assert!(inbox.state().calls.is_empty() && inbox.state().closings.is_empty());
}

#[test]
fn an_offer_of_which_the_server_says_nothing_is_kept_until_it_does() {
    let mut inbox = inbox();
    inbox.receive(&offer(1), NOON);
    let late = NOON.after_ms(2 * Settings::default().deadline_ms);
    assert_eq!(inbox.wake(late), [], "the server may have stored that it is ours");
    assert_eq!(inbox.next_wake(), None);
    let effects = inbox.signed_in(&auth("ARIA", Some("0a1b2c3d")), "old", late).unwrap();
    assert_eq!(rungs(&effects), [(1, Rung::Received)]);
    inbox.caught_up(late);
    let effects = inbox.reconcile(&state(1, 1, Rung::Received), late);
    assert_eq!(delivered(&effects), ["ois:0a1b2c3d:1:aria:1"]);
}

#[test]
fn what_is_to_be_told_again_does_not_wait_for_what_was_missed() {
    let mut inbox = inbox();
    inbox.receive(&call(1), NOON);
    inbox.not_taken(&refusal(ErrorCode::Storage, "1:ARIA"), NOON);
    let due = inbox.next_wake().unwrap();
    inbox.signed_in(&auth("ARIA", Some("0a1b2c3d")), "old", due).unwrap();
    inbox.not_taken(&refusal(ErrorCode::Storage, "1:ARIA"), due);
    let due = inbox.next_wake().unwrap();
    let before = Timestamp::from_ms(due.ms() - 1);
    inbox.receive(&said(2, "Mira", "and we are still behind"), before);
    assert_eq!(rungs(&inbox.wake(due)), [(1, Rung::Received)]);
    assert!(inbox.next_wake().is_none_or(|at| at > due), "it is not woken for nothing");
}

#[test]
fn the_attempt_after_a_failed_one_is_marked_and_not_the_failed_one() {
    let mut inbox = inbox();
    inbox.receive(&call(1), NOON);
    inbox.begun(id(1), None);
    let effects = inbox.settle(id(1), failed(), NOON, 0);
    let marks = effects.iter().filter_map(|effect| match effect {
        Effect::Report(it) => Some((it.attempt, it.state, it.possible_duplicate)),
        _ => None,
    });
    let marks: Vec<_> = marks.collect();
    assert_eq!(marks, [(1, Rung::Failed, false), (2, Rung::Received, true)]);
}

#[test]
fn after_a_resume_nothing_is_begun_before_all_that_was_missed_is_heard() {
    let mut first = inbox();
    first.receive(&call(1), NOON);
    first.receive(&call(2), NOON);
    let mut inbox = killed(&first);
    assert!(delivered(&inbox.start(NOON)).is_empty());
    inbox.signed_in(&auth("ARIA", Some("0a1b2c3d")), "old", NOON).unwrap();
    assert!(delivered(&inbox.receive(&call(3), NOON)).is_empty());
    let effects = inbox.reconcile(&state(1, 1, Rung::Dead), NOON);
    assert_eq!(endings(&effects), [&Ending::Withdrawn], "nobody waits for it any more");
    let effects = inbox.caught_up(NOON);
    assert_eq!(delivered(&effects), ["ois:0a1b2c3d:2:aria:1"]);
}

#[test]
fn a_server_that_is_away_does_not_hold_calls_up_for_ever() {
    let mut first = inbox();
    first.receive(&call(1), NOON);
    let mut inbox = killed(&first);
    assert!(delivered(&inbox.start(NOON)).is_empty());
    let later = inbox.next_wake().unwrap();
    assert_eq!(later, NOON.after_ms(30_000));
    assert_eq!(delivered(&inbox.wake(later)).len(), 1);
}

#[test]
fn a_delivery_that_the_server_gave_up_goes_on_if_it_is_under_way() {
    let mut inbox = inbox();
    inbox.receive(&call(1), NOON);
    inbox.begun(id(1), None);
    assert!(inbox.reconcile(&state(1, 1, Rung::Dead), NOON).is_empty());
    let effects = inbox.settle(id(1), replied("late"), NOON, 0);
    assert_eq!(answers(&effects), [("late", 1)]);
}

#[test]
fn a_person_who_drives_it_again_gets_a_fresh_key_and_a_turn_of_its_own() {
    let mut inbox = inbox();
    inbox.receive(&call(1), NOON);
    inbox.settle(
        id(1),
        Outcome::Rejected { reason: Reason::Rejected, why: "no".to_owned() },
        NOON,
        0,
    );
    inbox.reconcile(&state(1, 1, Rung::Dead), NOON);
    let effects = inbox.reconcile(&state(1, 2, Rung::Stored), NOON);
    assert!(matches!(effects[..], [Effect::Journal(_), Effect::Fetch(_)]), "{effects:?}");
    assert!(inbox.reconcile(&state(1, 2, Rung::Stored), NOON).is_empty(), "once");
    let (mut inbox, effects) = back(&inbox, NOON);
    assert!(effects.contains(&Effect::Fetch(id(1))), "again after a restart");
    inbox.fetched(id(1), Fetched::Failed, NOON);
    let later = inbox.next_wake().unwrap();
    assert_eq!(inbox.wake(later), [Effect::Fetch(id(1))]);
    let effects = inbox.fetched(id(1), Fetched::Found(Box::new(call(1))), later);
    assert_eq!(rungs(&effects), [(2, Rung::Received)]);
    assert_eq!(delivered(&effects), ["ois:0a1b2c3d:1:aria:2"]);
    assert_eq!(inbox.fetched(id(1), Fetched::Gone, later), []);
    killed(&inbox);
}

#[test]
fn one_that_was_driven_again_and_is_over_by_now_is_left_alone() {
    let mut inbox = inbox();
    inbox.receive(&said(9, "Mira", "x"), NOON);
    let mut inbox = killed(&inbox);
    inbox.start(NOON);
    inbox.signed_in(&auth("ARIA", Some("0a1b2c3d")), "old", NOON).unwrap();
    let mut effects = inbox.reconcile(&state(1, 2, Rung::Stored), NOON);
    effects.extend(inbox.reconcile(&state(1, 2, Rung::Replied), NOON));
    effects.extend(inbox.caught_up(NOON));
    assert!(!effects.contains(&Effect::Fetch(id(1))), "{effects:?}");
    assert!(inbox.state().wanted.is_empty());
}

#[test]
fn a_message_that_is_gone_cannot_be_driven_again() {
    let mut inbox = inbox();
    inbox.reconcile(&state(1, 2, Rung::Stored), NOON);
    let effects = inbox.fetched(id(1), Fetched::Gone, NOON);
    assert_eq!(rungs(&effects), [(2, Rung::Dead)]);
    assert!(inbox.state().wanted.is_empty());
}

#[test]
fn what_is_driven_again_during_its_turn_is_settled_by_that_turns_answer() {
    let mut inbox = inbox();
    inbox.receive(&call(1), NOON);
    inbox.begun(id(1), None);
    inbox.reconcile(&state(1, 1, Rung::Dead), NOON);
    inbox.reconcile(&state(1, 2, Rung::Stored), NOON);
    let (mut inbox, _) = back(&inbox, NOON);
    inbox.settle(id(1), replied("here"), NOON, 0);
    let effects = inbox.acked(&"answer-1".parse().unwrap(), id(2), NOON);
    assert_eq!(rungs(&effects), [(2, Rung::Replied)]);
    assert!(inbox.state().wanted.is_empty() && delivered(&effects).is_empty());
}

#[test]
fn a_turn_taken_up_by_another_process_is_reported_under_its_new_name() {
    let mut inbox = inbox();
    inbox.receive(&call(1), NOON);
    inbox.begun(id(1), None);
    inbox.admitted(id(1), "r1".to_owned(), NOON);
    assert!(inbox.admitted(id(1), "r1".to_owned(), NOON).is_empty(), "said already");
    let effects = inbox.admitted(id(1), "r2".to_owned(), NOON);
    assert_eq!(reports(&effects)[0].run.as_deref(), Some("r2"));
    assert_eq!(runs(&effects), [("r1", true, Some(Rung::Failed)), ("r2", false, None)]);
}

#[test]
fn a_stopped_turn_fails_once_and_is_not_tried_again() {
    let stop = Stop { run: "r1".to_owned(), agent: me(), by: "Mira".parse().unwrap() };
    let mut inbox = inbox();
    let effects = inbox.stop(&stop);
    let [Effect::NotStopped(answer)] = &effects[..] else { panic!("{effects:?}") };
    assert!(!answer.stopped && answer.detail.is_some());
    inbox.receive(&call(1), NOON);
    inbox.begun(id(1), None);
    inbox.admitted(id(1), "r1".to_owned(), NOON);
    let effects = inbox.stop(&stop);
    assert!(matches!(effects[..], [Effect::Journal(_), Effect::Stop(_)]), "{effects:?}");
    // A restart in between must not look at the runtime and begin it again.
    let (mut inbox, effects) = back(&inbox, NOON);
    let delivery = effects.iter().find_map(|effect| match effect {
        Effect::Deliver(delivery) => Some(delivery),
        _ => None,
    });
    assert!(delivery.unwrap().stopping);
    let stopped = Outcome::Failed { reason: Reason::Stopped, why: "stopped".to_owned() };
    let effects = inbox.settle(id(1), stopped, NOON, 0);
    assert_eq!(rungs(&effects), [(1, Rung::Failed)]);
    assert_eq!(reports(&effects)[0].reason, Some(Reason::Stopped));
    assert_eq!(runs(&effects), [("r1", true, Some(Rung::Failed))]);
    assert!(inbox.state().calls.is_empty() && inbox.next_wake().is_none());
}

#[test]
fn a_turn_that_could_not_be_stopped_goes_on_as_before() {
    let stop = Stop { run: "r1".to_owned(), agent: me(), by: "Mira".parse().unwrap() };
    let mut inbox = inbox();
    inbox.receive(&call(1), NOON);
    inbox.begun(id(1), None);
    inbox.admitted(id(1), "r1".to_owned(), NOON);
    inbox.stop(&stop);
    assert!(inbox.stopped(id(1), None).is_empty(), "nobody knows whether it is stopped");
    assert_eq!(inbox.stopped(id(1), Some(false)).len(), 1);
    let effects = inbox.settle(id(1), failed(), NOON, 0);
    assert_eq!(rungs(&effects), [(1, Rung::Failed), (2, Rung::Received)], "tried again");
}

#[test]
fn what_can_only_fail_again_is_not_tried_again() {
    let mut inbox = inbox();
    inbox.receive(&call(1), NOON);
    inbox.begun(id(1), None);
    let outcome = Outcome::Rejected { reason: Reason::Error, why: "status 400".to_owned() };
    let effects = inbox.settle(id(1), outcome, NOON, 0);
    assert_eq!(rungs(&effects), [(1, Rung::Dead)]);
    assert_eq!(reports(&effects)[0].reason, Some(Reason::Error));
}

#[test]
fn a_key_that_is_spent_is_replaced_and_not_marked_but_not_for_ever() {
    let mut inbox = inbox();
    inbox.receive(&call(1), NOON);
    let effects = inbox.settle(id(1), Outcome::KeySpent, NOON, 0);
    assert_eq!(reports(&effects)[0].reason, Some(Reason::Dropped));
    assert!(!reports(&effects)[1].possible_duplicate);
    for minute in 1..=2 {
        let now = NOON.after_ms(minute * 60_000);
        assert_eq!(delivered(&inbox.wake(now)).len(), 1);
        inbox.settle(id(1), Outcome::KeySpent, now, 0);
    }
    assert_eq!(inbox.state().given_up[0].reason, Reason::Dropped);
}

#[test]
fn an_end_that_nobody_saw_is_unclear_at_the_deadline() {
    let mut inbox = inbox();
    inbox.receive(&call(1), NOON);
    inbox.begun(id(1), None);
    inbox.admitted(id(1), "r1".to_owned(), NOON);
    let late = NOON.after_ms(Settings::default().deadline_ms);
    let effects = inbox.settle(id(1), Outcome::Unclear { why: "lost".to_owned() }, late, 0);
    assert_eq!(rungs(&effects), [(1, Rung::Dead)]);
    assert_eq!(reports(&effects)[0].reason, Some(Reason::Unclear));
    assert_eq!(runs(&effects), [("r1", true, Some(Rung::Dead))], "nobody told its end");
}

#[test]
fn a_thread_goes_along_once_and_what_is_not_in_memory_is_named() {
    let mut inbox = inbox();
    let reply =
        |number, to, text: &str| Message { reply_to: Some(id(to)), ..said(number, "Mira", text) };
    inbox.receive(&reply(10, 4, "first"), NOON);
    inbox.receive(&said(11, "Mira", "between"), NOON);
    inbox.receive(&said(12, "ARIA ⚔️", "own words"), NOON);
    inbox.receive(&reply(13, 10, "second"), NOON);
    let effects = inbox.receive(&reply(14, 13, "@ARIA"), NOON);
    let Some(Effect::Deliver(delivery)) = effects.last() else { panic!("{effects:?}") };
    let ids = |messages: &[Message]| messages.iter().map(|it| it.id.get()).collect::<Vec<_>>();
    assert_eq!(ids(&delivery.thread), [10, 13]);
    assert_eq!(ids(&delivery.context), [11], "neither its own words nor the thread twice");
    assert_eq!(delivery.missing.above, Some(id(4)));
    let mut delivery = delivery.clone();
    delivery.fetched(&[said(3, "Mira", "x"), said(4, "Mira", "zero")], id(4));
    assert_eq!(ids(&delivery.thread), [4, 10, 13]);
    assert!(delivery.missing.is_nothing());
}

#[test]
fn what_is_asked_for_in_vain_is_not_asked_for_again() {
    let mut inbox = inbox();
    let notice = ois_protocol::Notice::Digest { agent: me(), messages: vec![id(2), id(3)] };
    let digest = Message {
        reply_to: Some(id(1)),
        notice: Some(notice),
        calls: vec![me()],
        ..said(9, "OIS", "missed")
    };
    let effects = inbox.receive(&digest, NOON);
    let Some(Effect::Deliver(delivery)) = effects.last() else { panic!("{effects:?}") };
    let mut delivery = delivery.clone();
    assert_eq!(delivery.missing.listed, [id(2), id(3)]);
    delivery.fetched(&[said(3, "Mira", "@ARIA")], id(2));
    assert_eq!((delivery.missing.listed.len(), delivery.listed.len()), (0, 1));
    delivery.fetched(&[], id(1));
    assert!(delivery.missing.is_nothing());
}
