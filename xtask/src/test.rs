//! `cargo xtask test`: every suite once, one line each, and the failed tests at the end.
//!
//! Everything is compiled once, with all features and the tests' own dependencies, and the test
//! binaries are run from there. The programs of the outside suites are installed meanwhile.

mod built;
mod steps;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::command::Log;
use crate::suite::Suite;
use crate::tools;
use built::Built;

/// The choices of the command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// The suites, in any order.
    pub(crate) suites: Vec<Suite>,
    /// Whether the output of the suites is shown at once.
    pub(crate) verbose: bool,
    /// The rounds of the crash test; none means its own number.
    pub(crate) rounds: Option<u64>,
    /// The seed of the crash test; none means its own.
    pub(crate) seed: Option<u64>,
}

/// How a suite ended.
#[derive(Debug)]
enum Verdict {
    Passed,
    Skipped(String),
    Failed(String),
}

/// Runs the suites and prints the report.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let begin = Instant::now();
    let run = Run {
        options,
        built: Mutex::default(),
        not_installed: Mutex::default(),
        verdicts: Mutex::default(),
    };
    thread::scope(|scope| -> Result<()> {
        // The installation runs beside the compilation: neither needs the other.
        let installing = scope.spawn(|| run.prepare());
        run.side_by_side(&[Suite::Fmt, Suite::Layers, Suite::Deny]);
        run.one(Suite::Clippy);
        run.build();
        run.one(Suite::Unit);
        run.one(Suite::Doc);
        let installed = installing.join().map_err(|_| anyhow::anyhow!("installing panicked"))?;
        *run.not_installed.lock().unwrap_or_else(PoisonError::into_inner) = installed.err();
        run.side_by_side(&[Suite::Web, Suite::Examples]);
        // Each alone: a browser or a gateway takes both cores of a small machine for itself.
        for suite in [Suite::Browser, Suite::Openclaw, Suite::Whole, Suite::Crash, Suite::Bench] {
            run.one(suite);
        }
        Ok(())
    })?;
    Ok(run.summary(begin.elapsed()))
}

/// One run of `cargo xtask test`.
struct Run<'a> {
    options: &'a Options,
    /// The binaries of [`Suite::Build`], once it has run.
    built: Mutex<Option<Built>>,
    /// The reason why a program that suites need could not be installed.
    not_installed: Mutex<Option<anyhow::Error>>,
    verdicts: Mutex<BTreeMap<Suite, Verdict>>,
}

