//! The day's log: a written message is read back, beside whatever people and programs have put
//! there.

use ois_protocol::{
    Timestamp, UtcOffset,
    daylog::{Entry, day_of, file_name, kept, kept_name, parse, write_entry, write_header},
};
use proptest::{collection::vec, prelude::*, sample::select};

/// Lines and pieces of lines that mean something in a log, or nearly do.
const PIECES: [&str; 22] = [
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    "---",
    "----",
    "--",
    "## ",
    "## 12:34 - A",
    "## 9:05:59 – B",
    "##",
    "12:34",
    " - ",
    "\\",
    "\\---",
    "# 2026-02-06 Chat Log",
    "\u{feff}",
    "\u{2028}",
    "\t",
    " ",
    "写",
    "x",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        vec(select(PIECES.to_vec()), 0..16).prop_map(|pieces| pieces.concat()),
        "(?s).{0,60}",
    ]
}

/// Messages of a day as minute, author and text.
fn said() -> impl Strategy<Value = Vec<(u64, String, String)>> {
    vec((0_u64..24 * 60, text(), text()), 0..5)
}

fn write(log: &mut String, said: &[(u64, String, String)]) {
    for (minute, user, text) in said {
        let time = Timestamp::from_ms(MIDNIGHT_MS + minute * 60_000);
        write_entry(log, time.civil(UtcOffset::UTC), user, text);
    }
}

fn seen(entries: &[Entry]) -> Vec<(u64, String, String)> {
    let minute = |entry: &Entry| u64::from(entry.hour) * 60 + u64::from(entry.minute);
    entries.iter().map(|it| (minute(it), it.user.clone(), it.text.clone())).collect()
}

fn expected(said: &[(u64, String, String)]) -> Vec<(u64, String, String)> {
    said.iter()
        .map(|(minute, user, text)| {
            (*minute, kept_name(user).into_owned(), kept(text).into_owned())
        })
        .collect()
}

proptest! {
    #[test]
    fn what_was_said_is_read_with_its_minute(said in said()) {
        let mut log = String::new();
        write_header(&mut log, day_of("2026-02-06.md").unwrap());
        write(&mut log, &said);
        prop_assert_eq!(seen(&parse(&log)), expected(&said));
    }

    #[test]
    fn what_stood_in_the_file_before_does_not_change_what_is_added(before in text(), said in said()) {
        let mut log = format!("{before}\n");
        let older = parse(&log).len();
        write(&mut log, &said);
        let entries = parse(&log);
        prop_assert_eq!(entries.len(), older + said.len());
        prop_assert_eq!(seen(&entries[older..]), expected(&said));
    }

    #[test]
    fn whatever_is_read_can_be_written_and_read_again(log in text()) {
        let entries = parse(&log);
        let mut again = String::new();
        write(&mut again, &seen(&entries));
        prop_assert_eq!(seen(&parse(&again)), seen(&entries));
        let lines = log.matches(['\n', '\r']).count() + 1;
        prop_assert!(entries.iter().all(|entry| (1..=lines).contains(&entry.line)));
    }

    #[test]
    fn a_file_is_a_day_s_only_under_its_own_name(name in prop_oneof![
        text(), "[0-9]{4}-[0-9]{2}-[0-9]{2}\\.md", "20[0-9]{2}-[01][0-9]-[0-3][0-9]\\.md",
    ]) {
        if let Some(day) = day_of(&name) {
            prop_assert_eq!(file_name(day), name);
        }
    }
}

const MIDNIGHT_MS: u64 = 1_770_336_000_000;
