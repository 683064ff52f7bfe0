//! The log on a disk that loses its power, is full, or is broken.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ois_protocol::{Draft, EventId, Kind, Member, NewEvent, Nonce, Role, ShortName, Timestamp};

use super::{
    Durability,
    home::Seed,
    log::{DiskLog, LogConfig},
    nonces::Indexing,
    segment::Segment,
    simulated::{Simulated, Step},
};
use crate::{AppendError, Batch, Filter, Limit, OpenError, Record};

pub(in crate::disk) const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);
pub(super) const ALL: Limit = Limit { records: usize::MAX, bytes: usize::MAX };
pub(in crate::disk) const SYNC: LogConfig = LogConfig {
    durability: Durability::Sync,
    segment_bytes: 900,
    repair: false,
    nonce_window_ms: 1000,
    indexing: Indexing::Inline,
};
const OS: LogConfig = LogConfig { durability: Durability::Os, ..SYNC };

pub(super) fn chat(text: &str) -> NewEvent {
    let author = Member::new("ARIA".parse().unwrap(), Kind::Agent, Role::Agent);
    NewEvent::Message(Draft::new(author, text))
}

pub(in crate::disk) fn open(
    door: &Simulated,
    config: LogConfig,
    now: Timestamp,
) -> Result<DiskLog, OpenError> {
    let seed = Seed { key: [7; 32], team: [1, 2, 3, 4] };
    DiskLog::open(Arc::new(door.clone()), Path::new("/.ois"), config, &seed, now)
}

pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Appends these at the log's end, and reads them as everybody does.
pub(in crate::disk) fn append_events(
    log: &DiskLog,
    events: Vec<NewEvent>,
    now: Timestamp,
) -> Result<Batch, AppendError> {
    let after = *log.head().borrow();
    let appended = run(log.append(events, now, after))?;
    let batch = log.view().read(after, &Filter::default(), ALL).unwrap().records;
    assert_eq!(batch.last().map(|record| record.id), Some(appended.last));
    Ok(batch)
}

fn append(log: &DiskLog, texts: &[&str], now: Timestamp) -> Result<Batch, AppendError> {
    append_events(log, texts.iter().map(|text| chat(text)).collect(), now)
}

pub(super) fn all(log: &DiskLog) -> Vec<Record> {
    log.view().read(EventId::ZERO, &Filter::default(), ALL).unwrap().records
}

/// A draft with a nonce.
pub(in crate::disk) fn chat_once(text: &str, nonce: &str) -> NewEvent {
    let NewEvent::Message(draft) = chat(text) else { unreachable!("it is a message") };
    NewEvent::Message(Draft { nonce: Some(nonce.parse().unwrap()), ..draft })
}

/// The event that ARIA has stored under this nonce, whenever that was.
pub(in crate::disk) fn find(log: &DiskLog, nonce: &str) -> Option<EventId> {
    find_since(log, nonce, Timestamp::from_ms(0))
}

pub(in crate::disk) fn find_since(log: &DiskLog, nonce: &str, since: Timestamp) -> Option<EventId> {
    let author: ShortName = "aria".parse().unwrap();
    let nonce: Nonce = nonce.parse().unwrap();
    log.nonces().find(&author, &nonce, since).unwrap()
}

/// Batches of 1 to 4 records, until one is not taken; answers with those that were. Each record but
/// every third has a nonce: its number.
fn fill(log: &DiskLog) -> Vec<Record> {
    let mut taken = Vec::new();
    for round in 0..8 {
        let texts = ["a", "bb", "a longer text than the others", "d"];
        let event = |(at, text): (usize, &&str)| match taken.len() + at {
            plain if plain % 3 == 2 => chat(text),
            number => chat_once(text, &number.to_string()),
        };
        let events = texts[..1 + round % 4].iter().enumerate().map(event).collect();
        match append_events(log, events, NOON) {
            Ok(batch) => taken.extend(batch),
            Err(_) => break,
        }
    }
    taken
}

