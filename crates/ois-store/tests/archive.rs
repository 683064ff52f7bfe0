//! What the archive writes into `chat/`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, path::Path};

use ois_protocol::{Draft, Message, NewEvent, Timestamp, UtcOffset};
use ois_store::{
    Archive, DiskConfig, DiskStore, MemoryStore, Store,
    conformance::{NOON, append_at_end, chat},
};

const DAY: &str = "chat/2026-02-16.md";

async fn say(store: &dyn Store, text: &str, at: Timestamp) {
    append_at_end(store, vec![chat(text)], at).await;
}

fn archive(root: &Path) -> Archive {
    Archive::new(root, UtcOffset::UTC).unwrap()
}

fn read(root: &Path, path: &str) -> String {
    fs::read_to_string(root.join(path)).unwrap()
}

fn entry(text: &str) -> String {
    format!("## 00:00 - ARIA 🐱\n\n{text}\n\n---\n\n")
}

#[tokio::test]
async fn each_day_has_its_log_in_the_given_zone() {
    let root = tempfile::tempdir().unwrap();
    let store = MemoryStore::new("0a1b2c3d");
    let late = NOON.after_ms(15 * 3_600_000 + 59 * 60_000);
    say(&store, "on the 16th", late).await;
    say(&store, "on the 17th", late.after_ms(60_000)).await;
    let mut archive = Archive::new(root.path(), UtcOffset::LEGACY).unwrap();
    assert_eq!(archive.catch_up(&store).await.unwrap(), 2);
    let first = "# 2026-02-16 Chat Log\n\n## 23:59 - ARIA 🐱\n\non the 16th\n\n---\n\n";
    assert_eq!(read(root.path(), DAY), first);
    assert!(read(root.path(), "chat/2026-02-17.md").contains("## 00:00 - ARIA 🐱\n\non the 17th"));
}

#[tokio::test]
async fn what_is_too_long_to_be_written_at_once_stands_there_whole_and_once() {
    let root = tempfile::tempdir().unwrap();
    let store = MemoryStore::new("0a1b2c3d");
    let long = |number: u32| format!("{number} {}", "x".repeat(200_000));
    for number in 0..40 {
        say(&store, &long(number), NOON).await;
    }
    assert_eq!(archive(root.path()).catch_up(&store).await.unwrap(), 40);
    let said: String = (0..40).map(|number| entry(&long(number))).collect();
    assert_eq!(read(root.path(), DAY), format!("# 2026-02-16 Chat Log\n\n{said}"));
}

#[tokio::test]
async fn history_has_the_last_500_of_main_as_the_original_wrote_them() {
    let root = tempfile::tempdir().unwrap();
    let store = MemoryStore::new("0a1b2c3d");
    let NewEvent::Message(draft) = chat("private") else { panic!("no message") };
    let room = "other".parse().unwrap();
    append_at_end(&store, vec![NewEvent::Message(Draft { room, ..draft })], NOON).await;
    let mut archive = archive(root.path());
    assert_eq!(archive.catch_up(&store).await.unwrap(), 0);
    assert!(!root.path().join("chat/history.json").exists());
    for number in 0..1300 {
        say(&store, &number.to_string(), NOON).await;
    }
    assert_eq!(archive.catch_up(&store).await.unwrap(), 1300);
    let text = read(root.path(), "chat/history.json");
    assert!(text.starts_with("[\n  {\n    \"id\": 17"), "{}", &text[..40]);
    let messages: Vec<Message> = serde_json::from_str(&text).unwrap();
    assert_eq!(messages.len(), 500);
    assert_eq!((&*messages[0].text, &*messages[499].text), ("800", "1299"));
    assert!(!read(root.path(), DAY).contains("private"));
}

#[tokio::test]
async fn a_restarted_archive_goes_on_where_it_was() {
    let root = tempfile::tempdir().unwrap();
    let store = MemoryStore::new("0a1b2c3d");
    say(&store, "one", NOON).await;
    archive(root.path()).catch_up(&store).await.unwrap();
    fs::remove_file(root.path().join("chat/history.json")).unwrap();
    say(&store, "two", NOON).await;
    let mut second = archive(root.path());
    assert_eq!(second.catch_up(&store).await.unwrap(), 1);
    assert_eq!(second.catch_up(&store).await.unwrap(), 0);
    let expected = format!("# 2026-02-16 Chat Log\n\n{}{}", entry("one"), entry("two"));
    assert_eq!(read(root.path(), DAY), expected);
    assert!(read(root.path(), "chat/history.json").contains("one"));
}

