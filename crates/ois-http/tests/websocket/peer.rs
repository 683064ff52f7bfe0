//! A client that sends the bytes of a case as they stand, and reads to the end.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use crate::{
    cases::{Case, SECTIONS},
    frames::{Heard, read},
};

/// A connection that has just become a WebSocket.
pub(crate) fn upgraded(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
    stream.write_all(HANDSHAKE.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    stream
}

/// All that comes back to these bytes, sent in pieces of this length, until the server ends.
pub(crate) fn converse(address: SocketAddr, sent: &[u8], length: usize) -> Vec<Heard> {
    let stream = upgraded(address);
    let mut back = Vec::new();
    // While one side writes the other is read, or both would wait for each other.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Who has been told good-bye need not be heard out.
            sent.chunks(length).try_for_each(|piece| (&stream).write_all(piece)).ok();
        });
        (&stream).read_to_end(&mut back).unwrap();
    });
    read(&back)
}

/// All that comes back until the server ends, after the client has ended its half.
pub(crate) fn half_closed(address: SocketAddr, sent: &[u8]) -> Vec<Heard> {
    let mut stream = upgraded(address);
    stream.write_all(sent).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    read(&back)
}

/// Holds a server to every case. `seen` makes what comes back comparable.
pub(crate) fn hold(address: SocketAddr, limit: usize, seen: fn(Heard) -> Heard) {
    for (section, cases) in SECTIONS {
        for Case { name, sent, back } in cases(limit) {
            let expected: Vec<Heard> = back.into_iter().map(seen).collect();
            for length in [usize::MAX, 997, 1] {
                // Short ones byte by byte, long ones not in a million system calls.
                if sent.len() / length < 2_000 && (length == usize::MAX || sent.len() > length) {
                    let heard = converse(address, &sent, length);
                    let heard: Vec<Heard> = heard.into_iter().map(seen).collect();
                    assert!(
                        heard == expected,
                        "{section}: {name}, in pieces of {length}: {heard:.200?}"
                    );
                }
            }
        }
    }
}

const HANDSHAKE: &str = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
