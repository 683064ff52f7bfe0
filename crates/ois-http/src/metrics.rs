//! What is counted, and `GET /metrics`, which shows it as Prometheus text.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use ois_chat::Fact;
use ois_protocol::{EventKind, Notice, Rung};
use ois_store::Record;

use crate::{
    body::{self, Body},
    state::State,
};

/// The counters of one server. They begin at nothing with every start.
#[derive(Debug)]
pub(crate) struct Metrics {
    started: Instant,
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    /// Deliveries that came to a rung, in the order of the rungs.
    rungs: [Counter; Rung::ALL.len()],
    notices: Mutex<BTreeMap<&'static str, u64>>,
    /// WebSockets that are open.
    pub(crate) connections: Level,
    messages: Counter,
    batches: Counter,
    /// Batches that the store did not take.
    pub(crate) append_errors: Counter,
    /// Bytes that came in over WebSockets.
    pub(crate) bytes_in: Counter,
    /// Bytes that went out over WebSockets.
    pub(crate) bytes_out: Counter,
}

/// What stands open at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Deliveries that are not over.
    pub(crate) open: u64,
    /// Turns under way.
    pub(crate) active: u64,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

/// A number that goes up and down.
#[derive(Debug, Default)]
pub(crate) struct Level(AtomicU64);

impl Counter {
    /// Counts so many.
    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Level {
    /// One more.
    pub(crate) fn rise(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// One less.
    pub(crate) fn fall(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Metrics {
    /// Nothing has happened yet.
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            requests: Mutex::default(),
            rungs: Default::default(),
            notices: Mutex::default(),
            connections: Level::default(),
            messages: Counter::default(),
            batches: Counter::default(),
            append_errors: Counter::default(),
            bytes_in: Counter::default(),
            bytes_out: Counter::default(),
        }
    }

    /// Counts an answer.
    pub(crate) fn answered(&self, route: &'static str, status: StatusCode) {
        // Counters stay sound wherever a panic struck.
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((route, status.as_u16())).or_default() += 1;
    }

    /// Counts a batch that was stored.
    pub(crate) fn stored(&self, records: &[Record]) {
        self.batches.add(1);
        let messages = records.iter().filter(|record| record.kind == Some(EventKind::Message));
        self.messages.add(messages.count() as u64);
    }

    /// Counts what follows for agents from a stored event.
    pub(crate) fn saw(&self, fact: &Fact) {
        match fact {
            Fact::Message(message) => {
                self.rungs[Rung::Stored as usize].add(message.calls.len() as u64);
                if let Some(notice) = &message.notice {
                    let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
                    *notices.entry(kind(notice)).or_default() += 1;
                }
            }
            Fact::Delivery { delivery, .. } => self.rungs[delivery.state as usize].add(1),
            Fact::Run(_) => {}
        }
    }

    /// Everything as text of the exposition format 0.0.4. What stands open is left out if it is not
    /// known.
    pub(crate) fn text(&self, standing: Option<Standing>) -> String {
        let mut text = String::with_capacity(4096);
        let version = env!("CARGO_PKG_VERSION");
        family(&mut text, "ois_build_info", "gauge", "The version that runs.");
        line(&mut text, &format!("ois_build_info{{version=\"{version}\"}}"), 1);
        let uptime = self.started.elapsed().as_secs();
        let plain = [
            ("ois_uptime_seconds", "gauge", "Seconds since the start.", uptime),
            ("ois_connections", "gauge", "Open WebSockets.", self.connections.get()),
            ("ois_messages_total", "counter", "Messages stored.", self.messages.get()),
            ("ois_batches_total", "counter", "Batches stored.", self.batches.get()),
            ("ois_append_errors_total", "counter", "Batches refused.", self.append_errors.get()),
            ("ois_bytes_in_total", "counter", "Bytes from WebSockets.", self.bytes_in.get()),
            ("ois_bytes_out_total", "counter", "Bytes to WebSockets.", self.bytes_out.get()),
        ];
        for (name, kind, help, value) in plain {
            family(&mut text, name, kind, help);
            line(&mut text, name, value);
        }
        self.agents(&mut text, standing);
        family(&mut text, "ois_http_requests_total", "counter", "Requests answered.");
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        for ((route, status), count) in requests.iter() {
            let name = format!("ois_http_requests_total{{route=\"{route}\",status=\"{status}\"}}");
            line(&mut text, &name, *count);
        }
        text
    }

    fn agents(&self, text: &mut String, standing: Option<Standing>) {
        if let Some(Standing { open, active }) = standing {
            family(text, "ois_open_deliveries", "gauge", "Deliveries that are not over.");
            line(text, "ois_open_deliveries", open);
            family(text, "ois_active_runs", "gauge", "Turns of agents under way.");
            line(text, "ois_active_runs", active);
        }
        family(text, "ois_deliveries_total", "counter", "Deliveries that came to a state.");
        for (rung, count) in Rung::ALL.iter().zip(&self.rungs) {
            let name = format!("ois_deliveries_total{{state=\"{}\"}}", rung.word());
            line(text, &name, count.get());
        }
        family(text, "ois_notices_total", "counter", "Notices of the server's own.");
        let notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        for (kind, count) in notices.iter() {
            line(text, &format!("ois_notices_total{{kind=\"{kind}\"}}"), *count);
        }
    }
}

/// The word on the wire.
fn kind(notice: &Notice) -> &'static str {
    notice.kind()
}

/// `GET /metrics`.
pub(crate) async fn show(state: &State) -> Response<Body> {
    let standing = state.hub.standing().await.ok();
    let mut answer = Response::new(body::full(state.metrics.text(standing)));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a String takes all");
}

fn line(text: &mut String, name: &str, value: u64) {
    writeln!(text, "{name} {value}").expect("a String takes all");
}

#[cfg(test)]
mod tests {
    use ois_protocol::{Delivery, EventId, Message, RoomName, Timestamp};

    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);
    const ID: EventId = EventId::MAX;

