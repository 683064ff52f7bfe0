//! The day's log: whatever is read can be written, and reads the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ois_protocol::{Timestamp, UtcOffset, daylog};

fuzz_target!(|log: &str| {
    let entries = daylog::parse(log);
    let mut again = String::new();
    for entry in &entries {
        let ms = (u64::from(entry.hour) * 60 + u64::from(entry.minute)) * 60_000;
        let time = Timestamp::from_ms(ms).civil(UtcOffset::UTC);
        daylog::write_entry(&mut again, time, &entry.user, &entry.text);
    }
    let read = daylog::parse(&again);
    assert_eq!(read.len(), entries.len());
    for (read, was) in read.iter().zip(&entries) {
        assert_eq!((read.hour, read.minute), (was.hour, was.minute));
        assert_eq!((&read.user, &read.text), (&was.user, &was.text));
    }
});
