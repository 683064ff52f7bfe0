//! A disk for tests: it forgets what was not synced, and fails where it is told to.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use super::door::{Door, DoorFile};

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Default)]
pub(crate) struct Simulated(Arc<Mutex<Disk>>);

/// One call that changes something, and how the disk answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Bytes are written.
    Write,
    /// A file is cut off.
    Truncate,
    /// A file or a directory is synced.
    Sync,
    /// A name is made, changed or removed.
    Name,
}

#[derive(Default)]
struct Disk {
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    files: Vec<Content>,
    steps: u64,
    cut_at: Option<u64>,
    off: bool,
    unplugged: bool,
    no_names_with: Option<&'static str>,
    reads: u64,
    fault: Option<fn(Step) -> Option<io::Error>>,
    trace: Vec<Step>,
}

#[derive(Clone, Default)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
}

impl Simulated {
    /// An empty disk.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Cuts the power at the step of this number: it happens by half, and nothing after it.
    pub(crate) fn cut_at(&self, step: u64) {
        let mut disk = self.disk();
        disk.cut_at = Some(step);
        disk.steps = 0;
    }

    /// From now on, steps for which this answers with an error fail with it.
    pub(crate) fn fail(&self, fault: fn(Step) -> Option<io::Error>) {
        self.disk().fault = Some(fault);
    }

    /// From now on no file is made whose name holds this.
    pub(crate) fn refuse_names_with(&self, part: &'static str) {
        self.disk().no_names_with = Some(part);
    }

    /// From now on nothing fails.
    pub(crate) fn mend(&self) {
        let mut disk = self.disk();
        (disk.fault, disk.no_names_with) = (None, None);
    }

    /// From now on no file can be opened.
    pub(crate) fn unplug(&self) {
        self.disk().unplugged = true;
    }

    /// How many bytes were read so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.disk().reads
    }

    /// Whether the power has been cut.
    pub(crate) fn is_off(&self) -> bool {
        self.disk().off
    }

    /// All that was done since the last call, in order.
    pub(crate) fn trace(&self) -> Vec<Step> {
        std::mem::take(&mut self.disk().trace)
    }

    /// The disk after the power came back: what was synced, and of the rest as much as `luck` says.
    pub(crate) fn after_power_cut(&self, mut luck: impl FnMut(usize) -> usize) -> Self {
        let disk = self.disk();
        let mut next = Disk { names: disk.durable_names.clone(), ..Disk::default() };
        for (path, file) in &disk.names {
            if luck(2) == 1 {
                next.names.insert(path.clone(), *file);
            }
        }
        next.files = disk.files.iter().map(|content| content.survived(&mut luck)).collect();
        next.durable_names = next.names.clone();
        Self(Arc::new(Mutex::new(next)))
    }

    /// A file's bytes.
    pub(crate) fn bytes(&self, path: &Path) -> Vec<u8> {
        let disk = self.disk();
        disk.files[disk.names[path]].now.clone()
    }

    /// Gives a file other bytes, behind the engine's back.
    pub(crate) fn overwrite(&self, path: &Path, bytes: Vec<u8>) {
        let mut disk = self.disk();
        let file = disk.names[path];
        disk.files[file] = Content { now: bytes.clone(), durable: bytes };
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap()
    }

    fn add(&self, path: &Path) -> io::Result<Arc<dyn DoorFile>> {
        let mut disk = self.disk();
        if disk.no_names_with.is_some_and(|part| path.to_string_lossy().contains(part)) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        disk.step(Step::Name)?;
        let file = disk.files.len();
        disk.files.push(Content::default());
        disk.names.insert(path.to_owned(), file);
        Ok(Arc::new(SimulatedFile { disk: self.clone(), file }))
    }

    fn file(&self, path: &Path) -> io::Result<Arc<dyn DoorFile>> {
        let disk = self.disk();
        if disk.unplugged {
            return Err(io::Error::other("the disk is not there"));
        }
        let file = *disk.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(SimulatedFile { disk: self.clone(), file }))
    }
}

impl Disk {
    fn step(&mut self, step: Step) -> io::Result<()> {
        if let Some(error) = self.fault.and_then(|fault| fault(step)) {
            return Err(error);
        }
        if self.cut_at.is_some_and(|cut| self.steps >= cut) {
            self.off = true;
            return Err(io::Error::other("the power is off"));
        }
        self.steps += 1;
        self.trace.push(step);
        Ok(())
    }
}

impl Content {
    /// Any prefix of what was not synced may have reached the disk, and zeros after it.
    fn survived(&self, luck: &mut impl FnMut(usize) -> usize) -> Self {
        let same = self.now.iter().zip(&self.durable).take_while(|(a, b)| a == b).count();
        let mut bytes = match luck(3) {
            0 => self.durable.clone(),
            1 => self.now.clone(),
            _ => self.now[..same + luck(self.now.len() - same + 1)].to_vec(),
        };
        if self.now != self.durable && luck(4) == 0 {
            bytes.resize(bytes.len() + luck(600), 0);
        }
        Self { now: bytes.clone(), durable: bytes }
    }
}

impl Door for Simulated {
    fn create(&self, path: &Path, _mode: u32) -> io::Result<Arc<dyn DoorFile>> {
        if self.disk().names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.add(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DoorFile>> {
        self.file(path)
    }

    fn read(&self, path: &Path) -> io::Result<Arc<dyn DoorFile>> {
        self.file(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        disk.step(Step::Name)?;
        let file = disk.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        disk.names.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        if !disk.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        disk.step(Step::Name)?;
        disk.names.remove(path);
        Ok(())
    }

    fn make_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        let disk = self.disk();
        let here = disk.names.keys().filter(|name| name.parent() == Some(path));
        Ok(here.map(|name| super::segment::name_of(name)).collect())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        disk.step(Step::Sync)?;
        disk.durable_names.retain(|name, _| name.parent() != Some(path));
        let names = disk.names.clone();
        let here = names.into_iter().filter(|(name, _)| name.parent() == Some(path));
        disk.durable_names.extend(here);
        Ok(())
    }
}

struct SimulatedFile {
    disk: Simulated,
    file: usize,
}

impl DoorFile for SimulatedFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut disk = self.disk.disk();
        let was_off = disk.off;
        let result = disk.step(Step::Write);
        if was_off {
            return result;
        }
        // A write that fails, or during which the power goes, has happened by half.
        let part = if result.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        let content = &mut disk.files[self.file].now;
        let end = offset as usize + part.len();
        content.resize(content.len().max(end), 0);
        content[offset as usize..end].copy_from_slice(part);
        result
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut disk = self.disk.disk();
        let rest = disk.files[self.file].now.get(offset as usize..).unwrap_or_default();
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        disk.reads += length as u64;
        Ok(length)
    }

    fn sync(&self) -> io::Result<()> {
        let mut disk = self.disk.disk();
        disk.step(Step::Sync)?;
        let content = &mut disk.files[self.file];
        content.durable = content.now.clone();
        Ok(())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let mut disk = self.disk.disk();
        disk.step(Step::Truncate)?;
        disk.files[self.file].now.truncate(length as usize);
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.disk().files[self.file].now.len() as u64)
    }

    fn identity(&self) -> io::Result<u64> {
        Ok(self.file as u64)
    }
}
