//! Fan-out: one member speaks and many listen, or every member speaks.

use anyhow::Result;

use super::durable::sync_times;
use super::rooms::Match;
use super::side_by_side::side_by_side;
use crate::context::Bench;
use crate::load::flow::{Pattern, Rate};
use crate::peer::{Durability, Peer};
use crate::report::{Bar, Section, Verdict, thousands};
use crate::stats::median;

/// Measures one member that speaks to 100, 1,000 and 5,000 members, itself among them.
///
/// # Errors
/// Fails when a room fails.
pub(crate) fn fan_out(bench: &Bench, durability: Durability) -> Result<Section> {
    let mut section = Section::new("fanout", "Fan-out, `--durability os`", FANOUT, COLUMNS);
    for found in matches(bench, &bench.rooms(durability))? {
        show(&found, &mut section);
        judge(&found, &mut section);
    }
    Ok(section)
}

/// Measures 32 members, each of which sends when it has received all messages of the round.
///
/// # Errors
/// Fails when a room fails.
pub(crate) fn talk(bench: &Bench, durability: Durability) -> Result<Section> {
    let mut section = Section::new("talk", "Everybody talks, `--durability os`", TALK, COLUMNS);
    let found = talking(bench, &bench.rooms(durability))?;
    show(&found, &mut section);
    if let Some(ratio) = found.against(Peer::Bun) {
        let measured = by_bun(&found, ratio);
        let met = ratio.per_second >= 1.1;
        section.verdicts.push(Verdict::new(&found.case, "1.1 times Bun", measured, met));
    }
    Ok(section)
}

/// Measures the same with every batch on the disk before any member sees it.
///
/// # Errors
/// Fails when a room fails.
pub(crate) fn synced(bench: &Bench) -> Result<Section> {
    let mut section = Section::new("synced", "The same, `--durability sync`", SYNCED, COLUMNS);
    let rooms = [Peer::Ois(Durability::Sync), Peer::Ois(Durability::Os)];
    let all = matches(bench, &rooms)?;
    for found in &all {
        show(found, &mut section);
    }
    show(&talking(bench, &rooms)?, &mut section);
    let syncs = 1e6 / median(sync_times(&bench.roots, 100)?);
    // With more receivers the sweep is slower than the disk and would prove nothing.
    if let Some((found, rate)) = all.get(1).and_then(|found| Some((found, found.median(rooms[0])?)))
    {
        let receivers: f64 = found.case.split(' ').next().unwrap_or_default().parse()?;
        let messages = rate.per_second / receivers;
        section.verdicts.push(Verdict::new(
            &found.case,
            "one sync for a batch, not for a message",
            format!("{messages:.0} messages/s where the disk syncs {syncs:.0} times/s"),
            messages > 2.0 * syncs,
        ));
    }
    Ok(section)
}

/// Measures every room with a window of 1 and of 32, for each number of receivers.
fn matches(bench: &Bench, rooms: &[Peer]) -> Result<Vec<Match>> {
    let sizes = bench.sized(&[100, 1000, 5000][..], &[100, 1000][..], &[20][..]);
    let mut matches = Vec::new();
    for receivers in sizes {
        bench.say(&format!("{receivers} receivers, window 1 and 32"));
        let cases = WINDOWS.map(|window| {
            let case = format!("{receivers} receivers, window {window}");
            (case, Pattern::Window(window))
        });
        let rooms = bench.side_by_side(rooms, *receivers);
        matches.extend(side_by_side(bench, &rooms, *receivers, &cases)?);
    }
    Ok(matches)
}

fn talking(bench: &Bench, rooms: &[Peer]) -> Result<Match> {
    let members = bench.sized(32, 32, 8);
    let case = format!("{members} talking");
    let mut matches = side_by_side(bench, rooms, members, &[(case, Pattern::Round)])?;
    Ok(matches.swap_remove(0))
}

/// Adds a row for each room, and a bar for each room that the plot compares.
fn show(found: &Match, section: &mut Section) {
    let us = found.rooms[0].0;
    for (room, _) in &found.rooms {
        let Some(rate) = found.median(*room) else { continue };
        let ratio = found.against(*room).filter(|_| *room != us);
        section.rows.push(vec![
            found.case.clone(),
            room.name().to_owned(),
            thousands(rate.per_second),
            format!("{:.2}", rate.cpu),
            ratio.map(|ratio| format!("{:.2}", ratio.per_second)).unwrap_or_default(),
            ratio.map(|ratio| format!("{:.2}", ratio.cpu)).unwrap_or_default(),
        ]);
        section.bars.push(Bar {
            case: found.case.clone(),
            who: room.name(),
            per_second: rate.per_second,
            cpu: rate.cpu,
        });
    }
}

fn judge(found: &Match, section: &mut Section) {
    let is_bulk = found.case.ends_with("window 32");
    if let Some(ratio) = found.against(Peer::Bun) {
        let measured = by_bun(found, ratio);
        let is_large = !found.case.starts_with("100 ");
        let (target, met) = match (is_bulk, is_large) {
            (false, _) => ("not behind Bun", ratio.per_second >= NOT_BEHIND),
            (true, false) => ("ahead of Bun", ratio.per_second > 1.0),
            (true, true) => {
                ("1.2 times Bun at 0.8 of its CPU", ratio.per_second >= 1.2 && ratio.cpu <= 0.8)
            }
        };
        section.verdicts.push(Verdict::new(&found.case, target, measured, met));
    }
    if let Some(ratio) = found.against(Peer::Bare).filter(|_| !is_bulk) {
        section.verdicts.push(Verdict::new(
            &found.case,
            "CPU within 1.25 of the bare system calls",
            format!("{:.2}", ratio.cpu),
            ratio.cpu <= 1.25,
        ));
    }
}

/// Describes the ratio, and how far the kernel alone would come.
fn by_bun(found: &Match, ours: Rate) -> String {
    let words = format!("{:.2} times Bun at {:.2} of its CPU", ours.per_second, ours.cpu);
    match found.between(Peer::Bare, Peer::Bun) {
        Some(bare) => {
            format!("{words}; the bare system calls {:.2} at {:.2}", bare.per_second, bare.cpu)
        }
        None => words,
    }
}

const WINDOWS: [usize; 2] = [1, 32];
/// The ratio from which a room counts as not behind: rooms that are both at the kernel's limit
/// differ by noise alone.
const NOT_BEHIND: f64 = 0.97;

const COLUMNS: &[&str] = &[
    "case",
    "who",
    "deliveries/s",
    "CPU s per million",
    "OIS by it: throughput",
    "OIS by it: CPU",
];
const FANOUT: &str = "\
One member says messages of 128 bytes, everybody gets each of them. A message is under way until \
all have it; *window* is how many are under way at once. OIS stores every message and orders it; \
the others store nothing. Its connections and those of the bare calls use Reno, as OIS does when it \
listens on this machine alone; the others have the congestion control of the system.";
const TALK: &str = "Every member speaks once a round, as soon as it has all of the round before.";
const SYNCED: &str = "\
Nobody sees a message before `fdatasync` has returned. One sync serves all messages that came \
while the one before it was under way.";
