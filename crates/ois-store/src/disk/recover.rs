//! Opens the segments, oldest first, and finds the last record that can be believed.
//!
//! Only the last segment is read from end to end; of the others the header, the last line and that
//! the chain goes on from file to file. A torn end is cut off. Anything else that does not fit is
//! named, or, if the operator says so, put aside with all that follows it.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ois_protocol::{EventId, Timestamp};

use super::{
    Durability,
    chain::Key,
    door::{ASIDE, Door, fill, read_whole, remove_if_there, replace},
    home::{Lost, disk},
    line::Line,
    lines::{Ended, Lines},
    nonces::{Collector, remove_strays},
    scan::{Place, Rest, Scan, tail},
    segment::{FORMAT, Header, NoHeader, Segment, name_of},
};
use crate::OpenError;

/// The log as it was found.
pub(crate) struct Found {
    /// The segments, oldest first, each with its last record.
    pub(crate) segments: Vec<(Arc<Segment>, Place)>,
    /// The last record of the log.
    pub(crate) last: Place,
    /// The nonces of the last segment: their hashes, and the offsets of their records.
    pub(crate) nonces: Vec<(u64, u64)>,
    /// Whether events may have been put aside that somebody has seen.
    pub(crate) lost: Lost,
}

/// What does not fit.
#[derive(Debug)]
struct Problem {
    /// The place in the list of the segment that it is in.
    at: usize,
    /// The offset from which on the segment does not fit; 0 for the whole segment.
    from: u64,
    /// The last event before it.
    after: EventId,
    /// What does not fit, in words.
    what: &'static str,
}

/// The files of the log, by their first ids, and the team whose log it is.
pub(crate) fn list(
    door: &dyn Door,
    dir: &Path,
) -> Result<(Vec<PathBuf>, Option<String>), OpenError> {
    let mut names = door.names(dir).map_err(|error| disk(LOG, error))?;
    for left in names.iter().filter(|name| name.ends_with(ASIDE)) {
        remove_if_there(door, &dir.join(left)).map_err(|error| disk(left, error))?;
    }
    names.retain(|name| Segment::first_of(name).is_some());
    names.sort_by_key(|name| Segment::first_of(name));
    let mut paths: Vec<PathBuf> = names.iter().map(|name| dir.join(name)).collect();
    remove_strays(door, dir, &paths).map_err(|error| disk(LOG, error))?;
    // A crash under `Durability::Os` can leave the last file without its header, and so without records.
    while let Some(last) = paths.last() {
        let opened = door.read(last).map_err(|error| damaged_disk(last, error))?;
        let length = opened.length().map_err(|error| damaged_disk(last, error))?;
        let mut lines = Lines::new(&*opened, 0, length);
        let torn = match lines.next().map_err(|error| damaged_disk(last, error))? {
            None => true,
            Some((_, _, ended)) => ended == Ended::No,
        };
        if !torn {
            break;
        }
        tracing::warn!(segment = name_of(last), "removed a file of the log that was never begun");
        door.remove(last).map_err(|error| damaged_disk(last, error))?;
        paths.pop();
    }
    let mut team = None;
    if let Some(path) = paths.first() {
        team = header(door, path)?.ok().map(|(header, _)| header.team);
    }
    Ok((paths, team))
}

/// Reads the segments in these files; see the module.
pub(crate) fn recover(
    door: &dyn Door,
    paths: Vec<PathBuf>,
    team: &str,
    key: &Key,
    repair: Option<Timestamp>,
) -> Result<Found, OpenError> {
    let mut paths = paths;
    let mut lost = Lost::Nothing;
    loop {
        match attempt(door, &paths, team, key)? {
            Ok(Whole { segments, last, nonces, torn }) => {
                let torn = torn && lost == Lost::Nothing;
                let lost = if torn { Lost::Torn } else { lost };
                return Ok(Found { segments, last, nonces, lost });
            }
            Err(problem) => {
                let Some(now) = repair else { return Err(problem.error(&paths)) };
                put_aside(door, &mut paths, &problem, now)
                    .map_err(|error| disk("the damaged part of the log", error))?;
                lost = Lost::Perhaps;
            }
        }
    }
}

