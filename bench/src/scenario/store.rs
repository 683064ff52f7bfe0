//! A store with a million messages: its start, its pages, and a client that missed many.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::json;
use tempfile::TempDir;

use crate::context::Bench;
use crate::load::flow::{Flow, Pattern};
use crate::load::http::{Client, get};
use crate::load::{TEXT, Target, chat};
use crate::peer::ois::{self, TOKEN};
use crate::peer::{Durability, Peer, Running};
use crate::report::{Section, Verdict, thousands};
use crate::stats::{Histogram, median};

/// Fills a store, then starts, pages and resumes on it round by round.
///
/// # Errors
/// Fails when the server fails.
pub(crate) fn store(bench: &Bench) -> Result<Section> {
    let messages = bench.sized(1_000_000, 200_000, 2_000);
    let missed = bench.sized(100_000, 50_000, 500);
    let root = TempDir::new_in(&bench.roots).context("no folder for the store")?;
    let filled = fill(bench, root.path(), messages)?;
    let mut section = Section::new("store", "A full store", ABOUT, COLUMNS);
    let (mut starts, mut resumes, mut cpus) = (Vec::new(), Vec::new(), Vec::new());
    let mut pages = Histogram::default();
    for round in 0..bench.options.rounds {
        let begin = Instant::now();
        let mut running = serve(root.path())?;
        let start = begin.elapsed().as_secs_f64() * 1e3;
        let address = running.target.address;
        let last = last_id(address)?;
        let (resume, cpu) = resume(bench, &running, last, missed)?;
        page(address, last, messages, &mut pages)?;
        bench.say(&format!("round {}: start {start:.0} ms, resume {resume:.0}/s", round + 1));
        starts.push(start);
        resumes.push(resume);
        cpus.push(cpu);
        running.process.stop()?;
    }
    let (start, resume) = (median(starts), median(resumes));
    let (page, slow) = (pages.quantile(0.5), pages.quantile(0.99));
    let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    let count = thousands(messages as f64);
    section.row([format!("saying {count} messages"), format!("{}/s", thousands(filled))]);
    section.row([format!("start with {count} messages"), format!("{start:.0} ms")]);
    let page_words = format!("{:.2} ms (p99 {:.2} ms)", ms(page), ms(slow));
    section.row(["a page of 50 anywhere".to_owned(), page_words.clone()]);
    let resume_words = format!("{}/s, {:.2} CPU s per million", thousands(resume), median(cpus),);
    section.row([format!("resume after {} missed", thousands(missed as f64)), resume_words]);
    section.verdicts.extend([
        Verdict::new(
            &format!("resume of {} events", thousands(missed as f64)),
            "at least 1,000,000 events/s",
            format!("{}/s", thousands(resume)),
            resume >= 1e6,
        ),
        Verdict::new("start", "under 1 s", format!("{start:.0} ms"), start < 1000.0),
        Verdict::new("page anywhere", "under 2 ms", page_words, ms(slow) < 2.0),
    ]);
    Ok(section)
}

fn serve(root: &Path) -> Result<Running> {
    Running::of("ois-server", ois::server(root, Durability::Os)?, None)
}

/// Sends this many messages; returns how many per second.
fn fill(bench: &Bench, root: &Path, messages: u64) -> Result<f64> {
    let mut running = serve(root)?;
    let mut swarm = bench.swarm(Peer::Ois(Durability::Os))?;
    running.join(&mut swarm, 1)?;
    let message = chat(TEXT);
    let mut flow = Flow::new(&mut swarm, 1, Pattern::Window(1024), &message);
    let took = flow.send_all(messages)?.as_secs_f64();
    bench.say(&format!("{} messages said in {took:.1} s", thousands(messages as f64)));
    drop(swarm);
    running.process.stop()?;
    Ok(messages as f64 / took)
}

fn last_id(address: SocketAddr) -> Result<u64> {
    let mut client = Client::connect(address)?;
    client.send(&get("/api/messages?limit=1", TOKEN))?;
    let answer = client.json()?;
    answer["messages"][0]["id"].as_u64().with_context(|| format!("no message in {answer}"))
}

/// Returns events per second, and CPU seconds per million.
fn resume(bench: &Bench, running: &Running, last: u64, missed: u64) -> Result<(f64, f64)> {
    let hello = json!({"type": "agent_auth", "token": TOKEN, "after": last - missed});
    let target = Target::signing_in(running.target.address, &hello, 2);
    let mut swarm = bench.swarm(Peer::Ois(Durability::Os))?;
    let (begin, cpu) = (Instant::now(), running.process.cpu()?);
    swarm.join(&target, 1, 1)?;
    // The client receives the missed messages and `caught_up`.
    swarm.hear(0, missed + 1)?;
    let took = begin.elapsed().as_secs_f64();
    let cpu = (running.process.cpu()? - cpu).as_secs_f64();
    Ok((missed as f64 / took, cpu / missed as f64 * 1e6))
}

/// Reads pages from places all over the store.
fn page(address: SocketAddr, last: u64, messages: u64, times: &mut Histogram) -> Result<()> {
    let mut client = Client::connect(address)?;
    for turn in 1..=PAGES {
        // A step that shares no factor with the number of messages visits far places in turn.
        let after = last - messages + turn * STEP % (messages - 100);
        let request = get(&format!("/api/messages?limit=50&after={after}"), TOKEN);
        let begin = Instant::now();
        client.send(&request)?;
        client.skip()?;
        times.add(begin.elapsed());
    }
    Ok(())
}

const PAGES: u64 = 200;
const STEP: u64 = 611_953;

const COLUMNS: &[&str] = &["what", "measured"];
const ABOUT: &str = "\
The store is filled over the WebSocket by one member with 1,024 messages of 128 bytes under way. \
Then the server is started anew in each round: from the start of the process to its ready line; \
from connecting to `caught_up`, most of it from disk; and 200 requests on one connection, each for \
a page somewhere else.";
