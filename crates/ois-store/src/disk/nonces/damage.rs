//! Indexes that are missing, damaged, or of another version of the segment.

use std::path::{Path, PathBuf};

use ois_protocol::EventId;
use proptest::prelude::*;

use super::super::{
    chain::Key,
    crash::{NOON, SYNC, append_events, chat_once, find, find_since, open},
    door::Door,
    log::{DiskLog, LogConfig},
    simulated::Simulated,
};
use super::{EXTENSION, Index, Stamp};

/// A new segment after every few records.
const SMALL: LogConfig = LogConfig { segment_bytes: 2000, ..SYNC };

/// A log of 60 records, each under its number as nonce, and the files of its indexes, oldest first.
fn log() -> (Simulated, Vec<EventId>, Vec<PathBuf>) {
    let door = Simulated::new();
    let log = open(&door, SMALL, NOON).unwrap();
    let mut ids = Vec::new();
    for number in 0..60 {
        let events = vec![chat_once("x", &number.to_string())];
        ids.push(append_events(&log, events, NOON).unwrap()[0].id);
    }
    let files = indexes(&door);
    assert!(files.len() > 5, "several indexes");
    (door, ids, files)
}

fn indexes(door: &Simulated) -> Vec<PathBuf> {
    let dir = Path::new("/.ois/log");
    let mut files: Vec<PathBuf> = door.names(dir).unwrap().iter().map(|it| dir.join(it)).collect();
    files.retain(|file| file.extension().is_some_and(|it| it == EXTENSION));
    files.sort();
    files
}

fn knows(log: &DiskLog, ids: &[EventId]) -> bool {
    let found = ids.iter().enumerate().all(|(at, id)| find(log, &at.to_string()) == Some(*id));
    found && (0..100).all(|at| find(log, &format!("never-{at}")).is_none())
}

#[test]
fn a_start_reads_indexes_and_not_what_they_are_of() {
    let door = Simulated::new();
    let config = LogConfig { segment_bytes: 400_000, ..SYNC };
    let log = open(&door, config, NOON).unwrap();
    for batch in 0..10 {
        let event = |at| chat_once(&"x".repeat(200), &format!("{batch}-{at}"));
        append_events(&log, (0..1000).map(event).collect(), NOON).unwrap();
    }
    drop(log);
    let read = |door: &Simulated| {
        let before = door.bytes_read();
        let log = open(door, config, NOON).unwrap();
        assert!(find(&log, "0-0").is_some() && find(&log, "9-999").is_some());
        door.bytes_read() - before
    };
    assert_eq!(indexes(&door).len(), 9);
    let with = read(&door);
    indexes(&door).iter().for_each(|file| door.remove(file).unwrap());
    let without = read(&door);
    assert_eq!(indexes(&door).len(), 9, "they are made again");
    assert!(with * 4 < without, "{with} bytes with indexes, {without} without");
    assert!(read(&door) <= with);
}

#[test]
fn what_a_version_without_indexes_has_left_gets_them() {
    let (door, ids, files) = log();
    files.iter().for_each(|file| door.remove(file).unwrap());
    assert!(knows(&open(&door, SMALL, NOON).unwrap(), &ids));
    assert_eq!(indexes(&door), files);
}

#[test]
fn an_index_that_goes_while_the_server_runs_is_made_again() {
    let (door, ids, files) = log();
    let log = open(&door, SMALL, NOON).unwrap();
    files.iter().for_each(|file| door.remove(file).unwrap());
    assert!(knows(&log, &ids));
    assert_eq!(indexes(&door), files);
}

#[test]
fn nonces_older_than_the_window_are_not_loaded_and_still_found() {
    let (door, ids, files) = log();
    files.iter().for_each(|file| door.remove(file).unwrap());
    let later = NOON.after_ms(SMALL.nonce_window_ms + 1);
    let log = open(&door, SMALL, later).unwrap();
    assert!(indexes(&door).is_empty());
    assert_eq!(find_since(&log, "0", later), None);
    assert!(indexes(&door).is_empty());
    assert!(knows(&log, &ids));
    assert_eq!(indexes(&door), files);
}

