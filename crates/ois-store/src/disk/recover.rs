//! Opens the segments, oldest first, and finds the last record that can be believed.
//!
//! Only the last segment is read from end to end; of the others the header, the last lines, that the
//! chain goes on from file to file, and that none is missing. A torn end is cut off, if the server
//! had not stopped by itself. Damage in the segment that is written to, and a file that is missing,
//! stop the start: the operator looks, and says whether to go on without. Damage in any other
//! segment costs the records that it stands in.
//!
//! Nothing of the log is ever cut off but a torn end: to go on behind damage, a segment is sealed,
//! and another one is begun.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ois_protocol::{EventId, Timestamp};

use super::{
    Durability,
    chain::{Hash, Key},
    check::Checker,
    door::{ASIDE, Door, DoorFile, fill, remove_if_there, replace},
    home::{Lost, disk},
    line::Line,
    lines::{Ended, Lines},
    manifest::{Entry, Manifest},
    nonces::{Collector, remove_strays},
    scan::{Place, Rest, Scan, Tail},
    segment::{FORMAT, Header, NoHeader, Segment, name_of},
    survey::{Stretch, Survey},
};
use crate::{Damage, OpenError};

/// What is done about damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The log is not opened.
    Refuse,
    /// A copy of what is damaged is kept aside, in a folder named by this time, and the log goes on
    /// without it.
    Repair(Timestamp),
    /// The log is only looked at: nothing is written, and damage is passed over.
    Inspect,
}

/// What is known of a log before its segments are read.
pub(crate) struct Known<'k> {
    /// The team whose log it is to be.
    pub(crate) team: &'k str,
    /// The secret of its chain.
    pub(crate) key: &'k Key,
    /// The list of its segments.
    pub(crate) manifest: Option<&'k Manifest>,
    /// Whether the last server stopped by itself, so that nothing can be torn.
    pub(crate) was_stopped: bool,
}

/// The log as it was found.
pub(crate) struct Found {
    /// The segments, oldest first, each with its last record.
    pub(crate) segments: Vec<(Arc<Segment>, Place)>,
    /// The last record of the log.
    pub(crate) last: Place,
    /// No id below this one may be given: damaged records behind the last one may have had them.
    pub(crate) floor: EventId,
    /// Whether the last segment is written to, rather than followed by another one.
    pub(crate) is_open: bool,
    /// The nonces of the last segment: their hashes, and the offsets of their records.
    pub(crate) nonces: Vec<(u64, u64)>,
    /// Whether events may be gone that somebody has seen.
    pub(crate) lost: Lost,
    /// The segments as they are now.
    pub(crate) manifest: Manifest,
    /// The files that are no segments of this log, and were passed over.
    pub(crate) foreign: Vec<Damage>,
}

/// The end of the segment before another one.
pub(crate) struct End<'k> {
    /// The id that the segment begins with.
    pub(crate) first: EventId,
    /// Knows what the next segment has to continue.
    pub(crate) checker: Checker<'k>,
    /// Whether its last line is damaged.
    pub(crate) is_damaged: bool,
}

/// What does not fit between a segment and the one before it, or between a segment and the list of
/// segments; damaged lines aside.
pub(crate) fn misfit(
    manifest: Option<&Manifest>,
    end: Option<&End<'_>>,
    segment: &Segment,
) -> Option<&'static str> {
    let Header { first, before, .. } = segment.header;
    let entry = manifest.and_then(|manifest| manifest.entries.get(&first));
    if entry.is_some_and(|entry| entry.length > segment.length()) {
        return Some("it is shorter than it was");
    }
    let (fits, what) = match end {
        None => (before == Hash::default(), "the log does not begin with it"),
        Some(end) => {
            (end.is_damaged || end.checker.may_continue(before), "events are missing before it")
        }
    };
    // An earlier `--repair` goes on behind missing events, and has listed the segments as they are.
    let listed = manifest.filter(|_| entry.is_some_and(|entry| entry.before == before));
    let previous = listed.map(|it| it.entries.range(..first).next_back().map(|(first, _)| *first));
    let is_known = previous.is_some_and(|previous| previous == end.map(|end| end.first));
    (!fits && !is_known).then_some(what)
}

