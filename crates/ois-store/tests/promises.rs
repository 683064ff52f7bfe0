//! Both engines keep every promise of the trait.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{path::PathBuf, sync::Arc};

use ois_protocol::{Draft, EventId, Kind, Member, NewEvent, Role};
use ois_store::{
    DiskConfig, DiskStore, Durability, Filter, Layered, Limit, Log, MemoryStore, Store,
    conformance::{NOON, promises},
};

async fn kept_on_disk(config: impl Fn(PathBuf) -> DiskConfig) {
    for (_, promise) in promises() {
        let root = tempfile::tempdir().unwrap();
        let config = config(root.path().join("team"));
        let store = Arc::new(DiskStore::open(config, NOON).unwrap());
        promise([store.clone(), store]).await;
    }
}

#[tokio::test]
async fn the_memory_engine_keeps_every_promise() {
    for (_, promise) in promises() {
        let store = MemoryStore::new("0a1b2c3d");
        promise([Arc::new(store.clone()), Arc::new(store)]).await;
    }
}

#[tokio::test]
async fn a_store_put_together_from_parts_keeps_every_promise() {
    for (_, promise) in promises() {
        let one: Arc<dyn Store> = Arc::new(MemoryStore::new("0a1b2c3d"));
        let parts = MemoryStore::new("0a1b2c3d");
        let (files, uploads) = (Arc::new(parts.clone()), Arc::new(parts));
        let store = Arc::new(Layered { files, uploads, ..Layered::of(one) });
        promise([store.clone(), store]).await;
    }
}

#[tokio::test]
async fn the_disk_engine_keeps_every_promise() {
    kept_on_disk(DiskConfig::new).await;
}

#[tokio::test]
async fn the_disk_engine_keeps_every_promise_in_tiny_segments() {
    kept_on_disk(|root| DiskConfig { segment_bytes: 1000, ..DiskConfig::new(root) }).await;
}

#[tokio::test]
async fn the_disk_engine_keeps_every_promise_without_syncing_and_with_uploads_elsewhere() {
    kept_on_disk(|root| DiskConfig {
        durability: Durability::Os,
        upload_dir: Some(root.with_file_name("uploaded")),
        ..DiskConfig::new(root)
    })
    .await;
}

#[tokio::test]
async fn the_next_record_is_found_from_each_however_long_records_are() {
    let root = tempfile::tempdir().unwrap();
    let config = || DiskConfig::new(root.path().to_owned());
    let author = Member::new("Mira".parse().unwrap(), Kind::Human, Role::Member);
    let said = |at: usize| Draft::new(author.clone(), "x".repeat(at * 7919 % 60_000));
    let events = (0..120).map(|at| NewEvent::Message(said(at))).collect();
    let store = DiskStore::open(config(), NOON).unwrap();
    let stored = store.append(events, NOON, EventId::ZERO).await.unwrap();
    drop(store);
    let store = DiskStore::open(config(), NOON).unwrap();
    let one = Limit { records: 1, bytes: 1 };
    for id in stored.first.get()..=stored.last.get() {
        let after = EventId::new(id).unwrap().before();
        let page = store.read(after, &Filter::default(), one).await.unwrap();
        assert_eq!(page.records[0].id.get(), id);
    }
}
