//! The last messages of `main`, for `chat/history.json`.

use std::{fs::File, io::Write, os::fd::OwnedFd};

use ois_protocol::{EventId, Message, StorePath, event};
use rustix::fs::{Mode, OFlags, openat, renameat};

use super::{ArchiveError, stretch::messages_of_main};
use crate::{
    FileError, Limit, ReadError, Store,
    disk::tree::{Tree, file_error},
};

/// Replaces the file by the messages up to and with this event, if there are any: at the most 500,
/// oldest first.
pub(super) async fn write(
    store: &dyn Store,
    last: EventId,
    tree: &Tree,
) -> Result<(), ArchiveError> {
    let messages = before(store, last).await?;
    if messages.is_empty() {
        return Ok(());
    }
    let mut text = serde_json::to_vec_pretty(&messages).map_err(std::io::Error::other)?;
    text.push(b'\n');
    let chat = chat(tree)?;
    let flags =
        OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let aside = openat(&chat, ASIDE, flags, Mode::from_raw_mode(0o644)).map_err(file_error)?;
    let mut file = File::from(aside);
    file.write_all(&text)?;
    file.sync_data()?;
    renameat(&chat, ASIDE, &chat, "history.json").map_err(file_error)?;
    Ok(())
}

async fn before(store: &dyn Store, last: EventId) -> Result<Vec<Message>, ReadError> {
    let (mut messages, filter) = (Vec::new(), messages_of_main());
    let mut before = last.next();
    while messages.len() < MOST {
        let page = store.read_before(before, &filter, PAGE).await?;
        if page.cursor == before {
            break;
        }
        before = page.cursor;
        let records = page.records.iter().rev();
        let json = records.filter_map(|record| event::message_json(&record.payload));
        let said = json.filter_map(|json| serde_json::from_slice(json).ok());
        messages.extend(said.take(MOST - messages.len()));
    }
    messages.reverse();
    Ok(messages)
}

/// The folder `chat`, made if it is missing.
pub(super) fn chat(tree: &Tree) -> Result<OwnedFd, FileError> {
    tree.make_dirs(&StorePath::root().join("chat").expect("one plain name"))
}

const MOST: usize = 500;
const PAGE: Limit = Limit { records: 500, bytes: 4 * 1024 * 1024 };
const ASIDE: &str = ".history.json.new";
