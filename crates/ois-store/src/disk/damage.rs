//! The log with bytes that are not what was written.

use std::path::{Path, PathBuf};

use ois_protocol::EventId;
use proptest::prelude::*;

use super::{
    crash::{ALL, NOON, SYNC, all, append_events, chat, open, run},
    door::Door,
    log::{DiskLog, LogConfig},
    simulated::Simulated,
};
use crate::{Filter, Gap, Limit, OpenError, Record};

const CONFIG: LogConfig = LogConfig { segment_bytes: 1 << 20, ..SYNC };
const REPAIR: LogConfig = LogConfig { repair: true, ..CONFIG };

/// A log of twelve records whose server has stopped by itself, and where its files are, oldest first.
fn log(segment_bytes: u64) -> (Simulated, Vec<Record>, Vec<PathBuf>) {
    let (door, records, log) = running(segment_bytes);
    run(log.close()).unwrap();
    let dir = Path::new("/.ois/log");
    let mut names = door.names(dir).unwrap();
    names.retain(|name| name.ends_with(".log"));
    names.sort();
    (door, records, names.iter().map(|name| dir.join(name)).collect())
}

/// A log of twelve records that is open.
fn running(segment_bytes: u64) -> (Simulated, Vec<Record>, DiskLog) {
    let door = Simulated::new();
    let log = open(&door, LogConfig { segment_bytes, ..CONFIG }, NOON).unwrap();
    let mut records = Vec::new();
    for text in ["one", "two", "a text of some length, so that they differ", ""] {
        let batch = vec![chat(text), chat("and"), chat(text)];
        records.extend(append_events(&log, batch, NOON).unwrap());
    }
    (door, records, log)
}

/// How many of the records lie wholly in the first `length` bytes of the last file.
fn whole(bytes: &[u8], length: usize) -> usize {
    bytes[..length.min(bytes.len())].iter().filter(|byte| **byte == b'\n').count().saturating_sub(1)
}

/// Puts this byte there, and says whether that changes the file.
fn alter(door: &Simulated, file: &Path, at: usize, to: u8) -> bool {
    let mut bytes = door.bytes(file);
    let at = at % bytes.len();
    let is_other = bytes[at] != to;
    bytes[at] = to;
    door.overwrite(file, bytes);
    is_other
}

/// Whether these are the records, without one at the most.
fn lacks_at_most_one(found: &[Record], records: &[Record]) -> bool {
    let is_known = found.iter().all(|record| records.contains(record));
    is_known && found.is_sorted_by_key(|record| record.id) && found.len() + 1 >= records.len()
}

/// All records, read backwards in small steps.
fn backwards(log: &DiskLog) -> Vec<Record> {
    let (mut found, mut before) = (Vec::new(), EventId::MAX);
    loop {
        let limit = Limit { records: 2, bytes: usize::MAX };
        let page = log.view().read_before(before, &Filter::default(), limit).unwrap();
        if page.cursor == before {
            found.reverse();
            return found;
        }
        before = page.cursor;
        found.extend(page.records.into_iter().rev());
    }
}

