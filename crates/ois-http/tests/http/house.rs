//! A server on a free port, and a client that sends exactly what it is told.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    sync::Arc,
    time::Duration,
};

use ois_auth::{AgentTokens, Keyring, NewMember, OsEntropy, Token};
use ois_http::{Keys, Server, Settings, SocketSettings};
use ois_protocol::{DisplayName, Role, Timestamp};
use ois_store::{DiskConfig, DiskStore, Store};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// The password that everybody knows, and the tokens of an agent and of somebody who only reads.
pub(crate) const PASSWORD: &str = "pw-under-test";
pub(crate) const AGENT: &str = "agent-s3cret";
pub(crate) const GUEST: &str = "guest-s3cret";

/// A running server, which stops when it goes.
pub(crate) struct House {
    runtime: Runtime,
    server: Option<Server>,
    store: Arc<dyn Store>,
    address: SocketAddr,
    root: Option<TempDir>,
    buffers: Buffers,
}

/// What the system keeps for each connection of what its peer has not taken yet.
#[derive(Clone, Copy, Debug)]
enum Buffers {
    /// As much as it likes.
    Usual,
    /// As little as it can, so that sockets take a part of a frame and then nothing more.
    Small,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl House {
    /// With everything as usual.
    pub(crate) fn open() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = DiskStore::open(DiskConfig::new(root.path()), NOON).unwrap();
        Self::start(root, Arc::new(store), settings, Buffers::Usual)
    }

