//! What files and uploads promise.

use std::sync::Arc;

use ois_protocol::{StorePath, UploadName};

use super::{Promise, written};
use crate::{Condition, FileError, Store};

pub(super) fn promises() -> Vec<(&'static str, Promise)> {
    vec![
        ("a written file is read", |[s, _]| Box::pin(a_written_file_is_read(s))),
        ("a file is read in pieces", |[s, _]| Box::pin(a_file_is_read_in_pieces(s))),
        ("missing parents are made", |[s, _]| Box::pin(missing_parents_are_made(s))),
        ("nobody sees an unfinished file", |[s, _]| Box::pin(nobody_sees_an_unfinished_file(s))),
        ("an open file stays what it was", |[s, _]| Box::pin(an_open_file_stays_what_it_was(s))),
        ("a condition is honoured", |[s, _]| Box::pin(a_condition_is_honoured(s))),
        ("of two with one tag one wins", |[s, _]| Box::pin(of_two_with_one_tag_one_wins(s))),
        ("the absent is told from the rest", |[s, _]| Box::pin(the_absent_is_told(s))),
        ("folders are made once", |[s, _]| Box::pin(folders_are_made_once(s))),
        ("lists are sorted and hide", |[s, _]| Box::pin(lists_are_sorted_and_hide(s))),
        ("rename never replaces", |[s, _]| Box::pin(rename_never_replaces(s))),
        ("a folder moves with what is in it", |[s, _]| Box::pin(a_folder_moves(s))),
        ("a folder goes with what is in it", |[s, _]| Box::pin(a_folder_goes(s))),
        ("the server's own is out of reach", |[s, _]| Box::pin(the_servers_own(s))),
        ("an upload is kept once", |[s, _]| Box::pin(an_upload_is_kept_once(s))),
        ("a removed upload is gone", |[s, _]| Box::pin(a_removed_upload_is_gone(s))),
        ("what was written is known", |[s, _]| Box::pin(what_was_written_is_known(s))),
    ]
}

fn at(text: &str) -> StorePath {
    text.parse().unwrap()
}

async fn put(store: &dyn Store, path: &str, bytes: &str) -> Result<String, FileError> {
    put_if(store, path, bytes, Condition::None).await
}

async fn put_if(
    store: &dyn Store,
    path: &str,
    bytes: &str,
    condition: Condition,
) -> Result<String, FileError> {
    written(store.write(&at(path), condition), bytes.as_bytes()).await
}

async fn get(store: &dyn Store, path: &str) -> Result<String, FileError> {
    let file = store.open(&at(path)).await?;
    let bytes = file.read_at(0, usize::try_from(file.len()).unwrap()).await?;
    Ok(String::from_utf8(bytes).unwrap())
}

async fn names(store: &dyn Store, path: &str) -> Vec<String> {
    store.list(&at(path)).await.unwrap().into_iter().map(|entry| entry.name).collect()
}

/// A result in one word, to compare.
fn word<T>(result: Result<T, FileError>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(FileError::NotFound) => "not found",
        Err(FileError::Exists) => "exists",
        Err(FileError::IsDirectory) => "is a folder",
        Err(FileError::NotDirectory) => "is no folder",
        Err(FileError::Denied) => "denied",
        Err(FileError::Changed) => "changed",
        Err(FileError::Full) => "full",
        Err(FileError::Io(_)) => "failed",
    }
}

async fn a_written_file_is_read(store: Arc<dyn Store>) {
    let tag = put(&*store, "a.txt", "héllo").await.unwrap();
    assert_eq!(get(&*store, "a.txt").await.unwrap(), "héllo");
    let file = store.open(&at("a.txt")).await.unwrap();
    assert_eq!(file.tag().await.unwrap(), tag);
    assert!(tag.len() == 32 && tag.bytes().all(|b| b.is_ascii_hexdigit()));
    let other = put(&*store, "a.txt", "hello").await.unwrap();
    assert_ne!(other, tag);
    assert_eq!(get(&*store, "a.txt").await.unwrap(), "hello");
    let empty = put(&*store, "empty", "").await.unwrap();
    assert_ne!(empty, other);
    assert!(store.open(&at("empty")).await.unwrap().is_empty());
}

async fn a_file_is_read_in_pieces(store: Arc<dyn Store>) {
    put(&*store, "a", "0123456789").await.unwrap();
    let file = store.open(&at("a")).await.unwrap();
    assert_eq!(file.read_at(2, 3).await.unwrap(), b"234");
    assert_eq!(file.read_at(8, 100).await.unwrap(), b"89");
    assert_eq!(file.read_at(10, 100).await.unwrap(), b"");
    assert_eq!(file.read_at(u64::MAX, 1).await.unwrap(), b"");
}

async fn missing_parents_are_made(store: Arc<dyn Store>) {
    put(&*store, "a/b/c.txt", "x").await.unwrap();
    assert_eq!(names(&*store, "a/b").await, ["c.txt"]);
    assert_eq!(word(put(&*store, "a/b/c.txt/d", "x").await), "is no folder");
}

