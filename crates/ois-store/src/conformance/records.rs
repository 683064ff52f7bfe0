//! What records promise.

use std::sync::Arc;

use super::Promise;
use crate::{RecordError, Store, Versioned};

pub(super) fn promises() -> Vec<(&'static str, Promise)> {
    vec![
        ("a record is what was last set", |[s, _]| Box::pin(a_record_is_what_was_last_set(s))),
        ("of two who set one record one wins", |[s, _]| Box::pin(one_of_two_wins(s))),
        ("keys are apart", |[s, _]| Box::pin(keys_are_apart(s))),
    ]
}

async fn a_record_is_what_was_last_set(store: Arc<dyn Store>) {
    assert_eq!(store.record("k").await.unwrap(), None);
    let one = store.put_record("k", b"one", None).await.unwrap();
    let two = store.put_record("k", b"", Some(one)).await.unwrap();
    assert!(two > one);
    let found = store.record("k").await.unwrap();
    assert_eq!(found, Some(Versioned { value: Vec::new(), version: two }));
}

async fn one_of_two_wins(store: Arc<dyn Store>) {
    let one = store.put_record("k", b"one", None).await.unwrap();
    store.put_record("k", b"two", Some(one)).await.unwrap();
    let late = store.put_record("k", b"late", Some(one)).await;
    assert!(matches!(late, Err(RecordError::Changed)));
    let first = store.put_record("k", b"first", None).await;
    assert!(matches!(first, Err(RecordError::Changed)));
    let none = store.put_record("other", b"x", Some(1)).await;
    assert!(matches!(none, Err(RecordError::Changed)));
    assert_eq!(store.record("k").await.unwrap().unwrap().value, b"two");
}

async fn keys_are_apart(store: Arc<dyn Store>) {
    let keys = ["a", "A", "a/b", "../a", "a b", "é"];
    for key in keys {
        store.put_record(key, key.as_bytes(), None).await.unwrap();
    }
    for key in keys {
        assert_eq!(store.record(key).await.unwrap().unwrap().value, key.as_bytes());
    }
}
