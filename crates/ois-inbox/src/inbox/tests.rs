mod answers;
mod reports;

use ois_protocol::{AuthOk, Chat, ErrorCode, ErrorFrame, EventId, Message, Reason, Timestamp};

use super::*;

const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);

fn id(number: u64) -> EventId {
    EventId::new(number).unwrap()
}

/// A message that mentions and calls whom its text names.
fn said(number: u64, user: &str, text: &str) -> Message {
    let is_named = |name: &&str| text.contains(&format!("@{name}"));
    let called = |name: &&str| is_named(name) || text.contains("@all");
    let calls = ["ARIA", "HKH"].into_iter().filter(called).map(|name| name.parse().unwrap());
    Message {
        mentions: ["ARIA", "HKH", "all"].into_iter().filter(is_named).map(str::to_owned).collect(),
        calls: calls.collect(),
        ..Message::plain(id(number), user.to_owned(), text.to_owned(), NOON)
    }
}

fn auth(user: &str, team: Option<&str>) -> AuthOk {
    AuthOk { user: user.to_owned(), team: team.map(str::to_owned), ..AuthOk::default() }
}

fn inbox() -> Inbox {
    let mut inbox = Inbox::new(Settings::default(), InboxState::default());
    inbox.start(NOON);
    inbox.signed_in(&auth("ARIA ⚔️", Some("0a1b2c3d")), "old", NOON).unwrap();
    inbox.look_back(&[], NOON);
    inbox
}

/// The inbox of an agent at a server of OIS 1.
fn old_inbox() -> Inbox {
    let mut inbox = Inbox::new(Settings::default(), InboxState::default());
    inbox.signed_in(&auth("ARIA ⚔️", None), "01d", NOON).unwrap();
    inbox.look_back(&[], NOON);
    inbox
}

/// Keys of what goes to the runtime.
fn delivered(effects: &[Effect]) -> Vec<&str> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Deliver(delivery) => Some(delivery.key.as_str()),
            _ => None,
        })
        .collect()
}

fn answers(effects: &[Effect]) -> Vec<(&str, u64)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Say(chat) => Some((chat.text.as_str(), chat.reply_to?.get())),
            _ => None,
        })
        .collect()
}

fn endings(effects: &[Effect]) -> Vec<&Ending> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Ended { ending, .. } => Some(ending),
            _ => None,
        })
        .collect()
}

/// What a process finds that starts after this one was killed.
fn killed(inbox: &Inbox) -> Inbox {
    let mut state = InboxState::default();
    inbox.state().records().into_iter().for_each(|record| state.apply(record));
    assert_eq!(state, *inbox.state(), "the records make the state");
    Inbox::new(Settings::default(), state)
}

/// The same, when the server has let it in and told all that was missed.
fn back(inbox: &Inbox, now: Timestamp) -> (Inbox, Vec<Effect>) {
    let mut inbox = killed(inbox);
    let mut effects = inbox.start(now);
    let identity = inbox.state().identity.clone().unwrap();
    let team = identity.native.then_some(identity.team.as_str());
    effects.extend(inbox.signed_in(&auth("ARIA", team), &identity.team, now).unwrap());
    effects.extend(inbox.caught_up(now));
    (inbox, effects)
}

fn not_begun() -> Outcome {
    let (reason, why) = (Reason::Unreachable, "gateway is unreachable".to_owned());
    Outcome::NotBegun { reason, why, retry_after_ms: None }
}

fn failed() -> Outcome {
    Outcome::Failed { reason: Reason::Error, why: "the model failed".to_owned() }
}

fn gone_wrong(reason: Reason, detail: &str) -> Ending {
    Ending::Failed { reason, detail: detail.to_owned() }
}

