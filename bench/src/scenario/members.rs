//! The cost of a member, idle and while it joins.

use std::time::Instant;

use anyhow::Result;

use super::rooms::alternate;
use crate::context::Bench;
use crate::load::flow::Rate;
use crate::peer::{Durability, Peer};
use crate::report::{Section, Verdict, thousands};
use crate::stats::median;

/// Measures the resident memory of an empty server, and of each of many members who say nothing.
///
/// # Errors
/// Fails when a room fails.
pub(crate) fn idle(bench: &Bench) -> Result<Section> {
    let members = bench.sized(10_000, 2_000, 50);
    let mut section = Section::new("idle", "Idle connections", IDLE, IDLE_COLUMNS);
    for room in rooms(bench) {
        let (mut empty, mut each) = (Vec::new(), Vec::new());
        for _ in 0..bench.options.rounds.min(3) {
            let running = room.start(&bench.fetched, &bench.roots)?;
            empty.push(running.process.resident()? as f64 / MIB);
            running.say_fifty()?;
            let mut swarm = bench.swarm(room)?;
            running.join(&mut swarm, 1)?;
            let before = running.process.resident()?;
            running.join(&mut swarm, members)?;
            // The wait lets the server give back the memory that joining needed.
            swarm.rest(bench.span() * 2)?;
            let more = running.process.resident()?.saturating_sub(before);
            each.push(more as f64 / members as f64 / 1024.0);
        }
        let (empty, each) = (median(empty), median(each));
        bench.say(&format!("{:20} {each:.2} KiB each, {empty:.1} MiB empty", room.name()));
        section.row([
            room.name().to_owned(),
            thousands(members as f64),
            format!("{each:.2}"),
            format!("{empty:.1}"),
        ]);
        if let Peer::Ois(_) = room {
            let found = format!("{each:.2} KiB");
            section.verdicts.push(Verdict::new("each", "at most 2 KiB", found, each <= 2.0));
            let found = format!("{empty:.1} MiB");
            section.verdicts.push(Verdict::new("empty", "under 8 MiB", found, empty < 8.0));
        }
    }
    Ok(section)
}

/// Measures members who connect, sign in and receive fifty messages of history.
///
/// # Errors
/// Fails when a room fails.
pub(crate) fn join(bench: &Bench) -> Result<Section> {
    let members = bench.sized(5_000, 2_000, 50);
    let mut section = Section::new("join", "Coming in", JOIN, JOIN_COLUMNS);
    let case = [format!("{members} members, 64 at a time")];
    let matches = alternate(bench, &rooms(bench), &case, |room| {
        let running = room.start(&bench.fetched, &bench.roots)?;
        running.say_fifty()?;
        let mut swarm = bench.swarm(room)?;
        running.settle(&mut swarm)?;
        let (begin, cpu) = (Instant::now(), running.process.cpu()?);
        running.join(&mut swarm, members)?;
        let per_second = members as f64 / begin.elapsed().as_secs_f64();
        let cpu = (running.process.cpu()? - cpu).as_secs_f64() / members as f64 * 1e6;
        Ok(vec![Rate { per_second, cpu }])
    })?;
    for found in &matches {
        for (room, _) in &found.rooms {
            let Some(rate) = found.median(*room) else { continue };
            let ratio = found.against(*room).filter(|_| !matches!(room, Peer::Ois(_)));
            section.row([
                room.name().to_owned(),
                thousands(rate.per_second),
                format!("{:.0}", rate.cpu),
                ratio.map(|ratio| format!("{:.2}", ratio.per_second)).unwrap_or_default(),
                ratio.map(|ratio| format!("{:.2}", ratio.cpu)).unwrap_or_default(),
            ]);
        }
        if let Some(ratio) = found.against(Peer::Bun) {
            let measured =
                format!("{:.2} times Bun at {:.2} of its CPU", ratio.per_second, ratio.cpu);
            let met = ratio.per_second >= 0.97;
            section.verdicts.push(Verdict::new(&found.case, "not behind Bun", measured, met));
        }
    }
    Ok(section)
}

/// Returns OIS and the peers that sign members in as it does.
fn rooms(bench: &Bench) -> Vec<Peer> {
    let rooms = bench.rooms(Durability::Sync);
    rooms.into_iter().filter(|room| *room != Peer::Bare).collect()
}

const MIB: f64 = (1 << 20) as f64;
const IDLE: &str = "\
Resident memory of the server (`smaps_rollup`), before anybody came and for each member who has \
signed in, got fifty messages of history and says nothing.";
const IDLE_COLUMNS: &[&str] = &["who", "members", "KiB each", "MiB empty"];
const JOIN: &str = "\
Connect, upgrade, sign in, and get fifty messages of history. The server's CPU is for one member.";
const JOIN_COLUMNS: &[&str] =
    &["who", "members/s", "CPU µs each", "OIS by it: rate", "OIS by it: CPU"];
