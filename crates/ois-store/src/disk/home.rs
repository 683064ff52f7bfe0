//! What stands in `.ois` beside the log: the team's id, the key of the chain, and how the last
//! server ended.

use std::{io, path::Path};

use ois_protocol::{EventId, Timestamp};

use super::{
    Durability,
    chain::Key,
    door::{Door, read_whole, replace},
};
use crate::OpenError;

/// Random bytes for a team that begins.
pub(crate) struct Seed {
    /// The bytes of the chain's key.
    pub(crate) key: [u8; 32],
    /// The bytes of the team's id.
    pub(crate) team: [u8; 4],
}

/// What is known about the team before its log is read.
pub(crate) struct Home {
    /// The team's id, 8 hex digits.
    pub(crate) team: String,
    /// The key of the chain.
    pub(crate) key: Key,
    /// No id below this one is given.
    pub(crate) floor: EventId,
}

impl Home {
    /// Reads it, or begins it if there is no log yet. `log_team` finds the team whose log stands
    /// here, with the key.
    pub(crate) fn open(
        door: &dyn Door,
        dir: &Path,
        has_log: bool,
        log_team: impl FnOnce(&Key) -> Result<Option<String>, OpenError>,
        seed: Option<&Seed>,
    ) -> Result<Self, OpenError> {
        let key = match (read_whole(door, &dir.join(KEY)), seed) {
            (Ok(bytes), _) => Key::new(bytes.try_into().map_err(|_| {
                disk(
                    KEY,
                    io::Error::new(io::ErrorKind::InvalidData, "the key is not 32 bytes long"),
                )
            })?),
            (Err(error), Some(seed)) if error.kind() == io::ErrorKind::NotFound && !has_log => {
                let made = replace(door, &dir.join(KEY), &seed.key, Durability::Sync);
                made.map_err(|error| disk(KEY, error))?;
                Key::new(seed.key)
            }
            // Without the key it cannot be told whether the log is what was written.
            (Err(error), _) => return Err(disk(KEY, error)),
        };
        let team = match (log_team(&key)?, read_whole(door, &dir.join(TEAM)), seed) {
            (Some(team), _, _) => team,
            (None, Ok(bytes), _) => String::from_utf8_lossy(&bytes).trim().to_owned(),
            (None, Err(error), Some(seed)) if error.kind() == io::ErrorKind::NotFound => {
                let team: String = seed.team.iter().map(|byte| format!("{byte:02x}")).collect();
                let made = replace(door, &dir.join(TEAM), team.as_bytes(), Durability::Sync);
                made.map_err(|error| disk(TEAM, error))?;
                team
            }
            (None, Err(error), _) => return Err(disk(TEAM, error)),
        };
        Ok(Self { team, key, floor: EventId::ZERO })
    }

    /// Whether the last server stopped by itself, with everything on the disk.
    pub(crate) fn was_stopped(door: &dyn Door, dir: &Path) -> bool {
        let text = read_whole(door, &dir.join(STATE)).unwrap_or_default();
        RunState::parse(&String::from_utf8_lossy(&text)).is_some_and(|state| !state.running)
    }

    /// Notes that a server runs from now on, and raises the floor if ids may have been shown that
    /// the log has lost: the last one did not stop by itself and trusted the page cache, or this is
    /// a copy put in its place, or `lost` says so.
    pub(crate) fn begin(
        &mut self,
        door: &dyn Door,
        dir: &Path,
        durability: Durability,
        lost: Lost,
        now: Timestamp,
    ) -> io::Result<()> {
        let identity = door.read(&dir.join(KEY))?.identity()?;
        let before = match read_whole(door, &dir.join(STATE)) {
            Ok(bytes) => RunState::parse(&String::from_utf8_lossy(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let doubtful = match before {
            None => true,
            Some(before) => {
                let trusted = !before.running || before.durability == Durability::Sync;
                !trusted || before.identity != identity
            }
        };
        let floor = before.map_or(EventId::ZERO, |before| before.floor);
        let raised = doubtful || lost == Lost::Perhaps;
        self.floor = if raised { floor.max(EventId::from(now)) } else { floor };
        RunState { running: true, durability, identity, floor: self.floor }.write(door, dir)
    }

    /// Notes that the server has stopped by itself and everything is on the disk.
    pub(crate) fn end(door: &dyn Door, dir: &Path) -> io::Result<()> {
        let text = read_whole(door, &dir.join(STATE))?;
        let state = RunState::parse(&String::from_utf8_lossy(&text));
        let state = state.ok_or(io::ErrorKind::InvalidData)?;
        RunState { running: false, ..state }.write(door, dir)
    }
}

/// Whether events may be gone that somebody has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// No such event is gone.
    Nothing,
    /// A torn end was cut off, of which nobody has seen anything.
    Torn,
    /// Such events may be gone.
    Perhaps,
}

/// How a server left, or that it runs: `1 running sync 4711 1771200000000`.
#[derive(Clone, Copy)]
struct RunState {
    running: bool,
    durability: Durability,
    /// The identity of the key's file: a copy of the directory has another one.
    identity: u64,
    floor: EventId,
}

impl RunState {
    fn write(self, door: &dyn Door, dir: &Path) -> io::Result<()> {
        let Self { running, durability, identity, floor } = self;
        let running = if running { RUNNING } else { STOPPED };
        let durability = if durability == Durability::Sync { SYNC } else { OS };
        let line = format!("1 {running} {durability} {identity} {floor}\n");
        replace(door, &dir.join(STATE), line.as_bytes(), Durability::Sync).map(drop)
    }

    fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let ["1", running, durability, identity, floor] = words[..] else { return None };
        let running = match running {
            RUNNING => true,
            STOPPED => false,
            _ => return None,
        };
        let durability = match durability {
            SYNC => Durability::Sync,
            OS => Durability::Os,
            _ => return None,
        };
        let (identity, floor) = (identity.parse().ok()?, floor.parse().ok()?);
        Some(Self { running, durability, identity, floor })
    }
}

/// A file of `.ois` that could not be opened.
pub(crate) fn disk(name: &str, source: io::Error) -> OpenError {
    OpenError::Io { what: format!(".ois/{name}"), source }
}

const KEY: &str = "key";
const TEAM: &str = "team";
const STATE: &str = "state";
const RUNNING: &str = "running";
const STOPPED: &str = "stopped";
const SYNC: &str = "sync";
const OS: &str = "os";
