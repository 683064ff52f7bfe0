//! The cost of durability: against NATS in bulk, against the disk one by one.

use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use tempfile::NamedTempFile;

use super::rooms::alternate;
use crate::context::Bench;
use crate::load::TEXT;
use crate::load::flow::{Flow, Pattern, Rate};
use crate::load::swarm::AWAKE;
use crate::peer::{Durability, Peer};
use crate::report::{Section, Verdict, thousands};
use crate::stats::median;

/// Measures ten receivers, with every message on the disk before they see it.
///
/// # Errors
/// Fails when a room fails.
pub(crate) fn against_nats(bench: &Bench) -> Result<Section> {
    let mut section = Section::new("durable", "Durable, against NATS JetStream", ABOUT, COLUMNS);
    let ours = Peer::Ois(Durability::Sync);
    let mut rooms = vec![ours];
    if bench.fetched.nats.is_some() {
        rooms.push(Peer::Nats);
    }
    let cases = WINDOWS.map(|window| format!("{RECEIVERS} receivers, window {window}"));
    let matches = alternate(bench, &rooms, &cases, |room| {
        let running = room.start(&bench.fetched, &bench.roots)?;
        let mut swarm = bench.swarm(room)?;
        running.join(&mut swarm, RECEIVERS)?;
        let message = running.message(TEXT);
        let rates = WINDOWS.iter().map(|window| {
            let pattern = Pattern::Window(*window);
            let mut flow = Flow::new(&mut swarm, RECEIVERS, pattern, &message);
            flow.measure(&running.process, bench.span())
        });
        rates.collect::<Result<Vec<Rate>>>()
    })?;
    for (found, (target, least)) in matches.iter().zip(TARGETS) {
        for (room, _) in &found.rooms {
            let Some(rate) = found.median(*room) else { continue };
            let ratio = found.against(*room).filter(|_| *room != ours);
            section.row([
                found.case.clone(),
                room.name().to_owned(),
                thousands(rate.per_second / RECEIVERS as f64),
                format!("{:.1}", rate.cpu * RECEIVERS as f64),
                ratio.map(|ratio| format!("{:.1}", ratio.per_second)).unwrap_or_default(),
            ]);
        }
        if let (Some(ratio), Some(target)) = (found.against(Peer::Nats), target) {
            let measured = format!("{:.1} times NATS", ratio.per_second);
            let met = ratio.per_second >= least;
            section.verdicts.push(Verdict::new(&found.case, target, measured, met));
        }
    }
    Ok(section)
}

/// Measures one sender and one receiver: the time from sending to receipt, beside the disk's own
/// time.
///
/// # Errors
/// Fails when the room or the disk fails.
pub(crate) fn latency(bench: &Bench) -> Result<Section> {
    let mut section = Section::new("latency", "Send to receipt, `--durability sync`", SEND, TIMES);
    let mut rounds = Vec::new();
    for round in 0..bench.options.rounds {
        let times = one_round(bench)?;
        let Times { disk, awake, asleep } = times;
        let said = format!("receipt {awake:.0} µs, {asleep:.0} if it slept, disk {disk:.0} µs");
        bench.say(&format!("round {}: {said}", round + 1));
        rounds.push(times);
    }
    let of = |pick: fn(&Times) -> f64| median(rounds.iter().map(pick));
    let over = of(|times| times.awake - times.disk);
    let over_asleep = of(|times| times.asleep - times.disk);
    let disk = of(|times| times.disk);
    for (case, receipt, over) in [
        ("receiver awake", of(|times| times.awake), over),
        ("receiver asleep meanwhile", of(|times| times.asleep), over_asleep),
    ] {
        let [receipt, disk, over] = [receipt, disk, over].map(|time| format!("{time:.0}"));
        section.row([case.to_owned(), receipt, disk, over]);
    }
    section.verdicts.push(Verdict::new(
        "median, receiver awake",
        "the disk's sync time and less than 150 µs",
        format!("{over:.0} µs over it ({over_asleep:.0} if the receiver slept)"),
        over < 150.0,
    ));
    Ok(section)
}

