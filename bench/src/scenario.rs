//! The scenarios that are measured, one module each.

mod durable;
mod fanout;
mod files;
mod members;
mod rooms;
mod side_by_side;
mod stall;
mod store;
mod wake;

use anyhow::{Context, Result};

use crate::context::Bench;
use crate::peer::Durability;
use crate::report::Section;

/// A part of the benchmark that can be selected by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// One member speaks, many listen.
    Fanout,
    /// Every member speaks.
    Talk,
    /// Both of these, with every batch synced.
    Synced,
    /// Durable messages in bulk.
    Durable,
    /// The latency of one durable message.
    Latency,
    /// Members who say nothing.
    Idle,
    /// Members who join.
    Join,
    /// A member who stops reading.
    Stall,
    /// A store with a million messages.
    Store,
    /// Large files and small ones.
    Files,
    /// An agent behind its monitor.
    Wake,
}

impl Scenario {
    /// All scenarios, in the order in which they run.
    pub(crate) const ALL: [Self; 11] = [
        Self::Fanout,
        Self::Talk,
        Self::Synced,
        Self::Durable,
        Self::Latency,
        Self::Idle,
        Self::Join,
        Self::Stall,
        Self::Store,
        Self::Files,
        Self::Wake,
    ];

    /// Returns the scenario with this name.
    ///
    /// # Errors
    /// Fails when no scenario has this name.
    pub(crate) fn named(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|scenario| scenario.name() == name);
        found.with_context(|| format!("no scenario {name}; see --help"))
    }

    /// Returns the word of the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fanout => "fanout",
            Self::Talk => "talk",
            Self::Synced => "synced",
            Self::Durable => "durable",
            Self::Latency => "latency",
            Self::Idle => "idle",
            Self::Join => "join",
            Self::Stall => "stall",
            Self::Store => "store",
            Self::Files => "files",
            Self::Wake => "wake",
        }
    }

    /// Returns one line for the help text.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Fanout => "one speaks to 100, 1,000 and 5,000, one message or 32 under way",
            Self::Talk => "32 members, each speaks when it has all of the round",
            Self::Synced => "both with --durability sync, the default",
            Self::Durable => "10 receivers, synced, against NATS JetStream",
            Self::Latency => "send to receipt, synced, beside the disk's own time",
            Self::Idle => "memory of an empty server and of 10,000 idle members",
            Self::Join => "connect, sign in, 50 messages of history",
            Self::Stall => "a member who stops reading while 1,000 others go on",
            Self::Store => "1,000,000 messages: start, pages, resume of 100,000",
            Self::Files => "1 GiB up and down, 4 KiB requests, against nginx",
            Self::Wake => "from a mention to the request at the agent's gateway",
        }
    }

    /// Runs the measurement.
    ///
    /// # Errors
    /// Fails when a server does not do what it should.
    pub(crate) fn run(self, bench: &Bench) -> Result<Section> {
        match self {
            Self::Fanout => fanout::fan_out(bench, Durability::Os),
            Self::Talk => fanout::talk(bench, Durability::Os),
            Self::Synced => fanout::synced(bench),
            Self::Durable => durable::against_nats(bench),
            Self::Latency => durable::latency(bench),
            Self::Idle => members::idle(bench),
            Self::Join => members::join(bench),
            Self::Stall => stall::stall(bench),
            Self::Store => store::store(bench),
            Self::Files => files::files(bench),
            Self::Wake => wake::wake(bench),
        }
    }
}
