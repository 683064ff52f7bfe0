use ois_protocol::{Held, Usage};
use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};

use super::*;

/// 2026-02-16T12:00 in UTC.
const NOON: Timestamp = Timestamp::from_ms(1_771_243_200_000);
const MINUTE: u64 = 60_000;
const DAY: u64 = 86_400_000;

/// A team's log with the budgets that read it.
#[derive(Clone)]
struct Play {
    budgets: Budgets,
    head: u64,
    now: Timestamp,
}

impl Play {
    fn new(budgets: Vec<Budget>) -> Self {
        let mut play = Self { budgets: Budgets::new(UtcOffset::UTC), head: 100, now: NOON };
        play.budgets.set(budgets);
        play
    }

    fn next(&mut self, user: &str) -> Message {
        self.head += 1;
        Message::plain(EventId::new(self.head).unwrap(), user.into(), "x".into(), self.now)
    }

    /// A person calls agents; those whom a budget holds are held.
    fn mention(&mut self, agents: &[&str]) -> EventId {
        let (mut message, mut pending) = (self.next("Mira"), Pending::default());
        for agent in agents.iter().map(|agent| name(agent)) {
            match self.budgets.judge_among(&agent, &message.room, &pending, self.now) {
                Judgement::Go { .. } => {
                    pending.add(&agent, &message.room);
                    message.calls.push(agent);
                }
                Judgement::Hold { spent, policy, .. } => {
                    message.held.push(Held::by_budget(agent, spent, policy));
                }
            }
        }
        self.say(message)
    }

    fn say(&mut self, message: Message) -> EventId {
        self.budgets.apply_message(&message);
        message.id
    }

    fn notice(&mut self, notice: Notice, reply_to: Option<EventId>) -> EventId {
        let calls = match &notice {
            Notice::Digest { agent, .. } => vec![agent.clone()],
            _ => Vec::new(),
        };
        let next = self.next("OIS");
        self.say(Message { agent: true, notice: Some(notice), reply_to, calls, ..next })
    }

    fn judge(&self, agent: &str) -> Judgement {
        self.budgets.judge(&name(agent), &RoomName::main(), 0, self.now)
    }

    fn is_held(&self, agent: &str) -> bool {
        matches!(self.judge(agent), Judgement::Hold { .. })
    }

    fn delivery(&mut self, message: EventId, agent: &str, state: Rung, run: Option<&str>) {
        self.attempt(message, agent, 1, state, run);
    }

    fn attempt(
        &mut self,
        message: EventId,
        agent: &str,
        attempt: u32,
        state: Rung,
        run: Option<&str>,
    ) {
        let run = run.map(str::to_owned);
        let stored = Delivery::stored(message, name(agent), self.now);
        let delivery = Delivery { attempt, state, run, ..stored };
        self.budgets.apply_delivery(&delivery, &RoomName::main());
    }

    fn fail(&mut self, message: EventId, agent: &str, attempt: u32, reason: Reason) {
        let stored = Delivery::stored(message, name(agent), self.now);
        let (state, reason) = (Rung::Failed, Some(reason));
        let delivery = Delivery { attempt, state, reason, ..stored };
        self.budgets.apply_delivery(&delivery, &RoomName::main());
    }

    /// A whole turn, with what it cost.
    fn turn(&mut self, message: EventId, agent: &str, usage: Usage) {
        let run = format!("run-{message}");
        self.delivery(message, agent, Rung::Received, None);
        self.delivery(message, agent, Rung::Admitted, Some(&run));
        let mut turn = self.run(message, agent, &run);
        self.budgets.apply_run(&turn, self.now);
        turn.end = Some(self.now);
        turn.usage = Some(usage);
        self.budgets.apply_run(&turn, self.now);
        self.delivery(message, agent, Rung::Replied, Some(&run));
    }

    fn run(&self, cause: EventId, agent: &str, run: &str) -> Run {
        Run {
            run: run.into(),
            agent: name(agent),
            cause,
            attempt: 1,
            room: RoomName::main(),
            start: self.now,
            end: None,
            outcome: None,
            reason: None,
            usage: None,
            capped: false,
        }
    }

