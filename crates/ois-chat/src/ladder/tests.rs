use ois_protocol::NewEvent;

use super::*;

const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);
const DAY_MS: u64 = 24 * 3600 * 1000;

fn id(number: u64) -> EventId {
    EventId::new(number).unwrap()
}

fn name(name: &str) -> ShortName {
    name.parse().unwrap()
}

fn calling(number: u64, agents: &[&str]) -> Message {
    Message {
        calls: agents.iter().map(|agent| name(agent)).collect(),
        ..Message::plain(id(number), "Mira".to_owned(), "hi".to_owned(), NOON)
    }
}

fn offering(number: u64, agents: &[&str]) -> Message {
    let agents = agents.iter().map(|agent| name(agent)).collect();
    Message {
        offers: vec![Offer { duty: name("reviewer"), agents }],
        ..Message::plain(id(number), "Mira".to_owned(), "hi".to_owned(), NOON)
    }
}

fn said(number: u64, agent: &str, attempt: u32, state: Rung) -> Delivery {
    Delivery { attempt, state, ..Delivery::stored(id(number), name(agent), NOON) }
}

fn ladder(message: &Message) -> Ladder {
    let mut ladder = Ladder::default();
    ladder.apply_message(message, &name("Mira"));
    ladder
}

/// Reports, and stores what climbs.
fn report(ladder: &mut Ladder, said: Delivery) -> Result<Report, ReportError> {
    let report = ladder.report(said)?;
    if let Report::Climbs(NewEvent::Delivery { delivery, .. }) = &report {
        ladder.apply_delivery(delivery);
        ladder.forget_pending();
    }
    Ok(report)
}

fn state(ladder: &Ladder, number: u64, agent: &str) -> (u32, Rung) {
    let known = ladder.get(&DeliveryId { message: id(number), agent: name(agent) }).unwrap();
    (known.attempt, known.state)
}

/// The limits with a deadline of a day and turns of six hours.
const LIMITS: Limits = Limits { deadline_ms: DAY_MS, turn_ms: DAY_MS / 4 };

/// What an agent says, as an answer to this message.
fn answer(number: u64, agent: &str, to: u64) -> Message {
    Message {
        agent: true,
        cause: Some(id(to)),
        reply_to: Some(id(to)),
        ..Message::plain(id(number), agent.to_owned(), "yes".to_owned(), NOON)
    }
}

/// A report that this message is the answer.
fn replied(number: u64, agent: &str, answer: u64) -> Delivery {
    Delivery { answer: Some(id(answer)), ..said(number, agent, 1, Rung::Replied) }
}

/// The deliveries that are over at this time, as states.
fn given_up(ladder: &Ladder, ms: u64) -> Vec<(Rung, Option<Reason>)> {
    let overdue = ladder.overdue(NOON.after_ms(ms), LIMITS);
    overdue
        .filter_map(|it| match it {
            Overdue::Delivery { delivery, .. } => Some((delivery.state, delivery.reason)),
            Overdue::Offer { .. } => None,
        })
        .collect()
}

fn run(number: u64, agent: &str, run: &str) -> Run {
    Run {
        run: run.to_owned(),
        agent: name(agent),
        cause: id(number),
        attempt: 1,
        room: RoomName::main(),
        start: NOON,
        end: Some(NOON),
        outcome: Some(Rung::Replied),
        reason: None,
        usage: None,
        capped: false,
    }
}

#[test]
fn a_message_has_a_delivery_for_each_agent_that_it_calls() {
    let ladder = ladder(&calling(7, &["HKH", "ARIA"]));
    assert_eq!(state(&ladder, 7, "HKH"), (1, Rung::Stored));
    assert_eq!(ladder.of(id(7)).unwrap().len(), 2);
    assert_eq!(ladder.of(id(8)), None);
}