proptest! {
    #[test]
    fn a_log_cut_off_anywhere_is_what_was_whole_before(cut in 0_usize..6000, zeros in 0_usize..700) {
        let (door, records, running) = running(1 << 20);
        drop(running);
        let file = Path::new("/.ois/log").join(super::segment::Segment::file_name(records[0].id));
        let bytes = door.bytes(&file);
        let cut = cut % bytes.len();
        let mut torn = bytes[..cut].to_vec();
        torn.resize(cut + zeros, 0);
        door.overwrite(&file, torn);
        let log = open(&door, CONFIG, NOON).unwrap();
        prop_assert_eq!(all(&log), &records[..whole(&bytes, cut)]);
        append_events(&log, vec![chat("more")], NOON).unwrap();
        prop_assert_eq!(log.verify().unwrap().damage, []);
    }

    #[test]
    fn an_altered_byte_where_the_log_goes_on_stops_the_start_and_repair_costs_one_record(
        at: usize, to: u8
    ) {
        let (door, records, files) = log(1 << 20);
        prop_assume!(alter(&door, &files[0], at, to));
        let is = door.bytes(&files[0]);
        match open(&door, CONFIG, NOON) {
            // The header's line is known without reading it.
            Ok(log) => prop_assert_eq!(all(&log), &records[..]),
            Err(OpenError::Damaged(damage)) => {
                prop_assert_eq!(door.bytes(&files[0]), is, "nothing is changed unasked");
                prop_assert!(damage.to_string().contains(".log after event"));
            }
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
        }
        let log = open(&door, REPAIR, NOON.after_ms(5000)).unwrap();
        prop_assert!(lacks_at_most_one(&all(&log), &records));
        let next = append_events(&log, vec![chat("more")], NOON.after_ms(5000)).unwrap();
        prop_assert!(next[0].id > records[11].id);
        prop_assert!(!log.verify().unwrap().damage.is_empty());
        run(log.close()).unwrap();
        drop(log);
        let log = open(&door, CONFIG, NOON.after_ms(6000)).unwrap();
        let found = all(&log);
        prop_assert_eq!(found.last(), next.last());
        prop_assert!(lacks_at_most_one(&found, &[&records[..], &next].concat()));
    }

    #[test]
    fn an_altered_byte_in_an_older_file_costs_one_record_and_is_named(
        which in 0_usize..3, at: usize, to: u8
    ) {
        let (door, records, files) = log(600);
        prop_assert!(files.len() > 3);
        prop_assume!(alter(&door, &files[which], at, to));
        let log = open(&door, CONFIG, NOON).unwrap();
        let found = all(&log);
        prop_assert!(lacks_at_most_one(&found, &records));
        prop_assert_eq!(&backwards(&log), &found);
        for record in &records {
            let page = log.view().read(record.id, &Filter::default(), ALL).unwrap();
            let behind: Vec<_> = found.iter().filter(|it| it.id > record.id).cloned().collect();
            prop_assert_eq!(page.records, behind);
        }
        let gaps: Vec<Gap> = log.view().gaps();
        prop_assert_eq!(gaps.len(), records.len() - found.len());
        prop_assert!(!log.verify().unwrap().damage.is_empty());
    }

    #[test]
    fn no_file_of_any_bytes_makes_it_panic(bytes: Vec<u8>, text in "(ois-log 1 01020304 [0-9]{1,3} native [0-9a-f]{32}\n)?([0-9 a-z\t]{0,40}\n){0,4}") {
        for bytes in [bytes, text.into_bytes()] {
            let (door, _, files) = log(1 << 20);
            door.overwrite(&files[0], bytes);
            if let Ok(log) = open(&door, REPAIR, NOON) {
                prop_assert_eq!(all(&log), []);
            }
        }
    }
}

#[test]
fn a_record_that_was_taken_out_is_missed() {
    let (door, records, files) = log(1 << 20);
    let text = String::from_utf8(door.bytes(&files[0])).unwrap();
    let without: Vec<&str> =
        text.split_inclusive('\n').enumerate().filter(|(at, _)| *at != 4).map(|(_, l)| l).collect();
    door.overwrite(&files[0], without.concat().into_bytes());
    let Err(OpenError::Damaged(damage)) = open(&door, CONFIG, NOON) else {
        panic!("it was not missed")
    };
    assert_eq!(damage.after, EventId::ZERO, "the file is shorter than it was");
    door.remove(Path::new("/.ois/log/manifest")).unwrap();
    let Err(OpenError::Damaged(damage)) = open(&door, CONFIG, NOON) else {
        panic!("it was not missed")
    };
    assert_eq!(damage.after, records[2].id);
}

