//! `specs/message-format.md` against the parsers: its marked blocks mean what it says.

use ois_protocol::{Civil, ShortName, daylog, envelope::Envelope, mention};

const PAGE: &str = include_str!("../../../../specs/message-format.md");

/// The contents of the fenced blocks with this mark.
fn blocks(mark: &str) -> Vec<&'static str> {
    let start = format!("\n```{mark}\n");
    PAGE.split(&start).skip(1).map(|rest| &rest[..=rest.find("\n```").unwrap()]).collect()
}

#[test]
fn the_mentions_are_found_as_the_page_says() {
    let team = ["HKH", "ARIA", "Mikasa", "小明"].map(|name| name.parse::<ShortName>().unwrap());
    let lines: Vec<_> = blocks("mentions").into_iter().flat_map(str::lines).collect();
    assert!(!lines.is_empty());
    for line in lines {
        let (text, called) = line.rsplit_once("->").unwrap();
        let found = mention::find(text, &team).wire().join(", ");
        let found = if found.is_empty() { "nobody" } else { &found };
        assert_eq!(found, called.trim(), "{text}");
    }
}

#[test]
fn the_structured_texts_are_read_and_written_again() {
    let texts = blocks("envelope");
    for text in &texts {
        assert_eq!(Envelope::parse(text).unwrap().to_string(), *text);
    }
    let titles = ["Task Request", "Task Complete", "Task Failed", "Status Update", "⚠️ Alert"];
    for title in titles {
        assert!(texts.iter().any(|text| text.starts_with(title)), "{title}");
    }
}

#[test]
fn the_days_log_is_read_and_written_again() {
    let [log] = blocks("daylog")[..] else { panic!("one example of a log") };
    let day = daylog::day_of("2026-02-06.md").unwrap();
    let mut again = String::new();
    daylog::write_header(&mut again, day);
    for entry in daylog::parse(log) {
        let time = Civil { hour: entry.hour, minute: entry.minute, ..day };
        daylog::write_entry(&mut again, time, &entry.user, &entry.text);
    }
    assert_eq!(again.trim_end(), log.trim_end());
}