#[test]
fn a_state_only_climbs_and_may_leave_rungs_out() {
    let mut ladder = ladder(&calling(7, &["HKH"]));
    assert!(matches!(
        report(&mut ladder, said(7, "HKH", 1, Rung::Admitted)),
        Ok(Report::Climbs(_))
    ));
    for lower in [Rung::Stored, Rung::Received, Rung::Admitted] {
        let known = report(&mut ladder, said(7, "HKH", 1, lower)).unwrap();
        assert!(matches!(known, Report::Known(it) if it.state == Rung::Admitted), "{lower:?}");
    }
    report(&mut ladder, said(7, "HKH", 1, Rung::Silent)).unwrap();
    let again = report(&mut ladder, said(7, "HKH", 1, Rung::Silent)).unwrap();
    assert!(matches!(again, Report::Known(_)));
    let other = report(&mut ladder, said(7, "HKH", 1, Rung::Replied));
    assert!(matches!(other, Err(ReportError::BadTransition(it)) if it.state == Rung::Silent));
    assert_eq!(state(&ladder, 7, "HKH"), (1, Rung::Silent));
}

#[test]
fn a_failed_attempt_is_followed_by_the_monitors_next_and_a_dead_one_is_not() {
    let mut ladder = ladder(&calling(7, &["HKH"]));
    report(&mut ladder, said(7, "HKH", 1, Rung::Failed)).unwrap();
    report(&mut ladder, said(7, "HKH", 2, Rung::Received)).unwrap();
    assert_eq!(state(&ladder, 7, "HKH"), (2, Rung::Received));
    let late = report(&mut ladder, said(7, "HKH", 1, Rung::Replied)).unwrap();
    assert!(matches!(late, Report::Known(_)));
    report(&mut ladder, said(7, "HKH", 2, Rung::Dead)).unwrap();
    let more = report(&mut ladder, said(7, "HKH", 3, Rung::Received));
    assert!(matches!(more, Err(ReportError::BadTransition(_))));
}

#[test]
fn a_turn_that_a_new_process_took_over_has_a_new_name() {
    let mut ladder = ladder(&calling(7, &["HKH"]));
    let run =
        |run: &str| Delivery { run: Some(run.to_owned()), ..said(7, "HKH", 1, Rung::Admitted) };
    report(&mut ladder, run("r1")).unwrap();
    assert!(matches!(report(&mut ladder, run("r1")), Ok(Report::Known(_))));
    assert!(matches!(report(&mut ladder, run("r2")), Ok(Report::Climbs(_))));
}

#[test]
fn a_person_opens_the_next_attempt_of_what_failed_or_died_and_of_nothing_else() {
    let mut ladder = ladder(&calling(7, &["HKH"]));
    let hkh = DeliveryId { message: id(7), agent: name("HKH") };
    assert!(matches!(ladder.retry(&hkh), Err(ReportError::BadTransition(_))));
    let dead = Delivery { run: Some("r1".to_owned()), ..said(7, "HKH", 1, Rung::Dead) };
    report(&mut ladder, dead).unwrap();
    let NewEvent::Delivery { delivery, .. } = ladder.retry(&hkh).unwrap() else { panic!() };
    assert_eq!((delivery.attempt, delivery.state), (2, Rung::Stored));
    assert!(delivery.possible_duplicate, "a turn had begun");
    ladder.apply_delivery(&delivery);
    report(&mut ladder, said(7, "HKH", 2, Rung::Received)).unwrap();
    assert_eq!(state(&ladder, 7, "HKH"), (2, Rung::Received));
}

#[test]
fn of_those_who_have_a_duty_the_first_that_claims_is_woken() {
    let mut ladder = ladder(&offering(7, &["HKH", "ARIA", "Bo"]));
    let claim = |agent: &str| said(7, agent, 1, Rung::Received);
    // Both claim before the log has either.
    assert!(matches!(ladder.report(claim("ARIA")), Ok(Report::Climbs(_))));
    assert_eq!(ladder.report(claim("HKH")), Err(ReportError::Taken(name("ARIA"))));
    assert!(matches!(ladder.report(claim("ARIA")), Ok(Report::Climbs(_))));
    ladder.apply_delivery(&claim("ARIA"));
    assert_eq!(ladder.report(claim("Bo")), Err(ReportError::Taken(name("ARIA"))));
    assert!(matches!(ladder.report(claim("ARIA")), Ok(Report::Known(_))));
    assert_eq!(ladder.of(id(7)).unwrap().len(), 1);
}

