//! A receiver that stops reading while a thousand others go on.

use std::time::Duration;

use anyhow::Result;

use crate::context::Bench;
use crate::load::flow::{Flow, Pattern};
use crate::load::swarm::Ears;
use crate::load::{Swarm, TEXT, chat};
use crate::peer::{Durability, Peer, Running};
use crate::report::{Section, Verdict};
use crate::stats::median;

/// Measures the others' p99 with it and without, the server's memory, and that it gets everything
/// in the end.
///
/// # Errors
/// Fails when a room fails, or it does not get everything.
pub(crate) fn stall(bench: &Bench) -> Result<Section> {
    let others = bench.sized(1000, 200, 10);
    let mut section = Section::new("stall", "A receiver that stops reading", ABOUT, COLUMNS);
    let mut rounds = Vec::new();
    for round in 0..bench.options.rounds {
        let found = one_round(bench, others)?;
        bench.say(&format!(
            "round {}: p99 {:.0} µs without, {:.0} µs with; {:.0} KiB",
            round + 1,
            found.without,
            found.with,
            found.kib,
        ));
        rounds.push(found);
    }
    let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure));
    let ratio = of(|round| round.with / round.without);
    let (kib, behind) = (of(|round| round.kib), of(|round| round.behind));
    section.row([
        format!("{others} others"),
        format!("{:.0}", of(|round| round.without)),
        format!("{:.0}", of(|round| round.with)),
        format!("{behind:.0}"),
        format!("{kib:.0}"),
        format!("{:.0}", of(|round| round.caught_up)),
    ]);
    section.verdicts.extend([
        Verdict::new(
            "the others' p99",
            "no effect",
            format!("{ratio:.2} of that without it"),
            ratio <= 1.1,
        ),
        Verdict::new(
            "its memory",
            "constant",
            format!("{kib:.0} KiB while {behind:.0} MiB behind"),
            kib <= 1024.0,
        ),
        Verdict::new(
            "when it reads again",
            "everything, once, in order",
            format!("{:.0} of {:.0} messages", of(|round| round.got), of(|round| round.said)),
            rounds.iter().all(|round| round.got.total_cmp(&round.said).is_eq()),
        ),
    ]);
    Ok(section)
}

struct Round {
    /// The p99 in microseconds without the stalled receiver.
    without: f64,
    with: f64,
    /// How many MiB it missed before the others joined.
    behind: f64,
    /// How many KiB the server grew by meanwhile.
    kib: f64,
    /// The milliseconds until it had everything.
    caught_up: f64,
    /// The number of messages that were said since it joined; `got` counts those it received.
    said: f64,
    got: f64,
}

fn one_round(bench: &Bench, others: usize) -> Result<Round> {
    let us = Peer::Ois(Durability::Os);
    let running = us.start(&bench.fetched, &bench.roots)?;
    let large = chat(LARGE);
    let mut speaker = bench.swarm(us)?;
    running.join(&mut speaker, 1)?;
    // The tail is filled before anything is measured.
    say(&mut speaker, &large, TAIL_BYTES / LARGE as u64)?;

    let mut deaf = Swarm::new()?;
    // The ids must increase.
    deaf.check();
    let small_buffer = crate::load::Target { receive_buffer: Some(4096), ..running.target.clone() };
    deaf.join(&small_buffer, 1, 1)?;
    deaf.count_anew();
    deaf.listen(0, Ears::Closed)?;
    let before = running.process.resident()?;
    let missed = bench.sized(4096, 2048, 1024);
    say(&mut speaker, &large, missed)?;
    let kib = running.process.resident()?.saturating_sub(before) as f64 / 1024.0;
    // The members who join must not be given fifty large messages.
    say(&mut speaker, &chat(TEXT), 50)?;
    drop(speaker);

    let mut crowd = bench.swarm(us)?;
    running.join(&mut crowd, others)?;
    // The first seconds of new connections are slower, with a stalled member or without: 1.17 to
    // 1.20 of the p99.
    let (_, first) = p99(bench, &running, &mut crowd)?;
    let (with, second) = p99(bench, &running, &mut crowd)?;
    let begin = std::time::Instant::now();
    deaf.listen(0, Ears::Open)?;
    let said = missed + 50 + first + second;
    let got = deaf.hear(0, said)?;
    let caught_up = begin.elapsed().as_secs_f64() * 1e3;
    drop(deaf);
    let (without, _) = p99(bench, &running, &mut crowd)?;
    let behind = missed as f64 * LARGE as f64 / f64::from(1 << 20);
    let (said, got) = (said as f64, got as f64);
    Ok(Round { without, with, behind, kib, caught_up, said, got })
}

fn say(speaker: &mut Swarm, message: &[u8], times: u64) -> Result<()> {
    Flow::new(speaker, 1, Pattern::Window(32), message).send_all(times).map(drop)
}

/// Returns the crowd's p99 in microseconds, and how many messages there were.
fn p99(bench: &Bench, running: &Running, crowd: &mut Swarm) -> Result<(f64, u64)> {
    running.settle(crowd)?;
    let (everybody, message) = (crowd.len(), chat(TEXT));
    let mut flow = Flow::new(crowd, everybody, Pattern::Every(PACE), &message);
    flow.measure(&running.process, bench.span() * 2)?;
    Ok((flow.latency().quantile(0.99).as_secs_f64() * 1e6, flow.sent()))
}

const LARGE: usize = 8 << 10;
/// More bytes than the server keeps in memory.
const TAIL_BYTES: u64 = 12 << 20;
const PACE: Duration = Duration::from_millis(10);

const ABOUT: &str = "\
One member stops reading, 32 MiB are said, and then others talk at a hundred messages a second. \
Times are from sending to each receipt of the others. At last it reads again, and must get \
everything that was said since it joined.";
const COLUMNS: &[&str] = &[
    "case",
    "p99 µs without it",
    "p99 µs with it",
    "MiB behind",
    "KiB that it costs",
    "ms until it has all",
];
