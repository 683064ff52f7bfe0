//! Many connections on one thread.

use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};

use super::Target;
use super::connection::{Connection, write};

/// Connections to one or more servers, which are read in turns.
pub(crate) struct Swarm {
    epoll: OwnedFd,
    connections: Vec<Connection>,
    events: Vec<epoll::Event>,
    buffer: Vec<u8>,
    /// The number of connections that are signed in.
    signed_in: usize,
    is_checked: bool,
    /// How long the swarm looks for more before it sleeps.
    awake: Duration,
}

/// The messages that one connection received in one turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// The connection, by its place in the order of joining.
    pub(crate) connection: usize,
    /// How many messages the connection had received before.
    pub(crate) before: u64,
    /// How many messages came in this turn.
    pub(crate) came: u32,
}

impl Swarm {
    /// Creates a swarm without connections.
    ///
    /// # Errors
    /// Fails when the system gives no epoll.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC).context("no epoll")?,
            connections: Vec::new(),
            events: Vec::with_capacity(1024),
            buffer: vec![0; 256 << 10],
            signed_in: 0,
            is_checked: false,
            awake: AWAKE,
        })
    }

    /// Checks that the ids of messages increase, for all connections that join from now on.
    pub(crate) fn check(&mut self) {
        self.is_checked = true;
    }

    /// Sets how long the swarm looks for more before it sleeps.
    pub(crate) fn stay_awake(&mut self, awake: Duration) {
        self.awake = awake;
    }

    /// Returns the number of connections.
    pub(crate) fn len(&self) -> usize {
        self.connections.len()
    }

    /// Connects `count` more and waits until all are signed in; at most `at_once` of them sign in
    /// at the same time.
    ///
    /// # Errors
    /// Fails when one is refused or does not get in.
    pub(crate) fn join(&mut self, target: &Target, count: usize, at_once: usize) -> Result<()> {
        let all = self.len() + count;
        while self.signed_in < all {
            while self.len() < all && self.len() - self.signed_in < at_once {
                self.connect(target)?;
            }
            let before = self.signed_in;
            let until = Instant::now() + PATIENCE;
            while self.signed_in == before {
                self.turn(PATIENCE, |_| ())?;
                ensure!(Instant::now() < until, "nobody got in within {PATIENCE:?}");
            }
        }
        Ok(())
    }

    fn connect(&mut self, target: &Target) -> Result<()> {
        let index = self.len();
        let (connection, first) = Connection::open(target)?;
        let place = EventData::new_u64(index as u64);
        epoll::add(&self.epoll, &connection.stream, place, EventFlags::IN)?;
        self.connections.push(connection);
        self.send(index, first)
    }

    /// Sends bytes on a connection; bytes that its socket does not take follow in later turns.
    ///
    /// # Errors
    /// Fails when the connection is gone.
    pub(crate) fn send(&mut self, index: usize, bytes: &[u8]) -> Result<()> {
        let connection = &mut self.connections[index];
        if !connection.unsent.is_empty() {
            connection.unsent.extend_from_slice(bytes);
            return Ok(());
        }
        let taken = write(&connection.stream, bytes)?;
        if taken < bytes.len() {
            connection.unsent.extend_from_slice(&bytes[taken..]);
            let data = EventData::new_u64(index as u64);
            epoll::modify(&self.epoll, &connection.stream, data, EventFlags::IN | EventFlags::OUT)?;
        }
        Ok(())
    }

    /// Stops or resumes reading a connection.
    ///
    /// # Errors
    /// Fails when the system refuses.
    pub(crate) fn listen(&mut self, index: usize, ears: Ears) -> Result<()> {
        let flags = match ears {
            Ears::Open => EventFlags::IN,
            Ears::Closed => EventFlags::empty(),
        };
        let stream = &self.connections[index].stream;
        Ok(epoll::modify(&self.epoll, stream, EventData::new_u64(index as u64), flags)?)
    }

    /// Resets the message count of every connection.
    pub(crate) fn count_anew(&mut self) {
        for connection in &mut self.connections {
            connection.got = 0;
        }
    }

    /// Does nothing for this time but answer pings.
    ///
    /// # Errors
    /// Fails when a connection breaks.
    pub(crate) fn rest(&mut self, span: Duration) -> Result<()> {
        let end = Instant::now() + span;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            self.turn(left, |_| ())?;
        }
        Ok(())
    }

    /// Reads until a connection has received this many messages; returns how many it has then.
    ///
    /// # Errors
    /// Fails when a connection breaks or messages stop coming.
    pub(crate) fn hear(&mut self, index: usize, messages: u64) -> Result<u64> {
        let mut last = (0, Instant::now());
        while self.connections[index].got < messages {
            self.turn(PATIENCE, |_| ())?;
            let got = self.connections[index].got;
            if got > last.0 {
                last = (got, Instant::now());
            }
            ensure!(last.1.elapsed() < PATIENCE, "got {got} messages of {messages}");
        }
        Ok(self.connections[index].got)
    }

    /// Waits at most `patience` for data and reads each connection that is ready once; reports the
    /// messages of the connections that are signed in.
    ///
    /// # Errors
    /// Fails when a connection ends or says what it must not.
    pub(crate) fn turn(
        &mut self,
        patience: Duration,
        mut arrived: impl FnMut(Arrival),
    ) -> Result<()> {
        self.wait(patience)?;
        let events = std::mem::take(&mut self.events);
        for event in &events {
            let index = usize::try_from(event.data.u64())?;
            // The flags are copied out, because the fields of an event may lie unaligned.
            let flags = event.flags;
            if flags.contains(EventFlags::OUT) {
                self.flush(index)?;
            }
            if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR)
                && let Some(arrival) = self.read(index)?
            {
                arrived(arrival);
            }
        }
        self.events = events;
        Ok(())
    }

    /// Waits until data has come, without sleeping for the first while.
    fn wait(&mut self, patience: Duration) -> Result<()> {
        let begin = Instant::now();
        self.look(Duration::ZERO)?;
        while self.events.is_empty() && begin.elapsed() < self.awake.min(patience) {
            let next = Instant::now() + BETWEEN_LOOKS;
            while Instant::now() < next {
                std::hint::spin_loop();
            }
            self.look(Duration::ZERO)?;
        }
        if self.events.is_empty() { self.look(patience.saturating_sub(self.awake)) } else { Ok(()) }
    }

    fn look(&mut self, patience: Duration) -> Result<()> {
        let timeout = Timespec::try_from(patience).context("too patient")?;
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error).context("epoll"),
        }
    }

    fn flush(&mut self, index: usize) -> Result<()> {
        let connection = &mut self.connections[index];
        let taken = write(&connection.stream, &connection.unsent)?;
        connection.unsent.drain(..taken);
        if connection.unsent.is_empty() {
            let data = EventData::new_u64(index as u64);
            epoll::modify(&self.epoll, &connection.stream, data, EventFlags::IN)?;
        }
        Ok(())
    }

    fn read(&mut self, index: usize) -> Result<Option<Arrival>> {
        let connection = &mut self.connections[index];
        let size = match (&connection.stream).read(&mut self.buffer) {
            Ok(0) => bail!("the server closed connection {index}"),
            Ok(size) => size,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error).context(format!("connection {index}")),
        };
        let was_in = connection.is_in();
        let (answer, came) = connection.take(&self.buffer[..size], self.is_checked)?;
        if !was_in && connection.is_in() {
            self.signed_in += 1;
        }
        let before = connection.got;
        connection.got += u64::from(came);
        if !answer.is_empty() {
            self.send(index, &answer)?;
        }
        Ok((came > 0).then_some(Arrival { connection: index, before, came }))
    }
}

/// Whether a connection is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ears {
    /// The connection is read.
    Open,
    /// The connection is not read; its data stays in the socket.
    Closed,
}

/// How long the generator looks for more before it sleeps, unless it is told otherwise. Without
/// this it would fall asleep between two sends of one sweep or not, by chance, and waking it costs
/// a server more than the send itself; receivers on other machines cost none of that.
pub(crate) const AWAKE: Duration = Duration::from_micros(50);
/// The pause between two looks. A generator that looks without a pause holds the lock that a
/// server's sends have to take.
const BETWEEN_LOOKS: Duration = Duration::from_micros(3);
/// How long the generator waits without any event before it gives up.
const PATIENCE: Duration = Duration::from_secs(20);
