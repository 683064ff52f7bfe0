use ois_protocol::{Held, Kind, Notice, Offer, Role};
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};

use super::*;

const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);
const NAMES: [&str; 7] = ["A", "B", "C", "D", "E", "F", "G"];

/// A team's log with the guard that reads it.
#[derive(Clone)]
struct Play {
    guard: Guard,
    head: u64,
    now: Timestamp,
    notices: Vec<LoopSign>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug)]
struct Said {
    id: EventId,
    hop: u32,
    wakes: bool,
}

impl Play {
    fn new() -> Self {
        let guard = Guard::new(GuardSettings::default());
        Self { guard, head: 100, now: NOON, notices: Vec::new() }
    }

    fn person(&mut self, text: &str, calls: &[&str]) -> Said {
        let next = self.next("Mira", text);
        self.say(Message { calls: names(calls), ..next })
    }

    /// An agent says something, if it may.
    fn agent(&mut self, name: &str, cause: Option<Said>, text: &str, calls: &[&str]) -> Said {
        let named = cause.map(|said| said.id);
        let author = Member::new(name.parse().unwrap(), Kind::Agent, Role::Agent);
        let cause = self.guard.cause(&author.name, named, self.now);
        let verdict = self.guard.judge(&author, cause, text);
        let next = self.next(name, text);
        let mut message = Message { agent: true, cause, hop: verdict.hop, ..next };
        match verdict.stop {
            None => message.calls = names(calls),
            Some(_) => message.held = held(calls),
        }
        self.say(message)
    }

    /// Stores a message, and the notice about it.
    fn say(&mut self, message: Message) -> Said {
        let author: ois_protocol::DisplayName = message.user.parse().unwrap();
        let stop = self.guard.judge_stored(&message, &author.short()).stop;
        self.guard.apply_message(&message);
        let said = Said { id: message.id, hop: message.hop, wakes: !message.calls.is_empty() };
        if let Some(stop) = stop.filter(|stop| !stop.told && !message.held.is_empty()) {
            self.notices.push(stop.sign);
            let agents = message.held.into_iter().map(|held| held.agent).collect();
            let notice = Notice::Loop { root: stop.root, sign: stop.sign, agents };
            self.notice(notice, &[]);
        }
        said
    }

    fn notice(&mut self, notice: Notice, calls: &[&str]) -> Said {
        let next = self.next("OIS", "[AUTO]");
        self.say(Message { agent: true, notice: Some(notice), calls: names(calls), ..next })
    }

    fn next(&mut self, user: &str, text: &str) -> Message {
        self.head += 1;
        Message::plain(EventId::new(self.head).unwrap(), user.into(), text.into(), self.now)
    }

    fn held(&self) -> Option<(u64, Vec<String>)> {
        let held = self.guard.held(&RoomName::main());
        held.map(|(id, agents)| (id.get(), agents.iter().map(ToString::to_string).collect()))
    }

    /// Agents call each other in a ring until one is held. How many messages woke somebody.
    fn ring(&mut self, size: usize, text: impl Fn(usize) -> String) -> usize {
        let mut last = self.person("go", &NAMES[..1]);
        for turn in 0..100 {
            let [me, next] = [turn, turn + 1].map(|turn| NAMES[turn % size]);
            last = self.agent(me, Some(last), &text(turn), &[next]);
            if !last.wakes {
                return turn;
            }
        }
        100
    }

    fn restarted(&self) -> Self {
        let kept = serde_json::to_string(&self.guard).unwrap();
        let mut guard: Guard = serde_json::from_str(&kept).unwrap();
        guard.set_settings(self.guard.settings);
        Self { guard, ..self.clone() }
    }
}

fn names(calls: &[&str]) -> Vec<ShortName> {
    calls.iter().map(|name| name.parse().unwrap()).collect()
}

fn held(calls: &[&str]) -> Vec<Held> {
    names(calls).into_iter().map(Held::by_loop).collect()
}

/// Words of which no two texts share any.
fn unlike(turn: usize) -> String {
    ["red", "sun", "oak", "tin", "sea", "ink", "owl", "gem", "fig", "ash"]
        .map(|word| format!("{word}{}", "x".repeat(turn)))
        .join(" ")
}

