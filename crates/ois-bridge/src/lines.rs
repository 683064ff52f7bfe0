//! A file of records, one JSON object a line, that survives a kill at any instant.
//!
//! What [`append`](Lines::append) has returned for is on disk. A line that was being written when
//! the process died is cut off at the next start; anything else that does not fit is an error, not
//! a loss. When the file has grown long, [`rewrite`](Lines::rewrite) puts a short one in its place
//! in one step.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    marker::PhantomData,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

/// A file of records of type `T`.
#[derive(Debug)]
pub(crate) struct Lines<T> {
    path: PathBuf,
    file: File,
    /// Where the last whole line ends.
    end: u64,
    count: usize,
    kind: PhantomData<fn(T)>,
}

impl<T: Serialize + DeserializeOwned> Lines<T> {
    /// Opens a file, or begins one, and reads what stands in it.
    pub(crate) fn open(path: PathBuf) -> io::Result<(Self, Vec<T>)> {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(false).open(&path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines = bytes[..end].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let records: Vec<T> = lines
            .enumerate()
            .map(|(at, line)| {
                serde_json::from_slice(line).map_err(|error| unreadable(&path, at + 1, &error))
            })
            .collect::<io::Result<_>>()?;
        if end < bytes.len() {
            tracing::warn!(file = %path.display(), "cutting off a line that was not finished");
            file.set_len(end as u64)?;
        }
        // The process that wrote the last line may have died before it was durable.
        file.sync_all()?;
        let count = records.len();
        Ok((Self { path, file, end: end as u64, count, kind: PhantomData }, records))
    }

    /// Writes records, durably.
    pub(crate) fn append(&mut self, records: &[T]) -> io::Result<()> {
        let bytes = encode(records)?;
        let written = self.write(&bytes);
        if written.is_err() {
            // What is half written would make the next line unreadable.
            self.file.set_len(self.end)?;
            return written;
        }
        self.end += bytes.len() as u64;
        self.count += records.len();
        Ok(())
    }

    /// How many records stand in the file.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Puts a file with these records in the place of this one.
    pub(crate) fn rewrite(&mut self, records: &[T]) -> io::Result<()> {
        let aside = self.path.with_extension("new");
        let bytes = encode(records)?;
        let mut file = File::create(&aside)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&aside, &self.path)?;
        sync_folder(&self.path)?;
        self.file = OpenOptions::new().read(true).write(true).open(&self.path)?;
        (self.end, self.count) = (bytes.len() as u64, records.len());
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }
}

fn encode<T: Serialize>(records: &[T]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for record in records {
        serde_json::to_writer(&mut bytes, record)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

fn unreadable(path: &Path, line: usize, error: &serde_json::Error) -> io::Error {
    let words = format!("line {line} of {} is not readable: {error}", path.display());
    io::Error::new(io::ErrorKind::InvalidData, words)
}

/// Makes a name in a folder durable. Windows does that with the file itself.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn read(path: &Path) -> Vec<u32> {
        Lines::open(path.to_owned()).unwrap().1
    }

    #[test]
    fn what_was_appended_is_there_again() {
        let folder = folder();
        let path = folder.path().join("x.jsonl");
        let (mut lines, before) = Lines::<u32>::open(path.clone()).unwrap();
        assert!(before.is_empty());
        lines.append(&[1, 2]).unwrap();
        lines.append(&[3]).unwrap();
        assert_eq!(read(&path), [1, 2, 3]);
    }

    #[test]
    fn a_file_cut_off_at_any_byte_opens_with_the_whole_lines_and_goes_on() {
        let folder = folder();
        let path = folder.path().join("x.jsonl");
        for length in 0..=9 {
            fs::write(&path, &b"10\n11\n12\n"[..length]).unwrap();
            let (mut lines, before) = Lines::<u32>::open(path.clone()).unwrap();
            assert_eq!(before.len(), length / 3, "{length}");
            lines.append(&[99]).unwrap();
            assert_eq!(read(&path).last(), Some(&99));
            assert_eq!(read(&path).len(), length / 3 + 1);
        }
    }

    #[test]
    fn damage_in_the_middle_is_named_and_not_passed_over() {
        let folder = folder();
        let path = folder.path().join("x.jsonl");
        fs::write(&path, "1\nx\n3\n").unwrap();
        let error = Lines::<u32>::open(path).unwrap_err().to_string();
        assert!(error.contains("line 2 of"), "{error}");
    }

    #[test]
    fn a_rewritten_file_holds_the_new_records_and_takes_more() {
        let folder = folder();
        let path = folder.path().join("x.jsonl");
        let (mut lines, _) = Lines::<u32>::open(path.clone()).unwrap();
        lines.append(&[1, 2, 3]).unwrap();
        lines.rewrite(&[3]).unwrap();
        lines.append(&[4]).unwrap();
        assert_eq!((read(&path), lines.count()), (vec![3, 4], 2));
    }
}
