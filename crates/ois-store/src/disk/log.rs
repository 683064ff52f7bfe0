//! The team's log: one writer, any number of readers.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use ois_protocol::{EventId, Message, NewEvent, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    Durability,
    chain::Key,
    door::Door,
    home::{Home, Seed, disk},
    manifest::{Manifest, Stored},
    nonces::{Indexing, Nonces},
    recover::{Known, LOG, Mode, list, recover, team_of},
    view::View,
    writer::{Start, Writer},
};
use crate::{AppendError, Appended, ImportError, OpenError, ReadError, Verified};

/// How a log is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogConfig {
    /// What an append waits for.
    pub(crate) durability: Durability,
    /// The length in bytes from which on a segment is followed by another one.
    pub(crate) segment_bytes: u64,
    /// Whether the log goes on without what is damaged where it goes on, rather than being refused.
    pub(crate) repair: bool,
    /// How long nonces are looked up after their records, usually, in milliseconds.
    pub(crate) nonce_window_ms: u64,
    /// Where indexes of nonces are written.
    pub(crate) indexing: Indexing,
}

/// The log of one team.
pub(crate) struct DiskLog {
    door: Arc<dyn Door>,
    home: PathBuf,
    team: String,
    view: Arc<View>,
    nonces: Arc<Nonces>,
    head: watch::Receiver<EventId>,
    appender: Appender,
}

enum Appender {
    /// Within the call ([`Durability::Os`]); none once it is closed.
    Inline(Mutex<Option<Box<Writer>>>),
    /// On a thread of its own ([`Durability::Sync`]).
    Thread { jobs: Option<mpsc::Sender<Job>>, thread: Option<JoinHandle<()>> },
}

enum Job {
    Append(Vec<NewEvent>, Timestamp, EventId, oneshot::Sender<Result<Appended, AppendError>>),
    Import(Vec<Message>, oneshot::Sender<Result<(), ImportError>>),
    Close(oneshot::Sender<std::io::Result<()>>),
}

impl DiskLog {
    /// Opens the log in `.ois`, or begins one.
    pub(crate) fn open(
        door: Arc<dyn Door>,
        home_dir: &Path,
        config: LogConfig,
        seed: &Seed,
        now: Timestamp,
    ) -> Result<Self, OpenError> {
        let dir = home_dir.join(LOG);
        door.make_dir(&dir).map_err(|error| disk(LOG, error))?;
        door.sync_dir(home_dir).map_err(|error| disk("", error))?;
        let mode = if config.repair { Mode::Repair(now) } else { Mode::Refuse };
        let paths = list(&*door, &dir, mode)?;
        let team = |key: &Key| team_of(&*door, &paths, key);
        let mut home = Home::open(&*door, home_dir, !paths.is_empty(), team, Some(seed))?;
        let manifest = Manifest::load(&*door, &dir, &home.key);
        let manifest = manifest.map_err(|error| disk(LOG, error))?;
        if manifest == Stored::Damaged {
            tracing::warn!("the list of the log's segments is damaged; making it again");
        }
        let manifest = manifest.into_manifest();
        let known = Known {
            team: &home.team,
            key: &home.key,
            manifest: manifest.as_ref(),
            was_stopped: Home::was_stopped(&*door, home_dir),
        };
        let found = recover(&*door, paths, &known, mode)?;
        door.sync_dir(&dir).map_err(|error| disk(LOG, error))?;
        if manifest.as_ref() != Some(&found.manifest) {
            found.manifest.keep(&*door, &dir, &home.team, &home.key);
        }
        home.begin(&*door, home_dir, config.durability, found.lost, now)
            .map_err(|error| disk("state", error))?;
        let nonces = Arc::new(Nonces::open(
            Arc::clone(&door),
            home.key.for_nonces(),
            config.indexing,
            config.nonce_window_ms,
            &found.segments,
            found.nonces,
            now,
        ));
        let segments: Vec<_> = found.segments.into_iter().map(|(segment, _)| segment).collect();
        let segment = segments.last().filter(|last| found.is_open && !last.header.imported);
        let segment = segment.cloned();
        let head = found.last.id;
        let view = Arc::new(View::new(Arc::clone(&door), home.key.clone(), segments, head));
        view.find_oldest().map_err(|error| OpenError::Io {
            what: "the first event of the log".to_owned(),
            source: std::io::Error::other(error),
        })?;
        let (head_sender, head) = watch::channel(found.last.id);
        let Home { team, key, floor } = home;
        let start = Start {
            dir,
            team: team.clone(),
            key: key.clone(),
            durability: config.durability,
            segment_bytes: config.segment_bytes,
            last: found.last,
            segment,
            floor: floor.max(found.floor),
            manifest: found.manifest,
        };
        let (of_writer, indexed) = (Arc::clone(&view), Arc::clone(&nonces));
        let writer = Writer::new(Arc::clone(&door), of_writer, indexed, head_sender, start)
            .map_err(|error| disk(LOG, error))?;
        let appender =
            Appender::new(writer, config.durability).map_err(|error| disk(LOG, error))?;
        let home = home_dir.to_owned();
        Ok(Self { door, home, team, view, nonces, head, appender })
    }

