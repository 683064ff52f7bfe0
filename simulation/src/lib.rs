//! A whole team in one process: the quiet cores of server and monitors, driven as `ois-http` and
//! `ois-bridge` drive them, on a network, disks, gateways and a clock that one seed rules.
//!
//! [`play`] plays a seed: some hours of a team's life in which everything fails that can, then the
//! faults stop, and what is promised is checked. The same seed is the same story, to the letter.

mod disk;
mod gateway;
mod invariants;
mod ledger;
mod link;
mod log;
mod monitor;
mod network;
mod people;
mod random;
mod scene;
mod server;
mod trace;
mod weather;
mod world;

use world::World;

/// What a seed has brought.
#[derive(Clone, Debug)]
pub struct Story {
    /// Two stories with the same number are the same.
    pub hash: u64,
    /// How many things happened.
    pub events: u64,
    /// What did not hold of all that is promised.
    pub wrong: Vec<String>,
    /// What happened, a line each, if it was to be kept.
    pub trace: Vec<String>,
}

/// Whether what happens is wanted in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// It is; that is slower.
    Kept,
    /// It is not.
    Dropped,
}

/// What a broken or hostile monitor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Misdeed {
    /// It finds its folder empty after some of its deaths.
    LosesFolder,
    /// It stays connected and does nothing for hours.
    Hangs,
    /// It claims answers, ends and runs that are none of its own.
    FalseEvidence,
    /// It tells of turns that have cost more than anything costs.
    HugeUsage,
    /// It tells a report behind the next one.
    ReportsOutOfOrder,
}

/// What a seed is played with beside what it brings itself.
#[derive(Clone, Copy, Debug)]
pub struct With<'a> {
    /// What monitors do as well.
    pub misdeeds: &'a [Misdeed],
    /// How many servers have the one log: one or two.
    pub servers: usize,
}

impl Default for With<'_> {
    /// Nothing more, and one server.
    fn default() -> Self {
        Self { misdeeds: &[], servers: 1 }
    }
}

/// Plays a seed.
///
/// ```
/// use simulation::{Words, play};
/// let story = play(7, Words::Kept);
/// assert_eq!(story.wrong, Vec::<String>::new());
/// assert_eq!(story.hash, play(7, Words::Dropped).hash);
/// ```
pub fn play(seed: u64, words: Words) -> Story {
    play_with(seed, words, With::default())
}

/// Plays a seed with more than it brings itself.
pub fn play_with(seed: u64, words: Words, with: With<'_>) -> Story {
    let mut world = World::new(seed, words == Words::Kept, with);
    let events = world.run();
    let wrong = invariants::broken(&mut world);
    let (hash, trace) = (world.scene.trace.hash(), world.scene.trace.into_lines());
    Story { hash, events, wrong, trace }
}