#[test]
fn a_ring_stops_at_the_limit_with_one_notice() {
    for (size, woken, sign) in
        [(2, 6, LoopSign::Returns), (3, 8, LoopSign::Hops), (7, 8, LoopSign::Hops)]
    {
        let mut play = Play::new();
        assert_eq!(play.ring(size, unlike), woken, "{size}");
        assert_eq!(play.notices, [sign], "{size}");
    }
}

#[test]
fn two_agents_that_thank_each_other_stop_at_the_third_thanks() {
    let mut play = Play::new();
    assert_eq!(play.ring(2, |turn| ["Thank you!", "thank you 🙏"][turn % 2].into()), 2);
    assert_eq!(play.notices, [LoopSign::Repeats]);
}

#[test]
fn an_agent_may_say_the_same_to_everybody_it_hands_work_to() {
    let mut play = Play::new();
    let order = play.person("share it out", &["A"]);
    for name in &NAMES[1..] {
        assert!(play.agent("A", Some(order), "please do your part", &[name]).wakes);
    }
}

#[test]
fn a_chain_that_was_stopped_wakes_nobody_from_anywhere() {
    let mut play = Play::new();
    let order = play.person("go", &["A", "G"]);
    let aside = play.agent("G", Some(order), "aside", &["F"]);
    let mut last = order;
    for turn in 0..9 {
        last = play.agent(NAMES[turn % 3], Some(last), &unlike(turn), &[NAMES[(turn + 1) % 3]]);
    }
    assert!(!last.wakes);
    let late = play.agent("F", Some(aside), "something else", &["E"]);
    assert_eq!((late.hop, late.wakes), (2, false));
    assert_eq!(play.notices.len(), 1);
}

#[test]
fn a_chain_is_stopped_before_its_notice_is_written() {
    let mut play = Play::new();
    let order = play.person("go", &["A", "B"]);
    let next = play.next("A", "x");
    let cause = Some(order.id);
    play.guard.apply_message(&Message { agent: true, cause, held: held(&["C"]), hop: 1, ..next });
    let b = Member::new("B".parse().unwrap(), Kind::Agent, Role::Agent);
    let stop = |play: &Play| play.guard.judge(&b, cause, "y").stop;
    let root = order.id;
    assert_eq!(stop(&play), Some(Stop { sign: LoopSign::Hops, root, told: false }));
    let sign = LoopSign::Repeats;
    play.notice(Notice::Loop { root, sign, agents: names(&["C"]) }, &[]);
    assert_eq!(stop(&play), Some(Stop { sign, root, told: true }));
}

#[test]
fn a_persons_word_begins_afresh() {
    let mut play = Play::new();
    play.ring(2, unlike);
    assert_eq!(play.ring(2, unlike), 6);
    assert_eq!(play.notices.len(), 2);
}

#[test]
fn what_was_held_goes_on_once_a_person_continues_it() {
    let mut play = Play::new();
    assert_eq!(play.held(), None);
    play.ring(2, unlike);
    let (message, agents) = play.held().unwrap();
    assert_eq!(agents, ["B"]);
    let next = play.next("Mira", "/continue");
    let reply_to = EventId::new(message);
    let go_on = play.say(Message { reply_to, calls: names(&["B"]), ..next });
    assert_eq!(play.held(), None);
    let answer = play.agent("B", Some(go_on), "on we go", &["A"]);
    assert_eq!((answer.hop, answer.wakes), (1, true));
}

#[test]
fn everybody_whom_a_chain_would_have_woken_is_continued_together() {
    let mut play = Play::new();
    let order = play.person("go", &["A", "B"]);
    let next = play.next("A", "x");
    let message = Message { agent: true, cause: Some(order.id), hop: 1, ..next };
    let first = play.say(Message { held: held(&["C", "D"]), ..message });
    let second = play.agent("B", Some(order), "y", &["D", "E"]);
    assert!(first.id < second.id);
    assert_eq!(play.held(), Some((second.id.get(), vec!["C".into(), "D".into(), "E".into()])));
}

