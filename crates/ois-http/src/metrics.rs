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

use crate::{
    body::{self, Body},
    state::State,
};

/// The counters of one server. They begin at nothing with every start.
#[derive(Debug)]
pub(crate) struct Metrics {
    started: Instant,
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    /// WebSockets that are open.
    pub(crate) connections: Level,
    /// Messages that were stored.
    pub(crate) messages: Counter,
    /// Batches that were stored.
    pub(crate) batches: Counter,
    /// Batches that the store did not take.
    pub(crate) append_errors: Counter,
    /// Bytes that came in over WebSockets.
    pub(crate) bytes_in: Counter,
    /// Bytes that went out over WebSockets.
    pub(crate) bytes_out: Counter,
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

    /// Everything as text of the exposition format 0.0.4.
    pub(crate) fn text(&self) -> String {
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
        family(&mut text, "ois_http_requests_total", "counter", "Requests answered.");
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        for ((route, status), count) in requests.iter() {
            let name = format!("ois_http_requests_total{{route=\"{route}\",status=\"{status}\"}}");
            line(&mut text, &name, *count);
        }
        text
    }
}

/// `GET /metrics`.
pub(crate) fn show(state: &State) -> Response<Body> {
    let mut answer = Response::new(body::full(state.metrics.text()));
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
    use super::*;

    #[test]
    fn what_is_counted_is_shown_with_its_name() {
        let metrics = Metrics::new();
        metrics.answered("GET /healthz", StatusCode::OK);
        metrics.answered("GET /healthz", StatusCode::OK);
        metrics.answered("none", StatusCode::NOT_FOUND);
        metrics.messages.add(3);
        metrics.connections.rise();
        metrics.connections.rise();
        metrics.connections.fall();
        let text = metrics.text();
        for line in [
            r#"ois_http_requests_total{route="GET /healthz",status="200"} 2"#,
            r#"ois_http_requests_total{route="none",status="404"} 1"#,
            "ois_messages_total 3",
            "ois_connections 1",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }

    #[test]
    fn every_value_has_a_type() {
        let text = Metrics::new().text();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(text.contains(&format!("# TYPE {name} ")), "{name}");
        }
    }
}
