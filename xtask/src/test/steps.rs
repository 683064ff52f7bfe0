//! The steps of each suite.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::Options;
use super::built::{Built, SELECTION, TestBinary};
use crate::command::{Log, cargo_with, signal, workspace};
use crate::suite::Suite;
use crate::{circles, deny, graph, layers, tools};

/// Runs one suite.
///
/// # Errors
/// When it fails.
pub(super) fn run(suite: Suite, options: &Options, built: &Built, log: &mut Log) -> Result<()> {
    match suite {
        Suite::Fmt => log.run(cargo_with(&["fmt", "--all", "--check"]), LIMIT),
        Suite::Layers => {
            let packages = graph::own()?.packages;
            let circles = circles::violations(&circles::all(&packages)?);
            none(&[layers::violations(&packages), circles].concat(), log)
        }
        Suite::Deny => none(&deny::violations(&graph::all()?)?, log),
        Suite::Clippy => clippy(log),
        Suite::Build => Ok(()),
        Suite::Unit => unit(built, log),
        Suite::Doc => {
            let mut doc = cargo_with(&["test", "--doc", "--no-fail-fast"]);
            doc.args(SELECTION);
            log.run(doc, LIMIT)
        }
        Suite::Web => web(log),
        Suite::Examples | Suite::Browser => all_of(suite, built, &BTreeMap::new(), log),
        Suite::Openclaw => openclaw(built, log),
        Suite::Whole => all_of(suite, built, &BTreeMap::from([cache()]), log),
        Suite::Bench => {
            let mut bench = Command::new(built.binary("bench")?);
            bench.arg("--smoke").current_dir(workspace());
            log.run(bench, LIMIT)
        }
        Suite::Crash => {
            let numbers = [("OIS_CRASH_ROUNDS", options.rounds), ("OIS_CRASH_SEED", options.seed)];
            let set = numbers
                .into_iter()
                .filter_map(|(name, number)| Some((name.to_owned(), number?.to_string())));
            all_of(suite, built, &set.collect(), log)
        }
    }
}

fn none(violations: &[String], log: &mut Log) -> Result<()> {
    for violation in violations {
        log.say(violation)?;
    }
    ensure!(violations.is_empty(), "{} violations, the first: {}", violations.len(), violations[0]);
    Ok(())
}

/// Lints the whole workspace, and without features the crates that the server has without them.
fn clippy(log: &mut Log) -> Result<()> {
    let mut all = cargo_with(&["clippy", "--all-targets"]);
    all.args(SELECTION).args(["--", "-D", "warnings"]);
    log.run(all, LIMIT)?;
    let mut bare =
        cargo_with(&["clippy", "-p", "ois-client", "-p", "ois-bridge", "-p", "ois-server"]);
    bare.args(["--no-default-features", "--", "-D", "warnings"]);
    log.run(bare, LIMIT)
}

fn unit(built: &Built, log: &mut Log) -> Result<()> {
    if !tools::has_program("cargo-nextest") {
        return all_of(Suite::Unit, built, &BTreeMap::new(), log);
    }
    let outside =
        built.tests.iter().filter(|test| test.suite != Suite::Unit && test.is_integration);
    let left_out: Vec<String> =
        outside.map(|test| format!("binary_id(={}::{})", test.package, test.target)).collect();
    let mut nextest = cargo_with(&["nextest", "run", "--no-fail-fast", "--hide-progress-bar"]);
    nextest.args(["--status-level", "fail", "--final-status-level", "fail"]);
    nextest.args(SELECTION).env("OIS_E2E_BUILT", "1");
    if !left_out.is_empty() {
        nextest.args(["-E", &format!("not ({})", left_out.join(" or "))]);
    }
    log.run(nextest, LIMIT)
}

fn web(log: &mut Log) -> Result<()> {
    let dir = workspace().join("crates/ois-http/web/test");
    let listing = fs::read_dir(&dir).with_context(|| format!("no tests in {}", dir.display()))?;
    let mut files = listing.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|path| {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        [".test.js", ".test.mjs"].iter().any(|end| name.ends_with(end))
    });
    ensure!(!files.is_empty(), "no tests in {}", dir.display());
    files.sort();
    let mut node = Command::new("node");
    node.arg("--test").args(files).current_dir(workspace());
    log.run(node, LIMIT)
}

