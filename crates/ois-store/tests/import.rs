//! What an older server has written is taken over once, nothing lost or doubled.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, path::Path};

use ois_protocol::{EventId, Message, UtcOffset, event};
use ois_store::{
    Archive, DiskConfig, DiskStore, Filter, ImportError, Imported, Limit, Log,
    conformance::{NOON, append_at_end, chat},
};

const ALL: Limit = Limit { records: usize::MAX, bytes: usize::MAX };

/// A root with these files in `chat`.
fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("chat")).unwrap();
    for (name, content) in files {
        fs::write(root.path().join("chat").join(name), content).unwrap();
    }
    root
}

fn open(root: &Path) -> DiskStore {
    DiskStore::open(DiskConfig::new(root), NOON).unwrap()
}

async fn import(store: &DiskStore) -> Result<Imported, ImportError> {
    store.import(store.root(), UtcOffset::LEGACY, NOON).await
}

async fn messages(store: &DiskStore) -> Vec<Message> {
    let records = store.read(EventId::ZERO, &Filter::default(), ALL).await.unwrap().records;
    let message = |payload: &[u8]| serde_json::from_slice(event::message_json(payload)?).ok();
    records.iter().map(|record| message(&record.payload).unwrap()).collect()
}

async fn imported(files: &[(&str, &str)]) -> (Vec<Message>, Imported) {
    let root = root(files);
    let store = open(root.path());
    let report = import(&store).await.unwrap();
    let messages = messages(&store).await;
    assert_eq!(report.messages, messages.len());
    assert!(messages.is_sorted_by(|a, b| a.id < b.id && a.time <= b.time));
    store.verify().unwrap();
    drop(store);
    assert_eq!(self::messages(&open(root.path())).await, messages);
    (messages, report)
}

fn texts(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.text.as_str()).collect()
}

const HISTORY: &str = r#"[
  {"id":1770380096789,"user":"HKH 🐱","text":"two\nlines","time":"2026-02-06T12:14:56.789Z","mentions":["ARIA"]},
  {"id":1770380096789,"user":"ARIA","text":"same id","time":"2026-02-06T12:14:56.789Z"},
  {"id":1770380099000,"user":"ARIA","text":"ok","time":"2026-02-06T12:14:59.000Z"},
  {"id":1770380099500,"user":"ARIA","text":"ok","time":"2026-02-06T12:14:59.500Z"}
]"#;

const DAY: &str = "# 2026-02-06 Chat Log\n\n\
    ## 20:13 - HKH 🐱\n\nolder\n\n---\n\n## 20:13 - HKH 🐱\n\nolder\n\n---\n\n\
    ## 20:14 - HKH 🐱\n\ntwo\nlines\n\n---\n\n## 20:14 - ARIA\n\nsame id\n\n---\n\n\
    ## 20:14 - ARIA\n\nok\n\n---\n\n## 20:14 – ARIA\n\nok\n\n---\n\n## 20:14 - ARIA\n\nok\n\n---\n\n\
    ## 20:15 - HKH 🐱\n\nlast\n\n---\n";

#[tokio::test]
async fn what_stands_in_both_places_comes_once_and_all_else_comes() {
    let (messages, report) = imported(&[("history.json", HISTORY), ("2026-02-06.md", DAY)]).await;
    assert_eq!(report.oddities, []);
    assert_eq!(
        texts(&messages),
        ["older", "older", "ok", "two\nlines", "same id", "ok", "ok", "last"]
    );
    let minute = 1_770_379_980_000;
    let ids: Vec<u64> = messages.iter().map(|message| message.id.get()).collect();
    assert_eq!(ids[..3], [minute, minute + 1, minute + 60_000]);
    assert_eq!(ids[3..6], [1_770_380_096_789, 1_770_380_096_790, 1_770_380_099_000]);
    assert_eq!(messages[3].mentions, ["ARIA"]);
    let archived: Vec<bool> = messages.iter().map(|message| message.from_archive).collect();
    assert_eq!(archived, [true, true, true, false, false, false, false, true]);
}

#[tokio::test]
async fn the_first_native_id_is_above_all_that_a_client_may_remember() {
    let root = root(&[("history.json", HISTORY)]);
    let store = open(root.path());
    import(&store).await.unwrap();
    assert_eq!(store.head().borrow().get(), 1_770_380_099_500);
    assert_eq!(store.oldest().get(), 1_770_380_096_789);
    let now = NOON.after_ms(500);
    let first = append_at_end(&store, vec![chat("a")], now).await;
    assert_eq!(first[0].id, EventId::from(now));
    let next = append_at_end(&store, vec![chat("b")], now.after_ms(9)).await;
    assert_eq!(next[0].id, EventId::from(now).next());
}

#[tokio::test]
async fn nothing_is_taken_over_twice() {
    let root = root(&[("history.json", HISTORY)]);
    let store = open(root.path());
    assert_eq!(import(&store).await.unwrap().messages, 4);
    assert!(matches!(import(&store).await, Err(ImportError::NotEmpty)));
    drop(store);
    let store = open(root.path());
    assert!(matches!(import(&store).await, Err(ImportError::NotEmpty)));
    assert_eq!(messages(&store).await.len(), 4);
}

