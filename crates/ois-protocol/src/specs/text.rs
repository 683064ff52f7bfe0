//! Compares `specs/message-format.md` with the parsers: its marked blocks mean what it says.

use crate::{Civil, Kind, Member, Role, daylog, envelope::Envelope, mention};

const PAGE: &str = include_str!("../../../../specs/message-format.md");

const TEXTS: &str = include_str!("../../../../specs/texts.json");

/// The table of `specs/texts.json`, which the page's reader is held to as well.
#[derive(serde::Deserialize)]
struct Table {
    team: Vec<Member>,
    cases: Vec<Case>,
}

/// A text, whom it calls, and, where the table says it, how it is read.
#[derive(serde::Deserialize)]
struct Case {
    text: String,
    calls: Vec<String>,
    outline: Option<Vec<String>>,
}

/// Returns the contents of the fenced blocks with this mark.
fn blocks(mark: &str) -> Vec<&'static str> {
    let start = format!("\n```{mark}\n");
    PAGE.split(&start).skip(1).map(|rest| &rest[..=rest.find("\n```").unwrap()]).collect()
}

/// Returns the team in which the page's mentions are looked up.
fn team() -> [Member; 4] {
    let member = |name: &str, kind, duty: &[&str]| {
        let duties = duty.iter().map(|duty| duty.parse().unwrap()).collect();
        Member { duties, ..Member::new(name.parse().unwrap(), kind, Role::Member) }
    };
    [
        member("HKH", Kind::Agent, &["reviewer"]),
        member("ARIA", Kind::Agent, &["reviewer"]),
        member("Mikasa", Kind::Agent, &[]),
        member("小明", Kind::Human, &["值班"]),
    ]
}

#[test]
fn the_mentions_are_found_as_the_page_says() {
    let lines: Vec<_> = blocks("mentions").into_iter().flat_map(str::lines).collect();
    assert!(!lines.is_empty());
    for line in lines {
        let (text, called) = line.rsplit_once("->").unwrap();
        let mentions = mention::find(text, &team());
        let mut found = mentions.wire();
        for offer in mentions.offers {
            let agents: Vec<_> = offer.agents.iter().map(ToString::to_string).collect();
            found.push(format!("one of {}", agents.join(", ")));
        }
        let found = if found.is_empty() { "nobody".to_owned() } else { found.join(", ") };
        assert_eq!(found, called.trim(), "{text}");
    }
}

#[test]
fn the_texts_are_read_as_the_table_says() {
    let table: Table = serde_json::from_str(TEXTS).unwrap();
    for case in &table.cases {
        assert_eq!(mention::find(&case.text, &table.team).wire(), case.calls, "{}", case.text);
        if let Some(outline) = &case.outline {
            assert_eq!(&mention::outline(&case.text, &table.team), outline, "{}", case.text);
        }
    }
    assert!(table.cases.len() > 30);
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