#[test]
fn a_mention_is_written_down_before_it_is_delivered_and_answered_once() {
    let mut inbox = inbox();
    let effects = inbox.receive(&said(5, "Mira", "@ARIA hi"), NOON);
    assert!(matches!(effects[0], Effect::Journal(Record::Call(_))));
    assert_eq!(delivered(&effects), ["ois:0a1b2c3d:5:aria:1"]);
    inbox.begun(id(5), Some("boot".to_owned()), NOON);
    inbox.admitted(id(5), "run".to_owned(), NOON);
    let effects = inbox.settle(id(5), Outcome::Replied(" hello\n".to_owned()), NOON, 0);
    assert!(matches!(effects[0], Effect::Journal(_)), "kept before it is said");
    assert_eq!(answers(&effects), [("hello", 5)]);
    let Some(Effect::Say(chat)) = effects.get(1) else { panic!("{effects:?}") };
    assert_eq!(chat.cause, Some(id(5)));
    let effects = inbox.acked(chat.nonce.as_ref().unwrap(), id(6), NOON);
    assert_eq!(endings(&effects), [&Ending::Replied { answer: Some(id(6)) }]);
    assert!(inbox.receive(&said(5, "Mira", "@ARIA hi"), NOON).is_empty(), "seen already");
    assert_eq!(inbox.next_wake(), Some(NOON.after_ms(60_000)), "its end is not confirmed");
}

#[test]
fn at_an_old_server_only_others_who_name_the_agent_or_all_wake_it() {
    let mut inbox = old_inbox();
    assert!(delivered(&inbox.receive(&said(1, "ARIA ⚔️", "@ARIA @all"), NOON)).is_empty());
    assert!(delivered(&inbox.receive(&said(2, "Mira", "@HKH"), NOON)).is_empty());
    let mut lower = said(3, "Mira", "x");
    lower.mentions = vec!["aria".to_owned()];
    assert_eq!(delivered(&inbox.receive(&lower, NOON)).len(), 1);
    inbox.settle(id(3), Outcome::Silent, NOON, 0);
    assert_eq!(delivered(&inbox.receive(&said(4, "HKH 🐱", "@all"), NOON)).len(), 1);
}

#[test]
fn calls_are_handled_one_after_the_other() {
    let mut inbox = inbox();
    assert_eq!(delivered(&inbox.receive(&said(1, "Mira", "@ARIA one"), NOON)).len(), 1);
    assert!(delivered(&inbox.receive(&said(2, "Mira", "@ARIA two"), NOON)).is_empty());
    assert_eq!(inbox.next_wake(), None, "nothing to do before the first is over");
    let effects = inbox.settle(id(1), Outcome::Silent, NOON, 0);
    assert_eq!(delivered(&effects), ["ois:0a1b2c3d:2:aria:1"]);
}

#[test]
fn an_unreachable_runtime_is_tried_again_with_the_same_key_and_growing_pauses() {
    let mut inbox = inbox();
    inbox.receive(&said(1, "Mira", "@ARIA one"), NOON);
    inbox.receive(&said(2, "Mira", "@ARIA two"), NOON);
    let mut now = NOON;
    for pause in [1000, 2000, 4000, 8000, 16000, 30000, 30000] {
        assert!(delivered(&inbox.settle(id(1), not_begun(), now, 0)).is_empty());
        assert_eq!(inbox.next_wake(), Some(now.after_ms(pause)));
        assert!(delivered(&inbox.wake(now.after_ms(pause - 1))).is_empty());
        now = now.after_ms(pause);
        assert_eq!(delivered(&inbox.wake(now)), ["ois:0a1b2c3d:1:aria:1"]);
    }
}

#[test]
fn what_was_not_begun_is_given_up_at_the_deadline_with_its_reason() {
    let mut inbox = inbox();
    inbox.receive(&said(1, "Mira", "@ARIA"), NOON);
    inbox.settle(id(1), not_begun(), NOON, 0);
    let late = NOON.after_ms(Settings::default().deadline_ms);
    let effects = inbox.wake(late);
    let detail = "given up at the deadline: gateway is unreachable";
    assert_eq!(endings(&effects), [&gone_wrong(Reason::Unreachable, detail)]);
    assert!(answers(&effects).is_empty(), "the server tells who asked");
    let (reason, detail) = (Reason::Unreachable, detail.to_owned());
    assert_eq!(inbox.state().given_up, [GivenUp { id: id(1), reason, detail }]);
}