#[test]
fn nobody_reports_for_what_is_not_theirs() {
    let mut ladder = ladder(&offering(7, &["HKH"]));
    assert_eq!(ladder.report(said(7, "Eve", 1, Rung::Received)), Err(ReportError::NotFound));
    assert_eq!(ladder.report(said(9, "HKH", 1, Rung::Received)), Err(ReportError::NotFound));
}

#[test]
fn what_nobody_takes_is_over_at_the_deadline_and_not_before() {
    let mut ladder = ladder(&calling(7, &["HKH"]));
    ladder.apply_message(&offering(8, &["ARIA"]), &name("Mira"));
    let count = |ladder: &Ladder, ms| ladder.overdue(NOON.after_ms(ms), LIMITS).count();
    assert_eq!(count(&ladder, DAY_MS - 1), 0);
    assert_eq!(count(&ladder, DAY_MS), 2);
    let over: Vec<Overdue> = ladder.overdue(NOON.after_ms(DAY_MS), LIMITS).collect();
    assert!(matches!(&over[0], Overdue::Delivery { delivery, .. }
        if (delivery.state, delivery.reason) == (Rung::Dead, Some(Reason::Deadline))));
    assert!(matches!(&over[1], Overdue::Offer { duty, .. } if *duty == name("reviewer")));
}

#[test]
fn nothing_stays_as_it_is_beyond_its_deadline_whoever_is_there() {
    for state in [Rung::Received, Rung::Ended, Rung::Failed] {
        let mut ladder = ladder(&calling(7, &["HKH"]));
        report(&mut ladder, said(7, "HKH", 1, state)).unwrap();
        assert_eq!(given_up(&ladder, DAY_MS - 1), [], "{state:?}");
        assert_eq!(given_up(&ladder, DAY_MS), [(Rung::Dead, Some(Reason::Deadline))], "{state:?}");
    }
}

#[test]
fn a_turn_has_its_limit_which_another_name_for_it_does_not_put_off() {
    let mut ladder = ladder(&calling(7, &["HKH"]));
    let admitted = |run: &str, ms: u64| Delivery {
        run: Some(run.to_owned()),
        at: NOON.after_ms(ms),
        ..said(7, "HKH", 1, Rung::Admitted)
    };
    report(&mut ladder, admitted("r1", 0)).unwrap();
    report(&mut ladder, admitted("r2", DAY_MS / 8)).unwrap();
    assert_eq!(given_up(&ladder, LIMITS.turn_ms - 1), []);
    let timeout = (Rung::Failed, Some(Reason::Timeout));
    assert_eq!(given_up(&ladder, LIMITS.turn_ms), [timeout]);
    let no_limit = Limits { turn_ms: 0, ..LIMITS };
    assert_eq!(ladder.overdue(NOON.after_ms(10 * DAY_MS), no_limit).count(), 0);
    let stopped = Delivery { reason: Some(Reason::Timeout), ..said(7, "HKH", 1, Rung::Failed) };
    ladder.apply_delivery(&stopped);
    assert_eq!(given_up(&ladder, 3 * DAY_MS), []);
    let next = report(&mut ladder, said(7, "HKH", 2, Rung::Received));
    assert!(matches!(next, Err(ReportError::BadTransition(_))), "only a person drives it again");
}

