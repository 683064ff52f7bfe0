//! Batches on their way into the log, with and without waiting for the disk.
//!
//! `cargo bench -p ois-store`. The files go where temporary ones do: `TMPDIR` chooses the disk.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use divan::{Bencher, counter::ItemsCount};
use ois_protocol::{Draft, EventId, Kind, Member, NewEvent, Role, Timestamp};
use ois_store::{Batch, DiskConfig, DiskStore, Durability, Filter, Limit, Log, Record};
use tokio::runtime::{Builder, Runtime};

fn main() {
    divan::main();
}

/// `--durability os`: one write.
#[divan::bench(args = BATCHES)]
fn append_os(bencher: Bencher<'_, '_>, batch: usize) {
    append(bencher, batch, Durability::Os);
}

/// `--durability sync`: one write and one `fdatasync`, on the log's own thread.
#[divan::bench(args = BATCHES, sample_count = 50, sample_size = 4)]
fn append_sync(bencher: Bencher<'_, '_>, batch: usize) {
    append(bencher, batch, Durability::Sync);
}

/// 2,048 records from the middle of the log, to be kept.
#[divan::bench]
fn read_2048(bencher: Bencher<'_, '_>) {
    let (_root, store, runtime, after) = full();
    bencher
        .counter(ItemsCount::new(2048_usize))
        .bench_local(|| runtime.block_on(store.read(after, &Filter::default(), MANY)).unwrap());
}

/// The same put one behind the other, as for a connection that is behind.
#[divan::bench]
fn visit_2048(bencher: Bencher<'_, '_>) {
    let (_root, store, runtime, after) = full();
    let mut out = Vec::new();
    bencher.counter(ItemsCount::new(2048_usize)).bench_local(|| {
        out.clear();
        let mut each = |record: Record<&[u8]>| out.extend_from_slice(record.payload);
        runtime.block_on(store.visit(after, &Filter::default(), MANY, &mut each)).unwrap();
        out.len()
    });
}

/// A store with 10,240 records, and the id of one in their middle.
fn full() -> (tempfile::TempDir, DiskStore, Runtime, EventId) {
    let (root, store, runtime) = open(Durability::Os);
    let mut head = EventId::ZERO;
    for _ in 0..20 {
        runtime.block_on(append_and_read(&store, events(512), &mut head));
    }
    let after = EventId::new(store.oldest().get() + 4096).unwrap();
    (root, store, runtime, after)
}

fn append(bencher: Bencher<'_, '_>, batch: usize, durability: Durability) {
    let (_root, store, runtime) = open(durability);
    let mut head = EventId::ZERO;
    bencher
        .counter(ItemsCount::new(batch))
        .with_inputs(|| events(batch))
        .bench_local_values(|events| runtime.block_on(append_and_read(&store, events, &mut head)));
}

/// What a batch costs its caller, which knows where the log ends, and learns what was
/// stored by reading it.
async fn append_and_read(store: &DiskStore, events: Vec<NewEvent>, head: &mut EventId) -> Batch {
    let after = *head;
    *head = store.append(events, NOON, after).await.unwrap().last;
    store.read(after, &Filter::default(), MANY).await.unwrap().records
}

fn open(durability: Durability) -> (tempfile::TempDir, DiskStore, Runtime) {
    let root = tempfile::tempdir().unwrap();
    let config = DiskConfig { durability, ..DiskConfig::new(root.path()) };
    let store = DiskStore::open(config, NOON).unwrap();
    (root, store, Builder::new_current_thread().build().unwrap())
}

/// Messages of 120 bytes.
fn events(count: usize) -> Vec<NewEvent> {
    let author = Member::new("HKH".parse().unwrap(), Kind::Agent, Role::Agent);
    let one = NewEvent::Message(Draft::new(author, "x".repeat(120)));
    vec![one; count]
}

const MANY: Limit = Limit { records: 2048, bytes: usize::MAX };
const BATCHES: [usize; 3] = [1, 32, 512];
const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);
