//! Measures the start of a log with many nonces: `cargo run --release -p ois-store --example start`.
//!
//! It makes a team in a temporary folder (`TMPDIR` chooses the disk; 10 million events need 6 GB),
//! then opens it in a process of its own, first without the indexes of nonces, as an older version
//! has left them, and then with them. The number of events is the first argument.
#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use ois_protocol::{Draft, Kind, Member, NewEvent, Nonce, Role, ShortName, Timestamp};
use ois_store::{DiskConfig, DiskStore, Durability, Log};
use tokio::runtime::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [word, root, count] = &arguments[..]
        && word == OPEN
    {
        return open(Path::new(root), count.parse()?);
    }
    let count = arguments.first().map_or(Ok(10_000_000), |count| count.parse::<u64>())?;
    let root = tempfile::tempdir()?;
    let began = Instant::now();
    make(root.path(), count)?;
    println!("made {count} events in {:.1} s", began.elapsed().as_secs_f64());
    for index in indexes(root.path())? {
        fs::remove_file(index)?;
    }
    for without in ["without indexes", "with indexes"] {
        println!("{without}:");
        let mut child = Command::new(env::current_exe()?);
        child.arg(OPEN).arg(root.path()).arg(count.to_string()).status()?;
    }
    Ok(())
}

fn make(root: &Path, count: u64) -> Result<(), Box<dyn Error>> {
    let store = DiskStore::open(config(root), NOON)?;
    let runtime = Builder::new_current_thread().build()?;
    let author = Member::new("HKH".parse()?, Kind::Agent, Role::Agent);
    let mut number = 0;
    while number < count {
        let mut events = Vec::new();
        while events.len() < 1000 && number < count {
            let draft = Draft::new(author.clone(), "x".repeat(120));
            events.push(NewEvent::Message(Draft { nonce: Some(nonce(number)?), ..draft }));
            number += 1;
        }
        let after = *store.head().borrow();
        runtime.block_on(store.append(events, NOON.after_ms(number / 100), after))?;
    }
    runtime.block_on(store.close())?;
    Ok(())
}

fn open(root: &Path, count: u64) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let store = DiskStore::open(config(root), NOON.after_ms(count / 100))?;
    println!("  opened in {:.2} s, {}", began.elapsed().as_secs_f64(), memory()?);
    let runtime = Builder::new_current_thread().build()?;
    let author: ShortName = "HKH".parse()?;
    for (what, first) in [("known", 0), ("unknown", count)] {
        let nonces = (0..LOOKUPS).map(|at| nonce(first + at * 7919 % count));
        let nonces = nonces.collect::<Result<Vec<_>, _>>()?;
        let began = Instant::now();
        let mut found = 0;
        for nonce in &nonces {
            let event = runtime.block_on(store.find_nonce(&author, nonce, NOON))?;
            found += usize::from(event.is_some());
        }
        let each = began.elapsed().as_secs_f64() * 1e6 / LOOKUPS as f64;
        println!(
            "  a lookup of a nonce that is {what} takes {each:.2} µs; {found} of {LOOKUPS} found"
        );
    }
    println!("  afterwards {}", memory()?);
    Ok(())
}

fn nonce(number: u64) -> Result<Nonce, Box<dyn Error>> {
    Ok(format!("0b7e9a52-8a41-4f0c-9d1e-{number:012}").parse()?)
}

/// The most memory that the process had so far.
fn memory() -> Result<String, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse()?;
    Ok(format!("{} MiB at the peak", kib / 1024))
}

fn indexes(root: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(".ois/log"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "nonces") {
            found.push(path);
        }
    }
    Ok(found)
}

fn config(root: &Path) -> DiskConfig {
    DiskConfig { durability: Durability::Os, ..DiskConfig::new(root) }
}

const OPEN: &str = "open";
const LOOKUPS: u64 = 100_000;
const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);