/// Whether all nonces of what [`fill`] has stored are known, and no others.
fn knows_nonces(log: &DiskLog, stored: &[Record]) {
    for (number, record) in stored.iter().enumerate() {
        let nonce = (number % 3 != 2).then_some(record.id);
        assert_eq!(find(log, &number.to_string()), nonce);
    }
    assert_eq!(find(log, &stored.len().to_string()), None);
}

/// Numbers that differ with the seed.
fn luck(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move |below| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    }
}

fn full(step: Step) -> Option<io::Error> {
    (step == Step::Write).then(|| io::ErrorKind::StorageFull.into())
}

#[test]
fn a_power_cut_at_any_step_loses_nothing_that_was_acknowledged() {
    for step in 0.. {
        let door = Simulated::new();
        door.cut_at(step);
        let taken = open(&door, SYNC, NOON).map(|log| fill(&log)).unwrap_or_default();
        if !door.is_off() {
            assert!(step > 30, "the test met too few steps");
            break;
        }
        for seed in 0..20 {
            let after = door.after_power_cut(luck(seed * 1000 + step));
            let log = open(&after, SYNC, NOON.after_ms(1)).unwrap();
            let found = all(&log);
            assert_eq!(found[..taken.len()], taken, "cut at step {step}, seed {seed}");
            assert!(found.len() <= taken.len() + 4, "more than the one batch under way");
            knows_nonces(&log, &found);
            let more = append(&log, &["after"], NOON.after_ms(2)).unwrap();
            assert_eq!(all(&log), [&found[..], &more].concat());
            assert_eq!(log.verify().unwrap().events, found.len() as u64 + 1);
        }
    }
}

#[test]
fn the_sync_comes_between_the_write_and_the_answer() {
    let door = Simulated::new();
    let log = open(&door, LogConfig { segment_bytes: 1 << 20, ..SYNC }, NOON).unwrap();
    append(&log, &["first"], NOON).unwrap();
    door.trace();
    append(&log, &["a", "b", "c"], NOON).unwrap();
    assert_eq!(door.trace(), [Step::Write, Step::Sync]);
}

#[test]
fn without_syncing_a_batch_is_one_write_within_the_first_poll() {
    let door = Simulated::new();
    let log = open(&door, LogConfig { segment_bytes: 1 << 20, ..OS }, NOON).unwrap();
    append(&log, &["first"], NOON).unwrap();
    door.trace();
    let after = *log.head().borrow();
    let mut appended = Box::pin(log.append(vec![chat("a"), chat("b")], NOON, after));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(appended.as_mut().poll(&mut context).is_ready());
    assert_eq!(door.trace(), [Step::Write]);
}

#[test]
fn a_full_disk_fails_a_batch_as_a_whole_and_the_next_one_is_taken() {
    for config in [SYNC, OS] {
        let door = Simulated::new();
        let log = open(&door, config, NOON).unwrap();
        let before = fill(&log);
        let head = log.head();
        door.fail(full);
        assert!(matches!(append(&log, &["no", "no"], NOON), Err(AppendError::Full)));
        assert_eq!((all(&log), log.view().is_writable()), (before.clone(), false));
        assert!(!head.has_changed().unwrap_or(true) || *head.borrow() == before.last().unwrap().id);
        door.mend();
        let after = append(&log, &["yes"], NOON).unwrap();
        assert!(log.view().is_writable());
        assert_eq!(after[0].id, before.last().unwrap().id.next());
        assert_eq!(all(&log), [&before[..], &after].concat());
        drop(log);
        assert_eq!(all(&open(&door, config, NOON).unwrap()).len(), before.len() + 1);
    }
}

#[test]
fn while_a_failed_batch_cannot_be_cut_off_nothing_is_taken() {
    let door = Simulated::new();
    let log = open(&door, LogConfig { segment_bytes: 1 << 20, ..SYNC }, NOON).unwrap();
    let before = append(&log, &["a"], NOON).unwrap();
    door.fail(|_| Some(io::ErrorKind::ReadOnlyFilesystem.into()));
    assert!(matches!(append(&log, &["b"], NOON), Err(AppendError::ReadOnly)));
    door.fail(|step| (step == Step::Truncate).then(|| io::Error::other("broken")));
    assert!(matches!(append(&log, &["c"], NOON), Err(AppendError::Io(_))));
    assert_eq!(all(&log), before);
    door.mend();
    let after = append(&log, &["d"], NOON).unwrap();
    assert_eq!(all(&log), [&before[..], &after].concat());
}

