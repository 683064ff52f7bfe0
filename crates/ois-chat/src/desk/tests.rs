use ois_protocol::{
    EventId, HeldBy, Kind, LoopSign, Measure, Notice, Policy, Reason, Record, Role, RoomName, Rung,
};

use super::*;

const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);
const AGENTS: [&str; 3] = ["HKH", "ARIA", "Bo"];

/// A log with its desk: what is said is decided, stored and applied, and pending notices are appended.
struct Team {
    desk: Desk,
    log: Vec<Fact>,
    now: Timestamp,
}

impl Team {
    fn new() -> Self {
        Self { desk: Desk::new(DeskSettings::default()), log: Vec::new(), now: NOON }
    }

    fn with_budget(turns: u64, policy: Policy) -> Self {
        let mut team = Self::new();
        team.desk.set_budgets(vec![budget(turns, policy)]);
        team
    }

    fn store(&mut self, event: NewEvent) -> EventId {
        let id = EventId::new(self.log.len() as u64 + 1).unwrap();
        let fact = fact(event, id, self.now);
        self.desk.forget_pending();
        self.desk.apply(&fact);
        self.log.push(fact);
        id
    }

    /// Says something that names agents by `@`, and appends what is due.
    fn say(&mut self, author: &Member, text: &str, cause: Option<EventId>) -> Message {
        let draft = self.draft(author, text, cause);
        let id = self.store(NewEvent::Message(draft));
        self.append_due();
        let Some(Fact::Message(message)) = self.log.get(id.get() as usize - 1) else { panic!() };
        (**message).clone()
    }

    fn draft(&mut self, author: &Member, text: &str, cause: Option<EventId>) -> Draft {
        let agents = AGENTS.into_iter().filter(|name| text.contains(&format!("@{name}")));
        let agents: Vec<ShortName> = agents.map(|name| name.parse().unwrap()).collect();
        let draft = Draft {
            cause,
            mentions: agents.iter().map(ToString::to_string).collect(),
            ..Draft::new(author.clone(), text)
        };
        self.desk.say(draft, Called { agents, ..Called::default() }, self.now)
    }

    fn append_due(&mut self) {
        for event in self.desk.due(self.now) {
            self.store(event);
        }
    }

    fn notices(&self) -> Vec<&Notice> {
        let messages = self.log.iter().filter_map(|fact| match fact {
            Fact::Message(message) => message.notice.as_ref(),
            _ => None,
        });
        messages.collect()
    }

    /// The same desk after its process has ended, read from the log.
    fn restart(&mut self) {
        let budgets = self.desk.budgets().to_vec();
        self.desk = Desk::new(DeskSettings::default());
        self.desk.set_budgets(budgets);
        self.log.iter().for_each(|fact| self.desk.apply(fact));
    }

    fn report(&mut self, agent: &Member, message: EventId, state: Rung, reason: Option<Reason>) {
        let name = agent.name.clone();
        let said = Delivery { state, reason, ..Delivery::stored(message, name, self.now) };
        if let Ok(Report::Climbs(event)) = self.desk.report(agent, said, self.now) {
            self.store(event);
        }
        self.append_due();
    }
}

fn budget(turns: u64, policy: Policy) -> Budget {
    Budget {
        agent: Some("HKH".parse().unwrap()),
        room: None,
        turns: Some(turns),
        input_tokens: None,
        output_tokens: None,
        micro_usd: None,
        policy,
        minutes: 30,
    }
}

/// The event in its place, as a reader of the log finds it.
fn fact(event: NewEvent, id: EventId, now: Timestamp) -> Fact {
    let (kind, room) = (event.kind(), event.room().clone());
    let draft = match &event {
        NewEvent::Message(draft) => Some(draft.clone()),
        _ => None,
    };
    let payload = event.encode(id, now);
    let fact = Fact::read(&Record { id, time: now, kind: Some(kind), room, payload });
    let plain = || Fact::Message(Box::new(draft.unwrap().at(id, now)));
    fact.unwrap_or_else(plain)
}

fn agent(name: &str) -> Member {
    Member::new(name.parse().unwrap(), Kind::Agent, Role::Agent)
}