#[test]
fn a_cause_is_believed_if_that_message_called_or_offered() {
    let mut play = Play::new();
    let to_a = play.person("a", &["A"]);
    let next = play.next("Mira", "@one:reviewer");
    let duty: ShortName = "reviewer".parse().unwrap();
    let offered =
        play.say(Message { offers: vec![Offer { duty, agents: names(&["B", "C"]) }], ..next });
    let to_d = play.person("d", &["D"]);
    let cause = |name: &str, named: Said| {
        play.guard.cause(&name.parse().unwrap(), Some(named.id), NOON).map(EventId::get)
    };
    assert_eq!(cause("A", to_a), Some(to_a.id.get()));
    assert_eq!(cause("C", offered), Some(offered.id.get()));
    assert_eq!(cause("D", to_a), Some(to_d.id.get()));
    assert_eq!(cause("B", to_a), None);
}

#[test]
fn without_a_cause_an_agent_answers_what_called_it_last_within_ten_minutes() {
    let mut play = Play::new();
    let call = play.person("a", &["A"]);
    let a = "A".parse().unwrap();
    assert_eq!(play.guard.cause(&a, None, NOON.after_ms(600_000)), Some(call.id));
    assert_eq!(play.guard.cause(&a, None, NOON.after_ms(600_001)), None);
    let own = play.agent("B", None, "by the way", &["A"]);
    assert_eq!((own.hop, own.wakes), (1, true));
}

#[test]
fn agents_that_name_no_cause_go_round_in_circles_no_longer() {
    let mut play = Play::new();
    play.person("go", &["A"]);
    let woken = (0..20)
        .take_while(|turn| {
            let [me, next] = [*turn, turn + 1].map(|turn: usize| NAMES[turn % 3]);
            play.agent(me, None, &unlike(*turn), &[next]).wakes
        })
        .count();
    assert_eq!(woken, 8);
}

#[test]
fn a_digest_goes_on_with_the_longest_chain_that_it_gathers() {
    let mut play = Play::new();
    let mut last = play.person("go", &["A"]);
    for turn in 0..3 {
        last = play.agent(NAMES[turn], Some(last), &unlike(turn), &[NAMES[turn + 1]]);
    }
    let other = play.person("and this", &["D"]);
    let agent: ShortName = "D".parse().unwrap();
    let messages = vec![last.id, other.id];
    let digest = play.notice(Notice::Digest { agent, messages }, &["D"]);
    assert_eq!(play.agent("D", Some(digest), "late", &["A"]).hop, 4);
}

/// Everybody answers each call with `@all`, in the order in which they were called.
fn storm(team: &[&str]) -> usize {
    let mut play = Play::new();
    let all = play.person("@all", team);
    let mut waiting: std::collections::VecDeque<(&str, Said)> =
        team.iter().map(|name| (*name, all)).collect();
    let mut turns = 0;
    while let Some((me, cause)) = waiting.pop_front() {
        turns += 1;
        let others: Vec<&str> = team.iter().copied().filter(|name| *name != me).collect();
        let said = play.agent(me, Some(cause), &unlike(turns), &others);
        if said.wakes {
            waiting.extend(others.into_iter().map(|name| (name, said)));
        }
    }
    assert_eq!(play.notices.len(), 1);
    turns
}

#[test]
fn a_storm_of_mentions_of_all_ends() {
    let most = |team: usize| (64 + team + team) * team;
    for size in [2, 3, 7] {
        assert!(storm(&NAMES[..size]) <= most(size), "{size}");
    }
    let crowd: Vec<String> = (0..20).map(|n| format!("agent{n}")).collect();
    let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
    assert!(storm(&crowd) <= most(20));
}

#[test]
fn everybody_may_report_to_one() {
    let crowd: Vec<String> = (0..200).map(|n| format!("agent{n}")).collect();
    let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
    let mut play = Play::new();
    let all = play.person("@all tell A how it goes", &crowd);
    let reports: Vec<Said> = crowd
        .iter()
        .enumerate()
        .map(|(n, name)| play.agent(name, Some(all), &unlike(n), &["A"]))
        .collect();
    assert!(reports.iter().all(|report| report.wakes));
    assert!(play.agent("A", Some(reports[199]), "well done", &["agent199"]).wakes);
}

#[test]
fn who_answers_the_same_old_message_for_ever_is_stopped_as_well() {
    let mut play = Play::new();
    let order = play.person("go", &["A"]);
    let woken = (0..1000)
        .take_while(|turn| {
            let said = play.agent("A", Some(order), &unlike(*turn), &["B"]);
            said.wakes && play.agent("B", Some(said), &unlike(turn + 1000), &["A"]).wakes
        })
        .count();
    assert_eq!((woken, play.notices.as_slice()), (65, &[LoopSign::Returns][..]));
}