#[test]
fn a_refused_batch_that_could_not_be_cut_off_may_stand_in_the_log_after_a_kill() {
    let door = Simulated::new();
    let config = LogConfig { segment_bytes: 1 << 20, ..SYNC };
    let log = open(&door, config, NOON).unwrap();
    let before = append(&log, &["a"], NOON).unwrap();
    // The bytes are written, and neither synced nor cut off again.
    door.fail(|step| matches!(step, Step::Sync | Step::Truncate).then(|| io::Error::other("no")));
    let after = before[0].id;
    let refused = run(log.append(vec![chat_once("b", "n-1")], NOON, after));
    assert!(matches!(refused, Err(AppendError::Io(_))));
    assert_eq!((all(&log), find(&log, "n-1")), (before.clone(), None));
    // Nothing more is taken while it stands there.
    assert!(run(log.append(vec![chat("c")], NOON, after)).is_err());
    drop(log);
    door.mend();
    // Killed: the start finds a whole record, makes it durable and shows it. Its sender's next try
    // under the same nonce is recognised.
    let log = open(&door, config, NOON.after_ms(1)).unwrap();
    let found = all(&log);
    assert_eq!((found.len(), &found[..1]), (2, &before[..]));
    assert_eq!(find(&log, "n-1"), Some(found[1].id));
}

#[test]
fn a_segment_that_cannot_be_begun_leaves_no_gap() {
    let door = Simulated::new();
    let log = open(&door, LogConfig { segment_bytes: 1, ..SYNC }, NOON).unwrap();
    let before = append(&log, &["a"], NOON).unwrap();
    door.fail(|step| (step == Step::Name).then(|| io::ErrorKind::StorageFull.into()));
    assert!(append(&log, &["b"], NOON).is_err());
    door.mend();
    let after = append(&log, &["c"], NOON.after_ms(9)).unwrap();
    drop(log);
    let log = open(&door, SYNC, NOON).unwrap();
    assert_eq!(all(&log), [&before[..], &after].concat());
}

#[test]
fn ids_stay_dense_after_a_stop_that_lost_nothing() {
    for config in [SYNC, OS] {
        let door = Simulated::new();
        let log = open(&door, config, NOON).unwrap();
        append(&log, &["a"], NOON).unwrap();
        run(log.close()).unwrap();
        assert!(matches!(append(&log, &["b"], NOON), Err(AppendError::Closed)));
        drop(log);
        let log = open(&door, config, NOON.after_ms(5000)).unwrap();
        let batch = append(&log, &["b"], NOON.after_ms(5000)).unwrap();
        assert_eq!(batch[0].id.get(), NOON.ms() + 1);
    }
}

#[test]
fn an_id_that_may_have_been_shown_is_not_given_again() {
    let door = Simulated::new();
    let log = open(&door, OS, NOON).unwrap();
    append(&log, &["a"], NOON).unwrap();
    drop(log);
    // This server comes and goes without an event; the next must know nevertheless.
    drop(open(&door, SYNC, NOON.after_ms(5000)).unwrap());
    let log = open(&door, SYNC, NOON.after_ms(6000)).unwrap();
    let batch = append(&log, &["b"], NOON.after_ms(6000)).unwrap();
    assert_eq!(batch[0].id.get(), NOON.ms() + 5000);
    let batch = append(&log, &["c"], NOON.after_ms(7000)).unwrap();
    assert_eq!(batch[0].id.get(), NOON.ms() + 5001);
}