#[test]
fn only_an_agent_that_is_known_to_answer_without_a_monitor_is_given_up_for_having_none() {
    let mut ladder = ladder(&calling(7, &["HKH", "ARIA"]));
    ladder.apply_message(&answer(8, "HKH", 7), &name("HKH"));
    let (_, replied) = ladder.answered(NOON).next().unwrap();
    ladder.apply_delivery(&replied);
    ladder.apply_message(&calling(9, &["HKH"]), &name("Mira"));
    let of = |reason| (Rung::Dead, Some(reason));
    assert_eq!(given_up(&ladder, DAY_MS), [of(Reason::Deadline), of(Reason::NoMonitor)]);
    report(&mut ladder, said(9, "HKH", 1, Rung::Received)).unwrap();
    ladder.apply_message(&calling(10, &["HKH"]), &name("Mira"));
    assert_eq!(given_up(&ladder, DAY_MS), [of(Reason::Deadline); 3]);
}

#[test]
fn an_answer_counts_also_after_the_delivery_was_given_up() {
    let mut ladder = ladder(&calling(7, &["HKH"]));
    report(&mut ladder, said(7, "HKH", 1, Rung::Admitted)).unwrap();
    ladder.apply_delivery(&said(7, "HKH", 1, Rung::Dead));
    let loose = Message { reply_to: None, ..answer(8, "HKH", 7) };
    ladder.apply_message(&loose, &name("HKH"));
    assert_eq!(ladder.answered(NOON).count(), 0, "it does not say that it answers");
    let late = report(&mut ladder.clone(), replied(7, "HKH", 8)).unwrap();
    assert!(matches!(late, Report::Climbs(NewEvent::Delivery { delivery, .. }) if delivery.late));
    ladder.apply_message(&answer(9, "HKH", 7), &name("HKH"));
    let (_, late) = ladder.answered(NOON).next().unwrap();
    assert_eq!((late.state, late.answer, late.late), (Rung::Replied, Some(id(9)), true));
}

#[test]
fn an_answer_that_nobody_reports_counts_once_its_run_has_ended() {
    let mut ladder = ladder(&calling(7, &["HKH"]));
    report(&mut ladder, said(7, "HKH", 1, Rung::Admitted)).unwrap();
    ladder.apply_message(&answer(8, "HKH", 7), &name("HKH"));
    let later = NOON.after_ms(REPORT_MS);
    assert_eq!(ladder.answered(later).count(), 0, "the turn goes on");
    ladder.apply_run(&run(7, "HKH", "r1"));
    assert_eq!(ladder.answered(NOON).count(), 0, "its monitor may be about to say so");
    let (_, found) = ladder.answered(later).next().unwrap();
    assert_eq!((found.state, found.answer, found.late), (Rung::Replied, Some(id(8)), false));
}

#[test]
fn an_answer_that_nobody_reports_is_better_than_a_deadline() {
    let mut ladder = ladder(&calling(7, &["HKH"]));
    report(&mut ladder, said(7, "HKH", 1, Rung::Received)).unwrap();
    ladder.apply_message(&answer(8, "HKH", 7), &name("HKH"));
    assert_eq!(given_up(&ladder, DAY_MS), [(Rung::Replied, None)]);
}

#[test]
fn an_answer_is_a_message_by_the_agent_that_was_said_after_the_call() {
    let mut ladder = ladder(&calling(7, &["HKH", "ARIA"]));
    ladder.apply_message(&answer(8, "ARIA", 7), &name("ARIA"));
    ladder.apply_message(&calling(9, &["HKH"]), &name("Mira"));
    report(&mut ladder, said(9, "HKH", 1, Rung::Received)).unwrap();
    for wrong in [8, 9, 7, 99] {
        let refused = report(&mut ladder, replied(7, "HKH", wrong));
        assert_eq!(refused, Err(ReportError::NoAnswer), "{wrong}");
    }
    let none = report(&mut ladder, said(7, "HKH", 1, Rung::Replied));
    assert_eq!(none, Err(ReportError::NoAnswer));
    ladder.apply_message(&answer(10, "HKH", 7), &name("HKH"));
    report(&mut ladder, said(7, "HKH", 1, Rung::Received)).unwrap();
    report(&mut ladder, replied(7, "HKH", 10)).unwrap();
    assert_eq!(state(&ladder, 7, "HKH"), (1, Rung::Replied));
    assert_eq!(report(&mut ladder, replied(9, "HKH", 8)), Err(ReportError::NoAnswer));
}