    fn asked(&self, agent: &str) -> Option<Waiting> {
        self.budgets.asked(&name(agent), &RoomName::main(), self.now)
    }

    fn after(&mut self, ms: u64) {
        self.now = self.now.after_ms(ms);
    }

    fn restart(&mut self) {
        let kept = serde_json::to_string(&self.budgets).unwrap();
        let mut read: Budgets = serde_json::from_str(&kept).unwrap();
        read.set_offset(self.budgets.offset);
        read.set(self.budgets.list().to_vec());
        assert_eq!(read, self.budgets);
        self.budgets = read;
    }
}

fn name(name: &str) -> ShortName {
    name.parse().unwrap()
}

fn budget(agent: Option<&str>, turns: u64, policy: Policy) -> Budget {
    Budget {
        agent: agent.map(name),
        room: None,
        turns: Some(turns),
        input_tokens: None,
        output_tokens: None,
        micro_usd: None,
        policy,
        minutes: Budget::MINUTES,
    }
}

fn five_for_a() -> Play {
    Play::new(vec![budget(Some("A"), 5, Policy::Stop)])
}

fn tokens(input_tokens: u64) -> Usage {
    Usage { input_tokens: Some(input_tokens), ..Usage::default() }
}

#[test]
fn a_budget_of_five_turns_stops_at_five() {
    let mut play = five_for_a();
    let mut woken = 0;
    while woken < 9 && !play.is_held("A") {
        play.mention(&["A"]);
        woken += 1;
    }
    assert_eq!(woken, 5);
    assert!(!play.is_held("B"));
}

#[test]
fn mentions_that_come_at_once_are_counted_before_they_are_stored() {
    let play = five_for_a();
    let held = |pending| {
        let judged = play.budgets.judge(&name("A"), &RoomName::main(), pending, NOON);
        matches!(judged, Judgement::Hold { .. })
    };
    assert_eq!([0, 4, 5, 6].map(held), [false, false, true, true]);
}

#[test]
fn agents_that_share_a_budget_cannot_use_it_up_twice_in_one_message() {
    let mut play = Play::new(vec![budget(None, 5, Policy::Stop)]);
    let crowd = ["A", "B", "C", "D", "E", "F", "G"];
    play.mention(&crowd);
    let used = play.budgets.day.used(&play.budgets.budgets[0]);
    assert_eq!((used.turns, play.is_held("A")), (5, true));
}

#[test]
fn a_room_has_its_own_budget() {
    let ops: RoomName = "ops".parse().unwrap();
    let mut play =
        Play::new(vec![Budget { room: Some(ops.clone()), ..budget(Some("A"), 1, Policy::Stop) }]);
    play.mention(&["A"]);
    let go =
        |play: &Play| matches!(play.budgets.judge(&name("A"), &ops, 0, NOON), Judgement::Go { .. });
    assert!(go(&play));
    let next = play.next("Mira");
    play.say(Message { room: ops.clone(), calls: vec![name("A")], ..next });
    assert!(!go(&play));
    assert!(!play.is_held("A"));
}

#[test]
fn a_call_that_ends_without_a_turn_gives_it_back() {
    let mut play = five_for_a();
    let calls: Vec<EventId> = (0..5).map(|_| play.mention(&["A"])).collect();
    assert!(play.is_held("A"));
    play.delivery(calls[0], "A", Rung::Received, None);
    assert!(play.is_held("A"));
    play.fail(calls[0], "A", 1, Reason::Unreachable);
    play.fail(calls[0], "A", 1, Reason::Unreachable);
    assert!(!play.is_held("A"));
    play.mention(&["A"]);
    assert!(play.is_held("A"));
    play.fail(calls[1], "A", 1, Reason::Deadline);
    assert!(play.is_held("A"), "nobody says that no turn began");
}

#[test]
fn a_turn_that_began_is_used_however_it_ends() {
    let mut play = Play::new(vec![budget(Some("A"), 1, Policy::Stop)]);
    let call = play.mention(&["A"]);
    play.delivery(call, "A", Rung::Admitted, Some("r"));
    play.delivery(call, "A", Rung::Failed, Some("r"));
    assert!(play.is_held("A"));
}