async fn nobody_sees_an_unfinished_file(store: Arc<dyn Store>) {
    let mut writer = store.write(&at("new/a"), Condition::None).await.unwrap();
    writer.write(b"half").await.unwrap();
    assert_eq!(names(&*store, "").await, [""; 0]);
    drop(writer);
    assert_eq!(names(&*store, "").await, [""; 0]);
    assert_eq!(word(get(&*store, "new/a").await), "not found");
}

async fn an_open_file_stays_what_it_was(store: Arc<dyn Store>) {
    put(&*store, "a", "old").await.unwrap();
    let open = store.open(&at("a")).await.unwrap();
    put(&*store, "a", "new and longer").await.unwrap();
    assert_eq!(open.read_at(0, 100).await.unwrap(), b"old");
    store.remove(&at("a")).await.unwrap();
    assert_eq!(open.read_at(0, 100).await.unwrap(), b"old");
}

async fn a_condition_is_honoured(store: Arc<dyn Store>) {
    let store = &*store;
    let tag = put_if(store, "d/a", "1", Condition::Absent).await.unwrap();
    assert_eq!(word(put_if(store, "d/a", "2", Condition::Absent).await), "changed");
    let next = put_if(store, "d/a", "2", Condition::Matches(tag.clone())).await.unwrap();
    assert_eq!(word(put_if(store, "d/a", "3", Condition::Matches(tag)).await), "changed");
    assert_eq!(word(put_if(store, "e/b", "3", Condition::Matches(next)).await), "changed");
    assert_eq!(get(store, "d/a").await.unwrap(), "2");
    assert_eq!(names(store, "").await, ["d"]);
}

async fn of_two_with_one_tag_one_wins(store: Arc<dyn Store>) {
    let tag = put(&*store, "a", "0").await.unwrap();
    let mut begun = Vec::new();
    for text in ["1", "2"] {
        let mut writer = store.write(&at("a"), Condition::Matches(tag.clone())).await.unwrap();
        writer.write(text.as_bytes()).await.unwrap();
        begun.push(writer);
    }
    let mut ends = Vec::new();
    for writer in begun {
        ends.push(word(writer.finish().await));
    }
    assert_eq!(ends, ["done", "changed"]);
    assert_eq!(get(&*store, "a").await.unwrap(), "1");
}

async fn the_absent_is_told(store: Arc<dyn Store>) {
    let store = &*store;
    put(store, "file", "x").await.unwrap();
    store.make_dir(&at("dir")).await.unwrap();
    assert_eq!(word(store.open(&at("none")).await), "not found");
    assert_eq!(word(store.open(&at("none/none")).await), "not found");
    assert_eq!(word(store.open(&at("dir")).await), "is a folder");
    assert_eq!(word(store.open(&at("")).await), "is a folder");
    assert_eq!(word(store.open(&at("file/x")).await), "is no folder");
    assert_eq!(word(store.list(&at("none")).await), "not found");
    assert_eq!(word(store.list(&at("file")).await), "is no folder");
    assert_eq!(word(store.remove(&at("none")).await), "not found");
    assert_eq!(word(store.rename(&at("none"), &at("other")).await), "not found");
    assert_eq!(word(put(store, "dir", "x").await), "is a folder");
}

async fn folders_are_made_once(store: Arc<dyn Store>) {
    let store = &*store;
    store.make_dir(&at("a/b")).await.unwrap();
    assert_eq!(word(store.make_dir(&at("a/b")).await), "exists");
    assert_eq!(word(store.make_dir(&at("a")).await), "exists");
    assert_eq!(word(store.make_dir(&at("")).await), "exists");
    put(store, "file", "x").await.unwrap();
    assert_eq!(word(store.make_dir(&at("file")).await), "exists");
    assert_eq!(word(store.make_dir(&at("file/x")).await), "is no folder");
    assert_eq!(names(store, "a/b").await, [""; 0]);
}

async fn lists_are_sorted_and_hide(store: Arc<dyn Store>) {
    let store = &*store;
    for path in ["b", "a/x", ".hidden", "ois-web/index.html", "a b.txt", "写真.png", ".d/x"] {
        put(store, path, "12345").await.unwrap();
    }
    assert_eq!(names(store, "").await, ["a", "a b.txt", "b", "写真.png"]);
    let entries = store.list(&at("")).await.unwrap();
    assert_eq!((entries[0].is_dir, entries[0].size), (true, 0));
    assert_eq!((entries[2].is_dir, entries[2].size), (false, 5));
    assert_eq!(get(store, ".hidden").await.unwrap(), "12345");
}