#[test]
fn a_server_that_tells_nobody_has_it_told_in_the_room() {
    let mut inbox = old_inbox();
    inbox.receive(&said(1, "Mira", "@ARIA"), NOON);
    inbox.settle(id(1), not_begun(), NOON, 0);
    let late = NOON.after_ms(Settings::default().deadline_ms);
    let effects = inbox.wake(late);
    let told =
        "[AUTO] No answer will come: given up at the deadline: gateway is unreachable".to_owned();
    assert_eq!(answers(&effects), [(told.as_str(), 1)], "who asked is told");
    let again = killed(&inbox).start(late);
    assert_eq!(answers(&again), [(told.as_str(), 1)], "with the same nonce");
    inbox.acked(&"answer-1".parse().unwrap(), id(2), NOON);
    assert_eq!(inbox.state().given_up.len(), 1);
}

#[test]
fn without_a_limit_a_turn_that_takes_long_is_not_given_up() {
    let settings = Settings { turn_limit_ms: None, ..Settings::default() };
    let mut inbox = Inbox::new(settings, inbox().state().clone());
    inbox.receive(&said(1, "Mira", "@ARIA"), NOON);
    inbox.begun(id(1), None, NOON);
    let later = NOON.after_ms(Settings::default().deadline_ms * 2);
    assert!(inbox.wake(later).is_empty());
    let effects = inbox.settle(id(1), Outcome::Replied("done".to_owned()), later, 0);
    assert_eq!(answers(&effects), [("done", 1)]);
}

#[test]
fn a_failed_turn_gets_a_fresh_key_and_says_that_it_may_be_a_second_one() {
    let mut inbox = inbox();
    inbox.receive(&said(1, "Mira", "@ARIA"), NOON);
    inbox.begun(id(1), None, NOON);
    inbox.settle(id(1), failed(), NOON, 0);
    let effects = inbox.wake(NOON.after_ms(1000));
    assert_eq!(delivered(&effects), ["ois:0a1b2c3d:1:aria:2"]);
    let Some(Effect::Deliver(delivery)) = effects.first() else { panic!("{effects:?}") };
    assert!(delivery.possible_duplicate && delivery.under_way.is_none());
    inbox.settle(id(1), failed(), NOON.after_ms(1000), 0);
    inbox.wake(NOON.after_ms(9000));
    let effects = inbox.settle(id(1), failed(), NOON.after_ms(9000), 0);
    assert_eq!(endings(&effects), [&gone_wrong(Reason::Error, "the model failed")]);
    assert!(answers(&effects).is_empty());
}

#[test]
fn a_turn_whose_end_was_not_seen_is_asked_about_under_its_key() {
    let mut inbox = inbox();
    inbox.receive(&said(1, "Mira", "@ARIA"), NOON);
    inbox.receive(&said(2, "Mira", "@ARIA too"), NOON);
    inbox.begun(id(1), Some("boot".to_owned()), NOON);
    let unclear = Outcome::Unclear { why: "link lost".to_owned() };
    assert!(delivered(&inbox.settle(id(1), unclear, NOON, 0)).is_empty(), "the second waits");
    let effects = inbox.wake(NOON.after_ms(1000));
    let Some(Effect::Deliver(delivery)) = effects.first() else { panic!("{effects:?}") };
    assert_eq!(delivery.key, "ois:0a1b2c3d:1:aria:1");
    let under_way = UnderWay { epoch: Some("boot".to_owned()), run: None };
    assert_eq!(delivery.under_way, Some(under_way));
}

