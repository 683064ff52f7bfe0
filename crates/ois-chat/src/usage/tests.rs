use proptest::prelude::{any, prop_assert_eq, proptest};

use super::*;

/// 2026-02-16T12:00 in UTC.
const NOON: Timestamp = Timestamp::from_ms(1_771_243_200_000);
const DAY: u64 = 86_400_000;

fn begun(name: &str, agent: &str, start: Timestamp) -> Run {
    Run {
        run: name.into(),
        agent: agent.parse().unwrap(),
        cause: EventId::new(7).unwrap(),
        attempt: 1,
        room: RoomName::main(),
        start,
        end: None,
        outcome: None,
        reason: None,
        usage: None,
        capped: false,
    }
}

fn ended(run: &Run, input_tokens: u64) -> Run {
    let usage = Usage { input_tokens: Some(input_tokens), output_tokens: Some(1), micro_usd: None };
    let (end, outcome) = (Some(run.start.after_ms(1000)), Some(Rung::Replied));
    Run { end, outcome, usage: Some(usage), ..run.clone() }
}

fn names<'a>(runs: impl Iterator<Item = &'a Run>) -> Vec<&'a str> {
    runs.map(|run| run.run.as_str()).collect()
}

fn rows(runs: &Runs, by: UsageBy, from: Option<&str>) -> Vec<(String, u64, u64)> {
    let rows = runs.usage(by, from).into_iter();
    rows.map(|row| (row.key, row.turns, row.input_tokens)).collect()
}

fn get<'a>(runs: &'a Runs, run: &str) -> Option<&'a Run> {
    runs.named(run).next()
}

#[test]
fn a_turn_is_under_way_until_its_end_is_told() {
    let mut runs = Runs::new(UtcOffset::UTC);
    let (one, two) = (begun("r1", "A", NOON), begun("r2", "B", NOON));
    [&one, &two].into_iter().for_each(|run| runs.apply(run));
    assert_eq!(names(runs.active()), ["r1", "r2"]);
    [&two, &one].into_iter().for_each(|run| runs.apply(&ended(run, 5)));
    assert_eq!((names(runs.active()), names(runs.recent())), (vec![], vec!["r1", "r2"]));
    assert_eq!(get(&runs, "r2").unwrap().outcome, Some(Rung::Replied));
    assert_eq!(get(&runs, "r3"), None);
}

#[test]
fn what_is_told_again_costs_nothing_more() {
    let mut runs = Runs::new(UtcOffset::UTC);
    let run = begun("r1", "A", NOON);
    for told in [&run, &run, &ended(&run, 5), &ended(&run, 5), &run] {
        runs.apply(told);
    }
    assert_eq!(rows(&runs, UsageBy::Agent, None), [("A".to_owned(), 1, 5)]);
    assert_eq!((names(runs.active()), names(runs.recent())), (vec![], vec!["r1"]));
}

#[test]
fn an_end_without_a_beginning_is_both() {
    let mut runs = Runs::new(UtcOffset::UTC);
    runs.apply(&ended(&begun("r1", "A", NOON), 5));
    assert_eq!(rows(&runs, UsageBy::Agent, None), [("A".to_owned(), 1, 5)]);
}

#[test]
fn the_same_name_at_two_agents_is_two_turns() {
    let mut runs = Runs::new(UtcOffset::UTC);
    ["A", "B"].into_iter().for_each(|agent| runs.apply(&begun("r1", agent, NOON)));
    runs.apply(&ended(&begun("r1", "B", NOON), 5));
    assert_eq!(runs.active().count(), 1);
    assert_eq!(runs.usage(UsageBy::Agent, None).len(), 2);
}

#[test]
fn a_turn_of_a_dead_delivery_is_over_and_its_real_end_still_counts() {
    let mut runs = Runs::new(UtcOffset::UTC);
    let (run, other) = (begun("r1", "A", NOON), begun("r2", "B", NOON));
    [&run, &other].into_iter().for_each(|run| runs.apply(run));
    runs.close(run.cause, &run.agent, 1, NOON.after_ms(DAY));
    assert_eq!(names(runs.active()), ["r2"]);
    let dead = get(&runs, "r1").unwrap();
    assert_eq!((dead.outcome, dead.end), (Some(Rung::Dead), Some(NOON.after_ms(DAY))));
    runs.apply(&run);
    assert_eq!(names(runs.active()), ["r2"]);
    runs.apply(&ended(&run, 5));
    runs.apply(&ended(&run, 5));
    assert_eq!(get(&runs, "r1").unwrap().outcome, Some(Rung::Replied));
    assert_eq!(rows(&runs, UsageBy::Agent, None), [("A".to_owned(), 1, 5), ("B".to_owned(), 1, 0)]);
}