#[test]
fn who_has_two_duties_takes_a_message_for_both() {
    let duty = |duty: &str| Offer { duty: name(duty), agents: vec![name("HKH"), name("ARIA")] };
    let offers = vec![duty("reviewer"), duty("writer")];
    let mut ladder = ladder(&Message { offers, ..calling(7, &[]) });
    report(&mut ladder, said(7, "HKH", 1, Rung::Received)).unwrap();
    let late = report(&mut ladder, said(7, "ARIA", 1, Rung::Received));
    assert_eq!(late, Err(ReportError::Taken(name("HKH"))));
    let offers = ladder.overdue(NOON.after_ms(DAY_MS), LIMITS);
    assert!(!offers.into_iter().any(|it| matches!(it, Overdue::Offer { .. })));
}

#[test]
fn a_delivery_takes_as_many_reports_of_runs_as_its_attempts_explain() {
    let mut ladder = ladder(&calling(7, &["HKH"]));
    let hkh = DeliveryId { message: id(7), agent: name("HKH") };
    let in_one_batch = (0..5000).filter(|_| ladder.takes_run(&hkh)).count();
    ladder.forget_pending();
    let mut stored = 0;
    while stored < 5000 && ladder.takes_run(&hkh) {
        ladder.apply_run(&run(7, "HKH", &format!("r{stored}")));
        ladder.forget_pending();
        stored += 1;
    }
    assert_eq!((in_one_batch, stored), (34, 34));
}

#[test]
fn the_answer_of_an_agent_whose_client_reports_nothing_is_evidence_enough() {
    let mut ladder = ladder(&calling(7, &["HKH", "ARIA"]));
    let answer = Message {
        cause: Some(id(7)),
        agent: true,
        ..Message::plain(id(9), "HKH".to_owned(), "yes".to_owned(), NOON)
    };
    ladder.apply_message(&answer, &name("HKH"));
    let (_, replied) = ladder.answered(NOON).next().unwrap();
    assert_eq!((replied.state, replied.answer), (Rung::Replied, Some(id(9))));
    ladder.apply_delivery(&replied);
    assert_eq!(ladder.answered(NOON).count(), 0);
    assert_eq!(state(&ladder, 7, "ARIA"), (1, Rung::Stored));
}

#[test]
fn what_is_over_is_forgotten_from_the_oldest_on_and_what_is_open_never() {
    let mut ladder = ladder(&calling(1, &["HKH"]));
    for number in 2..10_000 {
        ladder.apply_message(&calling(number, &["HKH"]), &name("Mira"));
        ladder.apply_delivery(&said(number, "HKH", 1, Rung::Silent));
    }
    assert!(ladder.messages.len() <= KEPT + KEPT / 8 + 1);
    assert_eq!(state(&ladder, 1, "HKH"), (1, Rung::Stored));
    assert_eq!(state(&ladder, 9_999, "HKH"), (1, Rung::Silent));
}

#[test]
fn a_ladder_outlives_its_process() {
    let mut ladder = ladder(&calling(7, &["HKH"]));
    ladder.apply_message(&offering(8, &["ARIA"]), &name("Mira"));
    report(&mut ladder, said(7, "HKH", 1, Rung::Admitted)).unwrap();
    let kept = serde_json::to_string(&ladder).unwrap();
    assert_eq!(serde_json::from_str::<Ladder>(&kept).unwrap(), ladder);
}

#[test]
fn words_beyond_their_limit_are_cut() {
    let mut ladder = ladder(&calling(7, &["HKH"]));
    let long = Delivery { detail: Some("早".repeat(600)), ..said(7, "HKH", 1, Rung::Failed) };
    report(&mut ladder, long).unwrap();
    let failed = Query { state: Some(Rung::Failed), ..Query::default() };
    let known = ladder.find(&failed).next();
    assert_eq!(known.unwrap().detail.as_ref().unwrap().chars().count(), Delivery::DETAIL_CHARS);
}

