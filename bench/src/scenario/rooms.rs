//! Rooms that are measured in alternation: rounds, medians, ratios.

use anyhow::Result;

use crate::context::Bench;
use crate::load::flow::Rate;
use crate::options::Extent;
use crate::peer::Peer;
use crate::stats::median;

/// The results of some rooms in one case, round by round.
#[derive(Debug)]
pub(crate) struct Match {
    /// The description of the case.
    pub(crate) case: String,
    /// The rooms, OIS first, with their rounds.
    pub(crate) rooms: Vec<(Peer, Vec<Rate>)>,
}

/// Measures all rooms round by round: `measure` starts one and returns a rate for each case.
///
/// # Errors
/// Fails when a room fails.
pub(crate) fn alternate(
    bench: &Bench,
    rooms: &[Peer],
    cases: &[String],
    mut measure: impl FnMut(Peer) -> Result<Vec<Rate>>,
) -> Result<Vec<Match>> {
    let mut matches: Vec<Match> = cases.iter().map(|case| Match::empty(case, rooms)).collect();
    let mut out = Vec::new();
    for round in 0..bench.options.rounds {
        for place in turns(rooms.len(), round) {
            let room = &rooms[place];
            if out.contains(room) {
                continue;
            }
            let Some(rates) = bearable(bench, rooms, *room, measure(*room))? else {
                out.push(*room);
                continue;
            };
            let mut words = format!("round {} {:20}", round + 1, room.name());
            for (case, rate) in matches.iter_mut().zip(rates) {
                words.push_str(&format!(" {:>9.0}/s {:5.2}", rate.per_second, rate.cpu));
                case.rooms[place].1.push(rate);
            }
            bench.say(&words);
        }
    }
    for case in &mut matches {
        case.rooms.retain(|(room, _)| !out.contains(room));
    }
    Ok(matches)
}

/// Returns the order of the rooms in a round. Another room begins in each round, because the first
/// to use memory that the machine has to provide anew pays for it.
pub(super) fn turns(rooms: usize, round: usize) -> impl Iterator<Item = usize> {
    (0..rooms).map(move |turn| (turn + round) % rooms)
}

/// Returns the result; `None` if a peer has failed, because that must not cost the figures of the
/// others. In a smoke run the failure is an error.
pub(super) fn bearable<T>(
    bench: &Bench,
    rooms: &[Peer],
    room: Peer,
    came: Result<T>,
) -> Result<Option<T>> {
    match came {
        Err(error) if rooms.first() != Some(&room) && bench.options.extent != Extent::Smoke => {
            bench.say(&format!("{} is left out: {error:#}", room.name()));
            Ok(None)
        }
        came => came.map(Some),
    }
}

impl Match {
    pub(super) fn empty(case: &str, rooms: &[Peer]) -> Self {
        let rooms = rooms.iter().map(|room| (*room, Vec::new())).collect();
        Self { case: case.to_owned(), rooms }
    }

    pub(super) fn note(&mut self, room: Peer, rate: Rate) {
        if let Some((_, rates)) = self.rooms.iter_mut().find(|(known, _)| *known == room) {
            rates.push(rate);
        }
    }

    /// Describes the results so far.
    pub(super) fn words(&self) -> String {
        let medians = self.rooms.iter().filter_map(|(room, _)| {
            let rate = self.median(*room)?;
            Some(format!("{} {:.0}/s {:.2}", room.name(), rate.per_second, rate.cpu))
        });
        format!("{}: {}", self.case, medians.collect::<Vec<_>>().join(", "))
    }

    /// Returns a room's median over the rounds.
    pub(crate) fn median(&self, room: Peer) -> Option<Rate> {
        let rounds = self.rounds(room).filter(|rounds| !rounds.is_empty())?;
        Some(Rate {
            per_second: median(rounds.iter().map(|rate| rate.per_second)),
            cpu: median(rounds.iter().map(|rate| rate.cpu)),
        })
    }

    /// Compares the first room with another; see [`Match::between`].
    pub(crate) fn against(&self, other: Peer) -> Option<Rate> {
        self.between(self.rooms.first()?.0, other)
    }

    /// Compares two rooms: ratios of throughput and CPU within each round, and the medians of these
    /// ratios.
    pub(crate) fn between(&self, one: Peer, other: Peer) -> Option<Rate> {
        let (ours, theirs) = (self.rounds(one)?, self.rounds(other)?);
        let pairs = || ours.iter().zip(theirs);
        Some(Rate {
            per_second: median(pairs().map(|(our, their)| our.per_second / their.per_second)),
            cpu: median(pairs().map(|(our, their)| our.cpu / their.cpu)),
        })
    }

    fn rounds(&self, room: Peer) -> Option<&[Rate]> {
        let found = self.rooms.iter().find(|(known, _)| *known == room)?;
        Some(&found.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::Durability;

    #[test]
    fn everybody_begins_once() {
        let rounds: Vec<Vec<usize>> = (0..3).map(|round| turns(3, round).collect()).collect();
        assert_eq!(rounds, [[0, 1, 2], [1, 2, 0], [2, 0, 1]]);
    }

    #[test]
    fn ratios_are_taken_within_a_round_and_then_their_median() {
        let rates = |numbers: [f64; 3]| {
            numbers.map(|number| Rate { per_second: number, cpu: 1.0 / number }).to_vec()
        };
        let ours = Peer::Ois(Durability::Os);
        let rooms = vec![(ours, rates([2.0, 40.0, 6.0])), (Peer::Bun, rates([1.0, 10.0, 2.0]))];
        let found = Match { case: String::new(), rooms };
        assert!((found.against(Peer::Bun).unwrap().per_second - 3.0).abs() < 1e-9);
        assert!((found.against(Peer::Bun).unwrap().cpu - 1.0 / 3.0).abs() < 1e-9);
        assert!((found.median(ours).unwrap().per_second - 6.0).abs() < 1e-9);
        assert!(found.against(Peer::Bare).is_none());
    }
}
