//! One message on its way to everybody: read, stored in memory, framed, swept over all connections
//! and read by each of them, over loopback.
//!
//! `cargo bench -p ois-http --bench sweep`
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

use divan::{Bencher, counter::ItemsCount};
use ois_auth::AgentTokens;
use ois_http::{Keys, Server, Settings};
use ois_protocol::Limits;
use ois_store::MemoryStore;
use tokio::runtime::{Builder, Runtime};

fn main() {
    divan::main();
}

/// Deliveries of one message, and of 32 that came at once.
#[divan::bench(args = [(10, 1), (100, 1), (500, 1), (10, 32), (100, 32), (500, 32)])]
fn deliver(bencher: Bencher<'_, '_>, (receivers, messages): (usize, usize)) {
    let mut room = Room::open(receivers);
    let said = frame(br#"{"type":"chat","text":"what is said"}"#).repeat(messages);
    bencher
        .counter(ItemsCount::new(receivers * messages))
        .bench_local(|| room.say(&said, messages));
    room.close();
}

/// A server, and members who have signed in.
struct Room {
    runtime: Runtime,
    server: Server,
    members: Vec<TcpStream>,
    buffer: Vec<u8>,
}

impl Room {
    fn open(receivers: usize) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let server = runtime.block_on(serve());
        let mut members: Vec<TcpStream> =
            (0..receivers).map(|_| sign_in(server.address())).collect();
        members[0].write_all(&frame(br#"{"type":"chat","text":"what is said"}"#)).unwrap();
        let sizes = members.iter_mut().map(|member| read_frame(member).len());
        // Ids have as many digits for years, so every frame is as long as the first.
        let size = sizes.max().unwrap();
        let head = if size < 126 { 2 } else { 4 };
        Self { runtime, server, members, buffer: vec![0; head + size] }
    }

    /// Says these messages and reads them on every connection.
    fn say(&mut self, said: &[u8], messages: usize) {
        self.members[0].write_all(said).unwrap();
        let size = self.buffer.len();
        self.buffer.resize(size * messages, 0);
        for member in &mut self.members {
            member.read_exact(&mut self.buffer).unwrap();
        }
        self.buffer.truncate(size);
    }

    fn close(self) {
        drop(self.members);
        self.runtime.block_on(self.server.stop(Duration::from_secs(1)));
    }
}

async fn serve() -> Server {
    let store: Arc<MemoryStore> = Arc::new(MemoryStore::new("0000beef"));
    let keys = Arc::new(Keys::open(store.clone()).await.unwrap());
    let agents = AgentTokens::parse(&format!("{TOKEN}:Bench")).unwrap();
    keys.change(|keyring| keyring.configure(agents).unwrap()).await.unwrap();
    let limits = Limits { chat_rate: 0, ..Limits::default() };
    let settings = Settings { limits, ..Settings::default() };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    ois_http::serve(listener, store, keys, settings).await.unwrap()
}

fn sign_in(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(UPGRADE.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    let hello = format!(r#"{{"type":"agent_auth","token":"{TOKEN}"}}"#);
    stream.write_all(&frame(hello.as_bytes())).unwrap();
    while !read_frame(&mut stream).starts_with(br#"{"type":"history""#) {}
    stream
}

/// The payload of the next frame.
fn read_frame(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).unwrap();
    let mut length = usize::from(head[1]);
    if length == 126 {
        stream.read_exact(&mut head).unwrap();
        length = usize::from(u16::from_be_bytes(head));
    }
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).unwrap();
    payload
}

/// A short text frame, masked with zeros.
fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
    frame.extend(payload);
    frame
}

const TOKEN: &str = "token-of-the-bench";
const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
