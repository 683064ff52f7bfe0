//! What the log promises.

use std::sync::Arc;

use ois_protocol::{
    Delivery, Draft, EventId, EventKind, NewEvent, Nonce, RoomName, ShortName, Timestamp, event,
};

use super::{ALL, NOON, Promise, append_at_end, chat, chat_once, head};
use crate::{AppendError, Batch, Filter, Limit, Page, Record, Store};

pub(super) fn promises() -> Vec<(&'static str, Promise)> {
    vec![
        ("an empty log has no head", |[s, _]| Box::pin(an_empty_log_has_no_head(s))),
        ("the first id is the time", |[s, _]| Box::pin(the_first_id_is_the_time(s))),
        ("ids are dense", |[s, _]| Box::pin(ids_are_dense(s))),
        ("times never go back", |[s, _]| Box::pin(times_never_go_back(s))),
        ("what was appended is read", |[s, _]| Box::pin(what_was_appended_is_read(s))),
        ("an empty batch changes nothing", |[s, _]| Box::pin(an_empty_batch_changes_nothing(s))),
        ("the head tells of every batch", |[s, _]| Box::pin(the_head_tells_of_every_batch(s))),
        ("reading goes on from any place", |[s, _]| Box::pin(reading_goes_on_from_any_place(s))),
        ("a visitor is shown what is read", |[s, _]| Box::pin(a_visitor_is_shown_what_is_read(s))),
        ("a page ends at its limit", |[s, _]| Box::pin(a_page_ends_at_its_limit(s))),
        ("paging back meets everything", |[s, _]| Box::pin(paging_back_meets_everything(s))),
        ("large and odd texts come back", |[s, _]| Box::pin(large_and_odd_texts_come_back(s))),
        ("a filter takes rooms and kinds", |[s, _]| Box::pin(a_filter_takes(s))),
        ("a nonce is found by its author", |[s, _]| Box::pin(a_nonce_is_found_by_its_author(s))),
        ("a nonce is found from a time on", |[s, _]| Box::pin(a_nonce_is_found_from_a_time_on(s))),
        ("a used nonce is found in a long log", |[s, _]| Box::pin(nonces_in_a_long_log(s))),
        ("what one handle appends the other reads", |[s, t]| Box::pin(the_other_reads(s, t))),
        ("of two who decide on one log one wins", |[s, t]| Box::pin(of_two_one_wins(s, t))),
    ]
}

async fn append(store: &dyn Store, texts: &[&str]) -> Batch {
    append_at_end(store, texts.iter().map(|text| chat(text)).collect(), NOON).await
}

/// A page of everything.
async fn read(store: &dyn Store, after: EventId, limit: Limit) -> Batch {
    store.read(after, &Filter::default(), limit).await.unwrap().records
}

/// A page of everything before this id.
async fn read_before(store: &dyn Store, before: EventId, limit: Limit) -> Batch {
    store.read_before(before, &Filter::default(), limit).await.unwrap().records
}

async fn find(store: &dyn Store, author: &str, nonce: &str, since: Timestamp) -> Option<u64> {
    let (author, nonce): (ShortName, Nonce) = (author.parse().unwrap(), nonce.parse().unwrap());
    store.find_nonce(&author, &nonce, since).await.unwrap().map(EventId::get)
}

fn ids(batch: &Batch) -> Vec<u64> {
    batch.iter().map(|record| record.id.get()).collect()
}

async fn an_empty_log_has_no_head(store: Arc<dyn Store>) {
    assert_eq!(*store.head().borrow(), EventId::ZERO);
    assert_eq!(store.oldest(), EventId::ZERO);
    let nothing = |cursor| Page { records: Vec::new(), cursor };
    for id in [EventId::ZERO, EventId::MAX] {
        let (all, filter) = (ALL, Filter::default());
        assert_eq!(store.read(id, &filter, all).await.unwrap(), nothing(id));
        assert_eq!(store.read_before(id, &filter, all).await.unwrap(), nothing(id));
    }
    assert_eq!(find(&*store, "ARIA", "n", Timestamp::default()).await, None);
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
    let later = append_at_end(&*store, vec![chat("c")], NOON.after_ms(60_000)).await;
    assert_eq!(later[0].id.get(), NOON.ms() + 2);
}

async fn times_never_go_back(store: Arc<dyn Store>) {
    append(&*store, &["a"]).await;
    let earlier = Timestamp::from_ms(NOON.ms() - 5000);
    let batch = append_at_end(&*store, vec![chat("b")], earlier).await;
    assert_eq!(batch[0].time, NOON);
}

