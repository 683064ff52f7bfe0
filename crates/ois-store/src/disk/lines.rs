//! The lines of a file, from one offset to another, in bounded chunks.

use std::io;

use super::door::{DoorFile, fill};

/// Walks over lines without their ends.
pub(crate) struct Lines<'f> {
    file: &'f dyn DoorFile,
    /// Where `buffer[start]` stands in the file.
    at: u64,
    end: u64,
    buffer: Vec<u8>,
    start: usize,
    chunk: u64,
}

impl<'f> Lines<'f> {
    /// The lines between two offsets; `from` must be where one begins.
    pub(crate) fn new(file: &'f dyn DoorFile, from: u64, end: u64) -> Self {
        Self { file, at: from, end, buffer: Vec::new(), start: 0, chunk: FIRST_CHUNK }
    }

    /// The same for a caller that wants a few lines only.
    pub(crate) fn few(file: &'f dyn DoorFile, from: u64, end: u64) -> Self {
        Self { chunk: FEW, ..Self::new(file, from, end) }
    }

    /// The next line: where it begins, its bytes, and whether its end is there.
    pub(crate) fn next(&mut self) -> io::Result<Option<(u64, &[u8], Ended)>> {
        let mut searched = 0;
        loop {
            let rest = &self.buffer[self.start..];
            if let Some(length) = memchr::memchr(b'\n', &rest[searched..]) {
                return Ok(Some(self.take(searched + length, Ended::Yes)));
            }
            searched = rest.len();
            if !self.more()? {
                let left = searched > 0;
                return Ok(left.then(|| self.take(searched, Ended::No)));
            }
        }
    }

    fn take(&mut self, length: usize, ended: Ended) -> (u64, &[u8], Ended) {
        let (at, start) = (self.at, self.start);
        let whole = length + usize::from(ended == Ended::Yes);
        self.start += whole;
        self.at += whole as u64;
        (at, &self.buffer[start..start + length], ended)
    }

    /// Reads the next chunk behind what is left; false at the end.
    fn more(&mut self) -> io::Result<bool> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let left = self.buffer.len();
        let from = self.at + left as u64;
        let wanted = self.end.saturating_sub(from).min(self.chunk.max(left as u64));
        if wanted == 0 {
            return Ok(false);
        }
        self.chunk = (self.chunk * 2).min(LAST_CHUNK);
        self.buffer.resize(left + wanted as usize, 0);
        let read = fill(self.file, &mut self.buffer[left..], from)?;
        self.buffer.truncate(left + read);
        Ok(read > 0)
    }
}

/// Whether a line's end is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The line has its end.
    Yes,
    /// The file ends first.
    No,
}

/// Most readers want one page; a reader that goes on gets more at once.
const FIRST_CHUNK: u64 = 16 * 1024;
/// Three usual lines, and the longest headers.
const FEW: u64 = 4 * 1024;
const LAST_CHUNK: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::disk::{door::Door, simulated::Simulated};

    proptest! {
        #[test]
        fn lines_put_together_are_the_file(
            lines in prop::collection::vec("[^\n]{0,9}|x{60000,90000}", 0..6), tail in "[^\n]{0,5}"
        ) {
            let mut text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            text.push_str(&tail);
            let door = Simulated::new();
            let file = door.create(Path::new("f"), 0o600).unwrap();
            file.write_at(text.as_bytes(), 0).unwrap();
            let mut reader = Lines::new(&*file, 0, text.len() as u64);
            let mut found = String::new();
            while let Some((at, line, ended)) = reader.next().unwrap() {
                prop_assert_eq!(at, found.len() as u64);
                found.push_str(std::str::from_utf8(line).unwrap());
                if ended == Ended::Yes { found.push('\n'); }
            }
            prop_assert_eq!(found, text);
        }
    }
}