type Attempt = Result<Whole, Problem>;

/// A log in which everything fits, and whether its end was cut off for that.
struct Whole {
    segments: Vec<(Arc<Segment>, Place)>,
    last: Place,
    nonces: Vec<(u64, u64)>,
    torn: bool,
}

fn attempt(
    door: &dyn Door,
    paths: &[PathBuf],
    team: &str,
    key: &Key,
) -> Result<Attempt, OpenError> {
    let mut segments: Vec<(Arc<Segment>, Place)> = Vec::new();
    let (mut last, mut before) = (Place::default(), Place::default());
    for (at, path) in paths.iter().enumerate() {
        let wrong = |what| Problem { at, from: 0, after: last.id, what };
        let segment = match header(door, path)? {
            Ok((header, length)) if header.team == team => {
                Segment::new(path.clone(), header, key, length)
            }
            Ok(_) => return Ok(Err(wrong("it is another team's"))),
            Err(NoHeader::Newer(found)) => return Err(OpenError::Newer { found, known: FORMAT }),
            Err(NoHeader::Unreadable) => return Ok(Err(wrong("its first line is no header"))),
        };
        if at > 0 && segment.header.before != last.chain {
            let problem = broken_link(door, &segments, before, key)?;
            return Ok(Err(
                problem.unwrap_or_else(|| wrong("it does not continue the one before it"))
            ));
        }
        let file = segment.open(door).map_err(|error| damaged_disk(path, error))?;
        before = last;
        last = tail(&segment, &*file, before).map_err(|error| damaged_disk(path, error))?;
        segments.push((Arc::new(segment), last));
    }
    let Some(segment) = segments.last().map(|(segment, _)| Arc::clone(segment)) else {
        return Ok(Ok(Whole { segments, last, nonces: Vec::new(), torn: false }));
    };
    if let Some(problem) = broken_beginning(door, &segments)? {
        return Ok(Err(problem));
    }
    let mut nonces = Collector::new(key.for_nonces());
    let scan = scan(door, &segment, key, before, &mut |line, at| nonces.take(line, at))?;
    if scan.rest == Rest::Damage {
        return Ok(Err(Problem::inside(segments.len() - 1, &scan)));
    }
    let torn = settle(door, &segment, &scan).map_err(|error| damaged_disk(&segment.path, error))?;
    if scan.records > 0 {
        let (last, nonces) = (scan.last, nonces.entries);
        if let Some((_, end)) = segments.last_mut() {
            *end = last;
        }
        return Ok(Ok(Whole { segments, last, nonces, torn }));
    }
    // Begun and never written to: the next append begins it again.
    door.remove(&segment.path).map_err(|error| damaged_disk(&segment.path, error))?;
    attempt(door, &paths[..paths.len() - 1], team, key)
}

/// Why the log's first record, which every reader meets, is not what was written. The last segment
/// is read whole anyway.
fn broken_beginning(
    door: &dyn Door,
    segments: &[(Arc<Segment>, Place)],
) -> Result<Option<Problem>, OpenError> {
    let [(first, _), _, ..] = segments else { return Ok(None) };
    let failed = |error| damaged_disk(&first.path, error);
    let file = first.open(door).map_err(failed)?;
    let mut lines = Lines::new(&*file, first.start, first.length());
    let line = lines.next().map_err(failed)?;
    let is_whole =
        line.is_none_or(|(_, line, _)| Line::parse(line).is_some_and(|it| it.is_whole()));
    let what = "its first record is not what was written";
    let problem = Problem { at: 0, from: first.start, after: EventId::ZERO, what };
    Ok((!is_whole).then_some(problem))
}