#[test]
fn a_monitor_that_names_all_its_turns_alike_saves_nothing() {
    let mut play = Play::new(vec![budget(Some("A"), 2, Policy::Stop)]);
    for call in [play.mention(&["A"]), play.mention(&["A"])] {
        play.delivery(call, "A", Rung::Admitted, Some("r"));
    }
    assert!(play.is_held("A"));
}

#[test]
fn a_client_that_reports_little_uses_no_less() {
    let mut play = Play::new(vec![budget(Some("A"), 3, Policy::Stop)]);
    for _ in 0..3 {
        let call = play.mention(&["A"]);
        play.delivery(call, "A", Rung::Received, None);
        play.delivery(call, "A", Rung::Replied, None);
    }
    assert!(play.is_held("A"));
}

#[test]
fn a_claim_is_a_turn_as_a_call_is() {
    let mut play = Play::new(vec![budget(Some("A"), 1, Policy::Stop)]);
    let offered = play.next("Mira").id;
    play.delivery(offered, "A", Rung::Received, None);
    assert!(play.is_held("A"));
}

#[test]
fn what_is_said_to_have_failed_and_was_answered_all_the_same_is_a_turn() {
    let mut play = Play::new(vec![budget(Some("A"), 1, Policy::Stop)]);
    let call = play.mention(&["A"]);
    let next = play.next("A");
    play.say(Message { agent: true, cause: Some(call), ..next });
    play.fail(call, "A", 1, Reason::Unreachable);
    assert!(play.is_held("A"));
}

#[test]
fn another_attempt_is_another_turn() {
    let mut play = Play::new(vec![budget(Some("A"), 3, Policy::Stop)]);
    let call = play.mention(&["A"]);
    for attempt in 1..=3 {
        let run = format!("r{attempt}");
        play.attempt(call, "A", attempt, Rung::Received, None);
        play.attempt(call, "A", attempt, Rung::Admitted, Some(&run));
        play.fail(call, "A", attempt, Reason::Error);
    }
    assert!(play.is_held("A"));
}

#[test]
fn a_turn_counts_once_whoever_tells_of_it_first() {
    let mut play = Play::new(vec![budget(Some("A"), 2, Policy::Stop)]);
    let call = play.mention(&["A"]);
    let run = play.run(call, "A", "r");
    play.budgets.apply_run(&run, NOON);
    play.delivery(call, "A", Rung::Admitted, Some("r"));
    play.budgets.apply_run(&run, NOON);
    assert!(!play.is_held("A"));
    play.mention(&["A"]);
    assert!(play.is_held("A"));
}

#[test]
fn a_monitor_whose_clock_is_wrong_saves_nothing() {
    let mut play =
        Play::new(vec![Budget { input_tokens: Some(100), ..budget(Some("A"), 9, Policy::Stop) }]);
    let call = play.mention(&["A"]);
    for start in [Timestamp::from_ms(0), Timestamp::MAX] {
        let run = format!("run {start}");
        play.delivery(call, "A", Rung::Admitted, Some(&run));
        let turn =
            Run { start, end: Some(start), usage: Some(tokens(50)), ..play.run(call, "A", &run) };
        play.budgets.apply_run(&turn, NOON);
    }
    let Judgement::Hold { spent, .. } = play.judge("A") else { panic!("not held") };
    assert_eq!((spent.measure, spent.used), (Measure::InputTokens, 100));
}

#[test]
fn tokens_and_money_count_once_they_are_known() {
    let mut play = Play::new(vec![
        Budget { turns: None, input_tokens: Some(1000), ..budget(Some("A"), 0, Policy::Stop) },
        Budget { turns: None, micro_usd: Some(70), ..budget(Some("B"), 0, Policy::Ask) },
    ]);
    let call = play.mention(&["A", "B"]);
    play.turn(call, "A", tokens(999));
    assert!(!play.is_held("A"));
    let call = play.mention(&["A"]);
    play.turn(call, "A", tokens(1));
    play.turn(call, "A", tokens(1));
    let Judgement::Hold { spent, .. } = play.judge("A") else { panic!("not held") };
    assert_eq!((spent.measure, spent.used, spent.limit), (Measure::InputTokens, 1000, 1000));
    play.turn(call, "B", Usage { micro_usd: Some(70), ..Usage::default() });
    assert!(play.is_held("B"));
}

