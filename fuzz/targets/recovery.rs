//! The log after damage: records that were whole before it stay, and nothing that was not written
//! is shown.
#![no_main]

use std::{cell::OnceCell, fs};

use libfuzzer_sys::fuzz_target;
use ois_protocol::{Draft, EventId, Kind, Member, NewEvent, Role, Timestamp};
use ois_store::{DiskConfig, DiskStore, Durability, Filter, Limit, Log, OpenError, Record};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// A closed team with twelve records, and its one file.
struct Team {
    root: TempDir,
    records: Vec<Record>,
    bytes: Vec<u8>,
    state: Vec<u8>,
}

thread_local! {
    static TEAM: OnceCell<Team> = const { OnceCell::new() };
}

// The first two bytes are a place, the next two the length that is cut out there, and the rest is
// put in its place.
fuzz_target!(|data: &[u8]| {
    let [a, b, c, d, instead @ ..] = data else { return };
    TEAM.with(|team| {
        let team = team.get_or_init(Team::new);
        let length = team.bytes.len();
        let at = usize::from(u16::from_be_bytes([*a, *b])) % (length + 1);
        let end = (at + usize::from(u16::from_be_bytes([*c, *d]))).min(length);
        let is = [&team.bytes[..at], instead, &team.bytes[end..]].concat();
        team.recover(&is);
    });
});

impl Team {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = open(&root, false).unwrap();
        let author = Member::new("ARIA".parse().unwrap(), Kind::Agent, Role::Agent);
        let event = |at: usize| NewEvent::Message(Draft::new(author.clone(), "x".repeat(at * 9)));
        let events = (0..12).map(event).collect();
        runtime().block_on(store.append(events, NOON, EventId::ZERO)).unwrap();
        let records = read(&store);
        runtime().block_on(store.close()).unwrap();
        drop(store);
        let own = root.path().join(".ois");
        let bytes = fs::read(file(&root)).unwrap();
        let state = fs::read(own.join("state")).unwrap();
        Self { root, records, bytes, state }
    }

    fn recover(&self, is: &[u8]) {
        let own = self.root.path().join(".ois");
        for left in fs::read_dir(own.join("log")).unwrap() {
            fs::remove_file(left.unwrap().path()).unwrap();
        }
        fs::write(own.join("state"), &self.state).unwrap();
        fs::write(own.join("log").join(name(&self.records)), is).unwrap();
        let same = self.bytes.iter().zip(is).take_while(|(was, is)| was == is).count();
        let lines = self.bytes[..same].iter().filter(|byte| **byte == b'\n').count();
        let before = lines.saturating_sub(1);
        match open(&self.root, false) {
            Ok(store) => {
                let found = read(&store);
                assert!(found.len() >= before);
                assert!(found.iter().all(|record| self.records.contains(record)));
                store.verify().unwrap();
            }
            Err(OpenError::Damaged(_)) => {}
            Err(OpenError::Newer { .. } | OpenError::WrongKey) => assert_eq!(before, 0),
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn open(root: &TempDir, repair: bool) -> Result<DiskStore, OpenError> {
    let config = DiskConfig { durability: Durability::Os, repair, ..DiskConfig::new(root.path()) };
    DiskStore::open(config, NOON)
}

fn read(store: &DiskStore) -> Vec<Record> {
    let all = Limit { records: 100, bytes: usize::MAX };
    runtime().block_on(store.read(EventId::ZERO, &Filter::default(), all)).unwrap().records
}

fn name(records: &[Record]) -> String {
    format!("{:016}.log", records[0].id.get())
}

fn file(root: &TempDir) -> std::path::PathBuf {
    let mut entries = fs::read_dir(root.path().join(".ois/log")).unwrap();
    entries.next().unwrap().unwrap().path()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);