    /// Looks at the log in `.ois` without writing anything, while no server has it. Answers with the
    /// team's id and what was found.
    pub(crate) fn inspect(
        door: Arc<dyn Door>,
        home_dir: &Path,
    ) -> Result<(String, Verified), OpenError> {
        let dir = home_dir.join(LOG);
        let paths = list(&*door, &dir, Mode::Inspect)?;
        let team = |key: &Key| team_of(&*door, &paths, key);
        let home = Home::open(&*door, home_dir, !paths.is_empty(), team, None)?;
        let manifest = Manifest::load(&*door, &dir, &home.key);
        let manifest = manifest.map_err(|error| disk(LOG, error))?.into_manifest();
        let known = Known {
            team: &home.team,
            key: &home.key,
            manifest: manifest.as_ref(),
            was_stopped: Home::was_stopped(&*door, home_dir),
        };
        let found = recover(&*door, paths, &known, Mode::Inspect)?;
        let segments = found.segments.into_iter().map(|(segment, _)| segment).collect();
        let view = View::new(door, home.key, segments, found.last.id);
        let mut verified = view.verify(&dir).map_err(|error| OpenError::Io {
            what: "the log".to_owned(),
            source: std::io::Error::other(error),
        })?;
        verified.damage.extend(found.foreign);
        Ok((home.team, verified))
    }

    /// Walks over the whole log and checks it; see [`View::verify`].
    pub(crate) fn verify(&self) -> Result<Verified, ReadError> {
        self.view.verify(&self.home.join(LOG))
    }

    /// The team's id.
    pub(crate) fn team(&self) -> &str {
        &self.team
    }

    /// Everything that was appended.
    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    /// The nonces of everything that was appended.
    pub(crate) fn nonces(&self) -> &Nonces {
        &self.nonces
    }

    /// The last event's id, as it moves.
    pub(crate) fn head(&self) -> watch::Receiver<EventId> {
        self.head.clone()
    }

    /// Appends a batch as a whole, if the log still ends at `after`. A future that is dropped half
    /// way may leave the batch appended.
    pub(crate) async fn append(
        &self,
        events: Vec<NewEvent>,
        now: Timestamp,
        after: EventId,
    ) -> Result<Appended, AppendError> {
        match &self.appender {
            Appender::Inline(writer) => {
                let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                writer.as_mut().ok_or(AppendError::Closed)?.append(events, now, after)
            }
            Appender::Thread { jobs, .. } => {
                let (answer, answered) = oneshot::channel();
                let job = Job::Append(events, now, after, answer);
                let jobs = jobs.as_ref().ok_or(AppendError::Closed)?;
                jobs.send(job).await.map_err(|_| AppendError::Closed)?;
                answered.await.map_err(|_| AppendError::Closed)?
            }
        }
    }

    /// Makes these messages the beginning of an empty log.
    pub(crate) async fn import(&self, messages: Vec<Message>) -> Result<(), ImportError> {
        let closed = || {
            let source = std::io::Error::other(AppendError::Closed);
            ImportError::Io { what: "into the log".to_owned(), source }
        };
        match &self.appender {
            Appender::Inline(writer) => {
                let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                writer.as_mut().ok_or_else(closed)?.import(messages)
            }
            Appender::Thread { jobs, .. } => {
                let (answer, answered) = oneshot::channel();
                let jobs = jobs.as_ref().ok_or_else(closed)?;
                jobs.send(Job::Import(messages, answer)).await.map_err(|_| closed())?;
                answered.await.map_err(|_| closed())?
            }
        }
    }

    /// Makes everything durable, notes a clean stop and takes no more.
    pub(crate) async fn close(&self) -> std::io::Result<()> {
        match &self.appender {
            Appender::Inline(writer) => {
                let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(writer) = writer.as_mut() {
                    writer.close()?;
                }
                *writer = None;
            }
            Appender::Thread { jobs, .. } => {
                let (answer, answered) = oneshot::channel();
                if let Some(jobs) = jobs {
                    // A second call finds the thread gone, and everything durable.
                    if jobs.send(Job::Close(answer)).await.is_ok() {
                        answered.await.unwrap_or(Ok(()))?;
                    }
                }
            }
        }
        Home::end(&*self.door, &self.home)
    }
}

impl Appender {
    fn new(writer: Writer, durability: Durability) -> std::io::Result<Self> {
        if durability == Durability::Os {
            return Ok(Self::Inline(Mutex::new(Some(Box::new(writer)))));
        }
        // While it is full, callers that append wait.
        let (jobs, queue) = mpsc::channel(16);
        let named = std::thread::Builder::new().name("ois-log".to_owned());
        let thread = named.spawn(move || work(writer, queue))?;
        Ok(Self::Thread { jobs: Some(jobs), thread: Some(thread) })
    }
}

impl Drop for Appender {
    /// Waits until the thread has let go of the files: the lock on the root ends after this.
    fn drop(&mut self) {
        if let Self::Thread { jobs, thread } = self {
            drop(jobs.take());
            if thread.take().is_some_and(|thread| thread.join().is_err()) {
                tracing::error!("the log's writer has panicked");
            }
        }
    }
}

fn work(mut writer: Writer, mut queue: mpsc::Receiver<Job>) {
    while let Some(job) = queue.blocking_recv() {
        if let Job::Close(answer) = job {
            queue.close();
            while let Ok(waiting) = queue.try_recv() {
                one(&mut writer, waiting);
            }
            drop(answer.send(writer.close()));
            return;
        }
        one(&mut writer, job);
    }
}

/// Does one job. A caller that has gone away without waiting learns of it by reading the log.
fn one(writer: &mut Writer, job: Job) {
    match job {
        Job::Append(events, now, after, answer) => {
            drop(answer.send(writer.append(events, now, after)));
        }
        Job::Import(messages, answer) => drop(answer.send(writer.import(messages))),
        Job::Close(answer) => drop(answer.send(writer.close())),
    }
}