fn mira() -> Member {
    Member::new("Mira".parse().unwrap(), Kind::Human, Role::Member)
}

#[test]
fn three_agents_in_a_ring_stop_at_the_limit_with_one_notice() {
    let mut team = Team::new();
    let mut said = team.say(&mira(), "@HKH begin", None);
    let mut hops = 0;
    for turn in 0..40 {
        let (own, next) = (AGENTS[turn % 3], AGENTS[(turn + 1) % 3]);
        let words = format!("@{next} step {}", "x".repeat(turn * turn));
        said = team.say(&agent(own), &words, Some(said.id));
        hops += u32::from(!said.calls.is_empty());
        if said.calls.is_empty() {
            assert_eq!(said.held[0].by, HeldBy::Loop);
            assert!(said.mentions.is_empty(), "old clients wake by these");
        }
    }
    assert_eq!(hops, GuardSettings::default().hops);
    assert!(matches!(team.notices()[..], [Notice::Loop { sign: LoopSign::Hops, .. }]));
}

#[test]
fn a_person_goes_on_where_the_guard_stopped() {
    let mut team = Team::new();
    let mut said = team.say(&mira(), "@HKH begin", None);
    for turn in 0..40 {
        let (own, next) = (AGENTS[turn % 2], AGENTS[(turn + 1) % 2]);
        let before = said.id;
        said = team.say(&agent(own), &format!("@{next} {}", "y".repeat(turn * turn)), Some(before));
        if said.calls.is_empty() {
            break;
        }
    }
    team.restart();
    let go_on = team.say(&mira(), "/continue", None);
    assert_eq!(go_on.reply_to, Some(said.id));
    assert_eq!(go_on.calls, [said.held[0].agent.clone()]);
    assert_eq!(go_on.hop, 0);
    let agent_tries = team.say(&agent("HKH"), "/continue", None);
    assert!(agent_tries.calls.is_empty(), "only a person does");
}

#[test]
fn a_budget_of_five_turns_stops_at_five_also_within_one_batch() {
    let mut team = Team::with_budget(5, Policy::Stop);
    let drafts: Vec<Draft> = (0..8).map(|_| team.draft(&mira(), "@HKH work", None)).collect();
    assert_eq!(drafts.iter().filter(|draft| !draft.calls.is_empty()).count(), 5);
    for draft in drafts {
        team.store(NewEvent::Message(draft));
    }
    team.append_due();
    team.restart();
    let sixth = team.say(&mira(), "@HKH again", None);
    assert_eq!((sixth.calls.len(), sixth.held[0].by), (0, HeldBy::Budget));
    let reached =
        |notice: &&&Notice| matches!(notice, Notice::BudgetReached { policy: Policy::Stop, .. });
    assert_eq!(team.notices().iter().filter(reached).count(), 1);
    let warned = |notice: &&&Notice| match notice {
        Notice::BudgetWarning { spent } => spent.measure == Measure::Turns && spent.limit == 5,
        _ => false,
    };
    assert_eq!(team.notices().iter().filter(warned).count(), 1);
}

#[test]
fn what_is_not_stored_after_all_uses_up_nothing() {
    let mut team = Team::with_budget(1, Policy::Stop);
    let draft = team.draft(&mira(), "@HKH work", None);
    assert_eq!(draft.calls.len(), 1);
    assert!(team.draft(&mira(), "@HKH work", None).calls.is_empty());
    team.desk.forget_pending();
    assert_eq!(team.draft(&mira(), "@HKH work", None).calls.len(), 1);
}

#[test]
fn a_person_is_asked_and_only_a_person_allows() {
    let mut team = Team::with_budget(1, Policy::Ask);
    team.say(&mira(), "@HKH first", None);
    let held = team.say(&mira(), "@HKH second", None);
    assert!(held.calls.is_empty());
    assert!(team.notices().iter().any(|notice| matches!(notice, Notice::Ask { .. })));
    team.restart();
    assert!(team.say(&agent("ARIA"), "/allow HKH", None).calls.is_empty());
    let guest = Member::new("Eve".parse().unwrap(), Kind::Human, Role::Guest);
    assert!(team.say(&guest, "/allow HKH", None).calls.is_empty());
    assert_eq!(team.say(&mira(), "/allow @HKH", None).calls, ["HKH".parse().unwrap()]);
    assert!(team.say(&mira(), "/allow HKH", None).calls.is_empty(), "once");
}