    /// With sockets that take little at once.
    pub(crate) fn cramped(settings: Settings) -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = DiskStore::open(DiskConfig::new(root.path()), NOON).unwrap();
        Self::start(root, Arc::new(store), settings, Buffers::Small)
    }

    /// On a store that stands before the usual one.
    pub(crate) fn behind(before: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        Self::behind_with(before, Settings::default())
    }

    /// The same, with other settings.
    pub(crate) fn behind_with(
        before: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
        settings: Settings,
    ) -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = DiskStore::open(DiskConfig::new(root.path()), NOON).unwrap();
        Self::start(root, before(Arc::new(store)), settings, Buffers::Usual)
    }

    /// Stops the server and starts another one on what it kept.
    pub(crate) fn restart(mut self) -> Self {
        self.stop();
        let (root, store) = (self.root.take().unwrap(), Arc::clone(&self.store));
        Self::start(root, store, Settings::default(), self.buffers)
    }

    /// Stops the server and starts another one, on another port, on what it kept.
    pub(crate) fn start_again(&mut self, settings: Settings) {
        self.stop();
        let (root, store) = (self.root.take().unwrap(), Arc::clone(&self.store));
        *self = Self::start(root, store, settings, self.buffers);
    }

    /// What the team is kept in.
    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Waits for what the store answers.
    pub(crate) fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        self.runtime.block_on(answer)
    }

    /// Where the team's files lie on disk.
    pub(crate) fn root(&self) -> &Path {
        self.root.as_ref().unwrap().path()
    }

    fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop(Duration::from_secs(10)));
        }
    }

    fn start(root: TempDir, store: Arc<dyn Store>, settings: Settings, buffers: Buffers) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let server = runtime.block_on(async {
            let keys = Arc::new(Keys::open(Arc::clone(&store)).await.unwrap());
            keys.change(people).await.unwrap();
            let send_buffer = matches!(buffers, Buffers::Small).then_some(4096);
            let sockets = SocketSettings { send_buffer, ..SocketSettings::default() };
            let listener = ois_http::listen(HERE, &sockets).unwrap();
            ois_http::serve(listener, Arc::clone(&store), keys, settings).await.unwrap()
        });
        let address = server.address();
        Self { runtime, server: Some(server), store, address, root: Some(root), buffers }
    }

    /// A connection with nothing sent yet.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
        stream
    }

    /// Sends a head and a body as they are, and reads one answer.
    pub(crate) fn raw(&self, head: &str, body: &[u8]) -> Answer {
        let mut stream = self.connect();
        // Everything is sent before anything is read, as most clients do it.
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        Answer::read(&mut stream, head.starts_with("HEAD "))
    }

    /// Sends a request with these header lines.
    pub(crate) fn send(&self, what: &str, headers: &[&str], body: &[u8]) -> Answer {
        let mut head = format!("{what} HTTP/1.1\r\nHost: {}\r\n", self.address);
        for line in headers {
            head.push_str(line);
            head.push_str("\r\n");
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        self.raw(&head, body)
    }

    /// Sends a request as the agent.
    pub(crate) fn ask(&self, what: &str) -> Answer {
        self.send(what, &[&bearer(AGENT)], b"")
    }

    /// Sends JSON as the agent.
    pub(crate) fn tell(&self, what: &str, body: &Value) -> Answer {
        let headers = [bearer(AGENT), JSON.to_owned()];
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        self.send(what, &headers, body.to_string().as_bytes())
    }

    /// Signs in with the shared password.
    pub(crate) fn login(&self, name: &str) -> Answer {
        let body = serde_json::json!({ "username": name, "password": PASSWORD });
        self.send("POST /api/login", &[JSON], body.to_string().as_bytes())
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Answer {
    fn read(stream: &mut TcpStream, headless: bool) -> Self {
        let mut bytes = Vec::new();
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(more(stream, &mut bytes), "no answer: {}", String::from_utf8_lossy(&bytes));
        };
        let body = bytes.split_off(head);
        let mut answer = Self { body, ..Self::of_head(bytes) };
        let length = answer.header("content-length").and_then(|length| length.parse().ok());
        let chunked = answer.header("transfer-encoding") == Some("chunked");
        let bodiless = headless || matches!(answer.status, 101 | 204 | 304);
        while !bodiless
            && length.is_none_or(|length: usize| answer.body.len() < length)
            && !(chunked && answer.body.ends_with(b"0\r\n\r\n"))
            && more(stream, &mut answer.body)
        {}
        if chunked {
            answer.body = unchunked(&answer.body);
        }
        answer
    }

    /// Reads one answer that says its length or has no body, and nothing behind it.
    pub(crate) fn next(stream: &mut TcpStream) -> Self {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        let mut answer = Self::of_head(head);
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        answer.body = vec![0; length];
        stream.read_exact(&mut answer.body).unwrap();
        answer
    }

    fn of_head(bytes: Vec<u8>) -> Self {
        let text = String::from_utf8(bytes).unwrap();
        let status = text[9..12].parse().unwrap();
        let pairs = text.lines().skip(1).filter_map(|line| line.split_once(": "));
        let headers = pairs.map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned())).collect();
        Self { status, headers, body: Vec::new() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let pair = self.headers.iter().find(|(other, _)| other == name);
        pair.map(|(_, value)| value.as_str())
    }

    /// Status and words of an error, in the form that every error has.
    pub(crate) fn error(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), Some("application/json; charset=utf-8"));
        let json = self.json();
        assert!(json["code"].is_string(), "{json}");
        (self.status, json["error"].as_str().unwrap().to_owned())
    }
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const NOON: Timestamp = Timestamp::from_ms(1_770_379_200_000);

pub(crate) const JSON: &str = "Content-Type: application/json";

/// An agent of the settings, the shared password, and one in the register who only reads.
fn people(keyring: &mut Keyring) {
    keyring.configure(AgentTokens::parse(&format!("{AGENT}:HKH 🐱")).unwrap()).unwrap();
    keyring.share(Some(PASSWORD), &mut OsEntropy::open().unwrap());
    let display: DisplayName = "Reader".parse().unwrap();
    if keyring.member(&display.short()).is_none() {
        let guest = NewMember { display, role: Role::Guest, duties: Vec::new() };
        let token = Token::parse(GUEST).unwrap().hash();
        keyring.add_agent(guest, token, Timestamp::from_ms(0)).unwrap();
    }
}

/// A chunked body without its sizes.
fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        whole.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 4 + size..];
    }
    whole
}

fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> bool {
    let mut piece = [0; 16 << 10];
    match stream.read(&mut piece) {
        Ok(0) | Err(_) => false,
        Ok(count) => {
            bytes.extend_from_slice(&piece[..count]);
            true
        }
    }
}
