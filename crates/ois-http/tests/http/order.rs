//! Whatever joins, stalls, resumes and restarts: everybody is shown the log, in its order, as far
//! as it may be seen and from where it began. What the server answers to a connection alone comes
//! between these frames, never inside one. The oracle is the store itself.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
};

use ois_http::Settings;
use ois_protocol::{EventId, EventKind, Limits};
use ois_store::{Filter, Limit, Record};
use serde_json::{Value, json};

use crate::house::{AGENT, GUEST, House, JSON, bearer};

/// Everything about one connection that outlives it.
struct Seen {
    who: Who,
    /// What comes behind this event is to be shown.
    after: u64,
    frames: Vec<Vec<u8>>,
}

/// Who looks, and what it asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    /// A person who is shown chat.
    Plain,
    /// A person who is shown everything.
    Curious,
    /// The agent's monitor.
    Monitor,
    /// Another agent's monitor.
    Other,
}

/// An open connection.
struct Reader {
    stream: TcpStream,
    unread: Vec<u8>,
    seen: Seen,
    /// What its pings carried whose pongs have not come.
    pings: VecDeque<Vec<u8>>,
}

impl Who {
    fn sees(self, record: &Record) -> bool {
        let whose = |agent: &str| {
            let json: Value = serde_json::from_slice(&record.payload).unwrap();
            json["agent"] == agent
        };
        match (record.kind.unwrap(), self) {
            (EventKind::Message, _) | (_, Self::Curious) => true,
            (_, Self::Monitor) => whose("HKH"),
            (_, Self::Other) => whose("Reader"),
            (_, Self::Plain) => false,
        }
    }

    fn sign_in(self, session: &str, after: u64) -> Value {
        let topics = json!(["deliveries", "runs"]);
        match self {
            Self::Plain => json!({"type": "auth", "token": session, "after": after}),
            Self::Curious => {
                json!({"type": "auth", "token": session, "after": after, "subscribe": topics})
            }
            Self::Monitor | Self::Other => {
                let token = if self == Self::Monitor { AGENT } else { GUEST };
                json!({"type": "agent_auth", "token": token, "after": after, "subscribe": topics})
            }
        }
    }
}

impl Reader {
    fn open(house: &House, session: &str, who: Who, after: u64) -> Self {
        let mut stream = house.connect();
        let head = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.extend(byte);
        }
        let seen = Seen { who, after, frames: Vec::new() };
        let mut reader = Self { stream, unread: Vec::new(), seen, pings: VecDeque::new() };
        reader.send(&who.sign_in(session, after));
        reader
    }

    fn send(&mut self, frame: &Value) {
        let text = frame.to_string().into_bytes();
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        let mut bytes = vec![0x81, 0x80 | 126, length[0], length[1], 0, 0, 0, 0];
        bytes.extend(text);
        self.stream.write_all(&bytes).unwrap();
    }

    /// Asks for a pong with these bytes, 125 at the most.
    fn ping(&mut self, payload: Vec<u8>) {
        let mut bytes = vec![0x89, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
        bytes.extend(&payload);
        self.stream.write_all(&bytes).unwrap();
        self.pings.push_back(payload);
    }

    /// Reads once, up to so many bytes; false at the end.
    fn read(&mut self, most: usize) -> bool {
        let mut bytes = vec![0; most];
        let count = match self.stream.read(&mut bytes) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("nothing came: {error}"),
        };
        self.unread.extend(&bytes[..count]);
        while let Some((opcode, frame, rest)) = first_frame(&self.unread) {
            let frame = frame.to_vec();
            self.unread.drain(..self.unread.len() - rest);
            if opcode == PONG {
                assert_eq!(
                    Some(frame),
                    self.pings.pop_front(),
                    "pongs answer pings in their order"
                );
                continue;
            }
            let json: Value = serde_json::from_slice(&frame).expect("no frame is split or mixed");
            if matches!(json["type"].as_str(), Some("message" | "delivery" | "run")) {
                self.seen.frames.push(frame);
            }
        }
        count > 0
    }

    /// The last message that it has been shown, which is all that a client resumes by.
    fn last(&self) -> u64 {
        let messages = self.seen.frames.iter().rev().filter_map(|frame| {
            serde_json::from_slice::<Value>(frame).unwrap()["message"]["id"].as_u64()
        });
        messages.into_iter().next().unwrap_or(self.seen.after)
    }
}

/// The first byte and the payload of the first whole frame, and how many bytes are behind it.
fn first_frame(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (start, length) = match *bytes.get(1)? {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
        short => (2, usize::from(short)),
    };
    assert!([TEXT, PONG].contains(&bytes[0]), "a whole frame");
    Some((bytes[0], bytes.get(start..start + length)?, bytes.len() - start - length))
}

const TEXT: u8 = 0x81;
const PONG: u8 = 0x8a;

/// One team and what is done to it.
struct Play {
    house: House,
    session: String,
    readers: Vec<Reader>,
    done: Vec<Seen>,
    monitor: Reader,
    dice: u64,
}