#[test]
fn a_killed_process_goes_on_wherever_it_was() {
    let mut first = inbox();
    first.receive(&said(1, "Mira", "@ARIA"), NOON);
    let (_, effects) = back(&first, NOON);
    assert_eq!(delivered(&effects), ["ois:0a1b2c3d:1:aria:1"]);

    first.begun(id(1), Some("boot".to_owned()), NOON);
    let (_, effects) = back(&first, NOON);
    let delivery = effects.iter().find_map(|effect| match effect {
        Effect::Deliver(delivery) => Some(delivery),
        _ => None,
    });
    assert!(delivery.unwrap().under_way.is_some(), "asked about, not begun again");

    first.settle(id(1), Outcome::Replied("yes".to_owned()), NOON, 0);
    let mut second = killed(&first);
    assert_eq!(answers(&second.start(NOON)), [("yes", 1)]);
    let effects = second.acked(&"answer-1-1".parse().unwrap(), id(2), NOON);
    assert_eq!(endings(&effects), [&Ending::Replied { answer: Some(id(2)) }]);
    assert!(killed(&second).start(NOON).is_empty());
}

#[test]
fn what_waited_through_a_long_outage_of_the_host_gets_its_try() {
    let mut inbox = inbox();
    inbox.receive(&said(1, "Mira", "@ARIA"), NOON);
    let monday = NOON.after_ms(3 * Settings::default().deadline_ms);
    let (mut second, effects) = back(&inbox, monday);
    assert_eq!(delivered(&effects).len(), 1);
    let effects = second.settle(id(1), not_begun(), monday, 0);
    assert_eq!(endings(&effects).len(), 1, "then it is given up");
}

#[test]
fn an_agent_that_answered_by_itself_is_not_quoted_again() {
    let own = |text: &str, reply_to: Option<u64>| Chat {
        text: text.to_owned(),
        reply_to: reply_to.map(id),
        ..Chat::in_main()
    };
    for (spoken, last, doubled) in [
        (own("done", Some(1)), "I have answered", false),
        (own(" done\n", None), "done", false),
        (own("I begin", None), "done", true),
        (own("done", Some(9)), "all done", true),
    ] {
        let mut inbox = inbox();
        inbox.receive(&said(1, "Mira", "@ARIA"), NOON);
        inbox.begun(id(1), None, NOON);
        assert_eq!(inbox.cause(), Some(id(1)));
        inbox.spoke(&spoken);
        let (mut inbox, _) = back(&inbox, NOON);
        let effects = inbox.settle(id(1), Outcome::Replied(last.to_owned()), NOON, 0);
        assert_eq!(answers(&effects).len(), usize::from(doubled), "{spoken:?} then {last}");
    }
}

#[test]
fn context_is_what_was_said_since_the_call_before() {
    let mut inbox = inbox();
    let context = |effects: &[Effect]| -> Vec<u64> {
        let Some(Effect::Deliver(it)) =
            effects.iter().find(|effect| matches!(effect, Effect::Deliver(_)))
        else {
            panic!("{effects:?}")
        };
        it.context.iter().map(|message| message.id.get()).collect()
    };
    for number in 1..=20 {
        inbox.receive(&said(number, "Mira", "x"), NOON);
    }
    let effects = inbox.receive(&said(21, "Mira", "@ARIA"), NOON);
    assert_eq!(context(&effects), (11..=20).collect::<Vec<_>>());
    inbox.settle(id(21), Outcome::Silent, NOON, 0);
    inbox.receive(&said(22, "Mira", "x"), NOON);
    let mut inbox = killed(&inbox);
    assert_eq!(inbox.resume_after(), Some(id(12)));
    for number in 13..=22 {
        inbox.receive(&said(number, "Mira", if number == 21 { "@ARIA" } else { "x" }), NOON);
    }
    let effects = inbox.receive(&said(23, "Mira", "@ARIA"), NOON);
    assert_eq!(context(&effects), [22], "nothing twice");
}