impl Run<'_> {
    fn wants(&self, suite: Suite) -> bool {
        self.options.suites.contains(&suite)
    }

    fn prepare(&self) -> Result<()> {
        let mut log = Log::create("install", self.options.verbose)?;
        tools::prepare(&self.options.suites, &mut log)
    }

    fn side_by_side(&self, suites: &[Suite]) {
        thread::scope(|scope| {
            for suite in suites {
                scope.spawn(|| self.one(*suite));
            }
        });
    }

    /// Builds when it is asked for or when a suite that is asked for needs it.
    fn build(&self) {
        if self.wants(Suite::Build) || self.options.suites.iter().any(|suite| suite.needs_build()) {
            self.report(Suite::Build, |log| {
                let built = Built::make(log)?;
                *self.built.lock().unwrap_or_else(PoisonError::into_inner) = Some(built);
                Ok(Verdict::Passed)
            });
        }
    }

    fn one(&self, suite: Suite) {
        if self.wants(suite) {
            self.report(suite, |log| self.judge(suite, log));
        }
    }

    fn judge(&self, suite: Suite, log: &mut Log) -> Result<Verdict> {
        let not_installed = self.not_installed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = not_installed.as_ref().filter(|_| suite.needs_outside()) {
            return Ok(Verdict::Failed(format!("installing failed: {error:#}")));
        }
        drop(not_installed);
        if let Some(lacking) = tools::missing(suite) {
            let skipped = if tools::on_ci() { Verdict::Failed } else { Verdict::Skipped };
            return Ok(skipped(lacking));
        }
        let built = self.built.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if suite.needs_build() && built.is_none() {
            return Ok(Verdict::Failed("not run: the build failed".to_owned()));
        }
        steps::run(suite, self.options, &built.unwrap_or_default(), log)?;
        Ok(Verdict::Passed)
    }

    /// Runs `work`, keeps its verdict and prints the suite's line.
    fn report(&self, suite: Suite, work: impl FnOnce(&mut Log) -> Result<Verdict>) {
        let begin = Instant::now();
        let mut said = String::new();
        let verdict = Log::create(suite.name(), self.options.verbose).and_then(|mut log| {
            let verdict = work(&mut log);
            if let Err(error) = &verdict {
                log.say(&format!("{error:#}"))?;
                said = log.text();
            }
            verdict.map_err(|error| anyhow::anyhow!("{error:#}; see {}", log.path().display()))
        });
        let verdict = verdict.unwrap_or_else(|error| Verdict::Failed(format!("{error:#}")));
        let line = line(suite, &verdict, begin.elapsed());
        // The line is printed under the lock, so that lines of suites that run side by side stay whole.
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.options.verbose {
            print!("{}", last_lines(&said));
        }
        println!("{line}");
        // Without a terminal the verdicts still decide the exit code.
        drop(std::io::stdout().flush());
        verdicts.insert(suite, verdict);
    }

    fn summary(&self, took: Duration) -> ExitCode {
        let verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |wanted: fn(&Verdict) -> bool| verdicts.values().filter(|v| wanted(v)).count();
        let failed = count(|verdict| matches!(verdict, Verdict::Failed(_)));
        let skipped = count(|verdict| matches!(verdict, Verdict::Skipped(_)));
        let passed = verdicts.len() - failed - skipped;
        println!("{passed} passed, {skipped} skipped, {failed} failed in {}", time(took));
        for (suite, verdict) in verdicts.iter() {
            if let Verdict::Failed(why) = verdict {
                println!("failed: {}: {why}", suite.name());
                let log =
                    crate::command::workspace().join(format!("target/xtask/{}.log", suite.name()));
                let text = std::fs::read_to_string(log).unwrap_or_default();
                for test in failed_tests(&text) {
                    println!("    {test}");
                }
            }
        }
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn line(suite: Suite, verdict: &Verdict, took: Duration) -> String {
    let (word, more) = match verdict {
        Verdict::Passed => ("ok", ""),
        Verdict::Skipped(why) => ("skipped", why.as_str()),
        Verdict::Failed(why) => ("FAILED", why.lines().next().unwrap_or_default()),
    };
    format!("{word:8}{:9}{:>9}  {more}", suite.name(), time(took)).trim_end().to_owned()
}

fn time(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    format!("{} min {:02} s", took.as_secs() / 60, took.as_secs() % 60)
}

/// The last lines of a failed suite's output, without the tests that passed.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.ends_with(" ... ok")).collect();
    let shown = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
    shown.iter().map(|line| format!("  | {line}\n")).collect()
}

/// The names of failed tests in the output of cargo-nextest or of the test harness.
fn failed_tests(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = text
        .lines()
        .filter_map(|line| {
            let line = line.trim();
            let harness =
                line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"));
            let nextest =
                || line.strip_prefix("FAIL [")?.split_once("] ").map(|(_, name)| name.trim());
            harness.or_else(nextest)
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    // cargo-nextest shows the harness's line as well, without the binary's name.
    let all = found.clone();
    found.retain(|test| !all.iter().any(|other| other.ends_with(&format!(" {test}"))));
    found
}

const LINES_SHOWN: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_verdict_suite_time_and_reason() {
        let second = Duration::from_millis(1240);
        assert_eq!(line(Suite::Unit, &Verdict::Passed, second), "ok      unit         1.2 s");
        let skipped = Verdict::Skipped("no Node: apt-get install nodejs".into());
        assert!(line(Suite::Web, &skipped, second).starts_with("skipped web"));
        let failed = Verdict::Failed("one\ntwo".into());
        assert!(line(Suite::Doc, &failed, Duration::from_secs(61)).ends_with("1 min 01 s  one"));
    }

    #[test]
    fn failed_tests_are_found_in_the_words_of_both_runners() {
        let said = "test a::b ... ok\ntest a::c ... FAILED\n   FAIL [   0.1s] (1/2) e2e::crash d\n\
                    FAIL [   0.1s] (1/2) e2e::crash d\ntest d ... FAILED\n";
        assert_eq!(failed_tests(said), ["(1/2) e2e::crash d", "a::c"]);
    }

    #[test]
    fn only_the_end_of_a_long_log_is_shown() {
        let long = "x\n".repeat(LINES_SHOWN + 5);
        assert_eq!(last_lines(&long).lines().count(), LINES_SHOWN);
        assert_eq!(last_lines(""), "");
    }
}
