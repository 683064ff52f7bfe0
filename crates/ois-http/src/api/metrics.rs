//! `GET /metrics`: the counters as Prometheus text.

use std::fmt::Write;

use hyper::{
    Response,
    header::{CONTENT_TYPE, HeaderValue},
};
use ois_protocol::Rung;

use crate::{
    access::viewer::Operator,
    body::{self, Body},
    metrics::{Metrics, Standing},
    reply::Refusal,
    state::State,
};

/// `GET /metrics`.
pub(crate) async fn show(state: &State, _: Operator) -> Result<Response<Body>, Refusal> {
    let standing = state.hub.standing().await.ok();
    let mut answer =
        Response::new(body::full(text(&state.metrics, standing, state.store.gaps().len())));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(answer)
}

/// All counters as text of the exposition format 0.0.4. What is open at the moment is left out if
/// it is not known.
fn text(metrics: &Metrics, standing: Option<Standing>, gaps: usize) -> String {
    let mut text = String::with_capacity(4096);
    let version = env!("CARGO_PKG_VERSION");
    family(&mut text, "ois_build_info", "gauge", "The version that runs.");
    line(&mut text, &format!("ois_build_info{{version=\"{version}\"}}"), 1);
    let uptime = metrics.started.elapsed().as_secs();
    let plain = [
        ("ois_uptime_seconds", "gauge", "Seconds since the start.", uptime),
        ("ois_connections", "gauge", "Open WebSockets.", metrics.connections.get()),
        ("ois_messages_total", "counter", "Messages stored.", metrics.messages.get()),
        ("ois_batches_total", "counter", "Batches stored.", metrics.batches.get()),
        ("ois_append_errors_total", "counter", "Batches refused.", metrics.append_errors.get()),
        ("ois_log_gaps", "gauge", "Damaged parts of the log that readers met.", gaps as u64),
        ("ois_bytes_in_total", "counter", "Bytes from WebSockets.", metrics.bytes_in.get()),
        ("ois_bytes_out_total", "counter", "Bytes to WebSockets.", metrics.bytes_out.get()),
    ];
    for (name, kind, help, value) in plain {
        family(&mut text, name, kind, help);
        line(&mut text, name, value);
    }
    agents(&mut text, metrics, standing);
    family(&mut text, "ois_http_requests_total", "counter", "Requests answered.");
    for ((route, status), count) in metrics.requests() {
        let name = format!("ois_http_requests_total{{route=\"{route}\",status=\"{status}\"}}");
        line(&mut text, &name, count);
    }
    text
}

fn agents(text: &mut String, metrics: &Metrics, standing: Option<Standing>) {
    if let Some(Standing { open, active }) = standing {
        family(text, "ois_open_deliveries", "gauge", "Deliveries that are not over.");
        line(text, "ois_open_deliveries", open);
        family(text, "ois_active_runs", "gauge", "Turns of agents under way.");
        line(text, "ois_active_runs", active);
    }
    family(text, "ois_deliveries_total", "counter", "Deliveries that came to a state.");
    for (rung, count) in Rung::ALL.iter().zip(&metrics.deliveries) {
        let name = format!("ois_deliveries_total{{state=\"{}\"}}", rung.word());
        line(text, &name, count.get());
    }
    family(text, "ois_notices_total", "counter", "Notices of the server's own.");
    for (kind, count) in metrics.notices() {
        line(text, &format!("ois_notices_total{{kind=\"{kind}\"}}"), count);
    }
}

/// The two comment lines that begin a family of values.
fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a String takes all");
}

/// The line of one value.
fn line(text: &mut String, name: &str, value: u64) {
    writeln!(text, "{name} {value}").expect("a String takes all");
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;
    use ois_chat::Fact;
    use ois_protocol::{Delivery, EventId, Message, Notice, RoomName, Timestamp};

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
        let text = text(&metrics, Some(Standing { open: 5, active: 2 }), 3);
        for line in [
            r#"ois_http_requests_total{route="GET /healthz",status="200"} 2"#,
            r#"ois_http_requests_total{route="none",status="404"} 1"#,
            "ois_messages_total 3",
            "ois_connections 1",
            "ois_log_gaps 3",
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
        let text = text(&Metrics::new(), Some(Standing { open: 0, active: 0 }), 0);
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(text.contains(&format!("# TYPE {name} ")), "{name}");
        }
    }
}
