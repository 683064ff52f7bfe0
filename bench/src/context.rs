//! The state that every scenario is given.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::stdio::stderr;

use crate::load::Swarm;
use crate::options::{Extent, Options};
use crate::peer::{Durability, Fetched, Peer};

/// Raises the limit of open files to what four rooms of 5,000 members take, or to what the system
/// allows.
fn raise_limit_of_files() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let enough = limit.maximum.map(|maximum| maximum.max(FILES));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: enough, maximum: enough });
    raised.or_else(|_| setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }))?;
    // The table is laid out before there are threads: later, each doubling of the kernel's table of
    // open files would make the generator wait for some milliseconds.
    let last = getrlimit(Resource::Nofile).current.unwrap_or(FILES).min(FILES) - 1;
    drop(fcntl_dupfd_cloexec(stderr(), i32::try_from(last)?)?);
    Ok(())
}

const FILES: u64 = 32 << 10;
/// The number of files that are open beside the members' connections.
const SPARE_FILES: u64 = 200;

/// One run of the benchmark.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) options: Options,
    pub(crate) fetched: Fetched,
    /// The folder in which servers keep what they store.
    pub(crate) roots: PathBuf,
    /// How many processes wanted a core in the minute before, that is, what else the machine had to
    /// do.
    pub(crate) load_before: String,
    begin: Instant,
}

impl Bench {
    /// Raises the limit of open files, creates the folders and fetches the peers.
    ///
    /// # Errors
    /// Fails when the folders cannot be made.
    pub(crate) fn prepare(options: Options) -> Result<Self> {
        raise_limit_of_files()?;
        let own = workspace().join("target/bench");
        let roots = options.root.clone().unwrap_or_else(|| own.clone());
        for dir in [&own, &roots] {
            fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        }
        let fetched = match (options.peers, options.extent) {
            (true, Extent::Whole | Extent::Quick) => Fetched::fetch(&own),
            _ => Fetched::default(),
        };
        let load = fs::read_to_string("/proc/loadavg").context("cannot read /proc/loadavg")?;
        let load_before = load.split_whitespace().next().unwrap_or_default().to_owned();
        let bench = Self { options, fetched, roots, load_before, begin: Instant::now() };
        for sentence in &bench.fetched.missing {
            bench.say(sentence);
        }
        Ok(bench)
    }

    /// Reports the progress on standard error.
    pub(crate) fn say(&self, words: &str) {
        eprintln!("{:6.1} s  {words}", self.begin.elapsed().as_secs_f64());
    }

    /// Returns the value for the extent of this run.
    pub(crate) fn sized<T>(&self, whole: T, quick: T, smoke: T) -> T {
        match self.options.extent {
            Extent::Whole => whole,
            Extent::Quick => quick,
            Extent::Smoke => smoke,
        }
    }

    /// Returns those of these rooms that can stand at once with this many members. If the system
    /// allows too few open files, the broadcast peer is left out, with a message.
    pub(crate) fn side_by_side(&self, rooms: &[Peer], members: usize) -> Vec<Peer> {
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        if (rooms.len() * members) as u64 + SPARE_FILES <= files {
            return rooms.to_vec();
        }
        self.say(&format!(
            "{files} open files are too few for the broadcast with {members} members"
        ));
        rooms.iter().filter(|room| **room != Peer::Tungstenite).copied().collect()
    }

    /// Returns how long a room is measured before it is another room's turn, without its warm-up.
    pub(crate) fn turn(&self) -> Duration {
        Duration::from_millis(self.sized(300, 200, 100))
    }

    /// Returns how long one measurement of a throughput takes, without its warm-up.
    pub(crate) fn span(&self) -> Duration {
        Duration::from_millis(self.sized(1500, 700, 100))
    }

    /// Returns OIS with this durability, and the peers that can be compared with it.
    pub(crate) fn rooms(&self, durability: Durability) -> Vec<Peer> {
        let mut rooms = vec![Peer::Ois(durability)];
        if self.fetched.bun.is_some() {
            rooms.push(Peer::Bun);
        }
        rooms.extend([Peer::Tungstenite, Peer::Bare]);
        rooms
    }

    /// Creates a swarm without connections. In a smoke run it checks the ids of peers that have
    /// ids.
    ///
    /// # Errors
    /// Fails when the system gives no epoll.
    pub(crate) fn swarm(&self, peer: Peer) -> Result<Swarm> {
        let mut swarm = Swarm::new()?;
        if self.options.extent == Extent::Smoke && peer != Peer::Bare {
            swarm.check();
        }
        Ok(swarm)
    }
}

/// Returns the root folder of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}
