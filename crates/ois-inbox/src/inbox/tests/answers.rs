//! What is said in the room at the end of a turn.

use super::*;

/// An inbox whose messages are short, after a turn that ended with this text.
fn answered(text: &str) -> (Inbox, Vec<Effect>) {
    let settings = Settings { text_bytes: 2000, ..Settings::default() };
    let mut inbox = Inbox::new(settings, inbox().state().clone());
    inbox.receive(&said(1, "Mira", "@ARIA"), NOON);
    let effects = inbox.settle(id(1), Outcome::Replied(text.to_owned()), NOON, 0);
    (inbox, effects)
}

/// Nonce and text of what is said.
fn says(effects: &[Effect]) -> Vec<(String, String)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Say(chat) => Some((chat.nonce.as_ref()?.to_string(), chat.text.clone())),
            _ => None,
        })
        .collect()
}

fn acked(inbox: &mut Inbox, nonce: &str, number: u64) -> Vec<Effect> {
    inbox.acked(&nonce.parse().unwrap(), id(number), NOON)
}

fn refusal(code: ErrorCode, nonce: &str) -> ErrorFrame {
    ErrorFrame { nonce: Some(nonce.parse().unwrap()), ..ErrorFrame::new(code, "not that") }
}

#[test]
fn silence_is_kept() {
    for text in ["NO_REPLY", " no_reply. ", "**NO_REPLY**", "HEARTBEAT_OK", "", " \n\u{200b}"] {
        let (_, effects) = answered(text);
        assert_eq!(endings(&effects), [&Ending::Silent], "{text:?}");
        assert!(answers(&effects).is_empty());
    }
}

#[test]
fn silence_behind_other_words_is_not_shown_and_they_are() {
    let (mut inbox, effects) = answered("The backup ran, nothing to do.\n\nNO_REPLY");
    assert_eq!(answers(&effects), [("The backup ran, nothing to do.", 1)]);
    let effects = acked(&mut inbox, "answer-1-1", 2);
    assert_eq!(endings(&effects), [&Ending::Replied { answer: Some(id(2)) }]);
}

#[test]
fn a_long_answer_is_said_in_parts_one_after_the_other_and_the_first_is_its_name() {
    let text = "a line of the answer\n".repeat(200);
    let (mut inbox, effects) = answered(&text);
    let first = says(&effects);
    let (nonce, said) = &first[0];
    assert_eq!((first.len(), nonce.as_str()), (1, "answer-1-1"));
    assert!(said.starts_with("[Part 1 of 3]\n"), "{said}");
    let second = says(&acked(&mut inbox, "answer-1-1", 2));
    assert_eq!(second[0].0, "answer-1-1-2");
    assert!(acked(&mut inbox, "answer-1-1", 2).is_empty(), "confirmed twice");

    // A restart says the first part again, which the server has.
    let settings = Settings { text_bytes: 9000, ..Settings::default() };
    let mut inbox = Inbox::new(settings, killed(&inbox).state().clone());
    assert_eq!(says(&inbox.start(NOON)), first, "cut as before");
    assert_eq!(says(&acked(&mut inbox, "answer-1-1", 2)), second);
    assert_eq!(says(&acked(&mut inbox, "answer-1-1-2", 3))[0].0, "answer-1-1-3");
    let effects = acked(&mut inbox, "answer-1-1-3", 4);
    assert_eq!(endings(&effects), [&Ending::Replied { answer: Some(id(2)) }]);
}

#[test]
fn a_server_that_allows_less_text_is_told_shorter_parts() {
    let (mut inbox, effects) = answered(&"x".repeat(2000));
    assert_eq!(says(&effects)[0].1.len(), 2000, "it would fit");
    let effects = inbox.refused(&refusal(ErrorCode::TooLong, "answer-1-1"), NOON);
    assert_eq!(says(&effects).len(), 0, "less than that is no answer any more");
    assert!(matches!(endings(&effects)[..], [Ending::Failed { .. }]));

    let mut inbox = super::inbox();
    inbox.receive(&said(1, "Mira", "@ARIA"), NOON);
    inbox.settle(id(1), Outcome::Replied("x".repeat(100_000)), NOON, 0);
    let effects = inbox.refused(&refusal(ErrorCode::TooLong, "answer-1-1"), NOON);
    assert!(matches!(effects[0], Effect::Journal(_)), "cut the same way after a restart");
    assert!(says(&effects)[0].1.len() <= 50_000);
}

#[test]
fn what_the_server_refuses_for_good_is_a_failure_that_says_so() {
    let (mut inbox, _) = answered("x");
    inbox.refused(&refusal(ErrorCode::Forbidden, "answer-1-1"), NOON);
    assert!(inbox.state().given_up[0].detail.contains("not that"));
}

#[test]
fn an_answer_in_a_journal_of_an_earlier_version_keeps_its_nonce() {
    let (inbox, _) = answered("hello");
    let call = &inbox.state().calls[&id(1)];
    let mut record = serde_json::to_value(Record::Call(Box::new(call.clone()))).unwrap();
    let stage = record["stage"].as_object_mut().unwrap();
    assert!(stage.remove("nonce").is_some() && stage.remove("part_bytes").is_some());
    for field in ["begun", "timed_out", "timedOut"] {
        record.as_object_mut().unwrap().remove(field);
    }
    let mut state = super::inbox().state().clone();
    state.apply(serde_json::from_value(record).unwrap());
    let mut inbox = Inbox::new(Settings::default(), state);
    assert_eq!(says(&inbox.start(NOON)), [("answer-1".to_owned(), "hello".to_owned())]);
    let effects = acked(&mut inbox, "answer-1", 2);
    assert_eq!(endings(&effects), [&Ending::Replied { answer: Some(id(2)) }]);
}
