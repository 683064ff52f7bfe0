//! The order in which messages are sent: a window of one sender, or every member in turn.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::swarm::{Arrival, Swarm};
use crate::process::Process;
use crate::stats::Histogram;

/// The order in which messages are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pattern {
    /// The first connection sends, with this many messages under way at once. A message is under
    /// way until every receiver has it.
    Window(usize),
    /// Every connection sends, each when it has received all messages of the round.
    Round,
    /// The first connection sends one message per interval, as long as fewer than 64 are under way.
    Every(Duration),
}

/// The result of a flow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    /// The number of deliveries per second.
    pub(crate) per_second: f64,
    /// The CPU seconds of the server per million deliveries.
    pub(crate) cpu: f64,
}

/// The messages under way among the connections of a swarm.
pub(crate) struct Flow<'a> {
    swarm: &'a mut Swarm,
    pattern: Pattern,
    message: &'a [u8],
    /// The number of connections that take part, counted from the first.
    receivers: usize,
    sent: u64,
    /// The number of messages that every receiver has.
    done: u64,
    deliveries: u64,
    /// How many receivers have each message that is under way.
    reached: Vec<usize>,
    /// The time at which each message that is under way was sent.
    sent_at: Vec<Instant>,
    /// The connections that must send, in a round.
    due: Vec<usize>,
    latency: Histogram,
    /// A buffer that is kept for its memory.
    arrivals: Vec<Arrival>,
}

impl<'a> Flow<'a> {
    /// Starts a flow among the first `receivers` connections; no message may be under way.
    pub(crate) fn new(
        swarm: &'a mut Swarm,
        receivers: usize,
        pattern: Pattern,
        message: &'a [u8],
    ) -> Self {
        swarm.count_anew();
        let under_way = match pattern {
            Pattern::Window(window) => window,
            // The fastest connection may be in the next round while others finish this one.
            Pattern::Round => 2 * receivers,
            Pattern::Every(_) => MOST_AT_A_PACE,
        };
        Self {
            pattern,
            message,
            receivers,
            sent: 0,
            done: 0,
            deliveries: 0,
            reached: vec![0; under_way],
            sent_at: vec![Instant::now(); under_way],
            due: (0..receivers).collect(),
            latency: Histogram::default(),
            arrivals: Vec::new(),
            swarm,
        }
    }

    /// Runs the flow to warm up, then for `span`, and measures `server` meanwhile.
    ///
    /// # Errors
    /// Fails when a connection breaks or messages stop coming.
    pub(crate) fn measure(&mut self, server: &Process, span: Duration) -> Result<Rate> {
        self.run(span / 5)?;
        self.forget_latency();
        let (deliveries, cpu, begin) = (self.deliveries, server.cpu()?, Instant::now());
        self.run(span)?;
        let took = begin.elapsed().as_secs_f64();
        let cpu = (server.cpu()? - cpu).as_secs_f64();
        let deliveries = self.deliveries - deliveries;
        self.drain()?;
        ensure!(deliveries > 0, "nothing was delivered within {span:?}");
        let deliveries = deliveries as f64;
        Ok(Rate { per_second: deliveries / took, cpu: cpu / deliveries * 1e6 })
    }

    /// Sends exactly `count` messages and waits until every receiver has them; returns the time it
    /// took.
    ///
    /// # Errors
    /// Fails when a connection breaks or messages stop coming.
    pub(crate) fn send_all(&mut self, count: u64) -> Result<Duration> {
        let begin = Instant::now();
        let all = self.sent + count;
        while self.sent < all {
            self.put_under_way(all)?;
            self.turn()?;
        }
        self.drain()?;
        Ok(begin.elapsed())
    }

    /// Sets how long the generator looks for more before it sleeps.
    pub(crate) fn stay_awake(&mut self, awake: Duration) {
        self.swarm.stay_awake(awake);
    }

