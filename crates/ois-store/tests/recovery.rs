//! A log on a real disk with arbitrary damage: what was whole before it is never lost, and what
//! was not written is never shown.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use ois_protocol::{Draft, EventId, Kind, Member, NewEvent, Role, Timestamp};
use ois_store::{DiskConfig, DiskStore, Durability, Filter, Limit, Log, OpenError, Record};
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

/// Goes on with a log that was opened: no id is given twice, and what follows is read.
fn goes_on(store: &DiskStore, records: &[Record]) -> Result<(), TestCaseError> {
    let author = Member::new("Mira".parse().unwrap(), Kind::Human, Role::Member);
    let event = NewEvent::Message(Draft::new(author, "and on"));
    let next = append(store, vec![event], LATER);
    prop_assert!(records.iter().all(|record| record.id < next[0].id));
    prop_assert_eq!(readable(store).pop(), next.into_iter().next());
    prop_assert!(store.verify().is_ok());
    Ok(())
}

/// Whether these are some of the records, in their order.
fn are_some_of(found: &[Record], records: &[Record]) -> bool {
    let sorted = found.is_sorted_by_key(|record| record.id);
    sorted && found.iter().all(|record| records.contains(record))
}

#[test]
fn a_damaged_last_file_shows_what_is_whole_or_is_named() {
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
                prop_assert!(found.len() >= before && are_some_of(&found, &team.records));
                prop_assert_eq!(store.verify().unwrap().events, found.len() as u64);
                goes_on(&store, &team.records)
            }
            Err(OpenError::Damaged(_)) => {
                prop_assert_eq!(fs::read(&files[0]).unwrap(), is, "nothing is changed unasked");
                let store = open(root.path(), 1 << 20, Repair::Yes, LATER).unwrap();
                let found = readable(&store);
                prop_assert!(found.len() >= before && are_some_of(&found, &team.records));
                goes_on(&store, &team.records)
            }
            Err(OpenError::Newer { .. } | OpenError::WrongKey) => {
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
        let store = match open(root.path(), 900, Repair::No, LATER) {
            Ok(store) => store,
            Err(OpenError::Damaged(_)) => open(root.path(), 900, Repair::Yes, LATER).unwrap(),
            Err(OpenError::Newer { .. }) => return Ok(()),
            Err(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        prop_assert!(are_some_of(&readable(&store), &team.records));
        goes_on(&store, &team.records)
    });
}

#[test]
fn an_end_that_is_missing_behind_a_clean_stop_is_damage() {
    let team = Team::with(1 << 20);
    let (root, files) = team.copied();
    let mut bytes = fs::read(&files[0]).unwrap();
    bytes.truncate(bytes.len() - 5);
    fs::write(&files[0], bytes).unwrap();
    let refused = open(root.path(), 1 << 20, Repair::No, LATER).err().unwrap().to_string();
    assert!(refused.contains("although the server had stopped by itself"), "{refused}");
    let store = open(root.path(), 1 << 20, Repair::Yes, LATER).unwrap();
    assert_eq!(readable(&store).len(), team.records.len() - 1);
    goes_on(&store, &team.records).unwrap();
}

/// The bytes of all files below, by their paths.
fn bytes_below(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(bytes_below(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn looking_at_a_damaged_log_changes_no_file() {
    let team = Team::with(900);
    let (root, files) = team.copied();
    let last = files.last().unwrap();
    let mut bytes = fs::read(last).unwrap();
    *bytes.last_mut().unwrap() = b'~';
    fs::write(last, bytes).unwrap();
    fs::remove_file(&files[1]).unwrap();
    fs::write(root.path().join(".ois/log/x.log.new"), "left").unwrap();
    let before = bytes_below(root.path());
    let (_, verified) = DiskStore::inspect(root.path()).unwrap();
    assert_eq!(bytes_below(root.path()), before);
    let named: Vec<&str> = verified.damage.iter().map(|damage| &*damage.segment).collect();
    assert!(named.len() == 2 && last.ends_with(named[1]), "{named:?}");
}

/// Every start either serves all records but one, or says what is wrong and what to do; and what is
/// altered in the log is named by a walk over it. `SEEDS=2000` tries as many bytes, which takes a
/// minute or two.
#[test]
fn single_bytes_anywhere_cost_at_most_a_record_each() {
    let rounds = std::env::var("SEEDS").map_or(150, |seeds| seeds.parse().unwrap());
    let team = Team::with(900);
    let (root, files) = team.copied();
    fs::copy(team.root.path().join(".ois/log/manifest"), root.path().join(".ois/log/manifest"))
        .unwrap();
    let state = fs::read(root.path().join(".ois/state")).unwrap();
    drop(open(root.path(), 900, Repair::No, NOON).unwrap());
    fs::write(root.path().join(".ois/state"), state).unwrap();
    let files = files.iter().map(|file| file.file_name().unwrap().to_owned());
    let log = files.map(|name| root.path().join(".ois/log").join(name));
    let others =
        ["log/manifest", "key", "team", "state"].map(|name| root.path().join(".ois").join(name));
    let files: Vec<PathBuf> = log.chain(others).collect();
    let whole = bytes_below(root.path());
    let mut state: u64 = 0x5eed;
    let mut below = |bound: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let (mut served, mut refused) = (0, 0);
    for round in 0..rounds {
        let path = &files[below(files.len())];
        let mut bytes = whole[path].clone();
        let at = below(bytes.len());
        bytes[at] ^= 1 + below(255) as u8;
        fs::write(path, bytes).unwrap();
        let case = format!("round {round}: byte {at} of {}", path.display());
        let inspected = DiskStore::inspect(root.path());
        let is_named = inspected.is_err() || !inspected.unwrap().1.damage.is_empty();
        assert!(is_named || path.ends_with("team") || path.ends_with("state"), "{case}");
        match open(root.path(), 900, Repair::No, NOON) {
            Ok(store) => {
                served += 1;
                let found = readable(&store);
                assert!(are_some_of(&found, &team.records), "{case}");
                assert!(found.len() + 1 >= team.records.len(), "{case}: {}", found.len());
            }
            Err(error) => {
                refused += 1;
                let words = error.to_string();
                assert!(
                    words.contains("--repair") || words.contains(".ois/key"),
                    "{case}: {words}"
                );
            }
        }
        let is = bytes_below(root.path());
        for (path, bytes) in &whole {
            if is.get(path) != Some(bytes) {
                fs::write(path, bytes).unwrap();
            }
        }
    }
    assert!(served > rounds / 3 && refused > rounds / 20, "{served} served, {refused} refused");
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