#[test]
fn records_that_changed_places_are_not_read_as_if_in_order() {
    let (door, records, files) = log(600);
    let text = String::from_utf8(door.bytes(&files[1])).unwrap();
    let log = open(&door, CONFIG, NOON).unwrap();
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let last = lines.len() - 1;
    assert!(last > 1, "two records to swap");
    lines.swap(1, last);
    door.overwrite(&files[1], lines.concat().into_bytes());
    let found = all(&log);
    assert!(found.is_sorted_by_key(|record| record.id) && found.len() < records.len());
    assert!(!log.verify().unwrap().damage.is_empty());
}

#[test]
fn a_file_that_was_taken_out_is_missed_and_costs_nothing_else() {
    for which in 0..3 {
        let (door, records, files) = log(600);
        let gone = door.bytes(&files[which]).iter().filter(|byte| **byte == b'\n').count() - 1;
        door.remove(&files[which]).unwrap();
        let Err(OpenError::Damaged(damage)) = open(&door, CONFIG, NOON) else {
            panic!("it was not missed")
        };
        assert!(files[which].ends_with(damage.segment));
        let log = open(&door, REPAIR, NOON.after_ms(5000)).unwrap();
        assert_eq!(all(&log).len(), records.len() - gone);
        // The ids of what is missing have been shown to people.
        let next = append_events(&log, vec![chat("next")], NOON.after_ms(5000)).unwrap();
        assert!(next[0].id.get() >= NOON.ms() + 5000);
        drop(log);
        let log = open(&door, CONFIG, NOON.after_ms(6000)).unwrap();
        assert_eq!(all(&log).len(), records.len() - gone + 1, "repaired is repaired");
    }
}

#[test]
fn without_the_list_a_missing_first_file_is_missed_as_well() {
    let (door, _, files) = log(600);
    door.remove(&files[0]).unwrap();
    door.remove(Path::new("/.ois/log/manifest")).unwrap();
    let Err(OpenError::Damaged(damage)) = open(&door, CONFIG, NOON) else {
        panic!("it was not missed")
    };
    assert!(files[1].ends_with(damage.segment));
}

#[test]
fn repair_keeps_a_copy_of_what_is_damaged_and_changes_no_segment() {
    let (door, records, files) = log(1 << 20);
    let mut bytes = door.bytes(&files[0]);
    let at = memchr::memmem::find(&bytes, b"some length").unwrap();
    bytes[at] ^= 1;
    door.overwrite(&files[0], bytes.clone());
    assert_eq!(all(&open(&door, REPAIR, NOON).unwrap()).len(), records.len() - 1);
    assert_eq!(door.bytes(&files[0]), bytes);
    let aside = PathBuf::from(format!("/.ois/damaged-{}", NOON.ms()));
    let names = door.names(&aside).unwrap();
    let copy = door.bytes(&aside.join(&names[0]));
    let line = bytes.split_inclusive(|byte| *byte == b'\n').find(|line| *line == &copy[..]);
    assert!(names.len() == 1 && line.is_some());
}

#[test]
fn a_key_that_does_not_fit_is_refused_and_nothing_is_touched() {
    let (door, _, files) = log(600);
    let was: Vec<_> = files.iter().map(|file| door.bytes(file)).collect();
    door.overwrite(Path::new("/.ois/key"), vec![9; 32]);
    for config in [CONFIG, REPAIR] {
        assert!(matches!(open(&door, config, NOON), Err(OpenError::WrongKey)));
        let is: Vec<_> = files.iter().map(|file| door.bytes(file)).collect();
        assert_eq!(is, was);
    }
}

#[test]
fn a_record_without_its_line_end_is_not_cut_off_behind_a_clean_stop() {
    let (door, records, files) = log(1 << 20);
    let length = door.bytes(&files[0]).len();
    assert!(alter(&door, &files[0], length - 1, b'~'));
    assert!(matches!(open(&door, CONFIG, NOON), Err(OpenError::Damaged(_))));
    assert_eq!(all(&open(&door, REPAIR, NOON).unwrap()), records);
}