#[test]
fn the_next_day_of_the_teams_zone_is_a_new_one() {
    let mut play = five_for_a();
    play.budgets.set_offset(UtcOffset::LEGACY);
    play.now = "2026-02-16T15:59:00Z".parse().unwrap();
    (0..5).for_each(|_| {
        play.mention(&["A"]);
    });
    assert!(play.is_held("A"));
    play.after(MINUTE);
    assert!(!play.is_held("A"));
    play.mention(&["B"]);
    assert!(!play.is_held("A"));
}

#[test]
fn an_event_that_comes_a_little_late_does_not_bring_yesterday_back() {
    let mut play = Play::new(vec![budget(Some("A"), 1, Policy::Stop)]);
    play.after(DAY);
    play.mention(&["A"]);
    play.now = NOON;
    play.mention(&["B"]);
    play.after(DAY);
    assert!(play.is_held("A"));
}

#[test]
fn a_clock_that_was_years_ahead_and_was_put_right_begins_a_new_day() {
    let mut play = Play::new(vec![budget(Some("A"), 1, Policy::Stop)]);
    play.after(900 * DAY);
    play.mention(&["A"]);
    play.now = NOON;
    assert!(!play.is_held("A"));
    play.mention(&["A"]);
    assert!(play.is_held("A"));
}

#[test]
fn four_fifths_warn_once() {
    let mut play = five_for_a();
    let mut warnings = Vec::new();
    for _ in 0..5 {
        let Judgement::Go { warn } = play.judge("A") else { panic!("held") };
        play.mention(&["A"]);
        if let Some(spent) = warn {
            warnings.push(spent.used);
            play.notice(Notice::BudgetWarning { spent }, None);
            play.restart();
        }
    }
    assert_eq!(warnings, [4]);
    play.budgets.set(vec![budget(Some("A"), 10, Policy::Stop)]);
    assert_eq!(play.judge("A"), Judgement::Go { warn: None });
    play.mention(&["A"]);
    play.mention(&["A"]);
    assert!(matches!(play.judge("A"), Judgement::Go { warn: Some(_) }));
}

#[test]
fn what_is_used_up_is_told_once_a_day() {
    let mut play = Play::new(vec![budget(Some("A"), 0, Policy::Stop)]);
    let Judgement::Hold { spent, policy, told: false } = play.judge("A") else {
        panic!("told already")
    };
    play.mention(&["A"]);
    play.notice(Notice::BudgetReached { spent, policy }, None);
    assert!(matches!(play.judge("A"), Judgement::Hold { told: true, .. }));
    play.after(DAY);
    assert!(matches!(play.judge("A"), Judgement::Hold { told: false, .. }));
}

#[test]
fn the_strictest_of_several_that_are_used_up_holds() {
    use Policy::{Ask, Digest, Stop};
    for (list, strictest) in [([Digest, Ask, Stop], Stop), ([Ask, Digest, Ask], Ask)] {
        let budgets = list.iter().enumerate().map(|(at, policy)| Budget {
            minutes: at as u32 + 1,
            input_tokens: Some(at as u64),
            turns: None,
            ..budget(None, 0, *policy)
        });
        let mut play = Play::new(budgets.collect());
        let call = play.mention(&["B"]);
        play.turn(call, "B", tokens(9));
        let Judgement::Hold { spent, policy, .. } = play.judge("A") else { panic!("not held") };
        assert_eq!(policy, strictest);
        let first = list.iter().position(|policy| *policy == strictest).unwrap();
        assert_eq!(play.budgets.minutes(&spent), first as u32 + 1);
    }
}

