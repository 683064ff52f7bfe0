//! What the log promises.

use std::sync::Arc;

use ois_protocol::{EventId, EventKind, event};

use super::{ALL, NOON, Promise, chat, chat_once};
use crate::{Batch, Limit, Store};

pub(super) fn promises() -> Vec<(&'static str, Promise)> {
    vec![
        ("an empty log has no head", |s| Box::pin(an_empty_log_has_no_head(s))),
        ("the first id is the time", |s| Box::pin(the_first_id_is_the_time(s))),
        ("ids are dense", |s| Box::pin(ids_are_dense(s))),
        ("times never go back", |s| Box::pin(times_never_go_back(s))),
        ("what was appended is read", |s| Box::pin(what_was_appended_is_read(s))),
        ("an empty batch changes nothing", |s| Box::pin(an_empty_batch_changes_nothing(s))),
        ("the head tells of every batch", |s| Box::pin(the_head_tells_of_every_batch(s))),
        ("reading goes on from any place", |s| Box::pin(reading_goes_on_from_any_place(s))),
        ("a visitor is shown what is read", |s| Box::pin(a_visitor_is_shown_what_is_read(s))),
        ("a page ends at its limit", |s| Box::pin(a_page_ends_at_its_limit(s))),
        ("paging back meets everything", |s| Box::pin(paging_back_meets_everything(s))),
        ("large and odd texts come back", |s| Box::pin(large_and_odd_texts_come_back(s))),
        ("nonces are told from a time on", |s| Box::pin(nonces_are_told_from_a_time_on(s))),
        ("two who append get ids of their own", |s| Box::pin(two_who_append(s))),
    ]
}

async fn append(store: &dyn Store, texts: &[&str]) -> Batch {
    store.append(texts.iter().map(|text| chat(text)).collect(), NOON).await.unwrap()
}

fn ids(batch: &Batch) -> Vec<u64> {
    batch.iter().map(|record| record.id.get()).collect()
}

async fn an_empty_log_has_no_head(store: Arc<dyn Store>) {
    assert_eq!(*store.head().borrow(), EventId::ZERO);
    assert_eq!(store.oldest(), EventId::ZERO);
    assert_eq!(store.read(EventId::ZERO, ALL).await.unwrap(), []);
    assert_eq!(store.read_before(EventId::MAX, ALL).await.unwrap(), []);
    assert_eq!(store.nonces(NOON).await.unwrap(), []);
    assert_eq!(store.team().len(), 8);
    assert!(store.writable());
}

async fn the_first_id_is_the_time(store: Arc<dyn Store>) {
    let batch = append(&*store, &["a"]).await;
    assert_eq!(batch[0].id, EventId::from(NOON));
    assert_eq!(store.oldest(), batch[0].id);
}

async fn ids_are_dense(store: Arc<dyn Store>) {
    append(&*store, &["a", "b"]).await;
    let later = store.append(vec![chat("c")], NOON.after_ms(60_000)).await.unwrap();
    assert_eq!(later[0].id.get(), NOON.ms() + 2);
}

async fn times_never_go_back(store: Arc<dyn Store>) {
    append(&*store, &["a"]).await;
    let earlier = ois_protocol::Timestamp::from_ms(NOON.ms() - 5000);
    let batch = store.append(vec![chat("b")], earlier).await.unwrap();
    assert_eq!(batch[0].time, NOON);
}

async fn what_was_appended_is_read(store: Arc<dyn Store>) {
    let batch = append(&*store, &["one", "two", "three"]).await;
    let read = store.read(EventId::ZERO, ALL).await.unwrap();
    assert_eq!(read, batch);
    let first = &read[0];
    assert_eq!(first.kind, Some(EventKind::Message));
    assert!(first.room.is_main());
    let message = event::message_json(&first.payload).unwrap();
    let message: ois_protocol::Message = serde_json::from_slice(message).unwrap();
    assert_eq!((message.id, message.time), (first.id, first.time));
    assert_eq!((message.user.as_str(), message.text.as_str()), ("ARIA 🐱", "one"));
}

async fn an_empty_batch_changes_nothing(store: Arc<dyn Store>) {
    assert_eq!(store.append(Vec::new(), NOON).await.unwrap(), []);
    assert_eq!(*store.head().borrow(), EventId::ZERO);
}

async fn the_head_tells_of_every_batch(store: Arc<dyn Store>) {
    let mut head = store.head();
    for text in ["a", "b"] {
        let batch = append(&*store, &[text, text]).await;
        head.changed().await.unwrap();
        assert_eq!(*head.borrow_and_update(), batch[1].id);
    }
}