#[test]
fn a_word_that_allows_wakes_nobody_unless_somebody_asked() {
    let mut team = Team::with_budget(0, Policy::Stop);
    team.say(&mira(), "@HKH please", None);
    assert!(team.say(&mira(), "/allow HKH", None).calls.is_empty());
    assert!(team.say(&mira(), "/allow x @HKH do it", None).calls.is_empty());
}

#[test]
fn what_nobody_allows_in_time_or_a_person_denies_is_no() {
    let no = |notices: Vec<&Notice>| {
        notices.into_iter().filter(|notice| matches!(notice, Notice::NotAllowed { .. })).count()
    };
    let mut team = Team::with_budget(0, Policy::Ask);
    team.say(&mira(), "@HKH please", None);
    team.now = NOON.after_ms(30 * 60_000);
    team.append_due();
    assert_eq!(no(team.notices()), 1);
    team.append_due();
    assert_eq!(no(team.notices()), 1, "once");
    team.say(&mira(), "@HKH please", None);
    let denied = team.say(&mira(), "/deny HKH", None);
    assert!(denied.calls.is_empty());
    assert_eq!(no(team.notices()), 2);
}

#[test]
fn mentions_beyond_the_budget_are_handed_over_together() {
    let mut team = Team::with_budget(0, Policy::Digest);
    let (one, two) = (team.say(&mira(), "@HKH one", None), team.say(&mira(), "@HKH two", None));
    team.now = NOON.after_ms(31 * 60_000);
    team.append_due();
    let digest = team.notices().into_iter().find_map(|notice| match notice {
        Notice::Digest { messages, .. } => Some(messages.clone()),
        _ => None,
    });
    assert_eq!(digest, Some(vec![one.id, two.id]));
    let hkh = agent("HKH");
    let Some(Fact::Message(call)) = team.log.last().cloned() else { panic!() };
    assert_eq!(call.calls, std::slice::from_ref(&hkh.name));
    assert!(team.desk.ladder().get(&DeliveryId { message: call.id, agent: hkh.name }).is_some());
}

#[test]
fn a_death_is_told_once_whatever_restarts() {
    let mut team = Team::new();
    let call = team.say(&mira(), "@HKH hi", None).id;
    let hkh = agent("HKH");
    let name = hkh.name.clone();
    let dead = Delivery {
        state: Rung::Dead,
        reason: Some(Reason::Unreachable),
        ..Delivery::stored(call, name, NOON)
    };
    let Ok(Report::Climbs(event)) = team.desk.report(&hkh, dead, NOON) else { panic!() };
    team.store(event);
    team.restart();
    team.append_due();
    team.restart();
    team.append_due();
    assert!(matches!(team.notices()[..], [Notice::Dead { reason: Reason::Unreachable, .. }]));
    let Some(Fact::Message(notice)) = team.log.last() else { panic!() };
    assert_eq!(notice.reply_to, Some(call));
    assert!(notice.text.starts_with("[AUTO] No answer will come from HKH: "), "{}", notice.text);
}

#[test]
fn what_nobody_takes_is_told_at_the_deadline() {
    let mut team = Team::new();
    let call = team.say(&mira(), "@HKH hi", None).id;
    team.now = NOON.after_ms(DeskSettings::default().limits.deadline_ms);
    for _ in 0..2 {
        for event in team.desk.due(team.now) {
            team.store(event);
        }
    }
    let id = DeliveryId { message: call, agent: "HKH".parse().unwrap() };
    assert_eq!(team.desk.ladder().get(&id).unwrap().reason, Some(Reason::Deadline));
    assert!(matches!(team.notices()[..], [Notice::Dead { reason: Reason::Deadline, .. }]));
}

