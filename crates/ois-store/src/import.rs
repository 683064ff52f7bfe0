//! Takes over what an older server has written: `chat/history.json` and the days' logs.
//!
//! A message that stands in both is taken once: they are matched as a multiset of minute, user and
//! text. Messages keep their ids; those that stand only in a day's log get the milliseconds of
//! their minute and an ordinal. Everything becomes one segment of the log, which is there as a
//! whole or not at all. What is odd is kept as text and reported; nothing is dropped in silence.

mod history;

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

use ois_protocol::{EventId, Message, Timestamp, UtcOffset, daylog};

/// What was taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// The number of messages.
    pub messages: usize,
    /// What was odd about them.
    pub oddities: Vec<Oddity>,
}

/// Something that was not as the older server writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// The name of the file.
    pub file: String,
    /// The number of the line, from 1.
    pub line: usize,
    /// What stood there and what was made of it, in words.
    pub what: String,
}

/// Why nothing was taken over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The store has events already.
    #[error("the store has events already; import into an empty one")]
    NotEmpty,
    /// A file was not read or written.
    #[error("cannot import {what}")]
    Io {
        /// The file's path or name.
        what: String,
        /// The fault.
        #[source]
        source: io::Error,
    },
}

/// Everything found under a directory, in its order, with ids and times that only grow.
pub(crate) fn gather(
    dir: &Path,
    offset: UtcOffset,
    now: Timestamp,
) -> Result<(Vec<Message>, Vec<Oddity>), ImportError> {
    let chat = if dir.join("chat").is_dir() { dir.join("chat") } else { dir.to_owned() };
    let mut oddities = Vec::new();
    let history = history::read(&chat, now, &mut oddities)?;
    let mut seen: HashMap<(u64, String, String), usize> = HashMap::new();
    for said in &history {
        *seen.entry(key(said.time, &said.user, &said.plain_text)).or_default() += 1;
    }
    let mut all: Vec<Said> = history;
    let mut ordinals: HashMap<u64, u64> = HashMap::new();
    for (path, day) in day_files(&chat)? {
        let file = name(&path);
        for entry in daylog::parse(&read_text(&path, &mut oddities)?) {
            let Some(minute) = entry.time(day, offset) else {
                oddities.push(odd(&file, entry.line, "before 1970; left out of the log"));
                continue;
            };
            let minute = minute.min(now);
            match seen.get_mut(&key(minute, &entry.user, &entry.text)) {
                Some(left) if *left > 0 => *left -= 1,
                _ => {
                    let ordinal = ordinals.entry(minute.ms()).or_default();
                    let time = minute.after_ms(*ordinal);
                    *ordinal += 1;
                    all.push(Said::from_archive(entry, time));
                }
            }
        }
    }
    all.sort_by_key(|said| said.time);
    Ok((numbered(all), oddities))
}

/// A message before its id is settled.
struct Said {
    id: Option<EventId>,
    time: Timestamp,
    user: String,
    /// The text as a day's log has it.
    plain_text: String,
    message: Message,
}

impl Said {
    fn from_archive(entry: daylog::Entry, time: Timestamp) -> Self {
        let daylog::Entry { user, text, .. } = entry;
        let message = Message { from_archive: true, ..plain(user.clone(), text.clone(), time) };
        Self { id: None, time, user, plain_text: text, message }
    }
}

/// Ids as they were, or the milliseconds; one more where that would not grow.
fn numbered(all: Vec<Said>) -> Vec<Message> {
    let mut last = EventId::ZERO;
    let number = |said: Said| {
        let own = said.id.unwrap_or_else(|| EventId::from(said.time));
        last = own.max(last.next());
        Message { id: last, ..said.message }
    };
    all.into_iter().map(number).collect()
}

fn plain(user: String, text: String, time: Timestamp) -> Message {
    Message::plain(EventId::ZERO, user, text, time)
}

fn key(time: Timestamp, user: &str, text: &str) -> (u64, String, String) {
    (time.ms() / 60_000, daylog::kept_name(user).into_owned(), daylog::kept(text).into_owned())
}

/// The days' logs in a folder, oldest first.
fn day_files(chat: &Path) -> Result<Vec<(PathBuf, ois_protocol::Civil)>, ImportError> {
    let entries = match std::fs::read_dir(chat) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(disk(chat, source)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| disk(chat, source))?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        let day = entry.file_name().to_str().and_then(daylog::day_of);
        files.extend(day.filter(|_| is_file).map(|day| (entry.path(), day)));
    }
    files.sort();
    Ok(files)
}

/// A file's text; bytes that are no UTF-8 become U+FFFD.
fn read_text(path: &Path, oddities: &mut Vec<Oddity>) -> Result<String, ImportError> {
    let bytes = std::fs::read(path).map_err(|source| disk(path, source))?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = 1 + memchr::memchr_iter(b'\n', &error.as_bytes()[..at]).count();
        oddities.push(odd(&name(path), line, "bytes that are no UTF-8 were replaced"));
        String::from_utf8_lossy(error.as_bytes()).into_owned()
    }))
}

fn odd(file: &str, line: usize, what: &str) -> Oddity {
    Oddity { file: file.to_owned(), line, what: what.to_owned() }
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn disk(path: &Path, source: io::Error) -> ImportError {
    ImportError::Io { what: path.display().to_string(), source }
}
