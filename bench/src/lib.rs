//! The benchmark that anybody can repeat: `cargo xtask bench`.
//!
//! OIS is started as the release binary. Its peers are started in the same run, beside it or in
//! alternation with it, and driven by the same load generator. The results are medians, ratios of
//! measurements that were made one right after the other, and beside every throughput the CPU time
//! that the server took for it. The benchmark never fails because of a time.

#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "a command line tool prints")]

mod context;
mod load;
mod machine;
mod options;
mod peer;
mod plot;
mod process;
mod report;
mod scenario;
mod stats;

use std::process::ExitCode;

use anyhow::{Context as _, Result};

use context::Bench;
use options::{Extent, HELP, Options};
use report::Section;
use scenario::Scenario;

/// Runs the program: reads the command line, measures, prints and writes the report.
#[must_use]
pub fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<()> {
    if let [command, name] = words
        && command == "peer"
    {
        return peer::become_peer(name);
    }
    let Some(options) = Options::parse(words)? else {
        println!("{HELP}");
        for scenario in Scenario::ALL {
            println!("  {:9} {}", scenario.name(), scenario.about());
        }
        return Ok(());
    };
    let bench = Bench::prepare(options)?;
    let mut sections: Vec<Section> = Vec::new();
    for scenario in &bench.options.scenarios {
        bench.say(&format!("{}: {}", scenario.name(), scenario.about()));
        let mut section = scenario.run(&bench).with_context(|| scenario.name())?;
        if bench.options.extent == Extent::Smoke {
            // So short a run says nothing about speed.
            section.verdicts.clear();
        }
        println!("\n{}", section.markdown());
        sections.push(section);
    }
    let report = report::Report { machine: machine::describe(&bench)?, sections };
    if let Some(file) = &bench.options.json {
        std::fs::write(file, report.json().to_string())
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    if bench.options.write {
        report.write(&bench)?;
    }
    Ok(())
}
