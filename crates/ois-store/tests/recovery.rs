//! A log on a real disk with arbitrary damage: what was whole before it is never lost, and what
//! was not written is never shown.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use ois_protocol::{Draft, EventId, Kind, Member, NewEvent, Role, Timestamp};
use ois_store::{
    DiskConfig, DiskStore, Durability, Filter, Limit, Log, OpenError, ReadError, Record,
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use tempfile::TempDir;

/// Something that happens to a file.
#[derive(Clone, Debug)]
enum Damage {
    /// Other bytes in the place of these.
    Overwrite(usize, Vec<u8>),
    /// Bytes that were not there.
    Insert(usize, Vec<u8>),
    /// Bytes that are gone.
    Cut(usize, usize),
    /// A stretch of zeros, as a disk leaves that lost a write.
    Zeros(usize, usize),
    /// A stretch that stands somewhere else as well.
    Copy(usize, usize, usize),
    /// Nothing behind this.
    End(usize),
}

impl Damage {
    fn strike(&self, bytes: &mut Vec<u8>) {
        let end = bytes.len();
        let range = |at: usize, length: usize| at % (end + 1)..(at % (end + 1) + length).min(end);
        match self {
            Self::Overwrite(at, other) => {
                let range = range(*at, other.len());
                bytes[range.clone()].copy_from_slice(&other[..range.len()]);
            }
            Self::Insert(at, other) => drop(bytes.splice(range(*at, 0), other.iter().copied())),
            Self::Cut(at, length) => drop(bytes.drain(range(*at, *length))),
            Self::Zeros(at, length) => bytes[range(*at, *length)].fill(0),
            Self::Copy(from, length, to) => {
                let piece = bytes[range(*from, *length)].to_vec();
                bytes.splice(range(*to, 0), piece);
            }
            Self::End(at) => bytes.truncate(range(*at, 0).start),
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<usize>;
    let bytes =
        || prop_oneof![vec(any::<u8>(), 1..40), "[0-9a-f \t\n\\-]{1,60}".prop_map(Vec::from)];
    prop_oneof![
        (at(), bytes()).prop_map(|(at, other)| Damage::Overwrite(at, other)),
        (at(), bytes()).prop_map(|(at, other)| Damage::Insert(at, other)),
        (at(), 1_usize..400).prop_map(|(at, length)| Damage::Cut(at, length)),
        (at(), 1_usize..600).prop_map(|(at, length)| Damage::Zeros(at, length)),
        (at(), 1_usize..600, at()).prop_map(|(from, length, to)| Damage::Copy(from, length, to)),
        at().prop_map(Damage::End),
    ]
}

/// A team with a log of twenty records.
struct Team {
    root: TempDir,
    records: Vec<Record>,
}

impl Team {
    /// Its log is in files of this length.
    fn with(segment_bytes: u64) -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = open(root.path(), segment_bytes, Repair::No, NOON).unwrap();
        let author = Member::new("ARIA ⚔️".parse().unwrap(), Kind::Agent, Role::Agent);
        let mut records = Vec::new();
        for batch in 0..5 {
            let text = |at: usize| "写 and so on, ".repeat((batch * 4 + at) % 7);
            let events = (0..4).map(|at| NewEvent::Message(Draft::new(author.clone(), text(at))));
            records.extend(append(&store, events.collect(), NOON));
        }
        run(store.close()).unwrap();
        Self { root, records }
    }

    /// The same team somewhere else, as a backup brings it back, and the files of its log.
    fn copied(&self) -> (TempDir, Vec<PathBuf>) {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (self.root.path().join(".ois"), root.path().join(".ois"));
        fs::create_dir_all(to.join("log")).unwrap();
        for name in ["key", "team", "state"] {
            fs::copy(from.join(name), to.join(name)).unwrap();
        }
        let mut files = Vec::new();
        for entry in fs::read_dir(from.join("log")).unwrap() {
            let file = entry.unwrap();
            if file.path().extension().is_none_or(|it| it != "log") {
                continue;
            }
            files.push(to.join("log").join(file.file_name()));
            fs::copy(file.path(), files.last().unwrap()).unwrap();
        }
        files.sort();
        (root, files)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Repair {
    No,
    Yes,
}

fn open(
    root: &Path,
    segment_bytes: u64,
    repair: Repair,
    now: Timestamp,
) -> Result<DiskStore, OpenError> {
    let mut config = DiskConfig::new(root);
    config.durability = Durability::Os;
    config.segment_bytes = segment_bytes;
    config.repair = repair == Repair::Yes;
    DiskStore::open(config, now)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Appends these at the log's end, and reads them as everybody does.
fn append(store: &DiskStore, events: Vec<NewEvent>, now: Timestamp) -> Vec<Record> {
    let after = *store.head().borrow();
    run(store.append(events, now, after)).unwrap();
    let all = Limit { records: usize::MAX, bytes: usize::MAX };
    run(store.read(after, &Filter::default(), all)).unwrap().records
}

/// How many of the records lie wholly before the first byte that is not as it was.
fn untouched(was: &[u8], is: &[u8]) -> usize {
    let same = was.iter().zip(is).take_while(|(was, is)| was == is).count();
    was[..same].iter().filter(|byte| **byte == b'\n').count().saturating_sub(1)
}

/// All that can be read, up to the first record that cannot.
fn readable(store: &DiskStore) -> Vec<Record> {
    let (mut found, mut after) = (Vec::new(), EventId::ZERO);
    let one = Limit { records: 1, bytes: usize::MAX };
    while let Ok(page) = run(store.read(after, &Filter::default(), one)) {
        let Some(record) = page.records.into_iter().next() else { break };
        after = record.id;
        found.push(record);
    }
    found
}

/// Goes on with a log that was opened: no id is given twice, and everything fits again.
fn goes_on(store: &DiskStore, records: &[Record]) -> Result<(), TestCaseError> {
    let author = Member::new("Mira".parse().unwrap(), Kind::Human, Role::Member);
    let event = NewEvent::Message(Draft::new(author, "and on"));
    let next = append(store, vec![event], LATER);
    prop_assert!(records.iter().all(|record| record.id < next[0].id));
    prop_assert_eq!(readable(store).pop(), next.into_iter().next());
    prop_assert!(store.verify().is_ok());
    Ok(())
}

#[test]
fn a_damaged_last_file_is_cut_to_what_was_whole_or_named() {
    let team = Team::with(1 << 20);
    hold(&vec(damage(), 1..4), |strokes| {
        let (root, files) = team.copied();
        let was = fs::read(&files[0]).unwrap();
        let mut is = was.clone();
        strokes.iter().for_each(|stroke| stroke.strike(&mut is));
        fs::write(&files[0], &is).unwrap();
        let before = untouched(&was, &is);
        match open(root.path(), 1 << 20, Repair::No, LATER) {
            Ok(store) => {
                let found = readable(&store);
                prop_assert!(found.len() >= before);
                prop_assert_eq!(&found[..], &team.records[..found.len()]);
                prop_assert_eq!(store.verify().unwrap().events, found.len() as u64);
                goes_on(&store, &team.records)
            }
            Err(OpenError::Damaged { after, .. }) => {
                let named = team.records.iter().take_while(|record| record.id <= after).count();
                prop_assert!(named >= before);
                prop_assert_eq!(fs::read(&files[0]).unwrap(), is, "nothing is changed unasked");
                let store = open(root.path(), 1 << 20, Repair::Yes, LATER).unwrap();
                prop_assert_eq!(&readable(&store)[..], &team.records[..named]);
                goes_on(&store, &team.records)
            }
            Err(OpenError::Newer { .. }) => {
                prop_assert_eq!(before, 0);
                Ok(())
            }
            Err(other) => Err(TestCaseError::fail(format!("{other:?}"))),
        }
    });
}

#[test]
fn a_damaged_older_file_shows_nothing_that_nobody_said_and_does_not_pass_verify() {
    let team = Team::with(900);
    hold(&(0_usize..8, vec(damage(), 1..3)), |(which, strokes)| {
        let (root, files) = team.copied();
        prop_assert!(files.len() > 4);
        let file = &files[which % (files.len() - 1)];
        let was = fs::read(file).unwrap();
        let mut is = was.clone();
        strokes.iter().for_each(|stroke| stroke.strike(&mut is));
        prop_assume!(is != was);
        fs::write(file, &is).unwrap();
        match open(root.path(), 900, Repair::No, LATER) {
            Ok(store) => {
                let verified = store.verify();
                prop_assert!(matches!(verified, Err(ReadError::Damaged(_))), "{verified:?}");
                // Readers check payloads; headers are in the chain, which is for `verify`.
                for record in readable(&store) {
                    let written = team.records.iter().any(|was| was.payload == record.payload);
                    prop_assert!(written || record.payload.is_empty());
                }
                Ok(())
            }
            Err(OpenError::Damaged { .. }) => {
                let store = open(root.path(), 900, Repair::Yes, LATER).unwrap();
                let found = readable(&store);
                prop_assert_eq!(&found[..], &team.records[..found.len()]);
                goes_on(&store, &team.records)
            }
            Err(OpenError::Newer { .. }) => Ok(()),
            Err(other) => Err(TestCaseError::fail(format!("{other:?}"))),
        }
    });
}

/// Each case opens a log on a disk, which syncs: few of them, the same ones every time.
fn hold<S: Strategy>(strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    if let Err(error) = TestRunner::new_with_rng(config, rng).run(strategy, test) {
        panic!("{error}");
    }
}

const LATER: Timestamp = Timestamp::from_ms(1_771_200_060_000);
const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);

#[test]
fn what_is_cut_off_behind_a_clean_stop_was_seen_so_its_id_is_not_given_again() {
    let team = Team::with(1 << 20);
    let log = team.root.path().join(".ois/log");
    let file = fs::read_dir(log).unwrap().next().unwrap().unwrap().path();
    assert!(file.extension().is_some_and(|it| it == "log"));
    let mut bytes = fs::read(&file).unwrap();
    bytes.truncate(bytes.len() - 5);
    fs::write(&file, bytes).unwrap();
    let store = open(team.root.path(), 1 << 20, Repair::No, LATER).unwrap();
    assert_eq!(readable(&store).len(), team.records.len() - 1);
    goes_on(&store, &team.records).unwrap();
}