/// The segments of the list that have no file, each with the last event before it.
pub(crate) fn missing(manifest: Option<&Manifest>, there: &[EventId]) -> Vec<Damage> {
    let entries = manifest.into_iter().flat_map(|manifest| &manifest.entries);
    let mut after = EventId::ZERO;
    let mut missing = Vec::new();
    for (first, entry) in entries {
        if !there.contains(first) {
            let what = "the file is missing".to_owned();
            missing.push(Damage { segment: Segment::file_name(*first), after, offset: 0, what });
        }
        after = entry.last;
    }
    missing
}

/// The files of the log, by their first ids, without what a crash has left beside them.
pub(crate) fn list(door: &dyn Door, dir: &Path, mode: Mode) -> Result<Vec<PathBuf>, OpenError> {
    let mut names = door.names(dir).map_err(|error| disk(LOG, error))?;
    let is_kept = mode == Mode::Inspect;
    for left in names.iter().filter(|name| !is_kept && name.ends_with(ASIDE)) {
        remove_if_there(door, &dir.join(left)).map_err(|error| disk(left, error))?;
    }
    names.retain(|name| Segment::first_of(name).is_some());
    names.sort_by_key(|name| Segment::first_of(name));
    let mut paths: Vec<PathBuf> = names.iter().map(|name| dir.join(name)).collect();
    if !is_kept {
        remove_strays(door, dir, &paths).map_err(|error| disk(LOG, error))?;
    }
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
        if !is_kept {
            tracing::warn!(
                segment = name_of(last),
                "removed a file of the log that was never begun"
            );
            door.remove(last).map_err(|error| damaged_disk(last, error))?;
        }
        paths.pop();
    }
    Ok(paths)
}

/// The team whose log it is, as the first segment has it that this key fits.
pub(crate) fn team_of(
    door: &dyn Door,
    paths: &[PathBuf],
    key: &Key,
) -> Result<Option<String>, OpenError> {
    let mut first = None;
    for path in paths {
        let read = || -> io::Result<_> {
            let (file, parsed) = header(door, path)?;
            let Ok(header) = parsed else { return Ok(None) };
            let segment = Segment::new(path.clone(), header, key, file.length()?);
            Ok(Some((begins(&segment, &*file, key)?, segment.header.team)))
        };
        match read().map_err(|error| damaged_disk(path, error))? {
            Some((true, team)) => return Ok(Some(team)),
            Some((false, team)) => first = first.or(Some(team)),
            None => {}
        }
    }
    check_key(door, paths, key)?;
    Ok(first)
}

/// Refuses a key under which no record continues another, although there are some that are what was
/// written.
fn check_key(door: &dyn Door, paths: &[PathBuf], key: &Key) -> Result<(), OpenError> {
    let mut strange = 0;
    for path in paths {
        let mut any = || -> io::Result<bool> {
            let file = door.read(path)?;
            let mut lines = Lines::new(&*file, 0, file.length()?);
            let mut checker = Checker::anywhere(key);
            while let Some((_, bytes, ended)) = lines.next()? {
                if checker.check(bytes, ended).links[0].is_some() {
                    return Ok(true);
                }
                let line = Line::parse(bytes);
                strange += u64::from(line.is_some_and(|line| line.is_as_written()));
            }
            Ok(false)
        };
        if any().map_err(|error| damaged_disk(path, error))? {
            return Ok(());
        }
    }
    if strange > 1 { Err(OpenError::WrongKey) } else { Ok(()) }
}

/// Reads the segments in these files; see the module.
pub(crate) fn recover(
    door: &dyn Door,
    paths: Vec<PathBuf>,
    known: &Known<'_>,
    mode: Mode,
) -> Result<Found, OpenError> {
    let mut paths = paths;
    if let Some(path) = paths.last().cloned() {
        let unbegun = is_unbegun(door, &path, known).map_err(|error| damaged_disk(&path, error))?;
        if unbegun {
            // The next append begins it again.
            paths.pop();
            if mode != Mode::Inspect {
                door.remove(&path).map_err(|error| damaged_disk(&path, error))?;
            }
        }
    }
    let mut recovery = Recovery { door, known, mode, foreign: Vec::new(), lost: Lost::Nothing };
    let there: Vec<EventId> =
        paths.iter().filter_map(|path| Segment::first_of(&name_of(path))).collect();
    for damage in missing(known.manifest, &there) {
        recovery.problem(damage)?;
    }
    recovery.segments(&paths)
}

