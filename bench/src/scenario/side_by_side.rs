//! Rooms that stand side by side and are measured in short turns.

use std::time::Duration;

use anyhow::Result;

use super::rooms::{Match, bearable, turns};
use crate::context::Bench;
use crate::load::flow::{Flow, Pattern, Rate};
use crate::load::{Swarm, TEXT};
use crate::peer::{Peer, Running};

/// A room that stands, and its members.
struct Stage {
    running: Running,
    swarm: Swarm,
    message: Vec<u8>,
}

/// Measures rooms that all stand at once, in short turns, so that whatever else the machine has to
/// do affects all of them alike. The resting rooms take next to nothing.
///
/// # Errors
/// Fails when the first room fails, or in a test any.
pub(crate) fn side_by_side(
    bench: &Bench,
    rooms: &[Peer],
    members: usize,
    cases: &[(String, Pattern)],
) -> Result<Vec<Match>> {
    let mut matches: Vec<Match> = cases.iter().map(|(case, _)| Match::empty(case, rooms)).collect();
    let mut out = Vec::new();
    for round in 0..bench.options.rounds {
        let mut stages = Vec::new();
        // The first room to be started gets the memory that others have left in pieces.
        for place in turns(rooms.len(), round) {
            let room = &rooms[place];
            if out.contains(room) {
                continue;
            }
            match bearable(bench, rooms, *room, Stage::open(bench, *room, members))? {
                Some(stage) => stages.push((*room, stage)),
                None => out.push(*room),
            }
        }
        for (case, (_, pattern)) in matches.iter_mut().zip(cases) {
            for turn in 0..bench.sized(TURNS, TURNS / 2, 1) {
                for at in turns(stages.len(), round + turn) {
                    let (room, stage) = &mut stages[at];
                    let rate = stage.measure(*pattern, members, bench.turn());
                    match bearable(bench, rooms, *room, rate)? {
                        Some(rate) => case.note(*room, rate),
                        None => out.push(*room),
                    }
                }
                stages.retain(|(room, _)| !out.contains(room));
            }
            bench.say(&format!("round {}: {}", round + 1, case.words()));
        }
    }
    for case in &mut matches {
        case.rooms.retain(|(room, _)| !out.contains(room));
    }
    Ok(matches)
}

impl Stage {
    fn open(bench: &Bench, room: Peer, members: usize) -> Result<Self> {
        let running = room.start(&bench.fetched, &bench.roots)?;
        let mut swarm = bench.swarm(room)?;
        running.join(&mut swarm, members)?;
        let message = running.message(TEXT);
        Ok(Self { running, swarm, message })
    }

    fn measure(&mut self, pattern: Pattern, members: usize, span: Duration) -> Result<Rate> {
        let mut flow = Flow::new(&mut self.swarm, members, pattern, &self.message);
        flow.measure(&self.running.process, span)
    }
}

/// The number of turns of each room in a round.
const TURNS: usize = 6;