#[test]
fn an_index_that_the_disk_does_not_take_is_written_later() {
    let door = Simulated::new();
    let log = open(&door, SMALL, NOON).unwrap();
    let mut ids = Vec::new();
    let mut say = |count: usize| {
        for _ in 0..count {
            let events = vec![chat_once("x", &ids.len().to_string())];
            ids.push(append_events(&log, events, NOON).unwrap()[0].id);
        }
        assert!(knows(&log, &ids));
        indexes(&door).len()
    };
    assert!(say(20) > 0);
    door.refuse_names_with(EXTENSION);
    let before = say(20);
    assert_eq!(say(20), before);
    door.mend();
    assert!(say(20) > before + 3);
}

#[test]
fn an_index_without_its_segment_is_removed() {
    let (door, ids, files) = log();
    let stray = files[0].with_file_name("0000000000000007.nonces");
    door.create(&stray, 0o600).unwrap();
    assert!(knows(&open(&door, SMALL, NOON).unwrap(), &ids));
    assert_eq!(indexes(&door), files);
}

#[test]
fn a_hash_that_another_nonce_has_too_is_not_taken_for_it() {
    let (door, ids, _) = log();
    let log = open(&door, SMALL, NOON).unwrap();
    let (first, end) = {
        let segments = log.nonces().segments.read().unwrap();
        (segments.sealed[0].segment.clone(), segments.sealed[0].end)
    };
    let key = Key::new([7; 32]).for_nonces();
    let aria = "ARIA".parse().unwrap();
    let hash = |nonce: &str| key.hash(&aria, nonce);
    // What a collision would leave: the right record and others under one hash.
    let mut entries = log.nonces().make(&first, end).unwrap().sorted();
    let right = entries.iter().find(|entry| entry.0 == hash("0")).unwrap().1;
    let other = entries.iter().find(|entry| entry.0 == hash("1")).unwrap().1;
    for offset in [other, right + 1, 0, 1 << 40] {
        entries.push((hash("0"), offset));
        entries.push((hash("never"), offset));
    }
    entries.sort_unstable();
    let (content, _) = Index::make(Stamp::of(&first, end), &entries);
    door.overwrite(&super::path(&first), content);
    drop(log);
    let log = open(&door, SMALL, NOON).unwrap();
    assert!(knows(&log, &ids));
    assert_eq!(find(&log, "never"), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Before the start or while the server runs.
    #[test]
    fn whatever_happens_to_an_index_no_answer_is_wrong(
        which: usize,
        at: usize,
        bytes in prop::collection::vec(any::<u8>(), 0..40),
        cut: bool,
        running: bool,
    ) {
        let (door, ids, files) = log();
        let file = &files[which % files.len()];
        let started = running.then(|| open(&door, SMALL, NOON).unwrap());
        let mut damaged = door.bytes(file);
        let at = at % damaged.len();
        let end = if cut { damaged.len() } else { (at + bytes.len()).min(damaged.len()) };
        damaged.splice(at..end, bytes);
        door.overwrite(file, damaged);
        let log = started.unwrap_or_else(|| open(&door, SMALL, NOON).unwrap());
        prop_assert!(knows(&log, &ids));
    }

    #[test]
    fn indexes_that_changed_places_are_told_apart(one: usize, other: usize) {
        let (door, ids, files) = log();
        let (one, other) = (&files[one % files.len()], &files[other % files.len()]);
        let (of_one, of_other) = (door.bytes(one), door.bytes(other));
        door.overwrite(one, of_other);
        door.overwrite(other, of_one);
        prop_assert!(knows(&open(&door, SMALL, NOON).unwrap(), &ids));
    }
}