#[test]
fn what_is_being_stored_is_not_taken_back_by_an_older_word() {
    let mut ladder = ladder(&calling(7, &["HKH"]));
    ladder.apply_message(&Message { cause: None, ..answer(8, "HKH", 7) }, &name("HKH"));
    let replied = replied(7, "HKH", 8);
    assert!(matches!(ladder.report(replied.clone()), Ok(Report::Climbs(_))));
    let older = ladder.report(said(7, "HKH", 1, Rung::Received)).unwrap();
    assert!(
        matches!(older, Report::Known(it) if it.state == Rung::Stored),
        "never more than is stored"
    );
    assert!(
        matches!(ladder.report(replied.clone()), Ok(Report::Climbs(_))),
        "its sender may be gone"
    );
    assert_eq!(ladder.report(said(7, "HKH", 1, Rung::Silent)), Err(ReportError::Busy));
    ladder.apply_delivery(&replied);
    ladder.forget_pending();
    assert_eq!(state(&ladder, 7, "HKH"), (1, Rung::Replied));
    assert!(matches!(ladder.report(replied), Ok(Report::Known(_))));
}

#[test]
fn what_was_not_stored_may_be_said_otherwise() {
    let mut ladder = ladder(&calling(7, &["HKH"]));
    ladder.apply_message(&Message { cause: None, ..answer(8, "HKH", 7) }, &name("HKH"));
    let replied = replied(7, "HKH", 8);
    ladder.report(replied.clone()).unwrap();
    ladder.forget_pending();
    assert!(matches!(ladder.report(said(7, "HKH", 1, Rung::Received)), Ok(Report::Climbs(_))));
}

#[test]
fn a_claim_that_was_not_stored_leaves_the_offer_open() {
    let mut ladder = ladder(&offering(7, &["HKH", "ARIA"]));
    assert!(matches!(ladder.report(said(7, "HKH", 1, Rung::Received)), Ok(Report::Climbs(_))));
    let late = ladder.report(said(7, "ARIA", 1, Rung::Received));
    assert_eq!(late, Err(ReportError::Taken(name("HKH"))), "in the same batch");
    ladder.forget_pending();
    assert!(matches!(ladder.report(said(7, "ARIA", 1, Rung::Received)), Ok(Report::Climbs(_))));
}

#[test]
fn who_is_given_up_answers_no_more_and_is_driven_again_once() {
    let mut ladder = ladder(&calling(7, &["HKH"]));
    let dead = said(7, "HKH", 1, Rung::Dead);
    ladder.pending.expect(&dead);
    assert_eq!(ladder.overdue(NOON.after_ms(DAY_MS), LIMITS).count(), 0);
    assert_eq!(ladder.report(said(7, "HKH", 1, Rung::Replied)), Err(ReportError::Busy));
    ladder.apply_delivery(&dead);
    ladder.forget_pending();
    assert!(ladder.retry(&dead.id()).is_ok());
    assert_eq!(ladder.retry(&dead.id()), Err(ReportError::Busy));
}

#[test]
fn a_monitor_tells_more_of_an_answer_that_the_log_has_shown_already() {
    let mut ladder = ladder(&calling(7, &["HKH"]));
    let shown = replied(7, "HKH", 9);
    ladder.apply_message(&answer(9, "HKH", 7), &name("HKH"));
    ladder.apply_delivery(&shown);
    assert!(matches!(ladder.report(shown.clone()), Ok(Report::Known(_))));
    let more = Delivery { possible_duplicate: true, ..shown };
    assert!(matches!(ladder.report(more.clone()), Ok(Report::Climbs(_))));
    ladder.forget_pending();
    ladder.apply_delivery(&more);
    assert!(matches!(ladder.report(more), Ok(Report::Known(_))), "that is known now");
}