#[test]
fn a_turn_counts_on_the_day_on_which_it_began_whatever_its_end_says() {
    let mut runs = Runs::new(UtcOffset::UTC);
    let run = begun("r1", "A", NOON);
    runs.apply(&run);
    runs.apply(&ended(&Run { start: NOON.after_ms(DAY), ..run }, 5));
    assert_eq!(rows(&runs, UsageBy::Day, None), [("2026-02-16".to_owned(), 1, 5)]);
    assert_eq!(get(&runs, "r1").unwrap().start, NOON);
}

#[test]
fn usage_is_summed_up_by_agent_room_and_day() {
    let mut runs = Runs::new(UtcOffset::LEGACY);
    let ops = || "ops".parse().unwrap();
    let turns = [
        begun("r1", "B", NOON),
        Run { room: ops(), ..begun("r2", "A", NOON) },
        // In the team's zone that is the next day.
        begun("r3", "A", NOON.after_ms(DAY / 6)),
    ];
    for (at, run) in turns.iter().enumerate() {
        runs.apply(run);
        runs.apply(&ended(run, 10 + at as u64));
    }
    let row = |key: &str, turns, tokens| (key.to_owned(), turns, tokens);
    assert_eq!(rows(&runs, UsageBy::Agent, None), [row("A", 2, 23), row("B", 1, 10)]);
    assert_eq!(rows(&runs, UsageBy::Room, None), [row("main", 2, 22), row("ops", 1, 11)]);
    let days = [row("2026-02-16", 2, 21), row("2026-02-17", 1, 12)];
    assert_eq!(rows(&runs, UsageBy::Day, None), days);
    assert_eq!(rows(&runs, UsageBy::Day, Some("2026-02-17")), days[1..]);
    assert_eq!(runs.usage(UsageBy::Room, None)[0].output_tokens, 2);
}

#[test]
fn what_is_known_stays_within_its_bounds() {
    let mut runs = Runs::new(UtcOffset::UTC);
    for at in 0..5000 {
        let run = begun(&format!("r{at}"), "A", NOON.after_ms(at * DAY / 10));
        runs.apply(&run);
        runs.apply(&begun(&format!("lost{at}"), "A", NOON.after_ms(at * DAY / 10)));
        runs.apply(&ended(&run, 1));
    }
    assert_eq!((runs.active().count(), runs.recent().count()), (Runs::ACTIVE - 1, Runs::RECENT));
    assert_eq!(runs.usage(UsageBy::Day, None).len(), Runs::DAYS);
    let is_told = |run: &str| runs.named(run).next().map(|run| runs.is_told(run));
    assert_eq!(
        (is_told("lost904"), runs.is_told(runs.active().next().unwrap())),
        (Some(false), false)
    );
}

proptest! {
    #[test]
    fn after_a_restart_at_any_point_all_goes_on_as_it_would_have(
        steps in proptest::collection::vec((0..3_u8, 0..20_u64, any::<bool>()), 0..80),
        at in 0..80_usize,
    ) {
        let step = |runs: &mut Runs, (kind, which, is_a): (u8, u64, bool)| {
            let agent = if is_a { "A" } else { "B" };
            let run = begun(&format!("r{which}"), agent, NOON.after_ms(which * DAY / 4));
            match kind {
                0 => runs.apply(&run),
                1 => runs.apply(&ended(&run, which)),
                _ => runs.close(run.cause, &run.agent, 1, run.start.after_ms(DAY)),
            }
        };
        let (mut runs, cut) = (Runs::new(UtcOffset::LEGACY), at.min(steps.len()));
        steps[..cut].iter().for_each(|one| step(&mut runs, *one));
        let kept = serde_json::to_string(&runs).unwrap();
        let mut again: Runs = serde_json::from_str(&kept).unwrap();
        again.set_offset(UtcOffset::LEGACY);
        for one in &steps[cut..] {
            step(&mut runs, *one);
            step(&mut again, *one);
        }
        prop_assert_eq!(runs, again);
    }
}
