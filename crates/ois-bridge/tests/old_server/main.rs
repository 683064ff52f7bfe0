//! The bridge against a stand-in for OIS 1.2, the server on Node that is deployed: ids are
//! milliseconds, a sign-in is answered with the last 50 messages, there is no `ack`, no resume and
//! no error, and everybody who is connected hears everything.
#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

mod old;
mod rig;

use ois_inbox::Outcome;

use crate::{
    old::OldServer,
    rig::{ARIA, Rig, ToldRuntime},
};

#[tokio::test]
async fn a_mention_is_answered_in_the_room() {
    let server = OldServer::start().await;
    let (runtime, mut told) = ToldRuntime::new();
    let rig = Rig::start(&server.url(), runtime, None).await;
    server.until_signed_in().await;
    server.says("Mira", "@ARIA is the build green?");
    let work = told.next().await;
    assert_eq!(work.delivery.message.text, "@ARIA is the build green?");
    work.settle(Outcome::Replied("it is".to_owned()));
    server.until_heard(ARIA, "it is").await;
    rig.stop().await;
}

#[tokio::test]
async fn a_mention_in_the_gap_is_found_in_the_history_and_answered_once() {
    let server = OldServer::start().await;
    let (runtime, mut told) = ToldRuntime::new();
    let rig = Rig::start(&server.url(), runtime, None).await;
    server.until_signed_in().await;
    server.says("Mira", "@ARIA one");
    told.next().await.settle(Outcome::Replied("first".to_owned()));
    server.until_heard(ARIA, "first").await;
    server.drop_everybody();
    server.says("Mira", "@ARIA two");
    server.until_signed_in().await;
    let work = told.next().await;
    assert_eq!(work.delivery.message.text, "@ARIA two");
    work.settle(Outcome::Replied("second".to_owned()));
    server.until_heard(ARIA, "second").await;
    assert_eq!(server.said_by(ARIA), ["first", "second"]);
    rig.stop().await;
}

#[tokio::test]
async fn an_answer_whose_echo_was_lost_is_recognised_in_the_history() {
    let server = OldServer::start().await;
    let (runtime, mut told) = ToldRuntime::new();
    let rig = Rig::start(&server.url(), runtime, None).await;
    server.until_signed_in().await;
    server.says("Mira", "@ARIA one");
    let work = told.next().await;
    server.drop_at_the_next_chat();
    work.settle(Outcome::Replied("said once".to_owned()));
    server.until_heard(ARIA, "said once").await;
    server.until_signed_in().await;
    server.says("Mira", "@ARIA two");
    told.next().await.settle(Outcome::Replied("two".to_owned()));
    server.until_heard(ARIA, "two").await;
    assert_eq!(server.said_by(ARIA), ["said once", "two"]);
    rig.stop().await;
}

#[tokio::test]
async fn after_a_restart_what_was_missed_is_answered_and_what_was_answered_is_not() {
    let server = OldServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (runtime, mut told) = ToldRuntime::new();
    let rig = Rig::start(&server.url(), runtime, Some(folder.path())).await;
    server.until_signed_in().await;
    server.says("Mira", "@ARIA one");
    told.next().await.settle(Outcome::Replied("first".to_owned()));
    server.until_heard(ARIA, "first").await;
    rig.until_idle().await;
    rig.stop().await;
    server.says("Mira", "@ARIA two");
    let (runtime, mut told) = ToldRuntime::new();
    let rig = Rig::start(&server.url(), runtime, Some(folder.path())).await;
    let work = told.next().await;
    assert_eq!(work.delivery.message.text, "@ARIA two");
    work.settle(Outcome::Silent);
    rig.until_idle().await;
    assert_eq!(server.said_by(ARIA), ["first"]);
    rig.stop().await;
}

#[tokio::test]
async fn words_of_a_client_that_are_no_text_do_not_stop_the_agent() {
    let server = OldServer::start().await;
    let (runtime, mut told) = ToldRuntime::new();
    let rig = Rig::start(&server.url(), runtime, None).await;
    server.until_signed_in().await;
    server.says_raw(
        serde_json::json!({"user": "Mira", "text": 42, "attachments": [{"url": "javascript:x"}]}),
    );
    server.says("Mira", "@ARIA still there?");
    told.next().await.settle(Outcome::Replied("yes".to_owned()));
    server.until_heard(ARIA, "yes").await;
    rig.stop().await;
}

#[tokio::test]
async fn what_the_agent_sends_by_itself_counts_when_it_comes_back() {
    let server = OldServer::start().await;
    let (runtime, mut told) = ToldRuntime::new();
    let rig = Rig::start(&server.url(), runtime, None).await;
    server.until_signed_in().await;
    rig.until_online().await;
    let (status, body) = rig.post("/send", r#"{"text":"good morning"}"#).await;
    assert_eq!((status, body["ok"].as_bool()), (200, Some(true)), "{body}");
    server.says("Mira", "@ARIA one");
    let work = told.next().await;
    rig.post("/send", r#"{"text":"I do it"}"#).await;
    work.settle(Outcome::Replied("I do it".to_owned()));
    rig.until_idle().await;
    assert_eq!(server.said_by(ARIA), ["good morning", "I do it"]);
    rig.stop().await;
}
