//! The fake gateway's HTTP: how it is, and that `sessions_send` is denied.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::TOKEN;
use crate::TIMEOUT;

/// The request's head as it lies in the socket, left there; `None` if the other end went away.
pub(super) fn peek_head(stream: &TcpStream) -> Result<Option<String>> {
    let mut buffer = vec![0; LONGEST_HEAD];
    let until = Instant::now() + TIMEOUT;
    loop {
        let length = stream.peek(&mut buffer)?;
        let head = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if let Some(end) = head.find("\r\n\r\n") {
            return Ok(Some(head[..end + 4].to_owned()));
        }
        if length == 0 || Instant::now() > until {
            return Ok(None);
        }
        ensure!(length < LONGEST_HEAD, "a head that does not end");
        // Half a head; a peek does not wait for the rest.
        std::thread::park_timeout(BETWEEN_LOOKS);
    }
}

/// Answers one request and closes.
pub(super) fn serve(mut stream: TcpStream, head: &str) -> Result<()> {
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let body = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0_usize);
    stream.read_exact(&mut vec![0; head.len() + body])?;
    let allowed = header("authorization") == Some(&format!("Bearer {TOKEN}"));
    let route: Vec<&str> = head.split_whitespace().take(2).collect();
    let (status, text) = match route[..] {
        ["GET", "/healthz" | "/health"] => ("200 OK", r#"{"ok":true,"status":"live"}"#),
        ["GET", "/readyz" | "/ready"] => ("200 OK", r#"{"ready":true,"failing":[]}"#),
        ["POST", "/tools/invoke"] if !allowed => {
            ("401 Unauthorized", r#"{"error":{"message":"Unauthorized","type":"unauthorized"}}"#)
        }
        ["POST", "/tools/invoke"] => (
            "404 Not Found",
            r#"{"ok":false,"error":{"type":"not_found","message":"Tool not available: sessions_send"}}"#,
        ),
        _ => ("404 Not Found", "Not Found"),
    };
    let length = text.len();
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n");
    let rest = format!("content-length: {length}\r\nconnection: close\r\n\r\n{text}");
    Ok(stream.write_all((head + &rest).as_bytes())?)
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(2);
const LONGEST_HEAD: usize = 16 << 10;
