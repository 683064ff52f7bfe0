//! Small values, each in a file of its own that is replaced as a whole.
//!
//! The first line is `1 VERSION`, the value follows as it is.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    Durability,
    door::{Door, read_whole, replace},
};
use crate::{RecordError, Versioned};

/// The records of one team.
pub(crate) struct DiskRecords {
    dir: PathBuf,
    door: Arc<dyn Door>,
    /// Held from reading a version until the next one is written.
    changing: Mutex<()>,
}

impl DiskRecords {
    /// The records in this directory.
    pub(crate) fn open(dir: PathBuf, door: Arc<dyn Door>) -> io::Result<Self> {
        door.make_dir(&dir)?;
        Ok(Self { dir, door, changing: Mutex::new(()) })
    }

    /// See [`crate::Records::record`].
    pub(crate) fn get(&self, key: &str) -> Result<Option<Versioned>, RecordError> {
        let path = self.path(key)?;
        let bytes = match read_whole(&*self.door, &path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(RecordError::Io(error)),
        };
        parse(&bytes).map(Some).ok_or_else(|| {
            let what = format!("record {key:?} is not what was written");
            RecordError::Io(io::Error::new(io::ErrorKind::InvalidData, what))
        })
    }

    /// See [`crate::Records::put_record`].
    pub(crate) fn put(
        &self,
        key: &str,
        value: &[u8],
        expected: Option<u64>,
    ) -> Result<u64, RecordError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.get(key)?.map(|found| found.version);
        if found != expected {
            return Err(RecordError::Changed);
        }
        let version = found.unwrap_or(0) + 1;
        let content = [format!("1 {version}\n").as_bytes(), value].concat();
        replace(&*self.door, &self.path(key)?, &content, Durability::Sync)
            .map_err(RecordError::from)?;
        Ok(version)
    }

    /// A name that is the key's alone, on any file system: what is not a lower-case letter or a
    /// digit is written as percent and hex.
    fn path(&self, key: &str) -> Result<PathBuf, RecordError> {
        use std::fmt::Write;
        let mut name = String::from("r-");
        for byte in key.bytes() {
            if matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_') {
                name.push(char::from(byte));
            } else {
                write!(name, "%{byte:02x}").expect("a String takes all");
            }
        }
        if name.len() > LONGEST {
            return Err(RecordError::Io(io::ErrorKind::InvalidFilename.into()));
        }
        Ok(self.dir.join(name))
    }
}

fn parse(bytes: &[u8]) -> Option<Versioned> {
    let end = memchr::memchr(b'\n', bytes)?;
    let version = std::str::from_utf8(&bytes[..end]).ok()?.strip_prefix("1 ")?.parse().ok()?;
    Some(Versioned { value: bytes[end + 1..].to_vec(), version })
}

/// File systems take 255 bytes, and `.new` comes behind while it is written.
const LONGEST: usize = 250;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::disk::simulated::{Simulated, Step};

    fn records(door: &Simulated) -> DiskRecords {
        DiskRecords::open(PathBuf::from("/records"), Arc::new(door.clone())).unwrap()
    }

    #[test]
    fn keys_become_names_that_no_file_system_confuses() {
        let records = records(&Simulated::new());
        let mut names: Vec<PathBuf> =
            ["a", "A", "a/b", "../a", "é", "", "."].map(|key| records.path(key).unwrap()).into();
        assert!(names.iter().all(|name| name.parent() == Some(Path::new("/records"))));
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 7);
        assert!(records.path(&"x".repeat(300)).is_err());
    }

    #[test]
    fn a_power_cut_leaves_the_old_value_or_the_new_one() {
        for step in 0..8 {
            let door = Simulated::new();
            records(&door).put("k", b"old", None).unwrap();
            door.cut_at(step);
            let put = records(&door).put("k", b"new", Some(1));
            for luck in 0..24 {
                let mut at = luck;
                let found = records(&door.after_power_cut(|n| {
                    at += 7;
                    at % n
                }))
                .get("k")
                .unwrap()
                .unwrap();
                match put {
                    Ok(_) => assert_eq!(found.value, b"new"),
                    Err(_) => assert!(found.value == b"old" || found.value == b"new"),
                }
            }
        }
    }

    #[test]
    fn a_full_disk_leaves_the_old_value() {
        let door = Simulated::new();
        let records = records(&door);
        records.put("k", b"old", None).unwrap();
        door.fail(|step| (step == Step::Write).then(|| io::ErrorKind::StorageFull.into()));
        assert!(matches!(records.put("k", b"new", Some(1)), Err(RecordError::Full)));
        door.mend();
        assert_eq!(records.get("k").unwrap().unwrap().value, b"old");
        assert_eq!(records.put("k", b"new", Some(1)).unwrap(), 2);
    }
}