#[test]
fn a_copy_put_in_its_place_does_not_go_on_with_the_same_ids() {
    let door = Simulated::new();
    let log = open(&door, SYNC, NOON).unwrap();
    append(&log, &["a"], NOON).unwrap();
    run(log.close()).unwrap();
    drop(log);
    let key = PathBuf::from("/.ois/key");
    let bytes = door.bytes(&key);
    super::door::replace(&door, &key, &bytes, Durability::Sync).unwrap();
    let log = open(&door, SYNC, NOON.after_ms(5000)).unwrap();
    let batch = append(&log, &["b"], NOON.after_ms(5000)).unwrap();
    assert_eq!(batch[0].id.get(), NOON.ms() + 5000);
}

#[test]
fn a_newer_format_is_refused_in_words() {
    let door = Simulated::new();
    append(&open(&door, SYNC, NOON).unwrap(), &["a"], NOON).unwrap();
    let path = Path::new("/.ois/log").join(Segment::file_name(EventId::from(NOON)));
    let text = String::from_utf8(door.bytes(&path)).unwrap();
    let header = text.lines().next().unwrap().replacen("log 1", "log 2", 1);
    door.overwrite(&path, format!("{header}\nwhatever a newer version writes\n").into_bytes());
    let error = open(&door, SYNC, NOON).err().unwrap().to_string();
    assert_eq!(error, "the log has format 2; this server reads up to 1");
}

#[test]
fn a_log_without_its_key_is_not_opened() {
    let door = Simulated::new();
    append(&open(&door, SYNC, NOON).unwrap(), &["a"], NOON).unwrap();
    super::door::remove_if_there(&door, Path::new("/.ois/key")).unwrap();
    assert!(matches!(open(&door, SYNC, NOON), Err(OpenError::Io { .. })));
}

#[test]
fn a_payload_that_was_blanked_in_place_is_empty_and_the_log_still_holds() {
    let door = Simulated::new();
    let config = LogConfig { segment_bytes: 1 << 20, ..SYNC };
    let batch = append(&open(&door, config, NOON).unwrap(), &["a", "secret", "c"], NOON).unwrap();
    let path = Path::new("/.ois/log").join(Segment::file_name(EventId::from(NOON)));
    let payload = std::str::from_utf8(&batch[1].payload).unwrap();
    let text = String::from_utf8(door.bytes(&path)).unwrap();
    door.overwrite(&path, text.replacen(payload, &" ".repeat(payload.len()), 1).into_bytes());
    let log = open(&door, config, NOON).unwrap();
    let found = all(&log);
    assert!(found[1].payload.is_empty() && found[2] == batch[2]);
    let verified = log.verify().unwrap();
    assert_eq!((verified.events, verified.purged), (3, 1));
}

#[test]
fn a_reader_at_the_end_needs_no_file() {
    let door = Simulated::new();
    let log = open(&door, SYNC, NOON).unwrap();
    let before = append(&log, &["a"], NOON).unwrap();
    let after = append(&log, &["b", "c"], NOON).unwrap();
    door.unplug();
    let end = *log.head().borrow();
    for (from, rest) in [(before[0].id, &after[..]), (after[0].id, &after[1..]), (end, &[])] {
        let page = log.view().read(from, &Filter::default(), ALL).unwrap();
        assert_eq!((&page.records[..], page.cursor), (rest, end));
        let mut shown = Vec::new();
        let mut each = |record: Record<&[u8]>| shown.push(record.into_owned());
        assert_eq!(log.view().visit(from, &Filter::default(), ALL, &mut each).unwrap(), end);
        assert_eq!(shown, rest);
    }
    assert!(log.view().read(EventId::ZERO, &Filter::default(), ALL).is_err());
}

#[test]
fn a_batch_decided_on_an_older_log_is_not_stored() {
    for config in [SYNC, OS] {
        let door = Simulated::new();
        let log = open(&door, config, NOON).unwrap();
        let before = append(&log, &["a", "b"], NOON).unwrap();
        door.trace();
        for stale in [EventId::ZERO, before[0].id, before[1].id.next()] {
            let moved = run(log.append(vec![chat("c")], NOON, stale));
            assert!(matches!(moved, Err(AppendError::Moved(head)) if head == before[1].id));
        }
        assert_eq!((door.trace(), all(&log)), (Vec::new(), before));
    }
}