/// The medians of one round, in microseconds.
struct Times {
    /// The time of appending and syncing alone.
    disk: f64,
    /// The time from sending to receipt, by a receiver that looks all the time.
    awake: f64,
    /// The same by a receiver that sleeps until it is woken.
    asleep: f64,
}

fn one_round(bench: &Bench) -> Result<Times> {
    let messages = bench.sized(500, 200, 10);
    let running = Peer::Ois(Durability::Sync).start(&bench.fetched, &bench.roots)?;
    let mut swarm = bench.swarm(Peer::Ois(Durability::Sync))?;
    running.join(&mut swarm, 2)?;
    let message = running.message(TEXT);
    let mut flow = Flow::new(&mut swarm, 2, Pattern::Window(1), &message);
    flow.send_all(messages / 5)?;
    let (mut disk, mut awake, mut asleep) = (Vec::new(), Vec::new(), Vec::new());
    // The turns are small, so that all measurements meet the same noise.
    for _ in 0..TURNS {
        disk.extend(sync_times(&bench.roots, messages / TURNS)?);
        for (patience, receipts) in [(AWAKE_ALL_THE_TIME, &mut awake), (AWAKE, &mut asleep)] {
            flow.stay_awake(patience);
            flow.forget_latency();
            flow.send_all(messages / TURNS)?;
            receipts.push(micros(flow.latency().quantile(0.5)));
        }
    }
    Ok(Times { disk: median(disk), awake: median(awake), asleep: median(asleep) })
}

/// Measures how long appending a record and `fdatasync` take, in microseconds, one by one.
///
/// # Errors
/// Fails when the disk fails.
pub(super) fn sync_times(dir: &Path, times: u64) -> Result<Vec<f64>> {
    // The measurement runs on a thread that does nothing else, like a server's writer: on a busy
    // machine the scheduler makes a thread that has just counted frames wait for its turn, and that
    // delay is not the disk's.
    let probing = thread::scope(|scope| scope.spawn(|| probe(dir, times)).join());
    probing.map_err(|_| anyhow!("the probe panicked"))?
}

fn probe(dir: &Path, times: u64) -> Result<Vec<f64>> {
    let mut file = NamedTempFile::new_in(dir)?;
    let record = [b'x'; RECORD];
    let mut took = Vec::new();
    for _ in 0..times {
        let begin = Instant::now();
        file.write_all(&record)?;
        file.as_file().sync_data().context("fdatasync")?;
        took.push(micros(begin.elapsed()));
    }
    Ok(took)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

const RECEIVERS: usize = 10;
const WINDOWS: [usize; 3] = [1, 32, 256];
const TARGETS: [(Option<&str>, f64); 3] =
    [(None, 0.0), (Some("5 times NATS"), 5.0), (Some("10 times NATS"), 10.0)];
/// A time that is longer than a sync takes, on a slow disk too.
const AWAKE_ALL_THE_TIME: Duration = Duration::from_secs(1);
const TURNS: u64 = 5;
/// The length in bytes of about one record of the log.
const RECORD: usize = 400;

const COLUMNS: &[&str] = &["case", "who", "messages/s", "CPU s per million messages", "OIS by it"];
const TIMES: &[&str] = &["case", "receipt µs", "disk µs", "over it µs"];
const ABOUT: &str = "\
Ten members see everything, one of them speaks. NATS keeps a stream on file with `sync_interval: \
always` and pushes it to a consumer for each member; OIS runs as it comes.";
const SEND: &str = "\
Medians. The disk's own time is that of appending 400 bytes to a file in the same folder and \
`fdatasync`, taken in turns with the messages. A receiver that sleeps on the same machine is woken by \
the server's own call, which on a virtual machine can take five times as long for it; receivers on \
other machines cost none of that, so the target is for one that is awake.";