async fn reading_goes_on_from_any_place(store: Arc<dyn Store>) {
    let batch = append(&*store, &["a", "b", "c", "d"]).await;
    for (at, record) in batch.iter().enumerate() {
        assert_eq!(store.read(record.id, ALL).await.unwrap(), batch[at + 1..]);
        assert_eq!(store.read_before(record.id, ALL).await.unwrap(), batch[..at]);
    }
    assert_eq!(store.read(EventId::MAX, ALL).await.unwrap(), []);
    assert_eq!(store.read_before(EventId::ZERO, ALL).await.unwrap(), []);
}

async fn a_visitor_is_shown_what_is_read(store: Arc<dyn Store>) {
    let batch = append(&*store, &["a", "b", "", "d"]).await;
    let length = batch[0].payload.len();
    for after in [EventId::ZERO, batch[1].id, EventId::MAX] {
        for (records, bytes) in [(0, 0), (2, usize::MAX), (usize::MAX, length + 1), (9, 1 << 20)] {
            let limit = Limit { records, bytes };
            let mut shown = Batch::new();
            store.visit(after, limit, &mut |record| shown.push(record.into_owned())).await.unwrap();
            assert_eq!(shown, store.read(after, limit).await.unwrap());
        }
    }
}

async fn a_page_ends_at_its_limit(store: Arc<dyn Store>) {
    let batch = append(&*store, &["a", "b", "c", "d"]).await;
    let two = Limit { records: 2, bytes: usize::MAX };
    assert_eq!(store.read(batch[0].id, two).await.unwrap(), batch[1..3]);
    assert_eq!(store.read_before(batch[3].id, two).await.unwrap(), batch[1..3]);
    let length = batch[0].payload.len();
    for (bytes, records) in [(0, 1), (1, 1), (length, 1), (length + 1, 2)] {
        let few = Limit { records: usize::MAX, bytes };
        assert_eq!(store.read(EventId::ZERO, few).await.unwrap(), batch[..records]);
        assert_eq!(store.read_before(EventId::MAX, few).await.unwrap(), batch[4 - records..]);
    }
}

async fn paging_back_meets_everything(store: Arc<dyn Store>) {
    let mut all = Vec::new();
    for at in 0..50 {
        all.extend(ids(&append(&*store, &["x"; 40][..at % 40 + 1]).await));
    }
    let (mut before, mut met) = (EventId::MAX, Vec::new());
    loop {
        let page = store.read_before(before, Limit { records: 17, bytes: 100_000 }).await.unwrap();
        let Some(first) = page.first() else { break };
        before = first.id;
        met.splice(0..0, ids(&page));
    }
    assert_eq!(met, all);
}

async fn large_and_odd_texts_come_back(store: Arc<dyn Store>) {
    let long = "长".repeat(100_000);
    let texts =
        ["", "\n\r\t\u{0}\u{2028}", "a\nb", &long, " ", "\u{feff}-", &"\u{1}".repeat(70_000)];
    let batch = append(&*store, &texts).await;
    let one = Limit { records: 1, bytes: 1 };
    for record in &batch {
        let read = store.read(record.id.before(), one).await.unwrap();
        assert_eq!(read, std::slice::from_ref(record));
        assert_eq!(store.read_before(record.id.next(), one).await.unwrap(), read);
    }
    assert_eq!(store.read_before(EventId::MAX, ALL).await.unwrap(), batch);
}

async fn nonces_are_told_from_a_time_on(store: Arc<dyn Store>) {
    for (at, nonce) in [(0, "n0"), (1000, "n1"), (2000, "-")] {
        let events = vec![chat("plain"), chat_once("x", nonce)];
        store.append(events, NOON.after_ms(at)).await.unwrap();
    }
    let told = |since: u64| {
        let store = &store;
        async move {
            let seen = store.nonces(NOON.after_ms(since)).await.unwrap();
            assert!(seen.iter().all(|seen| seen.author.as_str() == "ARIA"));
            seen.iter()
                .map(|seen| (seen.nonce.to_string(), seen.id.get() - NOON.ms()))
                .collect::<Vec<_>>()
        }
    };
    let all = [("n0", 1), ("n1", 3), ("-", 5)].map(|(nonce, id)| (nonce.to_owned(), id));
    assert_eq!(told(0).await, all);
    assert_eq!(told(1000).await, all[1..]);
    assert_eq!(told(1001).await, all[2..]);
    assert_eq!(told(9999).await, []);
}

async fn two_who_append(store: Arc<dyn Store>) {
    let (one, two) = (store.append(vec![chat("a")], NOON), store.append(vec![chat("b")], NOON));
    let mut given = [ids(&one.await.unwrap()), ids(&two.await.unwrap())].concat();
    given.sort_unstable();
    assert_eq!(given, [NOON.ms(), NOON.ms() + 1]);
    assert_eq!(ids(&store.read(EventId::ZERO, ALL).await.unwrap()), given);
}