async fn what_was_appended_is_read(store: Arc<dyn Store>) {
    let batch = append(&*store, &["one", "two", "three"]).await;
    let read = read(&*store, EventId::ZERO, ALL).await;
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
    for before in [EventId::ZERO, EventId::from(NOON)] {
        let ids = store.append(Vec::new(), NOON, before).await.unwrap();
        assert_eq!((ids.first, ids.last), (before.next(), before));
        assert_eq!(head(&*store), before);
        if before == EventId::ZERO {
            append(&*store, &["a"]).await;
        }
    }
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
        assert_eq!(read(&*store, record.id, ALL).await, batch[at + 1..]);
        assert_eq!(read_before(&*store, record.id, ALL).await, batch[..at]);
    }
    assert_eq!(read(&*store, EventId::MAX, ALL).await, []);
    assert_eq!(read_before(&*store, EventId::ZERO, ALL).await, []);
}

async fn a_visitor_is_shown_what_is_read(store: Arc<dyn Store>) {
    let batch = append(&*store, &["a", "b", "", "d"]).await;
    let length = batch[0].payload.len();
    for after in [EventId::ZERO, batch[1].id, EventId::MAX] {
        for (records, bytes) in [(0, 0), (2, usize::MAX), (usize::MAX, length + 1), (9, 1 << 20)] {
            let limit = Limit { records, bytes };
            let mut shown = Batch::new();
            let all = Filter::default();
            let mut each = |record: Record<&[u8]>| shown.push(record.into_owned());
            let cursor = store.visit(after, &all, limit, &mut each).await.unwrap();
            let page = store.read(after, &all, limit).await.unwrap();
            assert_eq!((shown, cursor), (page.records, page.cursor));
        }
    }
}

async fn a_page_ends_at_its_limit(store: Arc<dyn Store>) {
    let batch = append(&*store, &["a", "b", "c", "d"]).await;
    let two = Limit { records: 2, bytes: usize::MAX };
    assert_eq!(read(&*store, batch[0].id, two).await, batch[1..3]);
    assert_eq!(read_before(&*store, batch[3].id, two).await, batch[1..3]);
    let length = batch[0].payload.len();
    for (bytes, records) in [(0, 1), (1, 1), (length, 1), (length + 1, 2)] {
        let few = Limit { records: usize::MAX, bytes };
        assert_eq!(read(&*store, EventId::ZERO, few).await, batch[..records]);
        assert_eq!(read_before(&*store, EventId::MAX, few).await, batch[4 - records..]);
    }
}

async fn paging_back_meets_everything(store: Arc<dyn Store>) {
    let mut all = Vec::new();
    for at in 0..50 {
        all.extend(ids(&append(&*store, &["x"; 40][..at % 40 + 1]).await));
    }
    let (mut before, mut met) = (EventId::MAX, Vec::new());
    loop {
        let page = read_before(&*store, before, Limit { records: 17, bytes: 100_000 }).await;
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
        let read = read(&*store, record.id.before(), one).await;
        assert_eq!(read, std::slice::from_ref(record));
        assert_eq!(read_before(&*store, record.id.next(), one).await, read);
    }
    assert_eq!(read_before(&*store, EventId::MAX, ALL).await, batch);
}

/// A reader that goes from cursor to cursor meets exactly what the filter takes, in both directions.
async fn a_filter_takes(store: Arc<dyn Store>) {
    let (main, side): (RoomName, RoomName) = (RoomName::main(), "side".parse().unwrap());
    let said_in = |room: &RoomName| {
        let NewEvent::Message(draft) = chat("x") else { unreachable!("it is a message") };
        NewEvent::Message(Draft { room: room.clone(), ..draft })
    };
    let (first, agent) = (EventId::from(NOON), "ARIA".parse().unwrap());
    let delivery = Delivery::stored(first, agent, NOON);
    let state = NewEvent::Delivery { room: side.clone(), delivery };
    let events = [said_in(&main), said_in(&side), state, said_in(&side), said_in(&main)];
    for _ in 0..3 {
        append_at_end(&*store, events.to_vec(), NOON).await;
    }
    let all = read(&*store, EventId::ZERO, ALL).await;
    let kinds = [None, Some(vec![]), Some(vec![EventKind::Message]), Some(EventKind::ALL.into())];
    let rooms = [None, Some(vec![]), Some(vec![side.clone()]), Some(vec![side, main])];
    let mut filters = Vec::new();
    for kinds in kinds {
        filters.extend(rooms.iter().cloned().map(|rooms| Filter { rooms, kinds: kinds.clone() }));
    }
    for filter in filters {
        let wanted: Batch =
            all.iter().filter(|it| filter.takes(it.kind, &it.room)).cloned().collect();
        for limit in [ALL, Limit { records: 2, bytes: usize::MAX }] {
            let (mut forward, mut after) = (Batch::new(), EventId::ZERO);
            loop {
                let page = store.read(after, &filter, limit).await.unwrap();
                if page.cursor == after {
                    break;
                }
                (after, forward) = (page.cursor, [forward, page.records].concat());
            }
            assert_eq!((forward, after), (wanted.clone(), head(&*store)));
            let (mut backward, mut before) = (Batch::new(), EventId::MAX);
            loop {
                let page = store.read_before(before, &filter, limit).await.unwrap();
                if page.cursor == before {
                    break;
                }
                (before, backward) = (page.cursor, [page.records, backward].concat());
            }
            assert_eq!((&backward, before), (&wanted, first));
        }
    }
}

