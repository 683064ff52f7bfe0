//! The log with bytes that are not what was written.

use std::path::{Path, PathBuf};

use ois_protocol::EventId;
use proptest::prelude::*;

use super::{
    crash::{ALL, NOON, SYNC, all, append_events, chat, open, run},
    door::Door,
    log::LogConfig,
    simulated::Simulated,
};
use crate::{Filter, OpenError, ReadError, Record};

const CONFIG: LogConfig = LogConfig { segment_bytes: 1 << 20, ..SYNC };
const REPAIR: LogConfig = LogConfig { repair: true, ..CONFIG };

/// A log of twelve records, and where its files are, oldest first.
fn log(segment_bytes: u64) -> (Simulated, Vec<Record>, Vec<PathBuf>) {
    let door = Simulated::new();
    let log = open(&door, LogConfig { segment_bytes, ..CONFIG }, NOON).unwrap();
    let mut records = Vec::new();
    for text in ["one", "two", "a text of some length, so that they differ", ""] {
        let batch = vec![chat(text), chat("and"), chat(text)];
        records.extend(append_events(&log, batch, NOON).unwrap());
    }
    run(log.close()).unwrap();
    let dir = Path::new("/.ois/log");
    let mut names = door.names(dir).unwrap();
    names.retain(|name| name.ends_with(".log"));
    names.sort();
    (door, records, names.iter().map(|name| dir.join(name)).collect())
}

/// How many of the records lie wholly in the first `length` bytes of the last file.
fn whole(bytes: &[u8], length: usize) -> usize {
    bytes[..length.min(bytes.len())].iter().filter(|byte| **byte == b'\n').count().saturating_sub(1)
}

proptest! {
    #[test]
    fn a_log_cut_off_anywhere_is_what_was_whole_before(cut in 0_usize..6000, zeros in 0_usize..700) {
        let (door, records, files) = log(1 << 20);
        let bytes = door.bytes(&files[0]);
        let cut = cut % bytes.len();
        let mut torn = bytes[..cut].to_vec();
        torn.resize(cut + zeros, 0);
        door.overwrite(&files[0], torn);
        let log = open(&door, CONFIG, NOON).unwrap();
        prop_assert_eq!(all(&log), &records[..whole(&bytes, cut)]);
        append_events(&log, vec![chat("more")], NOON).unwrap();
        prop_assert!(log.view().verify(log.key()).is_ok());
    }

    #[test]
    fn an_altered_byte_is_never_taken_for_what_was_written(at: usize, to: u8, repair: bool) {
        let (door, records, files) = log(1 << 20);
        let mut bytes = door.bytes(&files[0]);
        let at = at % bytes.len();
        prop_assume!(bytes[at] != to);
        let before = whole(&bytes, at);
        bytes[at] = to;
        door.overwrite(&files[0], bytes.clone());
        match open(&door, if repair { REPAIR } else { CONFIG }, NOON) {
            Ok(log) => {
                let found = all(&log);
                prop_assert!(found.len() >= before && found.len() < records.len());
                prop_assert_eq!(&found[..], &records[..found.len()]);
                prop_assert!(log.view().verify(log.key()).is_ok());
                // Without repair only an end is cut off, never a middle.
                prop_assert!(repair || found.len() == records.len() - 1);
            }
            Err(OpenError::Damaged { after, .. }) => {
                prop_assert!(!repair);
                prop_assert!(before == 0 || after >= records[before - 1].id);
            }
            Err(OpenError::Newer { found, .. }) => prop_assert!(found > 1),
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
        }
    }

    #[test]
    fn damage_in_an_older_file_is_found_at_the_latest_by_verify(at: usize, to: u8) {
        let (door, records, files) = log(600);
        prop_assert!(files.len() > 2);
        let mut bytes = door.bytes(&files[1]);
        let at = at % bytes.len();
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        door.overwrite(&files[1], bytes);
        if let Ok(log) = open(&door, CONFIG, NOON) {
            prop_assert!(matches!(log.view().verify(log.key()), Err(ReadError::Damaged(_))));
            if let Ok(found) = log.view().read(EventId::ZERO, &Filter::default(), ALL) {
                let payloads = found.records.iter().map(|record| &record.payload);
                prop_assert!(payloads.eq(records.iter().map(|record| &record.payload)));
            }
        }
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
    let Err(OpenError::Damaged { after, .. }) = open(&door, CONFIG, NOON) else {
        panic!("it was not missed")
    };
    assert_eq!(after, records[2].id);
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
    let mut shown = Vec::new();
    let mut each = |record: Record<&[u8]>| shown.push(record.id);
    let read = log.view().visit(EventId::ZERO, &Filter::default(), ALL, &mut each);
    assert!(matches!(read, Err(ReadError::Damaged(_))));
    assert!(shown.is_sorted() && shown.len() < records.len());
}

#[test]
fn a_file_that_was_taken_out_is_missed() {
    let (door, records, files) = log(600);
    door.remove(&files[1]).unwrap();
    assert!(matches!(open(&door, CONFIG, NOON), Err(OpenError::Damaged { .. })));
    let log = open(&door, REPAIR, NOON.after_ms(5000)).unwrap();
    let found = all(&log);
    assert!(!found.is_empty() && found[..] == records[..found.len()]);
    // The ids of what was put aside have been shown to people.
    let next = append_events(&log, vec![chat("next")], NOON.after_ms(5000)).unwrap();
    assert_eq!(next[0].id.get(), NOON.ms() + 5000);
}

#[test]
fn what_repair_cuts_off_is_kept_aside() {
    let (door, records, files) = log(1 << 20);
    let mut bytes = door.bytes(&files[0]);
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    door.overwrite(&files[0], bytes.clone());
    let found = all(&open(&door, REPAIR, NOON).unwrap());
    assert!(found.len() > 3 && found.len() < records.len());
    let aside = PathBuf::from(format!("/.ois/damaged-{}", NOON.ms()));
    let names = door.names(&aside).unwrap();
    let rest = door.bytes(&aside.join(&names[0]));
    assert!(bytes.ends_with(&rest) && rest.len() > bytes.len() / 3);
}
