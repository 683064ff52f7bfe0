//! Which faults a seed brings, and how often: each a chance in ten thousand.

use crate::{Misdeed, random::Random};

/// Which faults there are now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weather {
    /// The server dies, per step of its own.
    pub(crate) server_dies: u32,
    /// A monitor dies, between any two effects.
    pub(crate) monitor_dies: u32,
    /// A process that died, or an agent that was off, stays away for hours.
    pub(crate) stays_away: u32,
    /// A connection is lost, per frame.
    pub(crate) cut: u32,
    /// A frame is late, and all behind it.
    pub(crate) slow: u32,
    /// A sync of the server's disk takes seconds.
    pub(crate) slow_disk: u32,
    /// A peer takes nothing for a while, per sweep.
    pub(crate) blocked: u32,
    /// A disk is full for a while, per write.
    pub(crate) full: u32,
    /// The desk's checkpoint is written, per beat.
    pub(crate) checkpoint: u32,
    /// And lost at the restart.
    pub(crate) checkpoint_lost: u32,
    /// A gateway dies, per step of its own.
    pub(crate) gateway_dies: u32,
    /// The link to the gateway breaks, per request.
    pub(crate) gateway_breaks: u32,
    /// A gateway takes turns up again that its end cut short.
    pub(crate) takes_up: u32,
    /// A gateway has no time, or is not there, per delivery.
    pub(crate) busy: u32,
    /// It takes a turn and drops it.
    pub(crate) drops: u32,
    /// It says twice that a turn began.
    pub(crate) admits_twice: u32,
    /// It forgets how a turn ended, per question.
    pub(crate) forgets: u32,
    /// A turn ends with an error of the model.
    pub(crate) model_fails: u32,
    /// A turn takes up to hours.
    pub(crate) takes_long: u32,
    /// A request over HTTP is not answered.
    pub(crate) rest_fails: u32,
    /// An answer mentions others.
    pub(crate) mentions: u32,
    /// An agent speaks by itself during a turn.
    pub(crate) speaks: u32,
    /// A monitor that starts finds its folder empty.
    pub(crate) folder_lost: u32,
    /// A monitor stays connected and does nothing for hours, per step.
    pub(crate) monitor_hangs: u32,
    /// A monitor claims what is not so, per report.
    pub(crate) false_evidence: u32,
    /// A monitor tells that a turn has cost more than anything costs, per turn.
    pub(crate) huge_usage: u32,
    /// A report is told behind the next one.
    pub(crate) out_of_order: u32,
}

impl Weather {
    /// What a seed brings: some bring everything, some one thing only, a few nothing.
    pub(crate) fn of(random: &mut Random) -> Self {
        let (mood, loops) = (random.below(8), random.chance(1500));
        let mut rate = |most: u64| match mood {
            0 => 0,
            1 | 2 => u32::try_from(random.below(2) * random.below(most)).unwrap_or_default(),
            3 => u32::try_from((random.below(4) / 3) * random.below(2 * most)).unwrap_or_default(),
            _ => u32::try_from(random.below(most)).unwrap_or_default(),
        };
        Self {
            server_dies: rate(60),
            monitor_dies: rate(150),
            stays_away: rate(3000),
            cut: rate(300),
            slow: rate(1000),
            slow_disk: rate(5000),
            blocked: rate(500),
            full: rate(300),
            checkpoint: rate(1000),
            checkpoint_lost: rate(5000),
            gateway_dies: rate(200),
            gateway_breaks: rate(500),
            takes_up: rate(10_000),
            busy: rate(1500),
            drops: rate(800),
            admits_twice: rate(2000),
            forgets: rate(2000),
            model_fails: rate(2500),
            takes_long: rate(1500),
            rest_fails: rate(3000),
            mentions: if loops { 9000 } else { rate(6000) },
            speaks: rate(4000),
            monitor_hangs: rate(10),
            huge_usage: rate(1000),
            out_of_order: rate(1500),
            folder_lost: 0,
            false_evidence: 0,
        }
    }

    /// Adds what broken and hostile monitors do.
    pub(crate) fn with(mut self, misdeeds: &[Misdeed]) -> Self {
        for misdeed in misdeeds {
            match misdeed {
                Misdeed::LosesFolder => self.folder_lost = 3000,
                Misdeed::Hangs => self.monitor_hangs = 30,
                Misdeed::FalseEvidence => self.false_evidence = 1000,
                Misdeed::HugeUsage => self.huge_usage = 2000,
                Misdeed::ReportsOutOfOrder => self.out_of_order = 2000,
            }
        }
        self
    }

    /// Whether nothing fails: nobody has a reason to say anything twice.
    pub(crate) fn is_faultless(&self) -> bool {
        *self == Self { mentions: self.mentions, speaks: self.speaks, ..Self::default() }
    }

    /// The faults stop; what agents say goes on as before.
    pub(crate) fn calm(&mut self) {
        *self = Self { mentions: self.mentions, speaks: self.speaks, ..Self::default() };
    }
}
