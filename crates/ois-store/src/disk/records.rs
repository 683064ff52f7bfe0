//! Small values, each in a file of its own that is replaced as a whole.
//!
//! The first line is `2 VERSION DIGEST`, the value follows as it is; DIGEST is of both. An older
//! server has written `1 VERSION`. The value before stands beside it (`.before`) and is taken if the
//! file is damaged or missing: a damaged byte sets a value back by one change.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    Durability,
    chain::Hash,
    door::{Door, read_whole, replace},
    segment::name_of,
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
        let now = self.read(&path)?;
        if let Read::Whole(found) = now {
            return Ok(Some(found));
        }
        match (self.read(&before(&path))?, now) {
            (Read::Whole(found), Read::Damaged) => {
                tracing::error!(record = key, "a record is damaged; taking the version before it");
                Ok(Some(found))
            }
            (Read::Whole(found), _) => {
                tracing::error!(record = key, "a record is missing; taking the version before it");
                Ok(Some(found))
            }
            (Read::Missing, Read::Missing) => Ok(None),
            _ => {
                let name = name_of(&path);
                let what = format!(
                    "record {key:?} is damaged, and there is no whole version before it; put .ois/records/{name} back from a backup, or remove it to begin without"
                );
                Err(RecordError::Io(io::Error::new(io::ErrorKind::InvalidData, what)))
            }
        }
    }

    fn read(&self, path: &Path) -> Result<Read, RecordError> {
        match read_whole(&*self.door, path) {
            Ok(bytes) => Ok(parse(&bytes).map_or(Read::Damaged, Read::Whole)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Read::Missing),
            Err(error) => Err(RecordError::Io(error)),
        }
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
        let header = format!("2 {version} {}\n", digest(version, value));
        let content = [header.as_bytes(), value].concat();
        let path = self.path(key)?;
        self.keep_before(&path)?;
        replace(&*self.door, &path, &content, Durability::Sync).map_err(RecordError::from)?;
        Ok(version)
    }

    /// Keeps a whole value as the one before; a damaged one does not take its place.
    fn keep_before(&self, path: &Path) -> Result<(), RecordError> {
        let Ok(bytes) = read_whole(&*self.door, path) else { return Ok(()) };
        if parse(&bytes).is_some() {
            replace(&*self.door, &before(path), &bytes, Durability::Os)?;
        }
        Ok(())
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

/// What stands in a record's file.
enum Read {
    Missing,
    Damaged,
    Whole(Versioned),
}

fn parse(bytes: &[u8]) -> Option<Versioned> {
    let end = memchr::memchr(b'\n', bytes)?;
    let value = &bytes[end + 1..];
    let words: Vec<&str> = std::str::from_utf8(&bytes[..end]).ok()?.split(' ').collect();
    let version = match words[..] {
        ["1", version] => version,
        ["2", version, _] => version,
        _ => return None,
    };
    let version = version.parse().ok()?;
    let is_whole = words.get(2).is_none_or(|hex| digest(version, value).is(hex.as_bytes()));
    is_whole.then(|| Versioned { value: value.to_vec(), version })
}

/// The hash of a value and its version.
fn digest(version: u64, value: &[u8]) -> Hash {
    Hash::of(&[format!("{version}\n").as_bytes(), value].concat())
}

/// Where the value before the one in this file is kept.
fn before(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".before");
    name.into()
}

/// File systems take 255 bytes, and `.before.new` comes behind while the old value is kept.
const LONGEST: usize = 244;

#[cfg(test)]
mod tests {
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
    fn a_damaged_byte_sets_a_value_back_by_one_change_and_is_never_believed() {
        let door = Simulated::new();
        let records = records(&door);
        records.put("k", b"one", None).unwrap();
        records.put("k", b"two", Some(1)).unwrap();
        let path = records.path("k").unwrap();
        let whole = door.bytes(&path);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            door.overwrite(&path, bytes);
            let found = records.get("k").unwrap().unwrap();
            assert_eq!((&found.value[..], found.version), (&b"one"[..], 1), "{at}");
        }
        door.overwrite(&path, b"no record".to_vec());
        let version = records.get("k").unwrap().unwrap().version;
        records.put("k", b"three", Some(version)).unwrap();
        assert_eq!(records.get("k").unwrap().unwrap().value, b"three");
    }

    #[test]
    fn without_a_whole_version_the_remedy_is_named() {
        let door = Simulated::new();
        let records = records(&door);
        records.put("k", b"one", None).unwrap();
        door.overwrite(&records.path("k").unwrap(), b"no record".to_vec());
        let Err(RecordError::Io(error)) = records.get("k") else { panic!("it was believed") };
        assert!(error.to_string().contains(".ois/records/r-k back from a backup"), "{error}");
    }

    #[test]
    fn what_an_older_server_has_kept_is_read() {
        let door = Simulated::new();
        let records = records(&door);
        records.put("k", b"x", None).unwrap();
        door.overwrite(&records.path("k").unwrap(), b"1 7\n{}".to_vec());
        let found = records.get("k").unwrap().unwrap();
        assert_eq!((&found.value[..], found.version), (&b"{}"[..], 7));
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