async fn rename_never_replaces(store: Arc<dyn Store>) {
    let store = &*store;
    put(store, "a", "a").await.unwrap();
    put(store, "b", "b").await.unwrap();
    store.make_dir(&at("d")).await.unwrap();
    assert_eq!(word(store.rename(&at("a"), &at("b")).await), "exists");
    assert_eq!(word(store.rename(&at("a"), &at("d")).await), "exists");
    assert_eq!(word(store.rename(&at("a"), &at("a")).await), "exists");
    assert_eq!(word(store.rename(&at("a"), &at("none/a")).await), "not found");
    assert_eq!(word(store.rename(&at("a"), &at("")).await), "denied");
    assert_eq!(word(store.rename(&at("d"), &at("d/e")).await), "denied");
    store.rename(&at("a"), &at("d/c")).await.unwrap();
    assert_eq!(get(store, "d/c").await.unwrap(), "a");
    assert_eq!(get(store, "b").await.unwrap(), "b");
    assert_eq!(word(get(store, "a").await), "not found");
}

async fn a_folder_moves(store: Arc<dyn Store>) {
    put(&*store, "a/b/c", "x").await.unwrap();
    store.rename(&at("a"), &at("z")).await.unwrap();
    assert_eq!(get(&*store, "z/b/c").await.unwrap(), "x");
    assert_eq!(names(&*store, "").await, ["z"]);
}

async fn a_folder_goes(store: Arc<dyn Store>) {
    put(&*store, "a/b/c", "x").await.unwrap();
    put(&*store, "ab", "x").await.unwrap();
    store.remove(&at("a")).await.unwrap();
    assert_eq!(names(&*store, "").await, ["ab"]);
    store.remove(&at("ab")).await.unwrap();
    assert_eq!(word(store.remove(&at("")).await), "denied");
    assert_eq!(names(&*store, "").await, [""; 0]);
}

async fn the_servers_own(store: Arc<dyn Store>) {
    let store = &*store;
    put(store, "x", "x").await.unwrap();
    assert_eq!(word(put(store, "chat", "before it is there").await), "denied");
    for own in [".ois", ".ois/key", ".OIS/log"] {
        assert_eq!(word(store.list(&at(own)).await), "denied");
        assert_eq!(word(store.open(&at(own)).await), "denied");
        assert_eq!(word(put(store, own, "x").await), "denied");
        assert_eq!(word(store.make_dir(&at(own)).await), "denied");
        assert_eq!(word(store.remove(&at(own)).await), "denied");
        assert_eq!(word(store.rename(&at(own), &at("y")).await), "denied");
        assert_eq!(word(store.rename(&at("x"), &at(own)).await), "denied");
    }
    put(store, "chat/notes.md", "free").await.unwrap();
    assert_eq!(word(store.make_dir(&at("chat/.history.json.new")).await), "denied");
    assert_eq!(word(put(store, "chat/history.json/below", "x").await), "denied");
    assert_eq!(word(put(store, "chat", "x").await), "denied");
    for own in ["chat/history.json", "chat/2026-02-06.md"] {
        assert_eq!(word(put(store, own, "x").await), "denied");
        assert_eq!(word(store.remove(&at(own)).await), "denied");
        assert_eq!(word(store.rename(&at("x"), &at(own)).await), "denied");
        assert_eq!(word(store.open(&at(own)).await), "not found");
    }
    assert_eq!(word(store.remove(&at("chat")).await), "denied");
    assert_eq!(word(store.rename(&at("chat"), &at("c")).await), "denied");
}

async fn an_upload_is_kept_once(store: Arc<dyn Store>) {
    let name = UploadName::new([7; 16], "a.png");
    assert_eq!(word(store.open_upload(&name).await), "not found");
    drop(store.upload(&name).await.unwrap());
    let tag = written(store.upload(&name), b"png").await.unwrap();
    let file = store.open_upload(&name).await.unwrap();
    assert_eq!(file.read_at(0, 10).await.unwrap(), b"png");
    assert_eq!(file.tag().await.unwrap(), tag);
    assert_eq!(word(written(store.upload(&name), b"other").await), "changed");
    assert_eq!(names(&*store, "").await, [""; 0]);
}

async fn a_removed_upload_is_gone(store: Arc<dyn Store>) {
    let (name, other) = (UploadName::new([7; 16], "a.png"), UploadName::new([8; 16], "a.png"));
    written(store.upload(&name), b"png").await.unwrap();
    written(store.upload(&other), b"png").await.unwrap();
    store.remove_upload(&name).await.unwrap();
    assert_eq!(word(store.open_upload(&name).await), "not found");
    assert_eq!(word(store.remove_upload(&name).await), "not found");
    assert_eq!(word(store.open_upload(&other).await), "done");
}

async fn what_was_written_is_known(store: Arc<dyn Store>) {
    let tag = put(&*store, "a", &"long ".repeat(100_000)).await.unwrap();
    assert_eq!(store.open(&at("a")).await.unwrap().known_tag(), Some(tag));
    let other = put(&*store, "a", "short").await.unwrap();
    assert_eq!(store.open(&at("a")).await.unwrap().known_tag(), Some(other));
}
