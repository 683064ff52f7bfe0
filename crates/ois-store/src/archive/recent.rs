//! The last messages of `main`, for `chat/history.json`.

use std::{collections::VecDeque, fs::File, io::Write, os::fd::OwnedFd, sync::Arc};

use ois_protocol::{EventId, Message, StorePath, event};
use rustix::fs::{Mode, OFlags, openat, renameat};

use super::{ArchiveError, is_said};
use crate::{
    FileError, Limit, ReadError, Record, Store,
    disk::tree::{Tree, file_error},
};

/// At the most 500, oldest first, as they stand in the log: they are read when the file is written.
pub(super) struct Recent {
    messages: VecDeque<Arc<[u8]>>,
    is_new: bool,
}

impl Recent {
    /// Those up to and with this event.
    pub(super) async fn before(store: &dyn Store, last: EventId) -> Result<Self, ReadError> {
        let mut messages = VecDeque::new();
        let mut before = last.next();
        while messages.len() < MOST {
            let page = store.read_before(before, PAGE).await?;
            let Some(first) = page.first() else { break };
            before = first.id;
            let said = page.iter().rev().filter(|record| is_said(record));
            for record in said.take(MOST - messages.len()) {
                messages.push_front(Arc::clone(&record.payload));
            }
        }
        let is_new = !messages.is_empty();
        Ok(Self { messages, is_new })
    }

    /// Whether the file does not have them all.
    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    pub(super) fn extend<'a>(&mut self, said: impl Iterator<Item = &'a Record>) {
        for record in said {
            self.messages.push_back(Arc::clone(&record.payload));
            self.is_new = true;
        }
        self.messages.drain(..self.messages.len().saturating_sub(MOST));
    }

    /// Replaces the file as a whole.
    pub(super) fn write(&mut self, tree: &Tree) -> Result<(), ArchiveError> {
        let chat = chat(tree)?;
        let json = self.messages.iter().filter_map(|payload| event::message_json(payload));
        let messages: Vec<Message> =
            json.filter_map(|json| serde_json::from_slice(json).ok()).collect();
        let mut text = serde_json::to_vec_pretty(&messages).map_err(std::io::Error::other)?;
        text.push(b'\n');
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let aside = openat(&chat, ASIDE, flags, Mode::from_raw_mode(0o644)).map_err(file_error)?;
        let mut file = File::from(aside);
        file.write_all(&text)?;
        file.sync_data()?;
        renameat(&chat, ASIDE, &chat, "history.json").map_err(file_error)?;
        self.is_new = false;
        Ok(())
    }
}

/// The folder `chat`, made if it is missing.
pub(super) fn chat(tree: &Tree) -> Result<OwnedFd, FileError> {
    tree.make_dirs(&StorePath::root().join("chat").expect("one plain name"))
}

const MOST: usize = 500;
const PAGE: Limit = Limit { records: 500, bytes: 4 * 1024 * 1024 };
const ASIDE: &str = ".history.json.new";