async fn a_nonce_is_found_by_its_author(store: Arc<dyn Store>) {
    let events = vec![chat("plain"), chat_once("x", "n-1"), chat_once("y", "-"), chat("n-1")];
    append_at_end(&*store, events, NOON).await;
    for (author, nonce, found) in [
        ("ARIA", "n-1", Some(1)),
        ("aria", "n-1", Some(1)),
        ("ARIA", "-", Some(2)),
        ("ARIA", "N-1", None),
        ("ARIA", "n", None),
        ("HKH", "n-1", None),
        ("ARIAn", "-1", None),
    ] {
        let found = found.map(|at| NOON.ms() + at);
        assert_eq!(find(&*store, author, nonce, NOON).await, found, "{author} {nonce}");
    }
}

async fn a_nonce_is_found_from_a_time_on(store: Arc<dyn Store>) {
    for (at, nonce) in [(0, "n0"), (1000, "n1"), (2000, "n2"), (3000, "n1")] {
        append_at_end(&*store, vec![chat_once("x", nonce)], NOON.after_ms(at)).await;
    }
    for (nonce, since, found) in [
        ("n0", 0, Some(0)),
        ("n0", 1, None),
        ("n2", 2000, Some(2)),
        ("n2", 2001, None),
        // The last one under a nonce counts.
        ("n1", 0, Some(3)),
        ("n1", 3000, Some(3)),
        ("n1", 3001, None),
    ] {
        let found = found.map(|at| NOON.ms() + at);
        assert_eq!(find(&*store, "ARIA", nonce, NOON.after_ms(since)).await, found, "{nonce}");
    }
}

async fn nonces_in_a_long_log(store: Arc<dyn Store>) {
    for batch in 0..20 {
        let event = |at: u64| chat_once("x", &format!("n{}", batch * 20 + at));
        append_at_end(&*store, (0..20).map(event).collect(), NOON).await;
    }
    for at in 0..400 {
        let found = find(&*store, "ARIA", &format!("n{at}"), NOON).await;
        assert_eq!(found, Some(NOON.ms() + at));
    }
    for at in 400..600 {
        assert_eq!(find(&*store, "ARIA", &format!("n{at}"), NOON).await, None);
    }
}

async fn the_other_reads(one: Arc<dyn Store>, other: Arc<dyn Store>) {
    assert_eq!(one.team(), other.team());
    let mut heard = other.head();
    let first = append_at_end(&*one, vec![chat_once("a", "n1")], NOON).await;
    heard.changed().await.unwrap();
    assert_eq!(*heard.borrow_and_update(), first[0].id);
    assert_eq!(read(&*other, EventId::ZERO, ALL).await, first);
    assert_eq!(find(&*other, "ARIA", "n1", NOON).await, Some(first[0].id.get()));
    let second = append(&*other, &["b", "c"]).await;
    assert_eq!(second[0].id, first[0].id.next());
    assert_eq!(read(&*one, first[0].id, ALL).await, second);
    assert_eq!(one.oldest(), other.oldest());
}

/// The one that comes second is told where the log ends now, stores nothing, and is served once it
/// has read up to there.
async fn of_two_one_wins(one: Arc<dyn Store>, other: Arc<dyn Store>) {
    append(&*one, &["before"]).await;
    let (mut seen, handles) = (head(&*one), [&one, &other]);
    for round in 0..20 {
        let (first, second) = (handles[round % 2], handles[(round + 1) % 2]);
        let events = |text| vec![chat(text), chat_once(text, &format!("{text}{round}"))];
        let (won, lost) = (
            first.append(events("first"), NOON, seen),
            second.append(events("second"), NOON, seen),
        );
        let won = won.await.unwrap();
        let Err(AppendError::Moved(head)) = lost.await else { panic!("both have won") };
        assert_eq!(head, won.last);
        let between = read(&**second, seen, ALL).await;
        assert_eq!(between.last().map(|record| record.id), Some(head));
        let nonce = format!("second{round}");
        assert_eq!(find(&**first, "ARIA", &nonce, NOON).await, None);
        let then = second.append(events("second"), NOON, head).await.unwrap();
        assert_eq!(then.first, head.next());
        seen = then.last;
    }
    assert_eq!(ids(&read(&*one, EventId::ZERO, ALL).await).len(), 81);
}