/// Cuts a torn end off and makes durable what is left, before anybody is shown it. Answers whether
/// there was one.
fn settle(door: &dyn Door, segment: &Segment, scan: &Scan) -> io::Result<bool> {
    let file = door.open(&segment.path)?;
    let torn = segment.length() - scan.end;
    if torn > 0 {
        tracing::warn!(segment = segment.name(), bytes = torn, after = %scan.last.id, "cut off a torn end");
        file.truncate(scan.end)?;
        segment.commit(scan.end);
    }
    file.sync()?;
    Ok(torn > 0)
}

/// Why the segment after the last of these does not continue it, if the fault is this one's.
fn broken_link(
    door: &dyn Door,
    segments: &[(Arc<Segment>, Place)],
    before: Place,
    key: &Key,
) -> Result<Option<Problem>, OpenError> {
    let Some((segment, _)) = segments.last() else { return Ok(None) };
    let scan = scan(door, segment, key, before, &mut |_, _| ())?;
    Ok((scan.rest != Rest::Nothing).then(|| Problem::inside(segments.len() - 1, &scan)))
}

fn scan(
    door: &dyn Door,
    segment: &Segment,
    key: &Key,
    before: Place,
    each: &mut dyn FnMut(&Line<'_>, u64),
) -> Result<Scan, OpenError> {
    let failed = |error| damaged_disk(&segment.path, error);
    let file = segment.open(door).map_err(failed)?;
    Scan::of(segment, &*file, key, before, each).map_err(failed)
}

fn header(door: &dyn Door, path: &Path) -> Result<Result<(Header, u64), NoHeader>, OpenError> {
    let read = || -> io::Result<_> {
        let file = door.read(path)?;
        let mut start = vec![0; 256];
        let read = fill(&*file, &mut start, 0)?;
        start.truncate(read);
        let end = memchr::memchr(b'\n', &start).unwrap_or(0);
        Ok((Header::parse(&start[..end]), file.length()?))
    };
    let (header, length) = read().map_err(|error| damaged_disk(path, error))?;
    Ok(header.map(|header| (header, length)))
}

impl Problem {
    fn inside(at: usize, scan: &Scan) -> Self {
        let what = "the next record is not what was written";
        Self { at, from: scan.end, after: scan.last.id, what }
    }

    fn error(&self, paths: &[PathBuf]) -> OpenError {
        let segment = name_of(&paths[self.at]);
        OpenError::Damaged { segment, after: self.after, what: self.what.to_owned() }
    }
}

/// Moves what does not fit, and all that comes after it, to `.ois/damaged-<ms>`.
fn put_aside(
    door: &dyn Door,
    paths: &mut Vec<PathBuf>,
    problem: &Problem,
    now: Timestamp,
) -> io::Result<()> {
    let path = paths[problem.at].clone();
    let log = path.parent().unwrap_or(&path).to_owned();
    let aside = log.with_file_name(format!("damaged-{}", now.ms()));
    door.make_dir(&aside)?;
    let whole = if problem.from == 0 { problem.at } else { problem.at + 1 };
    for path in paths.drain(whole..).rev() {
        door.rename(&path, &aside.join(name_of(&path)))?;
    }
    door.sync_dir(&aside)?;
    door.sync_dir(&log)?;
    if problem.from > 0 {
        let bytes = read_whole(door, &path)?;
        let rest = bytes.get(problem.from as usize..).unwrap_or_default();
        let copy = aside.join(format!("{}.rest", name_of(&path)));
        replace(door, &copy, rest, Durability::Sync)?;
        let file = door.open(&path)?;
        file.truncate(problem.from)?;
        file.sync()?;
    }
    tracing::warn!(aside = name_of(&aside), after = %problem.after, "put a damaged part of the log aside");
    Ok(())
}

fn damaged_disk(path: &Path, error: io::Error) -> OpenError {
    disk(&format!("{LOG}/{}", name_of(path)), error)
}

/// The log's directory in `.ois`.
pub(crate) const LOG: &str = "log";