    #[test]
    fn what_is_counted_is_shown_with_its_name() {
        let metrics = Metrics::new();
        metrics.answered("GET /healthz", StatusCode::OK);
        metrics.answered("GET /healthz", StatusCode::OK);
        metrics.answered("none", StatusCode::NOT_FOUND);
        metrics.messages.add(3);
        let delivery =
            Delivery { state: Rung::Silent, ..Delivery::stored(ID, "HKH".parse().unwrap(), NOON) };
        metrics.saw(&Fact::Delivery { room: RoomName::main(), delivery });
        let called = Message {
            calls: vec!["HKH".parse().unwrap(), "ARIA".parse().unwrap()],
            notice: Some(Notice::Unclaimed { duty: "reviewer".parse().unwrap() }),
            ..Message::plain(ID, "OIS".to_owned(), "hi".to_owned(), NOON)
        };
        metrics.saw(&Fact::Message(Box::new(called)));
        metrics.connections.rise();
        metrics.connections.rise();
        metrics.connections.fall();
        let text = metrics.text(Some(Standing { open: 5, active: 2 }));
        for line in [
            r#"ois_http_requests_total{route="GET /healthz",status="200"} 2"#,
            r#"ois_http_requests_total{route="none",status="404"} 1"#,
            "ois_messages_total 3",
            "ois_connections 1",
            "ois_open_deliveries 5",
            "ois_active_runs 2",
            r#"ois_deliveries_total{state="stored"} 2"#,
            r#"ois_deliveries_total{state="silent"} 1"#,
            r#"ois_deliveries_total{state="dead"} 0"#,
            r#"ois_notices_total{kind="unclaimed"} 1"#,
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }

    #[test]
    fn every_value_has_a_type() {
        let text = Metrics::new().text(Some(Standing { open: 0, active: 0 }));
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(text.contains(&format!("# TYPE {name} ")), "{name}");
        }
    }
}
