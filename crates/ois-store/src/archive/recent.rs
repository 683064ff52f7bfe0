//! The last messages of `main`, for `chat/history.json`.

use std::{collections::VecDeque, fs::File, io::Write, os::fd::OwnedFd};

use ois_protocol::{EventId, Message, StorePath};
use rustix::fs::{Mode, OFlags, openat, renameat};

use super::{ArchiveError, message};
use crate::{
    FileError, Limit, ReadError, Store,
    disk::tree::{Tree, file_error},
};

/// At the most 500, oldest first.
pub(super) struct Recent {
    messages: VecDeque<Message>,
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
            for message in page.iter().rev().filter_map(message).take(MOST - messages.len()) {
                messages.push_front(message);
            }
        }
        let is_new = !messages.is_empty();
        Ok(Self { messages, is_new })
    }

    /// Whether the file does not have them all.
    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    pub(super) fn extend(&mut self, messages: Vec<Message>) {
        self.is_new |= !messages.is_empty();
        self.messages.extend(messages);
        self.messages.drain(..self.messages.len().saturating_sub(MOST));
    }

    /// Replaces the file as a whole.
    pub(super) fn write(&mut self, tree: &Tree) -> Result<(), ArchiveError> {
        let chat = chat(tree)?;
        let mut text = serde_json::to_vec_pretty(&self.messages).map_err(std::io::Error::other)?;
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