#[test]
fn an_agent_that_no_monitor_tells_of_has_answered_when_it_speaks() {
    let mut team = Team::new();
    let call = team.say(&mira(), "@HKH hi", None).id;
    let answer = team.say(&agent("HKH"), "hello", None);
    assert_eq!(answer.cause, Some(call), "taken as caused by its latest mention");
    let id = DeliveryId { message: call, agent: "HKH".parse().unwrap() };
    let state = team.desk.ladder().get(&id).unwrap();
    assert_eq!((state.state, state.answer), (Rung::Replied, Some(answer.id)));
}

#[test]
fn a_run_is_of_an_agent_that_was_called_and_counts_once() {
    let mut team = Team::new();
    let call = team.say(&mira(), "@HKH hi", None).id;
    let run = Run {
        run: "r1".to_owned(),
        agent: "HKH".parse().unwrap(),
        cause: call,
        attempt: 1,
        room: RoomName::main(),
        start: NOON,
        end: None,
        outcome: None,
        reason: None,
        usage: None,
        capped: false,
    };
    assert_eq!(team.desk.report_run(&agent("ARIA"), run.clone(), NOON), Err(ReportError::NotFound));
    let event = team.desk.report_run(&agent("HKH"), run.clone(), NOON).unwrap().unwrap();
    team.store(event);
    assert_eq!(team.desk.report_run(&agent("HKH"), run, NOON), Ok(None));
    assert_eq!(team.desk.runs().active().count(), 1);
    team.report(&agent("HKH"), call, Rung::Dead, Some(Reason::Deadline));
    assert_eq!(team.desk.runs().active().count(), 0, "nobody will end it any more");
}

#[test]
fn a_clock_that_is_wrong_bends_no_day() {
    let mut team = Team::new();
    let call = team.say(&mira(), "@HKH hi", None).id;
    let run = Run {
        run: "r1".to_owned(),
        agent: "HKH".parse().unwrap(),
        cause: call,
        attempt: 1,
        room: RoomName::main(),
        start: Timestamp::MAX,
        end: Some(Timestamp::from_ms(0)),
        outcome: Some(Rung::Silent),
        reason: None,
        usage: None,
        capped: false,
    };
    let event = team.desk.report_run(&agent("HKH"), run.clone(), NOON).unwrap().unwrap();
    let NewEvent::Run(stored) = event else { panic!() };
    assert_eq!((stored.start, stored.end), (NOON, Some(NOON)));
    let long = Run { run: "r".repeat(600), ..run };
    assert_eq!(team.desk.report_run(&agent("HKH"), long, NOON), Err(ReportError::TooLong));
}

#[test]
fn several_agents_share_a_budget_within_one_message() {
    let mut team = Team::new();
    let all = Budget { agent: None, ..budget(2, Policy::Stop) };
    team.desk.set_budgets(vec![all]);
    let said = team.say(&mira(), "@HKH @ARIA @Bo", None);
    assert_eq!((said.calls.len(), said.held.len()), (2, 1));
    let said_of = |notice: &&&Notice| matches!(notice, Notice::BudgetWarning { .. });
    assert_eq!(team.notices().iter().filter(said_of).count(), 1);
}

#[test]
fn a_desk_is_what_its_log_makes_of_it_and_what_a_checkpoint_keeps() {
    let mut team = Team::with_budget(3, Policy::Digest);
    for turn in 0..12 {
        let said = team.say(&mira(), "@HKH @ARIA go", None);
        team.report(&agent("ARIA"), said.id, Rung::Silent, None);
        team.report(&agent("HKH"), said.id, Rung::Failed, Some(Reason::Error));
        team.now = team.now.after_ms(turn * 60_000);
    }
    let kept = serde_json::to_string(&team.desk).unwrap();
    team.restart();
    assert_eq!(serde_json::to_string(&team.desk).unwrap(), kept);
    let again: Desk = serde_json::from_str(&kept).unwrap();
    let again = again.with(DeskSettings::default());
    assert_eq!(serde_json::to_string(&again).unwrap(), kept);
}

