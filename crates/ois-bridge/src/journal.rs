//! What an agent's monitor keeps on disk: its inbox, its unconfirmed drafts, and a lock.
//!
//! One folder per agent: `inbox.jsonl`, `outbox.jsonl`, `instance`, `lock`. A folder that is in use is
//! refused.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use ois_client::{Keep, Kept};
use ois_inbox::{InboxState, Record};
use ois_protocol::Nonce;
use serde::{Deserialize, Serialize};

use crate::{clock, lines::Lines};

/// Why an agent's folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process has it.
    #[error("{} is in use by another monitor", .0.display())]
    InUse(PathBuf),
    /// The disk does not let us, or what it holds is damaged.
    #[error("cannot use {}", folder.display())]
    Disk {
        /// The folder of the agent.
        folder: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// An inbox's records, in memory only or on disk as well.
#[derive(Debug)]
pub(crate) struct Journal {
    lines: Option<Lines<Record>>,
    /// Held for the process's life.
    _lock: Option<File>,
}

/// Drafts on disk, or in memory only.
#[derive(Debug)]
pub(crate) struct Drafts {
    lines: Option<Lines<DraftRecord>>,
    kept: Vec<Kept>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DraftRecord {
    Put(Kept),
    Gone(Nonce),
}

/// Opens an agent's folder, or nothing if there is none: then all is forgotten at the end.
pub(crate) fn open(folder: Option<&Path>) -> Result<(Journal, InboxState, Drafts), JournalError> {
    let Some(folder) = folder else {
        let drafts = Drafts { lines: None, kept: Vec::new() };
        return Ok((Journal { lines: None, _lock: None }, InboxState::default(), drafts));
    };
    let disk = |source| JournalError::Disk { folder: folder.to_owned(), source };
    make_private(folder).map_err(disk)?;
    let lock = File::create(folder.join("lock")).map_err(disk)?;
    lock.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => JournalError::InUse(folder.to_owned()),
        fs::TryLockError::Error(error) => disk(error),
    })?;
    let (lines, records) = Lines::open(folder.join("inbox.jsonl")).map_err(disk)?;
    let mut state = InboxState::default();
    records.into_iter().for_each(|record| state.apply(record));
    let drafts = Drafts::open(folder.join("outbox.jsonl")).map_err(disk)?;
    Ok((Journal { lines: Some(lines), _lock: Some(lock) }, state, drafts))
}

/// Returns the name of the installation that an agent's folder belongs to, which is made once. Without
/// a folder, and so without a memory, each process has one of its own.
pub(crate) fn instance(folder: Option<&Path>) -> Result<String, JournalError> {
    let Some(folder) = folder else { return Ok(clock::fresh_word()) };
    let path = folder.join("instance");
    let disk = |source| JournalError::Disk { folder: folder.to_owned(), source };
    match fs::read_to_string(&path) {
        Ok(known) if is_instance(known.trim()) => return Ok(known.trim().to_owned()),
        // A process that was killed while it wrote has left a part.
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(disk(error)),
    }
    let fresh = clock::fresh_word();
    fs::write(&path, format!("{fresh}\n")).map_err(disk)?;
    Ok(fresh)
}