#[test]
fn what_a_digest_gathers_is_handed_over_once_per_interval() {
    let mut play = Play::new(vec![budget(Some("A"), 1, Policy::Digest)]);
    play.mention(&["A"]);
    let held = vec![play.mention(&["A"]), play.mention(&["A"])];
    play.after(59 * MINUTE);
    assert_eq!(play.budgets.due(play.now), []);
    play.restart();
    play.after(MINUTE);
    let (agent, room) = (name("A"), RoomName::main());
    let due = Due::Digest { agent: agent.clone(), room: room.clone(), messages: held.clone() };
    assert_eq!(play.budgets.due(play.now), [due]);
    play.notice(Notice::Digest { agent: agent.clone(), messages: held }, None);
    assert_eq!(play.budgets.due(play.now.after_ms(DAY / 4)), []);
    play.after(10 * MINUTE);
    let messages = vec![play.mention(&["A"])];
    play.restart();
    assert_eq!(play.budgets.due(play.now.after_ms(49 * MINUTE)), []);
    assert_eq!(
        play.budgets.due(play.now.after_ms(50 * MINUTE)),
        [Due::Digest { agent, room, messages }]
    );
}

#[test]
fn a_digest_comes_at_once_when_the_budget_allows_it_again() {
    let mut play = Play::new(vec![budget(Some("A"), 1, Policy::Digest)]);
    play.now = "2026-02-16T23:59:00Z".parse().unwrap();
    play.mention(&["A"]);
    play.mention(&["A"]);
    assert_eq!(play.budgets.due(play.now), []);
    play.after(MINUTE);
    assert_eq!(play.budgets.due(play.now).len(), 1);
}

#[test]
fn what_was_stopped_is_not_woken_later() {
    let stop = budget(Some("A"), 0, Policy::Stop);
    let mut play = Play::new(vec![stop, budget(None, 0, Policy::Digest)]);
    let Judgement::Hold { spent, policy, .. } = play.judge("A") else { panic!("not held") };
    play.mention(&["A", "B"]);
    play.notice(Notice::BudgetReached { spent, policy }, None);
    let due_for = |play: &Play| -> Vec<String> {
        let due = play.budgets.due(play.now).into_iter();
        due.map(|due| match due {
            Due::Digest { agent, .. } | Due::Expired { agent, .. } => agent.to_string(),
        })
        .collect()
    };
    play.after(6 * 60 * MINUTE);
    assert_eq!(due_for(&play), ["B"]);
    play.after(DAY);
    assert_eq!(due_for(&play), ["B"]);
    play.budgets.set(vec![budget(None, 0, Policy::Digest)]);
    assert_eq!(due_for(&play), ["B"]);
    play.mention(&["C"]);
    assert_eq!(due_for(&play), ["B"]);
}

/// A question about A is open; two messages wait.
fn asking() -> (Play, EventId, Vec<EventId>) {
    let mut play = Play::new(vec![budget(Some("A"), 0, Policy::Ask)]);
    let first = play.mention(&["A"]);
    let until = play.now.after_ms(60 * MINUTE);
    let asked = play.notice(Notice::Ask { agent: name("A"), until }, Some(first));
    let waiting = vec![first, play.mention(&["A"])];
    (play, asked, waiting)
}

#[test]
fn a_question_gathers_what_comes_until_a_person_allows_it() {
    let (mut play, asked, waiting) = asking();
    play.restart();
    assert_eq!(play.asked("A"), Some(Waiting { notice: asked, messages: waiting }));
    assert_eq!(play.asked("B"), None);
    let (next, calls) = (play.next("Mira"), vec![name("A")]);
    play.say(Message { reply_to: Some(asked), calls, ..next });
    play.restart();
    assert_eq!(play.asked("A"), None);
    assert_eq!(play.budgets.due(play.now.after_ms(DAY)), []);
    assert!(play.is_held("A"));
}

#[test]
fn only_a_person_answers_a_question() {
    let (mut play, asked, _) = asking();
    let (next, calls) = (play.next("B"), vec![name("A")]);
    play.say(Message { reply_to: Some(asked), agent: true, calls: calls.clone(), ..next });
    let next = play.next("Mira");
    play.say(Message { calls, ..next });
    assert!(play.asked("A").is_some());
}

