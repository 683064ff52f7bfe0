//! NATS JetStream on file, synced after every message, as the durable peer.
//!
//! A stream takes what is published on its subject, and each member has a push consumer of its own,
//! so that it receives what is stored and nothing else.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::load::{Speech, Target};

/// Returns the command for a server on a free port, with its store in `root`.
///
/// # Errors
/// Fails when its settings cannot be written.
pub(super) fn command(binary: &Path, root: &Path) -> Result<Command> {
    let settings = root.join("nats.conf");
    let store = root.join("store");
    let text = format!(
        "listen: \"127.0.0.1:-1\"\njetstream {{\n  store_dir: {}\n  sync_interval: always\n}}\n",
        json!(store),
    );
    fs::write(&settings, text).context("cannot write the settings of NATS")?;
    let mut command = Command::new(binary);
    command.arg("-c").arg(settings);
    Ok(command)
}

/// Returns the address in the server's ready line.
pub(super) fn address_in(line: &str) -> Option<SocketAddr> {
    line.split_once("Listening for client connections on ")?.1.trim().parse().ok()
}

/// Creates the stream; to be called once, before any member joins.
///
/// # Errors
/// Fails when the server refuses.
pub(super) fn make_stream(address: SocketAddr) -> Result<()> {
    let stream = json!({
        "name": STREAM, "subjects": [STREAM], "storage": "file", "retention": "limits",
        "discard": "old", "num_replicas": 1, "max_consumers": -1, "max_msgs": -1, "max_bytes": -1,
        "max_age": 0,
    });
    ask(address, &format!("$JS.API.STREAM.CREATE.{STREAM}"), &stream).map(drop)
}

/// Returns the target for the member with this number.
pub(super) fn target(address: SocketAddr, member: usize) -> Target {
    let hello = format!("{CONNECT}SUB {DELIVER}.{member} 1\r\nPING\r\n").into_bytes();
    Target { address, speech: Speech::Nats, hello, greetings: 1, receive_buffer: None }
}

/// Lets the stream push to the member with this number, who has subscribed.
///
/// # Errors
/// Fails when the server refuses.
pub(super) fn make_consumer(address: SocketAddr, member: usize) -> Result<()> {
    let name = format!("member-{member}");
    let consumer = json!({
        "stream_name": STREAM,
        "config": {
            "durable_name": name, "deliver_subject": format!("{DELIVER}.{member}"),
            "deliver_policy": "new", "ack_policy": "none", "mem_storage": true,
        },
    });
    ask(address, &format!("$JS.API.CONSUMER.DURABLE.CREATE.{STREAM}.{name}"), &consumer).map(drop)
}

/// Returns what a member publishes: a message as long as one of OIS.
pub(super) fn message(payload: &[u8]) -> Vec<u8> {
    let head = format!("PUB {STREAM} {}\r\n", payload.len());
    [head.as_bytes(), payload, b"\r\n"].concat()
}

/// Sends one request of JetStream's own protocol and returns its answer.
fn ask(address: SocketAddr, subject: &str, request: &Value) -> Result<Value> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let body = request.to_string();
    let length = body.len();
    let words = format!("{CONNECT}SUB answer 1\r\nPUB {subject} answer {length}\r\n{body}\r\n");
    stream.write_all(words.as_bytes())?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        ensure!(reader.read_line(&mut line)? > 0, "NATS closed the connection");
        ensure!(!line.starts_with("-ERR"), "NATS said {line}");
        if line.starts_with("MSG ") {
            let size = line.split_whitespace().next_back().context("no size")?.parse::<usize>()?;
            let mut payload = vec![0; size];
            reader.read_exact(&mut payload)?;
            let answer: Value = serde_json::from_slice(&payload)?;
            ensure!(answer["error"].is_null(), "NATS said {answer}");
            return Ok(answer);
        }
    }
}

const STREAM: &str = "room";
const DELIVER: &str = "deliver";
const CONNECT: &str = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";
const PATIENCE: Duration = Duration::from_secs(20);
