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

fn here(reports: bool) -> impl Fn(&ShortName) -> LastHere {
    move |_| LastHere { until: None, reports }
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
    let count = |ladder: &Ladder, ms| ladder.overdue(NOON.after_ms(ms), DAY_MS, here(true)).count();
    assert_eq!(count(&ladder, DAY_MS - 1), 0);
    assert_eq!(count(&ladder, DAY_MS), 2);
    let reasons: Vec<Overdue> =
        ladder.overdue(NOON.after_ms(DAY_MS), DAY_MS, here(false)).collect();
    assert!(matches!(&reasons[0], Overdue::Delivery { reason: Reason::NoMonitor, .. }));
    assert!(matches!(&reasons[1], Overdue::Offer { duty, .. } if *duty == name("reviewer")));
}

#[test]
fn a_turn_is_never_over_for_being_long_while_its_agent_is_here() {
    let mut ladder = ladder(&calling(7, &["HKH"]));
    report(&mut ladder, said(7, "HKH", 1, Rung::Admitted)).unwrap();
    let late = NOON.after_ms(10 * DAY_MS);
    assert_eq!(ladder.overdue(late, DAY_MS, here(true)).count(), 0);
    let gone = |ms: u64| {
        move |_: &ShortName| LastHere {
            until: Some(NOON.after_ms(10 * DAY_MS - ms)),
            reports: true,
        }
    };
    assert_eq!(ladder.overdue(late, DAY_MS, gone(DAY_MS - 1)).count(), 0);
    assert_eq!(ladder.overdue(late, DAY_MS, gone(DAY_MS)).count(), 1);
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
    let (_, replied) = ladder.answered().next().unwrap();
    assert_eq!((replied.state, replied.answer), (Rung::Replied, Some(id(9))));
    ladder.apply_delivery(&replied);
    assert_eq!(ladder.answered().count(), 0);
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
    let replied = said(7, "HKH", 1, Rung::Replied);
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
    let replied = said(7, "HKH", 1, Rung::Replied);
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
    assert_eq!(ladder.overdue(NOON.after_ms(DAY_MS), DAY_MS, here(true)).count(), 0);
    assert_eq!(ladder.report(said(7, "HKH", 1, Rung::Replied)), Err(ReportError::Busy));
    ladder.apply_delivery(&dead);
    ladder.forget_pending();
    assert!(ladder.retry(&dead.id()).is_ok());
    assert_eq!(ladder.retry(&dead.id()), Err(ReportError::Busy));
}