/// Runs every test binary of a suite, the later ones too when one fails.
fn all_of(
    suite: Suite,
    built: &Built,
    set: &BTreeMap<String, String>,
    log: &mut Log,
) -> Result<()> {
    let tests: Vec<&TestBinary> = built.of(suite).collect();
    ensure!(!tests.is_empty(), "no test target belongs to the suite {}", suite.name());
    none_failed(&each_of(&tests, set, log)?)
}

/// Runs every test binary; answers with the names of those that failed.
fn each_of(
    tests: &[&TestBinary],
    set: &BTreeMap<String, String>,
    log: &mut Log,
) -> Result<Vec<String>> {
    let mut failed = Vec::new();
    for test in tests {
        let mut command = test.command();
        command.envs(set);
        if let Err(error) = log.run(command, LIMIT) {
            log.say(&format!("{error:#}"))?;
            failed.push(format!("{}::{}", test.package, test.target));
        }
    }
    Ok(failed)
}

fn none_failed(failed: &[String]) -> Result<()> {
    ensure!(failed.is_empty(), "{} failed", failed.join(", "));
    Ok(())
}

/// Runs the tests that start gateways themselves, then those that are given one.
fn openclaw(built: &Built, log: &mut Log) -> Result<()> {
    let is_given_one = |test: &&TestBinary| test.target == "real_gateway";
    let (given, starting): (Vec<_>, Vec<_>) = built.of(Suite::Openclaw).partition(is_given_one);
    ensure!(!given.is_empty() && !starting.is_empty(), "a test target of openclaw is missing");
    // One after the other: two gateways at once would keep each other from their start.
    let mut failed = each_of(&starting, &BTreeMap::from([cache()]), log)?;
    let gateway = Gateway::start(log)?;
    let set = BTreeMap::from([
        ("OIS_TEST_GATEWAY_URL".to_owned(), gateway.said("url")?),
        ("OIS_TEST_GATEWAY_TOKEN".to_owned(), gateway.said("token")?),
    ]);
    failed.extend(each_of(&given, &set, log)?);
    none_failed(&failed)
}

/// The variable that tells the tests where the gateway is installed.
fn cache() -> (String, String) {
    let cache = tools::openclaw_cache().to_string_lossy().into_owned();
    ("OIS_OPENCLAW_CACHE".to_owned(), cache)
}

/// A running OpenClaw gateway, which ends with this value.
struct Gateway {
    script: Child,
    ready: String,
}

impl Gateway {
    fn start(log: &Log) -> Result<Self> {
        let mut command = Command::new("bash");
        command.arg(tools::gateway_script()).arg(tools::openclaw_cache());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log.handle()?);
        let mut script = command.spawn().context("cannot run bash")?;
        let out = script.stdout.take().context("a pipe was asked for")?;
        // From here on an early return ends the script.
        let mut gateway = Self { script, ready: String::new() };
        // One line, so the sender never waits.
        let (said, line) = mpsc::sync_channel(1);
        thread::spawn(move || {
            let mut line = String::new();
            if BufReader::new(out).read_line(&mut line).is_ok() {
                // The receiver is gone once the start took too long: nothing is left to tell.
                drop(said.send(line));
            }
        });
        let Ok(line) = line.recv_timeout(GATEWAY_START) else {
            bail!("the gateway was not ready within {} s", GATEWAY_START.as_secs());
        };
        ensure!(line.starts_with("READY "), "the gateway did not start");
        gateway.ready = line;
        Ok(gateway)
    }

    fn said(&self, key: &str) -> Result<String> {
        let words = self.ready.split_whitespace().filter_map(|word| word.split_once('='));
        let found =
            words.filter(|(known, _)| *known == key).map(|(_, value)| value.to_owned()).next();
        found.with_context(|| format!("the gateway said no {key}"))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // SIGTERM, not a kill: the script's trap ends the gateway, which has its own process group.
        if let Err(error) =
            signal(self.script.id(), "TERM").and_then(|()| Ok(self.script.wait()?))
        {
            eprintln!("cannot end the gateway: {error:#}");
        }
    }
}

/// More than any suite needs on two slow cores that do other work as well; it ends a suite that hangs.
const LIMIT: Duration = Duration::from_secs(60 * 60);
/// More than the script itself waits for the gateway, so that the script's own words are kept.
const GATEWAY_START: Duration = Duration::from_secs(400);