/// Whether a file of the log has no record yet, nor anything else that may have been one.
fn is_unbegun(door: &dyn Door, path: &Path, known: &Known<'_>) -> io::Result<bool> {
    let (file, Ok(header)) = header(door, path)? else { return Ok(false) };
    let segment = Segment::new(path.to_owned(), header, known.key, file.length()?);
    let (start, length) = (segment.start, segment.length());
    if start == length {
        return Ok(true);
    }
    let is_begun = known.was_stopped || begins(&segment, &*file, known.key)?;
    Ok(!is_begun && Scan::rest(&*file, start, length)? == Rest::Torn)
}

/// The walk over all segments.
struct Recovery<'k> {
    door: &'k dyn Door,
    known: &'k Known<'k>,
    mode: Mode,
    foreign: Vec<Damage>,
    lost: Lost,
}

impl<'k> Recovery<'k> {
    fn segments(mut self, paths: &[PathBuf]) -> Result<Found, OpenError> {
        let mut segments: Vec<(Arc<Segment>, Place)> = Vec::new();
        let mut end: Option<End<'k>> = None;
        let mut last = Place::default();
        let mut active = Active { is_open: false, nonces: Vec::new(), floor: EventId::ZERO };
        for (at, path) in paths.iter().enumerate() {
            let Some(segment) = self.segment(path, end.as_ref(), last)? else { continue };
            if let Some(what) = misfit(self.known.manifest, end.as_ref(), &segment) {
                self.problem(damage(&segment, last.id, 0, what))?;
            }
            let segment = Arc::new(segment);
            let before = last;
            if at + 1 == paths.len() {
                (last, active) = self.active(&segment, before)?;
            } else {
                let failed = |error| damaged_disk(path, error);
                let file = segment.open(self.door).map_err(failed)?;
                let tail = Tail::of(&segment, &*file, self.known.key, before).map_err(failed)?;
                last = tail.place;
                let (checker, is_damaged) = (tail.end, tail.is_damaged);
                end = Some(End { first: segment.header.first, checker, is_damaged });
            }
            segments.push((segment, last));
        }
        let manifest = self.manifest(&segments, active.is_open);
        let Self { foreign, lost, .. } = self;
        let Active { is_open, nonces, floor } = active;
        Ok(Found { segments, last, floor, is_open, nonces, lost, manifest, foreign })
    }

    /// The segment in this file, with its header as it must have been; none if it is no segment of
    /// this log.
    fn segment(
        &mut self,
        path: &Path,
        end: Option<&End<'k>>,
        last: Place,
    ) -> Result<Option<Segment>, OpenError> {
        let Known { team, key, .. } = *self.known;
        let chains = end.map_or(vec![Hash::default()], |end| end.checker.chains().to_vec());
        let read = read_segment(self.door, path, team, &chains, key);
        let what = match read.map_err(|error| damaged_disk(path, error))? {
            Ok(segment) => return Ok(Some(segment)),
            Err(NoSegment::Newer(found)) => return Err(OpenError::Newer { found, known: FORMAT }),
            Err(NoSegment::OtherTeam) => "it is another team's",
            Err(NoSegment::Unreadable) => "its first line is no header",
        };
        let (segment, what) = (name_of(path), what.to_owned());
        let damage = Damage { segment, after: last.id, offset: 0, what };
        self.problem(damage.clone())?;
        if let Mode::Repair(now) = self.mode {
            // Nothing in it can be read, so that nothing is lost by moving it.
            let moved = || -> io::Result<()> {
                let aside = make_aside(self.door, path, now)?;
                self.door.rename(path, &aside.join(name_of(path)))?;
                self.door.sync_dir(&aside)
            };
            moved().map_err(|error| damaged_disk(path, error))?;
        }
        self.foreign.push(damage);
        Ok(None)
    }

