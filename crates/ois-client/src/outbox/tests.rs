use std::sync::{Arc, Mutex};

use super::*;

fn nonce(text: &str) -> Nonce {
    text.parse().unwrap()
}

fn chat(text: &str) -> Chat {
    Chat { text: text.to_owned(), ..Chat::in_main() }
}

fn outbox(texts: &[&str]) -> Outbox<Memory> {
    let mut outbox = Outbox::open(Memory).unwrap();
    for (at, text) in texts.iter().enumerate() {
        outbox.add(nonce(&format!("n{at}")), chat(text), EventId::new(10).unwrap()).unwrap();
    }
    outbox
}

fn texts(chats: &[Chat]) -> Vec<&str> {
    chats.iter().map(|chat| chat.text.as_str()).collect()
}

fn error(code: ErrorCode, retry_after_ms: Option<u64>) -> ErrorFrame {
    ErrorFrame { nonce: Some(nonce("n0")), retry_after_ms, ..ErrorFrame::new(code, "no") }
}

fn said(id: u64, text: &str) -> Message {
    let wire = serde_json::json!({"id": id, "user": "ARIA", "text": text, "time": "2026-02-06T12:34:56.789Z"});
    serde_json::from_value(wire).unwrap()
}

#[test]
fn a_draft_is_sent_once_a_connection_and_again_after_a_new_one() {
    let mut outbox = outbox(&["a", "b"]);
    assert_eq!(texts(&outbox.due(0, true)), ["a", "b"]);
    assert!(outbox.due(1, true).is_empty());
    outbox.connected();
    assert_eq!(texts(&outbox.due(2, true)), ["a", "b"]);
}

#[test]
fn what_is_confirmed_is_not_sent_again() {
    let mut outbox = outbox(&["a", "b"]);
    outbox.due(0, true);
    assert!(outbox.acked(&nonce("n0")).unwrap());
    assert!(!outbox.acked(&nonce("n0")).unwrap());
    outbox.connected();
    assert_eq!(texts(&outbox.due(1, true)), ["b"]);
}

#[test]
fn a_missing_ack_is_asked_for_by_sending_again() {
    let mut outbox = outbox(&["a"]);
    outbox.due(0, true);
    assert_eq!(outbox.next_due(true), Some(ACK_PATIENCE_MS));
    assert!(outbox.due(ACK_PATIENCE_MS - 1, true).is_empty());
    assert_eq!(texts(&outbox.due(ACK_PATIENCE_MS, true)), ["a"]);
    assert_eq!(outbox.next_due(false), None, "without acks nothing would ever confirm it");
}

#[test]
fn a_busy_server_gets_the_patience_that_it_asks_for() {
    let mut outbox = outbox(&["a"]);
    outbox.due(0, true);
    assert!(!outbox.refused(&error(ErrorCode::Storage, Some(700)), 100).unwrap());
    assert!(outbox.due(799, true).is_empty());
    assert_eq!(texts(&outbox.due(800, true)), ["a"]);
}

#[test]
fn what_will_never_be_taken_is_let_go() {
    let mut outbox = outbox(&["a"]);
    outbox.due(0, true);
    assert!(outbox.refused(&error(ErrorCode::TooLong, None), 0).unwrap());
    assert!(outbox.is_empty());
}

#[test]
fn the_same_nonce_is_one_draft() {
    let mut outbox = outbox(&["a"]);
    outbox.add(nonce("n0"), chat("a"), EventId::ZERO).unwrap();
    assert_eq!(outbox.drafts().count(), 1);
}

#[test]
fn an_own_message_that_is_newer_confirms_the_oldest_draft_with_its_text() {
    let mut outbox = outbox(&["ok", "ok"]);
    assert_eq!(outbox.echoed(&said(9, "ok")).unwrap(), None, "said before the draft");
    assert_eq!(outbox.echoed(&said(11, "other")).unwrap(), None);
    assert_eq!(outbox.echoed(&said(11, " ok\n")).unwrap().unwrap().nonce, nonce("n0"));
    assert_eq!(outbox.echoed(&said(12, "ok")).unwrap().unwrap().nonce, nonce("n1"));
    assert!(outbox.is_empty());
}

/// A keep whose content outlives its outbox, as a disk's does.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<Vec<Kept>>>);

impl Keep for Disk {
    fn load(&mut self) -> io::Result<Vec<Kept>> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn put(&mut self, kept: &Kept) -> io::Result<()> {
        self.0.lock().unwrap().push(kept.clone());
        Ok(())
    }

    fn remove(&mut self, nonce: &Nonce) -> io::Result<()> {
        self.0.lock().unwrap().retain(|kept| kept.chat.nonce.as_ref() != Some(nonce));
        Ok(())
    }
}

#[test]
fn what_was_not_confirmed_is_sent_by_the_next_process() {
    let disk = Disk::default();
    let mut first = Outbox::open(disk.clone()).unwrap();
    first.add(nonce("n0"), chat("a"), EventId::ZERO).unwrap();
    first.add(nonce("n1"), chat("b"), EventId::ZERO).unwrap();
    first.due(0, true);
    first.acked(&nonce("n0")).unwrap();
    drop(first);
    let mut second = Outbox::open(disk).unwrap();
    assert_eq!(texts(&second.due(0, true)), ["b"]);
}

#[test]
fn the_next_process_takes_only_a_newer_message_for_an_echo() {
    let disk = Disk::default();
    let ten = EventId::new(10).unwrap();
    let mut first = Outbox::open(disk.clone()).unwrap();
    first.add(nonce("n0"), chat("ok"), ten).unwrap();
    let mut second = Outbox::open(disk).unwrap();
    assert_eq!(second.echoed(&said(10, "ok")).unwrap(), None, "it may be an earlier ok");
    assert!(second.echoed(&said(11, "ok")).unwrap().is_some());
    assert!(first.echoed(&said(10, "ok")).unwrap().is_some(), "of the same millisecond");
}