#[test]
fn who_dies_while_anothers_death_is_being_told_is_told_as_well() {
    let mut team = Team::new();
    let message = team.say(&mira(), "@HKH @ARIA hello", None).id;
    let dies = |team: &mut Team, name: &str| {
        let stored = Delivery::stored(message, name.parse().unwrap(), team.now);
        let reason = Some(Reason::Error);
        let said = Delivery { state: Rung::Dead, reason, ..stored };
        let Ok(Report::Climbs(event)) = team.desk.report(&agent(name), said, NOON) else {
            panic!()
        };
        team.store(event);
    };
    dies(&mut team, "HKH");
    let due = team.desk.due(team.now);
    dies(&mut team, "ARIA");
    for event in due {
        team.store(event);
    }
    team.restart();
    team.append_due();
    team.append_due();
    let told = team.notices().into_iter().map(|notice| match notice {
        Notice::Dead { agents, .. } => agents.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    });
    let told: Vec<Vec<String>> = told.collect();
    assert_eq!(told, [["HKH"], ["ARIA"]]);
}

#[test]
fn who_is_held_since_others_of_the_same_message_used_the_budget_up_is_told_so() {
    for policy in [Policy::Stop, Policy::Ask] {
        let mut team = Team::new();
        team.desk.set_budgets(vec![Budget { agent: None, ..budget(2, policy) }]);
        let message = team.say(&mira(), "@HKH @ARIA @Bo hello", None);
        assert_eq!((message.calls.len(), message.held.len()), (2, 1));
        let told = team.notices().into_iter().filter(|notice| match notice {
            Notice::BudgetReached { spent, .. } => (spent.used, spent.limit) == (2, 2),
            Notice::Ask { agent, .. } => agent.as_str() == "Bo",
            _ => false,
        });
        assert_eq!(told.count(), 1, "{policy:?}");
    }
}

#[test]
fn what_a_crash_kept_from_being_said_of_a_budget_is_said_afterwards() {
    let mut team = Team::with_budget(0, Policy::Stop);
    let draft = team.draft(&mira(), "@HKH please", None);
    team.store(NewEvent::Message(draft));
    team.restart();
    team.append_due();
    assert!(matches!(team.notices().as_slice(), [Notice::BudgetReached { .. }]));
}

#[test]
fn an_order_that_names_an_agent_does_not_wake_it_by_its_name() {
    let mut team = Team::with_budget(0, Policy::Ask);
    team.say(&mira(), "@HKH please", None);
    for order in ["/deny @HKH", "/deny @HKH", "/allow @ARIA"] {
        let said = team.say(&mira(), order, None);
        assert_eq!((said.calls.len(), said.mentions.len()), (0, 0), "{order}");
    }
    let denials = |notice: &&&Notice| matches!(notice, Notice::NotAllowed { .. });
    assert_eq!(team.notices().iter().filter(denials).count(), 1);
}

#[test]
fn what_two_people_order_at_once_happens_once() {
    let mut team = Team::with_budget(0, Policy::Ask);
    team.say(&mira(), "@HKH please", None);
    let both = [(), ()].map(|()| team.draft(&mira(), "/allow HKH", None));
    assert_eq!(both.map(|draft| draft.calls.len()), [1, 0]);
    team.desk.forget_pending();
    let orders = ["/deny HKH", "/allow HKH"].map(|order| team.draft(&mira(), order, None));
    for order in orders {
        team.store(NewEvent::Message(order));
    }
    team.restart();
    team.append_due();
    assert!(matches!(team.notices().last(), Some(Notice::NotAllowed { .. })));
    assert!(team.say(&mira(), "/allow HKH", None).calls.is_empty());
}

#[test]
fn a_denial_that_was_not_stored_is_none() {
    let mut team = Team::with_budget(0, Policy::Ask);
    team.say(&mira(), "@HKH please", None);
    team.draft(&mira(), "/deny HKH", None);
    team.desk.forget_pending();
    team.append_due();
    assert_eq!(team.say(&mira(), "/allow HKH", None).calls.len(), 1);
}