#[tokio::test]
async fn a_crash_at_any_byte_neither_doubles_nor_drops_a_line() {
    let expected =
        format!("# 2026-02-16 Chat Log\n\n{}{}{}", entry("one"), entry("two"), entry("three"));
    let first = expected.find("## 00:00 - ARIA 🐱\n\ntwo").unwrap();
    for cut in first..=expected.len() {
        for zeros in [0, 5] {
            let root = tempfile::tempdir().unwrap();
            let store = MemoryStore::new("0a1b2c3d");
            say(&store, "one", NOON).await;
            archive(root.path()).catch_up(&store).await.unwrap();
            // The next batch reaches the file up to here; its cursor does not reach the record.
            let mut bytes = expected.as_bytes()[..cut].to_vec();
            bytes.resize(cut + zeros, 0);
            fs::write(root.path().join(DAY), bytes).unwrap();
            say(&store, "two", NOON).await;
            say(&store, "three", NOON).await;
            archive(root.path()).catch_up(&store).await.unwrap();
            assert_eq!(read(root.path(), DAY), expected, "cut at {cut}");
        }
    }
}

#[tokio::test]
async fn what_others_write_behind_an_unnoted_batch_doubles_and_cuts_nothing() {
    for foreign in ["## 00:00 - HKH\n\nmine\n\n---\n\n", "a NUL: \0\n"] {
        let root = tempfile::tempdir().unwrap();
        let store = MemoryStore::new("0a1b2c3d");
        say(&store, "one", NOON).await;
        archive(root.path()).catch_up(&store).await.unwrap();
        // The next batch reaches the file, its cursor does not reach the record, and then somebody
        // else writes.
        let written = format!("{}{}{foreign}", read(root.path(), DAY), entry("two"));
        fs::write(root.path().join(DAY), &written).unwrap();
        say(&store, "two", NOON).await;
        archive(root.path()).catch_up(&store).await.unwrap();
        assert_eq!(read(root.path(), DAY), written);
        say(&store, "three", NOON).await;
        archive(root.path()).catch_up(&store).await.unwrap();
        assert_eq!(read(root.path(), DAY), format!("{written}{}", entry("three")));
    }
}

#[tokio::test]
async fn what_others_wrote_into_a_days_log_stays() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("chat")).unwrap();
    let old = "# 2026-02-16 Chat Log\n\n## 00:00 - HKH\n\nfrom the old server\n\n---";
    fs::write(root.path().join(DAY), old).unwrap();
    let store = MemoryStore::new("0a1b2c3d");
    say(&store, "one", NOON).await;
    archive(root.path()).catch_up(&store).await.unwrap();
    assert_eq!(read(root.path(), DAY), format!("{old}\n{}", entry("one")));
    let more = format!("{}## 00:00 - HKH\n\nagain\n\n---\n\n", read(root.path(), DAY));
    fs::write(root.path().join(DAY), &more).unwrap();
    say(&store, "two", NOON).await;
    archive(root.path()).catch_up(&store).await.unwrap();
    assert_eq!(read(root.path(), DAY), format!("{more}{}", entry("two")));
}

#[tokio::test]
async fn a_disk_that_fails_for_a_while_costs_no_line() {
    let root = tempfile::tempdir().unwrap();
    let store = MemoryStore::new("0a1b2c3d");
    let mut archive = archive(root.path());
    say(&store, "one", NOON).await;
    // Something that is no folder in the place of `chat` is a disk that does not take it.
    fs::write(root.path().join("chat"), "").unwrap();
    assert!(archive.catch_up(&store).await.is_err());
    say(&store, "two", NOON).await;
    assert!(archive.catch_up(&store).await.is_err());
    fs::remove_file(root.path().join("chat")).unwrap();
    assert_eq!(archive.catch_up(&store).await.unwrap(), 2);
    let expected = format!("# 2026-02-16 Chat Log\n\n{}{}", entry("one"), entry("two"));
    assert_eq!(read(root.path(), DAY), expected);
}

#[tokio::test]
async fn a_link_in_the_place_of_a_days_log_is_not_written_through() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    let store = DiskStore::open(DiskConfig::new(&root), NOON).unwrap();
    fs::create_dir(root.join("chat")).unwrap();
    fs::write(dir.path().join("outside"), "mine").unwrap();
    std::os::unix::fs::symlink("../../outside", root.join(DAY)).unwrap();
    say(&store, "one", NOON).await;
    assert!(archive(&root).catch_up(&store).await.is_err());
    assert_eq!(fs::read(dir.path().join("outside")).unwrap(), b"mine");
}