    /// Reads the last segment, which is written to unless damage is in it.
    fn active(&mut self, segment: &Segment, before: Place) -> Result<(Place, Active), OpenError> {
        let failed = |error| damaged_disk(&segment.path, error);
        let file = segment.open(self.door).map_err(failed)?;
        let Known { key, manifest, was_stopped, .. } = *self.known;
        let entry = manifest.and_then(|manifest| manifest.entries.get(&segment.header.first));
        if !entry.is_some_and(|entry| entry.sealed) {
            let mut nonces = Collector::new(key.for_nonces());
            let mut each = |line: &Line<'_>, at| nonces.take(line, at);
            let scan = Scan::of(segment, &*file, key, before, &mut each).map_err(failed)?;
            let what = match scan.rest {
                Rest::Damage => "the next record is not what was written",
                Rest::Torn if was_stopped => {
                    "its end is not what was written, although the server had stopped by itself"
                }
                Rest::Torn | Rest::Nothing => {
                    self.settle(segment, &scan).map_err(failed)?;
                    let (nonces, floor) = (nonces.entries, scan.last.id.next());
                    return Ok((scan.last, Active { is_open: true, nonces, floor }));
                }
            };
            if self.mode != Mode::Inspect {
                self.problem(damage(segment, scan.last.id, scan.end, what))?;
            }
        }
        let mut nonces = Collector::new(key.for_nonces());
        let mut each = |line: &Line<'_>, at| nonces.take(line, at);
        let survey = Survey::of(segment, &*file, key, before, None, &mut each).map_err(failed)?;
        if let Mode::Repair(now) = self.mode {
            copy_aside(self.door, segment, &*file, &survey.damaged, now).map_err(failed)?;
        }
        let floor = (0..=survey.damaged_lines_at_end).fold(survey.last.id, |id, _| id.next());
        let nonces = nonces.entries;
        // The log ends with a record that readers are shown.
        let id = if survey.records > 0 { survey.last_whole } else { before.id };
        Ok((Place { id, ..survey.last }, Active { is_open: false, nonces, floor }))
    }

    /// Cuts a torn end off and makes durable what is left, before anybody is shown it.
    fn settle(&mut self, segment: &Segment, scan: &Scan) -> io::Result<()> {
        let torn = segment.length() - scan.end;
        segment.commit(scan.end);
        if self.mode == Mode::Inspect {
            return Ok(());
        }
        let file = self.door.open(&segment.path)?;
        if torn > 0 {
            tracing::warn!(segment = segment.name(), bytes = torn, after = %scan.last.id, "cut off a torn end");
            file.truncate(scan.end)?;
            if self.lost == Lost::Nothing {
                self.lost = Lost::Torn;
            }
        }
        file.sync()
    }

    /// Something does not fit: that is the end, or it is passed over.
    fn problem(&mut self, damage: Damage) -> Result<(), OpenError> {
        match self.mode {
            Mode::Refuse => return Err(OpenError::Damaged(damage)),
            Mode::Repair(now) => {
                let aside = aside_name(now);
                tracing::warn!(%damage, aside, "going on without it; a copy is kept aside");
                self.lost = Lost::Perhaps;
            }
            Mode::Inspect => {}
        }
        Ok(())
    }

    /// The list of the segments as they are now.
    fn manifest(&self, segments: &[(Arc<Segment>, Place)], is_open: bool) -> Manifest {
        let mut manifest = Manifest::default();
        let count = segments.len();
        for (at, (segment, last)) in segments.iter().enumerate() {
            let Header { first, before, .. } = segment.header;
            let length = segment.length();
            let listed = self.known.manifest.and_then(|manifest| manifest.entries.get(&first));
            let is_open = is_open && at + 1 == count;
            let listed = listed.copied().filter(|entry| {
                let fits = entry.sealed && entry.length == length || is_open;
                fits && entry.before == before && entry.length <= length
            });
            if is_open && listed.is_none() {
                continue;
            }
            let (chain, last, sealed) = (last.chain, last.id, true);
            let found = Entry { last, before, chain, length, sealed };
            manifest.entries.insert(first, listed.unwrap_or(found));
        }
        manifest
    }
}

/// How the log goes on behind its last segment.
struct Active {
    is_open: bool,
    nonces: Vec<(u64, u64)>,
    floor: EventId,
}

/// Why a file is no segment of this log.
enum NoSegment {
    /// A newer version wrote it.
    Newer(u32),
    /// It says that it is another team's.
    OtherTeam,
    /// It has neither a header nor a record of this log.
    Unreadable,
}

