//! Runs the example and holds it to the same conversations as the server's endpoint.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../../crates/ois-http/tests/websocket/cases.rs"]
mod cases;
#[path = "../../../crates/ois-http/tests/websocket/frames.rs"]
mod frames;
#[path = "../../../crates/ois-http/tests/websocket/peer.rs"]
mod peer;

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use frames::{BINARY, FIN, Heard, TEXT, frame};

/// The running example; it ends with the test.
struct Example {
    child: Child,
    address: SocketAddr,
}

impl Example {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ws-echo"));
        let mut child =
            command.arg("127.0.0.1:0").stderr(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let ready = lines.next().unwrap().unwrap();
        // Its later output is read too, because a full pipe would block it.
        std::thread::spawn(move || lines.for_each(drop));
        let address = ready.strip_prefix("listening on ").unwrap().parse().unwrap();
        Self { child, address }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn the_echo_keeps_every_rule_however_the_bytes_come() {
    peer::hold(Example::start().address, 16 << 20, |heard| heard);
}

#[test]
fn who_ends_their_half_gets_back_what_they_said_before() {
    let example = Example::start();
    let sent = [frame(TEXT, b"one"), frame(BINARY, b"two"), frame(TEXT & !FIN, b"half")].concat();
    let back = [Heard::Text(b"one".to_vec()), Heard::Binary(b"two".to_vec())];
    assert_eq!(peer::half_closed(example.address, &sent), back);
    // Other connections are served as before.
    let bye = frames::close(4000, b"");
    assert_eq!(peer::converse(example.address, &bye, 1), [Heard::Close(4000)]);
}