fn is_instance(text: &str) -> bool {
    text.len() == INSTANCE_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Makes a folder that only its owner enters: it holds what was said in the room.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

impl Journal {
    /// Writes records down, durably; `state` is what they lead to.
    pub(crate) fn append(&mut self, records: &[Record], state: &InboxState) -> io::Result<()> {
        let Some(lines) = &mut self.lines else { return Ok(()) };
        lines.append(records)?;
        if lines.count() > LONG {
            let short = state.records();
            if short.len() < LONG / 2 {
                lines.rewrite(&short)?;
            }
        }
        Ok(())
    }
}

impl Drafts {
    fn open(path: PathBuf) -> io::Result<Self> {
        let (mut lines, records) = Lines::open(path)?;
        let mut kept: Vec<Kept> = Vec::new();
        for record in records {
            match record {
                DraftRecord::Put(one) => kept.push(one),
                DraftRecord::Gone(nonce) => {
                    kept.retain(|one| one.chat.nonce.as_ref() != Some(&nonce));
                }
            }
        }
        if lines.count() > kept.len() {
            lines.rewrite(&kept.iter().cloned().map(DraftRecord::Put).collect::<Vec<_>>())?;
        }
        Ok(Self { lines: Some(lines), kept })
    }
}

impl Keep for Drafts {
    fn load(&mut self) -> io::Result<Vec<Kept>> {
        Ok(self.kept.clone())
    }

    fn put(&mut self, kept: &Kept) -> io::Result<()> {
        if let Some(lines) = &mut self.lines {
            lines.append(&[DraftRecord::Put(kept.clone())])?;
            self.kept.push(kept.clone());
        }
        Ok(())
    }

    fn remove(&mut self, nonce: &Nonce) -> io::Result<()> {
        let Some(lines) = &mut self.lines else { return Ok(()) };
        self.kept.retain(|one| one.chat.nonce.as_ref() != Some(nonce));
        if lines.count() > LONG {
            let kept = self.kept.iter().cloned().map(DraftRecord::Put);
            return lines.rewrite(&kept.collect::<Vec<_>>());
        }
        lines.append(&[DraftRecord::Gone(nonce.clone())])
    }
}

/// The length of the name of an installation.
const INSTANCE_DIGITS: usize = 32;
/// A file of more records than this is made short, if that makes it much shorter.
const LONG: usize = 1000;

#[cfg(test)]
mod tests {
    use ois_inbox::{Ending, GivenUp, Identity, Wanted};
    use ois_protocol::{Chat, Delivery, EventId, Reason, Run, Timestamp};

    use super::*;

    fn closed(number: u64) -> Record {
        let ending = Ending::Failed { reason: Reason::Error, detail: "x".to_owned() };
        Record::Closed { id: EventId::new(number).unwrap(), ending, report: None }
    }

    #[test]
    fn every_kind_of_record_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let identity =
            Identity { team: "0a1b2c3d".to_owned(), native: true, me: "ARIA".parse().unwrap() };
        let (id, now) = (EventId::new(7).unwrap(), Timestamp::from_ms(5));
        let wanted = Wanted { attempt: 2, possible_duplicate: true, since: now };
        let run = |name: &str| -> Run {
            let json = r#"{"run":"R","agent":"ARIA","cause":7,"start":"2026-02-06T12:34:56.789Z"}"#;
            serde_json::from_str(&json.replace('R', name)).unwrap()
        };
        let records = [
            Record::Identity(identity),
            Record::Cursor { id, looked: id },
            closed(5),
            Record::Closed { id, ending: Ending::Silent, report: None },
            Record::Closed {
                id,
                ending: Ending::Replied { answer: Some(id) },
                report: Some(Box::new(Delivery::stored(id, "ARIA".parse().unwrap(), now))),
            },
            Record::Ran(Box::new(run("r1"))),
            Record::Ran(Box::new(run("r2"))),
            Record::RunConfirmed { run: "r1".to_owned() },
            Record::Wanted { id, wanted },
            Record::Wanted { id: id.next(), wanted },
            Record::NotWanted { id },
            Record::Confirmed { id: id.next() },
            Record::GivenUp(GivenUp { id, reason: Reason::Busy, detail: "y".to_owned() }),
        ];
        let (mut journal, mut state, _) = open(Some(folder.path())).unwrap();
        records.iter().cloned().for_each(|record| state.apply(record));
        journal.append(&records, &state).unwrap();
        drop(journal);
        assert_eq!(open(Some(folder.path())).unwrap().1, state);
    }

    #[test]
    fn a_long_journal_is_made_short_and_says_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, mut state, _) = open(Some(folder.path())).unwrap();
        let records: Vec<Record> = (1..=2 * LONG as u64).map(closed).collect();
        for some in records.chunks(100) {
            some.iter().cloned().for_each(|record| state.apply(record));
            journal.append(some, &state).unwrap();
        }
        drop(journal);
        let text = fs::read_to_string(folder.path().join("inbox.jsonl")).unwrap();
        assert!(text.lines().count() <= LONG + 100);
        assert_eq!(open(Some(folder.path())).unwrap().1, state);
    }

    #[test]
    fn a_folder_keeps_its_name_and_another_one_has_another() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let name = instance(Some(one.path())).unwrap();
        assert_eq!(instance(Some(one.path())).unwrap(), name);
        assert_ne!(instance(Some(other.path())).unwrap(), name);
        fs::write(one.path().join("instance"), &name[..7]).unwrap();
        let again = instance(Some(one.path())).unwrap();
        assert!(is_instance(&again) && again != name);
    }

    #[test]
    fn a_folder_serves_one_monitor() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(Some(folder.path())).unwrap();
        assert!(matches!(open(Some(folder.path())), Err(JournalError::InUse(_))));
        drop(first);
        assert!(open(Some(folder.path())).is_ok());
    }

    #[test]
    fn drafts_outlive_the_process_until_they_are_confirmed() {
        let folder = tempfile::tempdir().unwrap();
        let kept = |nonce: &str| {
            let nonce = Some(nonce.parse().unwrap());
            Kept { chat: Chat { nonce, ..Chat::in_main() }, floor: EventId::ZERO }
        };
        let (journal, _, mut drafts) = open(Some(folder.path())).unwrap();
        drafts.put(&kept("n1")).unwrap();
        drafts.put(&kept("n2")).unwrap();
        drafts.remove(&"n1".parse().unwrap()).unwrap();
        drop((journal, drafts));
        assert_eq!(open(Some(folder.path())).unwrap().2.load().unwrap(), [kept("n2")]);
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_enters_the_folder() {
        use std::os::unix::fs::PermissionsExt;
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("agent");
        let _opened = open(Some(&folder)).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