#[test]
fn a_chain_is_not_forgotten_by_going_slowly() {
    let mut play = Play::new();
    let mut last = play.person("go", &["A"]);
    let mut woken = 0;
    while woken < 20 {
        last = play.agent(NAMES[woken % 3], Some(last), &unlike(woken), &[NAMES[(woken + 1) % 3]]);
        if !last.wakes {
            break;
        }
        woken += 1;
        (0..=KEPT).for_each(|_| {
            play.person("meanwhile", &["Z"]);
        });
        play.now = play.now.after_ms(3_600_000);
    }
    assert_eq!((woken, play.notices.as_slice()), (8, &[LoopSign::Hops][..]));
}

#[test]
fn memory_stays_within_its_bounds() {
    let crowd: Vec<String> = (0..500).map(|n| format!("agent{n}")).collect();
    let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
    let mut play = Play::new();
    (0..600).for_each(|_| {
        play.person("@all", &crowd);
    });
    let kept = serde_json::to_value(&play.guard).unwrap();
    assert_eq!(kept["memory"]["said"].as_object().unwrap().len(), CALLS / 500);
    assert_eq!(kept["memory"]["chains"].as_object().unwrap().len(), CALLS / 500);
}

#[test]
fn what_was_held_is_told_although_the_settings_changed_since() {
    let mut play = Play::new();
    let order = play.person("go", &["A"]);
    let next = play.next("A", "x");
    let message = Message { agent: true, cause: Some(order.id), hop: 1, ..next };
    play.say(Message { held: held(&["B"]), ..message });
    assert_eq!(play.notices, [LoopSign::Hops]);
}

/// One word of a random talk: its speaker, the message that it answers, the agents that it calls, and
/// how it says it.
fn steps() -> impl Strategy<Value = Vec<(usize, usize, u8, u8)>> {
    proptest::collection::vec((0..4_usize, any::<usize>(), 1..15_u8, 0..9_u8), 1..120)
}

fn step(play: &mut Play, said: &mut Vec<(Said, u8)>, step: (usize, usize, u8, u8)) -> Option<Said> {
    let (me, which, calls, text) = step;
    let mine: Vec<Said> = said
        .iter()
        .filter(|(said, calls)| said.wakes && calls & (1 << me) != 0)
        .map(|it| it.0)
        .collect();
    let cause = *mine.get(which.checked_rem(mine.len())?)?;
    let calls = calls & !(1 << me);
    let names: Vec<&str> = (0..4).filter(|n| calls & (1 << n) != 0).map(|n| NAMES[n]).collect();
    let next = play.agent(NAMES[me], Some(cause), &unlike(usize::from(text)), &names);
    said.push((next, calls));
    Some(next)
}

proptest! {
    #[test]
    fn whatever_agents_build_no_path_that_wakes_is_longer_than_the_limit(steps in steps()) {
        let mut play = Play::new();
        let mut said = vec![(play.person("go", &NAMES[..4]), 15)];
        for one in steps {
            if let Some(next) = step(&mut play, &mut said, one) {
                prop_assert!(!next.wakes || next.hop <= 8);
            }
        }
        prop_assert!(play.notices.len() <= 1);
    }

    #[test]
    fn after_a_restart_at_any_point_all_goes_on_as_it_would_have(steps in steps(), at in 0..120_usize) {
        let mut play = Play::new();
        let mut said = vec![(play.person("go", &NAMES[..4]), 15)];
        let cut = at.min(steps.len());
        for one in &steps[..cut] {
            step(&mut play, &mut said, *one);
        }
        let (mut again, mut said_again) = (play.restarted(), said.clone());
        for one in &steps[cut..] {
            let went = step(&mut play, &mut said, *one).map(|said| (said.hop, said.wakes));
            let goes = step(&mut again, &mut said_again, *one).map(|said| (said.hop, said.wakes));
            prop_assert_eq!(went, goes);
        }
        prop_assert_eq!(play.guard, again.guard);
        prop_assert_eq!(play.notices, again.notices);
    }
}