#[tokio::test]
async fn the_archive_does_not_write_again_what_was_imported() {
    let root = root(&[("history.json", HISTORY), ("2026-02-06.md", DAY)]);
    let store = open(root.path());
    import(&store).await.unwrap();
    append_at_end(&store, vec![chat("new")], NOON).await;
    let mut archive = Archive::new(root.path(), UtcOffset::LEGACY).unwrap();
    assert_eq!(archive.catch_up(&store).await.unwrap(), 1);
    assert_eq!(fs::read_to_string(root.path().join("chat/2026-02-06.md")).unwrap(), DAY);
    let history = fs::read(root.path().join("chat/history.json")).unwrap();
    let history: Vec<Message> = serde_json::from_slice(&history).unwrap();
    assert_eq!(history, messages(&store).await);
}

#[tokio::test]
async fn what_is_imported_from_elsewhere_is_archived_here() {
    let other = root(&[("history.json", HISTORY)]);
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    let chat = other.path().join("chat");
    store.import(&chat, UtcOffset::LEGACY, NOON).await.unwrap();
    let mut archive = Archive::new(root.path(), UtcOffset::LEGACY).unwrap();
    assert_eq!(archive.catch_up(&store).await.unwrap(), 4);
    let day = fs::read_to_string(root.path().join("chat/2026-02-06.md")).unwrap();
    assert_eq!(day.matches("## 20:14 - ").count(), 4);
}

#[tokio::test]
async fn odd_entries_are_kept_as_text_and_named() {
    let odd = r#"[
  {"id":1770380000000,"user":{"a":1},"text":42,"time":"2026-02-06T12:13:20.000Z"},
  {"id":1770380000001,"user":"tester","time":"2026-02-06T12:13:20.001Z"},
  {"id":"x","user":"tester","text":"no id","time":"2026-02-06T12:13:20.002Z"},
  {"id":1770380000003,"user":"tester","text":"no time"},
  {"id":1770380000004,"user":"tester","text":"odd","time":"2026-02-06T12:13:20.004Z",
   "attachments":[{"url":"javascript:alert(1)","any":{"x":1}},{"url":"/uploads/a.png"}]},
  "just a text",
  {"id":9007199254740000,"user":"tester","text":"from the future","time":"2099-01-01T00:00:00.000Z"}
]"#;
    let (messages, report) = imported(&[("history.json", odd)]).await;
    assert_eq!(messages.len(), 7);
    assert_eq!((&*messages[0].user, &*messages[0].text), (r#"{"a":1}"#, "42"));
    assert_eq!(messages[1].text, "");
    assert_eq!(messages[3].time.ms(), 1_770_380_000_003);
    assert!(messages[4].text.starts_with("odd\n[attachment] {"));
    assert_eq!(messages[4].attachments.len(), 1);
    assert_eq!((&*messages[5].user, &*messages[5].text), ("?", "just a text"));
    assert!(messages[6].time == NOON && messages[6].id <= EventId::from(NOON));
    let lines: Vec<usize> = report.oddities.iter().map(|oddity| oddity.line).collect();
    for line in [2, 3, 4, 5, 6, 8, 9] {
        assert!(lines.contains(&line), "line {line} is not named");
    }
    assert!(report.oddities.iter().all(|oddity| oddity.file == "history.json"));
}

#[tokio::test]
async fn of_a_torn_history_comes_what_can_be_read() {
    let torn = &HISTORY[..HISTORY.len() - 40];
    let (messages, report) = imported(&[("history.json", torn)]).await;
    assert_eq!(texts(&messages), ["two\nlines", "same id", "ok"]);
    assert_eq!((report.oddities.len(), report.oddities[0].line), (1, 5));
    let (messages, report) = imported(&[("history.json", "{}"), ("2026-02-06.md", DAY)]).await;
    assert_eq!((messages.len(), report.oddities.len()), (8, 1));
    let (messages, report) = imported(&[("history.json", "")]).await;
    assert_eq!((messages.len(), report.oddities.len()), (0, 1));
}

#[tokio::test]
async fn an_empty_directory_is_nothing_to_import() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    assert_eq!(import(&store).await.unwrap(), Imported::default());
    assert_eq!(*store.head().borrow(), EventId::ZERO);
}

#[tokio::test]
async fn bytes_that_are_no_utf_8_are_named() {
    let root = root(&[]);
    let log = b"# 2026-02-06 Chat Log\n\n## 20:13 - A\n\nb\xff\n\n---\n";
    fs::write(root.path().join("chat/2026-02-06.md"), log).unwrap();
    let store = open(root.path());
    let report = import(&store).await.unwrap();
    assert_eq!((report.messages, report.oddities[0].line), (1, 5));
    assert_eq!(messages(&store).await[0].text, "b\u{fffd}");
}
