//! A wire between a client and a server that a test can hold still, one direction at a time.
//!
//! So a test kills one end at the instant when something has arrived and its answer has not.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};

/// A proxy on a free port of the loopback device.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    port: u16,
    accepting: Option<JoinHandle<()>>,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

#[derive(Debug, Default)]
struct Shared {
    gates: Mutex<Gates>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Gates {
    to_server_held: bool,
    to_client_held: bool,
    /// Whether the test is over.
    closed: bool,
}

impl Proxy {
    /// Starts a proxy to this port of 127.0.0.1; nothing is held.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn start(server: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::<Shared>::default();
        let accepting = Arc::clone(&shared);
        let accepting = thread::spawn(move || accept(&listener, server, &accepting));
        Ok(Self { shared, port, accepting: Some(accepting) })
    }

    /// The port of the proxy on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Holds back what goes this way from now on, on every connection.
    pub fn hold(&self, direction: Direction) {
        self.set(direction, true);
    }

    /// Lets it pass again, first of all what was held back.
    pub fn release(&self, direction: Direction) {
        self.set(direction, false);
    }

    fn set(&self, direction: Direction, held: bool) {
        let mut gates = self.shared.lock();
        match direction {
            Direction::ToServer => gates.to_server_held = held,
            Direction::ToClient => gates.to_client_held = held,
        }
        drop(gates);
        self.shared.changed.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        // Wakes the thread that accepts.
        drop(TcpStream::connect(loopback(self.port)));
        if self.accepting.take().is_some_and(|thread| thread.join().is_err()) {
            eprintln!("the proxy's thread died");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Gates> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while bytes of this direction are held; `false` when the test is over.
    fn pass(&self, direction: Direction) -> bool {
        let mut gates = self.lock();
        while !gates.closed && gates.holds(direction) {
            gates = self.changed.wait(gates).unwrap_or_else(PoisonError::into_inner);
        }
        !gates.closed
    }
}

impl Gates {
    fn holds(&self, direction: Direction) -> bool {
        match direction {
            Direction::ToServer => self.to_server_held,
            Direction::ToClient => self.to_client_held,
        }
    }
}

fn accept(listener: &TcpListener, server: u16, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.lock().closed {
            return;
        }
        // A server that is down ends the client's connection as well.
        let Some((client, server)) = client.ok().zip(TcpStream::connect(loopback(server)).ok())
        else {
            continue;
        };
        if let Err(error) = join(&client, &server, shared) {
            eprintln!("proxy: {error}");
        }
    }
}

fn join(client: &TcpStream, server: &TcpStream, shared: &Arc<Shared>) -> std::io::Result<()> {
    let ways = [(client, server, Direction::ToServer), (server, client, Direction::ToClient)];
    for (from, to, direction) in ways {
        let (from, to, shared) = (from.try_clone()?, to.try_clone()?, Arc::clone(shared));
        to.set_nodelay(true)?;
        // Not joined: it ends with either end of the connection.
        thread::spawn(move || pump(&from, &to, &shared, direction));
    }
    Ok(())
}

fn pump(mut from: &TcpStream, mut to: &TcpStream, shared: &Shared, direction: Direction) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if !shared.pass(direction) || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // One end gone is both ends gone; either may have been shut already.
    drop((from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both)));
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