#[test]
fn a_question_that_nobody_answers_in_time_is_a_no() {
    let (mut play, asked, _) = asking();
    play.after(60 * MINUTE - 1);
    assert_eq!(play.budgets.due(play.now), []);
    play.after(1);
    assert_eq!(play.asked("A"), None);
    let (agent, room) = (name("A"), RoomName::main());
    assert_eq!(play.budgets.due(play.now), [Due::Expired { agent: agent.clone(), room, asked }]);
    play.restart();
    play.notice(Notice::NotAllowed { agent }, Some(asked));
    assert_eq!(play.budgets.due(play.now), []);
    let again = play.mention(&["A"]);
    let until = play.now.after_ms(MINUTE);
    let asked = play.notice(Notice::Ask { agent: name("A"), until }, None);
    assert_eq!(play.asked("A"), Some(Waiting { notice: asked, messages: vec![again] }));
}

#[test]
fn without_budgets_nobody_is_held() {
    let mut play = Play::new(Vec::new());
    (0..100).for_each(|_| {
        play.mention(&["A"]);
    });
    assert_eq!(play.judge("A"), Judgement::Go { warn: None });
}

/// What happens to a team: which event, about which agent, which of its calls, how much later.
fn events() -> impl Strategy<Value = Vec<(u8, u8, usize, u64)>> {
    proptest::collection::vec((0..9_u8, 0..3_u8, any::<usize>(), 0..40 * MINUTE), 1..150)
}

fn happen(play: &mut Play, calls: &mut Vec<EventId>, event: (u8, u8, usize, u64)) {
    let (kind, agent, which, later) = event;
    play.after(later);
    let agent = ["A", "B", "C"][usize::from(agent)];
    let call = calls.get(which.checked_rem(calls.len()).unwrap_or(0)).copied();
    let run = format!("{which}");
    match (kind, call) {
        (0..=2, _) | (_, None) => calls.push(play.mention(&[agent, "A"])),
        (3, Some(call)) => play.delivery(call, agent, Rung::Received, None),
        (4, Some(call)) => play.delivery(call, agent, Rung::Admitted, Some(&run)),
        (5, Some(call)) => play.delivery(call, agent, Rung::Failed, None),
        (6, Some(call)) => play.turn(call, agent, tokens(10)),
        (7, Some(call)) => {
            let until = play.now.after_ms(MINUTE);
            play.notice(Notice::Ask { agent: name(agent), until }, Some(call));
        }
        (_, Some(_)) => {
            for due in play.budgets.due(play.now) {
                match due {
                    Due::Digest { agent, messages, .. } => {
                        play.notice(Notice::Digest { agent, messages }, None)
                    }
                    Due::Expired { agent, asked, .. } => {
                        play.notice(Notice::NotAllowed { agent }, Some(asked))
                    }
                };
            }
        }
    }
}

fn of_all_kinds() -> Vec<Budget> {
    vec![
        budget(Some("A"), 3, Policy::Digest),
        budget(Some("B"), 2, Policy::Ask),
        Budget { input_tokens: Some(50), ..budget(None, 12, Policy::Stop) },
    ]
}

proptest! {
    #[test]
    fn after_a_restart_at_any_point_all_goes_on_as_it_would_have(events in events(), at in 0..150_usize) {
        let (mut play, mut calls) = (Play::new(of_all_kinds()), Vec::new());
        let cut = at.min(events.len());
        events[..cut].iter().for_each(|event| happen(&mut play, &mut calls, *event));
        let (mut again, mut calls_again) = (play.clone(), calls.clone());
        again.restart();
        for event in &events[cut..] {
            happen(&mut play, &mut calls, *event);
            happen(&mut again, &mut calls_again, *event);
            prop_assert_eq!(play.judge("A"), again.judge("A"));
            prop_assert_eq!(play.budgets.due(play.now), again.budgets.due(again.now));
        }
        prop_assert_eq!(play.budgets, again.budgets);
    }

    #[test]
    fn calls_are_counted_as_they_are_listed(events in events()) {
        let (mut play, mut calls) = (Play::new(of_all_kinds()), Vec::new());
        for event in events {
            happen(&mut play, &mut calls, event);
            let (known, listed) = play.budgets.day.known_calls();
            prop_assert_eq!(known, listed);
        }
    }
}
