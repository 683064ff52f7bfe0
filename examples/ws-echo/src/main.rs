//! A WebSocket server that sends back what it receives, on the server's own frame layer.
//!
//! It sends text back as text and bytes as bytes, each message whole. Conformance suites are
//! pointed at it: `cargo run --release -p ws-echo -- 127.0.0.1:9001`

use std::time::Duration;

use anyhow::{Context, Result};
use ois_http::codec::{self, Decoder, Item};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tungstenite::handshake::derive_accept_key;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(&address).await.context(address)?;
    eprintln!("listening on {}", listener.local_addr()?);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, peer) = accepted?;
                connections.spawn(async move {
                    if let Err(error) = serve(stream).await {
                        eprintln!("{peer}: {error}");
                    }
                });
            }
            Some(_) = connections.join_next() => {} // its own words have been said
        }
    }
}

/// Serves one connection, from its handshake to its last byte.
async fn serve(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut heard = upgrade(&mut stream).await?;
    let (mut decoder, mut said) = (Decoder::default(), Vec::new());
    loop {
        let (used, ended) = answer(&mut decoder, &mut heard, &mut said);
        heard.drain(..used);
        stream.write_all(&said).await?;
        said.clear();
        if ended {
            return linger(stream).await;
        }
        if stream.read_buf(&mut heard).await? == 0 {
            return Ok(());
        }
    }
}

/// Answers the complete frames; returns how many bytes they had, and whether the connection is to
/// be closed.
fn answer(decoder: &mut Decoder, heard: &mut [u8], said: &mut Vec<u8>) -> (usize, bool) {
    let mut used = 0;
    loop {
        match decoder.next(&mut heard[used..], MOST_BYTES) {
            Ok(None) => return (used, false),
            Ok(Some((took, item))) => {
                used += took;
                match item {
                    Item::Text(text) => codec::write_text(said, text.as_bytes()),
                    Item::Binary(bytes) => codec::write_binary(said, bytes),
                    Item::Ping(bytes) => codec::write_pong(said, bytes),
                    Item::Pong | Item::Piece => {}
                    Item::Close(code) => {
                        codec::write_close(said, code);
                        return (used, true);
                    }
                }
            }
            Err(violation) => {
                codec::write_close(said, violation.code());
                return (used, true);
            }
        }
    }
}

/// Does the handshake (RFC 6455, 4.2) and returns the bytes that came right behind it.
async fn upgrade(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut heard = Vec::new();
    let end = loop {
        if let Some(end) = heard.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        anyhow::ensure!(heard.len() < 8192, "its head is too long");
        anyhow::ensure!(
            stream.read_buf(&mut heard).await? > 0,
            "it left in the middle of its head"
        );
    };
    let head = String::from_utf8_lossy(&heard[..end]).into_owned();
    let pairs = || head.lines().filter_map(|line| line.split_once(':'));
    let key = pairs().find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
    let key = key.context("it asked for no WebSocket")?.1.trim();
    let accept = derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await?;
    Ok(heard.split_off(end))
}

/// Ends this side of the connection and waits a moment for the peer's, so that the peer can read
/// the close frame.
async fn linger(mut stream: TcpStream) -> Result<()> {
    stream.shutdown().await?;
    let mut rest = [0; 4096];
    let drained = async { while matches!(stream.read(&mut rest).await, Ok(1..)) {} };
    tokio::time::timeout(Duration::from_secs(2), drained).await.ok();
    Ok(())
}

/// The longest message in bytes; the Autobahn suite sends one of this length.
const MOST_BYTES: usize = 16 << 20;