/// Reads a segment's header. One that is damaged is made again from what it must have been, which
/// the first record proves: it continues the chain behind the header. `chains` are those that the
/// segment may continue.
fn read_segment(
    door: &dyn Door,
    path: &Path,
    team: &str,
    chains: &[Hash],
    key: &Key,
) -> io::Result<Result<Segment, NoSegment>> {
    let (file, parsed) = header(door, path)?;
    let length = file.length()?;
    let segment = |header| Segment::new(path.to_owned(), header, key, length);
    let ours = parsed.as_ref().ok().filter(|header| header.team == team).cloned();
    let first = Segment::first_of(&name_of(path)).unwrap_or_default();
    let claimed = parsed.as_ref().ok().map(|header| header.before);
    let made = chains.iter().copied().chain(claimed).flat_map(|before| {
        let header = move |imported| Header { team: team.to_owned(), first, imported, before };
        [false, true].map(header)
    });
    let made: Vec<Header> = made.collect();
    for header in ours.iter().chain(&made) {
        let segment = segment(header.clone());
        if begins(&segment, &*file, key)? {
            return Ok(Ok(segment));
        }
    }
    // The first record is damaged as well, or there is none.
    for header in ours.iter().chain(made.first()) {
        let segment = segment(header.clone());
        let mut checker = Checker::after(key, segment.base);
        let mut lines = Lines::new(&*file, segment.start, length);
        while let Some((_, bytes, ended)) = lines.next()? {
            if checker.check(bytes, ended).links[0].is_some() {
                return Ok(Ok(segment));
            }
        }
    }
    Ok(match (ours, parsed) {
        (Some(header), _) => Ok(segment(header)),
        (None, Ok(_)) => Err(NoSegment::OtherTeam),
        (None, Err(NoHeader::Newer(found))) => Err(NoSegment::Newer(found)),
        (None, Err(NoHeader::Unreadable)) => Err(NoSegment::Unreadable),
    })
}

/// Whether the first record continues the chain behind the header.
fn begins(segment: &Segment, file: &dyn DoorFile, key: &Key) -> io::Result<bool> {
    let mut lines = Lines::new(file, segment.start, segment.length());
    let Some((_, bytes, _)) = lines.next()? else { return Ok(false) };
    let line = Line::parse(bytes);
    Ok(line.is_some_and(|line| line.follows(key, segment.base, &mut Vec::new()).is_some()))
}

/// Opens a file and reads its first line.
fn header(
    door: &dyn Door,
    path: &Path,
) -> io::Result<(Arc<dyn DoorFile>, Result<Header, NoHeader>)> {
    let file = door.read(path)?;
    let mut start = vec![0; 256];
    let read = fill(&*file, &mut start, 0)?;
    let end = memchr::memchr(b'\n', &start[..read]).unwrap_or(0);
    let header = Header::parse(&start[..end]);
    Ok((file, header))
}

fn damage(segment: &Segment, after: EventId, offset: u64, what: &str) -> Damage {
    Damage { segment: segment.name(), after, offset, what: what.to_owned() }
}

/// Keeps copies of these parts of a segment in `.ois/damaged-<ms>`.
fn copy_aside(
    door: &dyn Door,
    segment: &Segment,
    file: &dyn DoorFile,
    parts: &[Stretch],
    now: Timestamp,
) -> io::Result<()> {
    if parts.is_empty() {
        return Ok(());
    }
    let aside = make_aside(door, &segment.path, now)?;
    for Stretch { from, to, .. } in parts {
        let mut bytes = vec![0; usize::try_from(to - from).map_err(io::Error::other)?];
        let read = fill(file, &mut bytes, *from)?;
        bytes.truncate(read);
        let copy = aside.join(format!("{}.{from}", segment.name()));
        replace(door, &copy, &bytes, Durability::Sync)?;
    }
    Ok(())
}

fn make_aside(door: &dyn Door, path: &Path, now: Timestamp) -> io::Result<PathBuf> {
    let log = path.parent().unwrap_or(path);
    let aside = log.with_file_name(aside_name(now));
    door.make_dir(&aside)?;
    Ok(aside)
}

fn aside_name(now: Timestamp) -> String {
    format!("damaged-{}", now.ms())
}

fn damaged_disk(path: &Path, error: io::Error) -> OpenError {
    disk(&format!("{LOG}/{}", name_of(path)), error)
}

/// The log's directory in `.ois`.
pub(crate) const LOG: &str = "log";
