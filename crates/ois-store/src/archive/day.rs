//! One day's log as a file that is only ever appended to.

use std::{fs::File, io, os::unix::fs::FileExt};

use ois_protocol::{Civil, daylog};
use rustix::fs::{Mode, OFlags, openat};

use super::recent::chat;
use crate::{
    FileError,
    disk::tree::{Tree, file_error},
};

pub(super) struct DayFile(File);

impl DayFile {
    /// Opens a day's log, or begins one.
    pub(super) fn open(tree: &Tree, name: &str) -> Result<Self, FileError> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o644);
        let file = File::from(openat(chat(tree)?, name, flags, mode).map_err(file_error)?);
        let data = file.metadata().map_err(FileError::Io)?;
        if !data.is_file() {
            return Err(FileError::Denied);
        }
        Ok(Self(file))
    }

    pub(super) fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    /// What must stand at `at` before the first entry that is appended there: the day's heading in
    /// an empty file, a line end behind a last line that has none.
    pub(super) fn beginning(&self, at: u64, day: Civil) -> io::Result<String> {
        let mut text = String::new();
        let at = at.min(self.length()?);
        if at == 0 {
            daylog::write_header(&mut text, day);
            return Ok(text);
        }
        let mut last = [0];
        self.0.read_exact_at(&mut last, at - 1)?;
        if last != *b"\n" {
            text.push('\n');
        }
        Ok(text)
    }

    /// Appends `text` where the file ended when it held everything before it; answers with the
    /// length after it. What stands behind that place already is the text, or its beginning, left
    /// by a crash; or torn, with zeros where the disk had not come to; or somebody else's, which
    /// stays.
    pub(super) fn append(&self, at: u64, text: &[u8]) -> io::Result<u64> {
        let length = self.length()?;
        let from = at.min(length);
        let mut behind = vec![0; usize::try_from(length - from).map_err(io::Error::other)?];
        self.0.read_exact_at(&mut behind, from)?;
        let (rest, to) = if let Some(rest) = text.strip_prefix(&behind[..]) {
            (rest, length)
        } else if is_torn(&behind, text) {
            self.0.set_len(from)?;
            (text, from)
        } else if behind.starts_with(text) {
            (&[][..], from + text.len() as u64)
        } else {
            (text, length)
        };
        self.0.write_all_at(rest, to)?;
        self.0.sync_data()?;
        Ok(to + rest.len() as u64)
    }
}

/// Whether `found` is `text` as far as it goes, with zeros in place of some of it or behind it.
fn is_torn(found: &[u8], text: &[u8]) -> bool {
    let expected = text.iter().copied().chain(std::iter::repeat(0));
    found.iter().zip(expected).all(|(byte, expected)| *byte == 0 || *byte == expected)
}