    /// Discards the times that [`latency`](Self::latency) has collected.
    pub(crate) fn forget_latency(&mut self) {
        self.latency = Histogram::default();
    }

    /// Returns the number of messages that were sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Returns the times from sending to each receipt, of the last measurement.
    pub(crate) fn latency(&self) -> &Histogram {
        &self.latency
    }

    fn run(&mut self, span: Duration) -> Result<()> {
        let end = Instant::now() + span;
        while Instant::now() < end {
            self.put_under_way(u64::MAX)?;
            self.turn()?;
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<()> {
        let mut last = (self.deliveries, Instant::now());
        while self.done < self.sent {
            self.turn()?;
            if self.deliveries > last.0 {
                last = (self.deliveries, Instant::now());
            }
            let missing = self.sent * self.receivers as u64 - self.deliveries;
            ensure!(last.1.elapsed() < PATIENCE, "{missing} deliveries did not come");
        }
        Ok(())
    }

    fn put_under_way(&mut self, at_most: u64) -> Result<()> {
        let now = Instant::now();
        match self.pattern {
            Pattern::Window(window) => {
                let free = window as u64 - (self.sent - self.done);
                let free = free.min(at_most - self.sent);
                if free > 0 {
                    let bytes = self.message.repeat(usize::try_from(free)?);
                    self.note_sent(free, now);
                    self.swarm.send(0, &bytes)?;
                }
            }
            Pattern::Round => {
                for sender in std::mem::take(&mut self.due) {
                    self.note_sent(1, now);
                    self.swarm.send(sender, self.message)?;
                }
            }
            Pattern::Every(interval) => {
                let last = self.sent.checked_sub(1).map(|last| self.sent_at[self.place(last)]);
                let is_due = last.is_none_or(|last| now >= last + interval);
                let free = self.sent - self.done < self.reached.len() as u64;
                if is_due && free && self.sent < at_most {
                    self.note_sent(1, now);
                    self.swarm.send(0, self.message)?;
                }
            }
        }
        Ok(())
    }

    fn note_sent(&mut self, count: u64, now: Instant) {
        for message in self.sent..self.sent + count {
            let place = self.place(message);
            self.sent_at[place] = now;
        }
        self.sent += count;
    }

    /// Whether the time of every receipt is wanted; in bulk that would cost more than counting
    /// does.
    fn is_timed(&self) -> bool {
        matches!(self.pattern, Pattern::Every(_) | Pattern::Window(1))
    }

    fn place(&self, message: u64) -> usize {
        usize::try_from(message % self.reached.len() as u64).unwrap_or_default()
    }

    fn turn(&mut self) -> Result<()> {
        let patience = match self.pattern {
            Pattern::Every(interval) => interval / 4,
            _ => BETWEEN_LOOKS,
        };
        let mut arrivals = std::mem::take(&mut self.arrivals);
        self.swarm.turn(patience, |arrival| arrivals.push(arrival))?;
        let now = Instant::now();
        for arrival in arrivals.drain(..) {
            self.arrived(arrival, now);
        }
        self.arrivals = arrivals;
        Ok(())
    }

    fn arrived(&mut self, arrival: Arrival, now: Instant) {
        let Arrival { connection, before, came } = arrival;
        if connection >= self.receivers {
            return;
        }
        self.deliveries += u64::from(came);
        for message in before..before + u64::from(came) {
            let place = self.place(message);
            self.reached[place] += 1;
            if self.reached[place] == self.receivers {
                self.reached[place] = 0;
                self.done += 1;
            }
            if self.is_timed() {
                self.latency.add(now - self.sent_at[place]);
            }
        }
        let (round, before_round) = (self.receivers as u64, before / self.receivers as u64);
        if matches!(self.pattern, Pattern::Round)
            && (before + u64::from(came)) / round > before_round
        {
            self.due.push(connection);
        }
    }
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);
const MOST_AT_A_PACE: usize = 64;