#[test]
fn the_first_start_takes_up_what_is_young_and_not_answered() {
    let mut inbox = Inbox::new(Settings::default(), InboxState::default());
    assert_eq!(inbox.resume_after(), None);
    inbox.start(NOON);
    inbox.signed_in(&auth("ARIA", Some("0a1b2c3d")), "old", NOON).unwrap();
    let history = [
        said(1, "Mira", "@ARIA answered"),
        said(2, "ARIA", "yes"),
        said(3, "Mira", "@ARIA not yet"),
    ];
    assert_eq!(delivered(&inbox.look_back(&history, NOON)), ["ois:0a1b2c3d:3:aria:1"]);
    let mut late = Inbox::new(Settings::default(), InboxState::default());
    late.signed_in(&auth("ARIA", Some("0a1b2c3d")), "old", NOON).unwrap();
    assert!(delivered(&late.look_back(&history, NOON.after_ms(700_000))).is_empty());
}

#[test]
fn state_of_another_team_or_agent_is_not_mixed_up() {
    let mut inbox = inbox();
    assert!(inbox.signed_in(&auth("ARIA", Some("0a1b2c3d")), "old", NOON).is_ok());
    assert!(inbox.signed_in(&auth("HKH", Some("0a1b2c3d")), "old", NOON).is_err());
    assert!(inbox.signed_in(&auth("ARIA", Some("ffffffff")), "old", NOON).is_err());
    let mut moved = Inbox::new(Settings::default(), InboxState::default());
    moved.signed_in(&auth("ARIA", None), "0ld", NOON).unwrap();
    assert!(
        moved.signed_in(&auth("ARIA", Some("0a1b2c3d")), "0ld", NOON).is_ok(),
        "it was upgraded"
    );
}

#[test]
fn a_log_that_was_set_back_is_followed_again() {
    let mut inbox = inbox();
    inbox.receive(&said(900, "Mira", "x"), NOON);
    inbox.rewind();
    inbox.look_back(&[said(7, "Mira", "x")], NOON);
    assert_eq!(delivered(&inbox.receive(&said(8, "Mira", "@ARIA"), NOON)).len(), 1);
    killed(&inbox);
}

#[test]
fn a_word_that_comes_after_the_end_changes_nothing() {
    let mut inbox = inbox();
    inbox.receive(&said(1, "Mira", "@ARIA"), NOON);
    inbox.begun(id(1), None, NOON);
    inbox.settle(id(1), Outcome::Replied("yes".to_owned()), NOON, 0);
    assert!(inbox.admitted(id(1), "run".to_owned(), NOON).is_empty());
    assert!(inbox.settle(id(1), not_begun(), NOON, 0).is_empty());
    assert_eq!(answers(&killed(&inbox).start(NOON)), [("yes", 1)]);
}

#[test]
fn words_of_an_imported_past_call_nobody() {
    let mut inbox = inbox();
    let old = Message { from_archive: true, ..said(1, "Mira", "@ARIA") };
    assert!(delivered(&inbox.receive(&old, NOON)).is_empty());
    let week = NOON.after_ms(7 * 24 * 3600 * 1000);
    assert!(delivered(&inbox.receive(&said(2, "Mira", "@ARIA"), week.after_ms(1))).is_empty());
    assert_eq!(delivered(&inbox.receive(&said(3, "Mira", "@ARIA"), week)).len(), 1);
}

#[test]
fn two_messages_of_an_old_servers_millisecond_are_both_heard() {
    let mut inbox = old_inbox();
    assert!(delivered(&inbox.receive(&said(5, "Mira", "x"), NOON)).is_empty());
    assert_eq!(delivered(&inbox.receive(&said(5, "Mira", "@ARIA"), NOON)).len(), 1);
    inbox.settle(id(5), Outcome::Silent, NOON, 0);
    let mut second = killed(&inbox);
    assert!(delivered(&second.receive(&said(5, "Mira", "@ARIA"), NOON)).is_empty());
}
