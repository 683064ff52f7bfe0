//! Large and small files, beside nginx.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::rooms::{Match, alternate};
use crate::context::Bench;
use crate::load::flow::Rate;
use crate::load::http::{Client, ask_for, get, head};
use crate::peer::ois::TOKEN;
use crate::peer::{Durability, Peer, Running};
use crate::report::{Section, Verdict, thousands};
use crate::stats::median;

/// Measures upload and download of a large file, and many requests for a small one.
///
/// # Errors
/// Fails when a server refuses.
pub(crate) fn files(bench: &Bench) -> Result<Section> {
    let size: u64 = bench.sized(1 << 30, 1 << 28, 1 << 20);
    let mut section = Section::new("files", "Files", ABOUT, COLUMNS);
    let us = Peer::Ois(Durability::Sync);
    let mut servers = vec![us];
    if bench.fetched.nginx.is_some() {
        servers.push(Peer::Nginx);
    }
    let mib = thousands(size as f64 / f64::from(1 << 20));
    let [up, down] = ["PUT", "GET"].map(|method| format!("{method} of {mib} MiB"));
    let cases = [up, down, "GET of 4 KiB".to_owned(), "PUT of 4 KiB".to_owned()];
    let matches = alternate(bench, &servers, &cases, |server| {
        let running = server.start(&bench.fetched, &bench.roots)?;
        let site = Site { running: &running, server };
        let times = bench.sized(5, 3, 1);
        let put = site.large(times, size, |site| site.put("large", size))?;
        let got = site.large(times, size, |site| site.get("large"))?;
        site.put("small", SMALL)?;
        let (small_get, small_put) = (get(&site.paths("small").1, TOKEN), site.small_put());
        let small = |request: &[u8]| site.small(request, bench.span());
        Ok(vec![put, got, small(&small_get)?, small(&small_put)?])
    })?;
    let units = [Unit::Gib, Unit::Gib, Unit::Request, Unit::Synced];
    for (found, unit) in matches.iter().zip(units) {
        show(found, unit, &mut section);
    }
    Ok(section)
}

/// What a rate counts.
#[derive(Clone, Copy)]
enum Unit {
    /// MiB per second, with CPU seconds per GiB.
    Gib,
    /// Requests per second, with CPU microseconds per request.
    Request,
    /// The same for requests that only one of the two servers syncs to the disk; shown, not judged.
    Synced,
}

fn show(found: &Match, unit: Unit, section: &mut Section) {
    for (server, _) in &found.rooms {
        let Some(rate) = found.median(*server) else { continue };
        let ratio = found.against(*server).filter(|_| *server == Peer::Nginx);
        let figures = match unit {
            Unit::Gib => (
                format!("{} MiB/s", thousands(rate.per_second)),
                format!("{:.2} s per GiB", rate.cpu),
            ),
            Unit::Request | Unit::Synced => {
                (format!("{}/s", thousands(rate.per_second)), format!("{:.1} µs each", rate.cpu))
            }
        };
        section.row([
            found.case.clone(),
            server.name().to_owned(),
            figures.0,
            figures.1,
            ratio.map(|ratio| format!("{:.2}", ratio.cpu)).unwrap_or_default(),
        ]);
        if let (Some(ratio), Unit::Gib | Unit::Request) = (ratio, unit) {
            let measured = format!("{:.2}", ratio.cpu);
            let target = "CPU within 1.3 of nginx";
            let met = ratio.cpu <= 1.3;
            section.verdicts.push(Verdict::new(&found.case, target, measured, met));
        }
    }
}

/// One of the servers, with its paths.
struct Site<'a> {
    running: &'a Running,
    server: Peer,
}

impl Site<'_> {
    fn address(&self) -> SocketAddr {
        self.running.target.address
    }

    /// Returns the path to which a file is uploaded and the path from which it is downloaded.
    fn paths(&self, name: &str) -> (String, String) {
        match self.server {
            Peer::Nginx => (format!("/{name}"), format!("/{name}")),
            _ => (
                format!("/api/file?path=shared/{name}"),
                format!("/api/download?path=shared/{name}"),
            ),
        }
    }

    fn put(&self, name: &str, size: u64) -> Result<()> {
        let mut client = Client::connect(self.address())?;
        let kind = "application/octet-stream";
        client.send(&head("PUT", &self.paths(name).0, TOKEN, kind, size))?;
        let piece: Vec<u8> = (0..=u8::MAX).cycle().take(PIECE).collect();
        let mut left = size;
        while left > 0 {
            let step = left.min(PIECE as u64);
            client.send(&piece[..usize::try_from(step)?])?;
            left -= step;
        }
        client.skip()
    }

    fn get(&self, name: &str) -> Result<()> {
        let mut client = Client::connect(self.address())?;
        client.send(&get(&self.paths(name).1, TOKEN))?;
        client.skip()
    }

    /// Returns a request that replaces the small file.
    fn small_put(&self) -> Vec<u8> {
        let path = self.paths("small").0;
        let mut request = head("PUT", &path, TOKEN, "application/octet-stream", SMALL);
        request.extend((0..=u8::MAX).cycle().take(SMALL as usize));
        request
    }

    /// Measures MiB per second and CPU seconds per GiB, as medians over `times` runs.
    fn large(&self, times: usize, size: u64, work: impl Fn(&Self) -> Result<()>) -> Result<Rate> {
        let rates: Vec<Rate> = (0..times).map(|_| self.once(size, &work)).collect::<Result<_>>()?;
        Ok(Rate {
            per_second: median(rates.iter().map(|rate| rate.per_second)),
            cpu: median(rates.iter().map(|rate| rate.cpu)),
        })
    }

    fn once(&self, size: u64, work: impl Fn(&Self) -> Result<()>) -> Result<Rate> {
        let (begin, cpu) = (Instant::now(), self.running.process.cpu()?);
        work(self)?;
        let took = begin.elapsed().as_secs_f64();
        let cpu = (self.running.process.cpu()? - cpu).as_secs_f64();
        let mib = size as f64 / f64::from(1 << 20);
        Ok(Rate { per_second: mib / took, cpu: cpu / mib * 1024.0 })
    }

    /// Measures requests per second and CPU microseconds per request.
    fn small(&self, request: &[u8], span: Duration) -> Result<Rate> {
        ask_for(self.address(), request, CONNECTIONS, span / 5)?;
        let (begin, cpu) = (Instant::now(), self.running.process.cpu()?);
        let answered = ask_for(self.address(), request, CONNECTIONS, span)? as f64;
        let took = begin.elapsed().as_secs_f64();
        let cpu = (self.running.process.cpu()? - cpu).as_secs_f64();
        Ok(Rate { per_second: answered / took, cpu: cpu / answered * 1e6 })
    }
}

const SMALL: u64 = 4096;
const PIECE: usize = 256 << 10;
const CONNECTIONS: usize = 32;

const COLUMNS: &[&str] = &["case", "who", "throughput", "CPU", "OIS by it: CPU"];
const ABOUT: &str = "\
One connection for the large file, from and to the page cache, five times in each round, of which \
the median counts, since memory that the machine has to give anew is paid for by whoever is first; 32 \
connections, one request each at a time, for the small one. OIS checks a token at each request, \
hashes what it takes and syncs it, and the folder as well; nginx runs as one process with `sendfile` \
and does none of that, so a small `PUT` is shown and not judged.";
