//! The settings for operators: each shows its effect on a real server.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use e2e::{
    server::{Server, Settings},
    until,
};
use serde_json::json;
use tempfile::TempDir;

/// A server with these flags and variables, on a root of its own.
fn server(root: &TempDir, flags: &[&str], env: &[(&str, &str)]) -> Result<Server> {
    let pairs = env.iter().map(|(name, value)| (String::from(*name), String::from(*value)));
    let mut settings = Settings::at(root.path());
    settings.flags = flags.iter().map(|flag| String::from(*flag)).collect();
    settings.env = pairs.collect();
    Server::start(settings)
}

/// How many threads of the server have this name, which each gives itself when it begins.
fn threads(server: &Server, name: &str) -> Result<usize> {
    let tasks =
        Path::new("/proc").join(server.process().pid().as_raw_nonzero().to_string()).join("task");
    let mut count = 0;
    for task in tasks.read_dir().context("no list of threads")? {
        let comm = std::fs::read_to_string(task?.path().join("comm"));
        // It may have ended meanwhile.
        count += usize::from(comm.is_ok_and(|comm| comm.trim_end() == name));
    }
    Ok(count)
}

#[cfg(target_os = "linux")]
#[test]
fn as_many_threads_serve_http_and_files_as_was_said() -> Result<()> {
    let root = TempDir::new()?;
    let flags = ["--http-workers", "6", "--file-workers", "5"];
    let many = server(&root, &flags, &[])?;
    until("five threads for files", || Ok(threads(&many, "ois-files")? == 5))?;
    until("six threads for HTTP", || Ok(threads(&many, "ois-http")? == 6))?;
    until("one for the room", || Ok(threads(&many, "ois-hot")? == 1))
}

#[cfg(target_os = "linux")]
#[test]
fn one_thread_of_each_kind_serves_too() -> Result<()> {
    let root = TempDir::new()?;
    let env = [("OIS_HTTP_WORKERS", "1"), ("OIS_FILE_WORKERS", "1")];
    let one = server(&root, &[], &env)?;
    until("one thread for files", || Ok(threads(&one, "ois-files")? == 1))?;
    let (rest, mut room) = one.person("Mira")?;
    room.say("hello")?;
    rest.get("/api/messages")?.ok()?;
    Ok(())
}

#[test]
fn a_batch_takes_no_more_messages_than_was_said() -> Result<()> {
    let root = TempDir::new()?;
    let server = server(&root, &["--batch-messages", "1"], &[])?;
    let (_, mut room) = server.person("Mira")?;
    let texts: Vec<String> = (0..30).map(|number| format!("number {number}")).collect();
    for text in &texts {
        room.send(&json!({"type": "chat", "text": text}))?;
    }
    for text in &texts {
        let frame = room.wait_for_type("message")?;
        assert_eq!(frame["message"]["text"], *text);
    }
    let metrics = server.rest().get("/metrics")?.text();
    for line in ["ois_messages_total 30", "ois_batches_total 30"] {
        assert!(metrics.lines().any(|other| other == line), "{line}\n{metrics}");
    }
    Ok(())
}

#[test]
fn nonsense_is_refused_before_anything_starts() -> Result<()> {
    for (flag, value, words) in NONSENSE {
        let root = TempDir::new()?;
        let error = server(&root, &[flag, value], &[]).map(drop).expect_err(flag).to_string();
        ensure!(error.contains(words), "{flag} {value}: {error}");
        ensure!(root.path().read_dir()?.next().is_none(), "{flag} {value}: something was laid");
    }
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_buffer_that_the_system_cuts_short_is_told() -> Result<()> {
    let root = TempDir::new()?;
    let gibibyte = "1073741824";
    let server = server(&root, &["--socket-send-buffer", gibibyte], &[])?;
    let told = format!("the system allows sockets no larger send buffer asked={gibibyte} given=");
    server.process().line(e2e::TIMEOUT, |line| line.contains(&told).then_some(()))?;
    // It serves all the same.
    server.person("Mira")?;
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_takes_as_many_connections_as_the_system_allows() -> Result<()> {
    let own = std::process::id().to_string();
    let limit = |limit: &str| Command::new("prlimit").args(["--pid", &own, limit]).status();
    // A server inherits the lower limit, as from a shell.
    ensure!(limit("--nofile=256:")?.success(), "prlimit failed");
    let root = TempDir::new()?;
    let server = server(&root, &[], &[])?;
    let proc = Path::new("/proc").join(server.process().pid().as_raw_nonzero().to_string());
    let limits = std::fs::read_to_string(proc.join("limits"))?;
    let files = limits.lines().find(|line| line.starts_with("Max open files"));
    let mut numbers = files.context("no limit of files")?.split_whitespace().skip(3);
    let (soft, hard) = (numbers.next(), numbers.next());
    ensure!(soft == hard, "{soft:?} of {hard:?}");
    // The kernel's table is laid out already.
    let status = std::fs::read_to_string(proc.join("status"))?;
    let size = status.lines().find_map(|line| line.strip_prefix("FDSize:"));
    let size: u64 = size.context("no size of the table")?.trim().parse()?;
    let allowed = hard.and_then(|hard| hard.parse().ok()).unwrap_or(u64::MAX);
    ensure!(size >= allowed.min(16 << 10), "room for {size}");
    Ok(())
}

const NONSENSE: [(&str, &str, &str); 8] = [
    ("--batch-messages", "0", "0 is not in 1..=1000000"),
    ("--batch-bytes", "1", "1 is not in 4096..=1073741824"),
    ("--http-workers", "0", "0 is not in 1..=64"),
    ("--file-workers", "-1", "unexpected argument"),
    ("--backlog", "70000", "70000 is not in 1..=65535"),
    ("--socket-send-buffer", "100", "100 is not in 4096..=1073741824"),
    ("--socket-receive-buffer", "64k", "invalid digit found in string"),
    ("--tail-bytes", "0", "0 is not in 65536..=1099511627776"),
];