impl Play {
    fn begin(seed: u64) -> Self {
        let house = House::cramped(settings());
        let session = house.login("Mira").json()["token"].as_str().unwrap().to_owned();
        let monitor = Reader::open(&house, &session, Who::Monitor, 0);
        Self { house, session, readers: Vec::new(), done: Vec::new(), monitor, dice: seed }
    }

    /// A number below `most` (xorshift64*).
    fn roll(&mut self, most: u64) -> u64 {
        self.dice ^= self.dice >> 12;
        self.dice ^= self.dice << 25;
        self.dice ^= self.dice >> 27;
        (self.dice.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % most
    }

    fn step(&mut self) {
        let reader = usize::try_from(self.roll(1 << 20)).unwrap() % self.readers.len().max(1);
        match self.roll(20) {
            0..9 => self.say(),
            9..12 => self.join(),
            12..16 if !self.readers.is_empty() => {
                let most = 1 + self.roll(200_000) as usize;
                // Only who surely is sent something is read from: the others stall.
                let seen = &self.readers[reader].seen;
                if seen.frames.len() < Self::wanted(&self.log(), seen).len() {
                    self.readers[reader].read(most);
                }
            }
            16..18 if !self.readers.is_empty() => self.resume(reader),
            18 if self.roll(4) == 0 => self.restart(),
            19 if !self.readers.is_empty() => {
                let payload = vec![self.roll(256) as u8; self.roll(126) as usize];
                self.readers[reader].ping(payload);
            }
            _ => {}
        }
    }

    /// A message that calls, and a rung of what it calls for.
    fn say(&mut self) {
        let text = format!("@HKH @Reader {}", "x".repeat(self.roll(60_000) as usize));
        let headers = [bearer(&self.session), JSON.to_owned()];
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let body = json!({ "text": text }).to_string();
        let sent = self.house.send("POST /api/messages", &headers, body.as_bytes()).json();
        let before = self.monitor.seen.frames.len();
        self.monitor.send(&json!({"type": "delivery", "message": sent["id"], "agent": "HKH",
            "attempt": 1, "state": "received", "at": "2026-02-06T12:34:56.789Z"}));
        let is_receipt = |frame: &Vec<u8>| frame.starts_with(br#"{"type":"delivery""#);
        while !self.monitor.seen.frames[before..].iter().any(is_receipt) {
            assert!(self.monitor.read(1 << 16));
        }
    }

    fn join(&mut self) {
        let who = [Who::Plain, Who::Curious, Who::Monitor, Who::Other][self.roll(4) as usize];
        let from = self.roll(2) * self.head();
        self.readers.push(Reader::open(&self.house, &self.session, who, from));
    }

    fn resume(&mut self, reader: usize) {
        let cut = self.readers.swap_remove(reader);
        let (who, last) = (cut.seen.who, cut.last());
        drop(cut.stream);
        self.done.push(cut.seen);
        self.readers.push(Reader::open(&self.house, &self.session, who, last));
    }

    fn restart(&mut self) {
        self.done.extend(self.readers.drain(..).map(|reader| reader.seen));
        self.house.start_again(settings());
        self.monitor = Reader::open(&self.house, &self.session, Who::Monitor, self.head());
    }

    fn head(&self) -> u64 {
        self.house.store().head().borrow().get()
    }

    fn log(&self) -> Vec<Record> {
        let everything = Limit { records: usize::MAX, bytes: usize::MAX };
        let all = Filter::default();
        let read = self.house.store().read(EventId::ZERO, &all, everything);
        self.house.wait(read).unwrap().records
    }

    /// What a connection that began here is to be shown.
    fn wanted(log: &[Record], seen: &Seen) -> Vec<Vec<u8>> {
        let behind = log.iter().filter(|record| record.id.get() > seen.after);
        behind
            .filter(|record| seen.who.sees(record))
            .map(|record| record.payload.to_vec())
            .collect()
    }

    fn end(mut self) {
        let log = self.log();
        for reader in &mut self.readers {
            let wanted = Self::wanted(&log, &reader.seen);
            while reader.seen.frames.len() < wanted.len() || !reader.pings.is_empty() {
                assert!(reader.read(1 << 16), "closed before everything was shown");
            }
            assert!(reader.seen.frames == wanted, "{:?} is shown something else", reader.seen.who);
        }
        for seen in &self.done {
            let wanted = Self::wanted(&log, seen);
            assert!(wanted.starts_with(&seen.frames), "{:?} was shown something else", seen.who);
        }
    }
}

/// A tail of some messages, more than a socket takes, and no limit to the pace.
fn settings() -> Settings {
    let limits = Limits { chat_rate: 0, ..Limits::default() };
    Settings { limits, tail_bytes: 512 << 10, ..Settings::default() }
}

#[test]
fn everybody_is_shown_the_log_in_its_order_whatever_happens_in_between() {
    for seed in 1..=4_u64 {
        let mut play = Play::begin(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        for _ in 0..100 {
            play.step();
        }
        play.end();
    }
}