#[test]
fn who_was_held_is_told_why_also_if_the_budget_counts_less_by_then() {
    let mut team = Team::with_budget(1, Policy::Stop);
    let call = team.say(&mira(), "@HKH first", None).id;
    let hkh = agent("HKH");
    let (state, reason) = (Rung::Dead, Some(Reason::Unreachable));
    let dead = Delivery { state, reason, ..Delivery::stored(call, hkh.name.clone(), NOON) };
    let Ok(Report::Climbs(event)) = team.desk.report(&hkh, dead, NOON) else { panic!() };
    let held = team.draft(&mira(), "@HKH second", None);
    assert_eq!(held.held.len(), 1);
    team.store(event);
    team.store(NewEvent::Message(held));
    team.restart();
    team.append_due();
    assert!(team.notices().iter().any(|it| matches!(it, Notice::BudgetReached { .. })));
}

#[test]
fn an_offer_is_a_turn_when_it_is_claimed_and_whom_a_budget_forbids_it_is_named() {
    let mut team = Team::with_budget(1, Policy::Stop);
    let offer = |team: &mut Team| {
        let offers = vec![ois_protocol::Offer {
            duty: "reviewer".parse().unwrap(),
            agents: vec!["HKH".parse().unwrap()],
        }];
        let draft = Draft::new(mira(), "@one:reviewer look");
        let draft = team.desk.say(draft, Called { offers, ..Called::default() }, team.now);
        let id = team.store(NewEvent::Message(draft.clone()));
        (id, draft)
    };
    let ((first, _), (second, _)) = (offer(&mut team), offer(&mut team));
    let hkh = agent("HKH");
    let claim =
        |id| Delivery { state: Rung::Received, ..Delivery::stored(id, hkh.name.clone(), NOON) };
    let Ok(Report::Climbs(event)) = team.desk.report(&hkh, claim(first), NOON) else { panic!() };
    let refused = Err(ReportError::OverBudget);
    assert_eq!(team.desk.report(&hkh, claim(second), NOON), refused, "in the same batch");
    team.store(event);
    assert_eq!(team.desk.report(&hkh, claim(second), NOON), refused);
    let (_, third) = offer(&mut team);
    assert_eq!((third.offers.len(), third.held.len()), (0, 1));
    team.append_due();
    assert!(team.notices().iter().any(|it| matches!(it, Notice::BudgetReached { .. })));
}

#[test]
fn a_retry_is_a_turn() {
    let mut team = Team::with_budget(1, Policy::Stop);
    let call = team.say(&mira(), "@HKH first", None).id;
    team.report(&agent("HKH"), call, Rung::Dead, Some(Reason::Error));
    let id = DeliveryId { message: call, agent: "HKH".parse().unwrap() };
    assert_eq!(team.desk.retry(&id, NOON), Err(ReportError::OverBudget));
    team.desk.set_budgets(vec![budget(2, Policy::Stop)]);
    assert!(team.desk.retry(&id, NOON).is_ok());
}

#[test]
fn what_a_turn_has_cost_is_believed_up_to_a_limit() {
    let mut team = Team::new();
    let call = team.say(&mira(), "@HKH hi", None).id;
    let told = Usage { input_tokens: Some(u64::MAX), output_tokens: Some(7), micro_usd: None };
    let run = Run {
        run: "r1".to_owned(),
        agent: "HKH".parse().unwrap(),
        cause: call,
        attempt: 1,
        room: RoomName::main(),
        start: Timestamp::from_ms(0),
        end: Some(NOON),
        outcome: Some(Rung::Stored),
        reason: None,
        usage: Some(told),
        capped: false,
    };
    let event = team.desk.report_run(&agent("HKH"), run, NOON).unwrap().unwrap();
    let NewEvent::Run(stored) = event else { panic!() };
    let believed = Usage { input_tokens: Some(20_000_000), ..told };
    assert_eq!((stored.usage, stored.capped), (Some(believed), true));
    assert_eq!((stored.start, stored.outcome), (NOON, None), "not before the call");
}

#[test]
fn a_turn_that_takes_too_long_is_told() {
    let mut team = Team::new();
    let call = team.say(&mira(), "@HKH hi", None).id;
    team.report(&agent("HKH"), call, Rung::Admitted, None);
    team.restart();
    team.now = NOON.after_ms(DeskSettings::default().limits.turn_ms);
    team.append_due();
    team.append_due();
    assert!(matches!(team.notices()[..], [Notice::Dead { reason: Reason::Timeout, .. }]));
}
