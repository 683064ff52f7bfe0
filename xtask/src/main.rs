//! The project's own chores: run every test, check the layers and the dependencies.
//!
//! Light on purpose: it is compiled before anything else can run.

#![expect(clippy::print_stdout, reason = "a command line tool prints")]

mod bench;
mod circles;
mod command;
mod deny;
mod graph;
mod layers;
mod suite;
mod test;
mod tools;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use suite::Suite;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(words: &[String]) -> Result<ExitCode> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let ["bench", rest @ ..] = words.as_slice() {
        // It has a help of its own.
        return bench::run(rest);
    }
    let asks_for_help = words.iter().any(|word| matches!(*word, "-h" | "--help"));
    match words.as_slice() {
        _ if asks_for_help => help(),
        [] | ["help"] => help(),
        ["test", rest @ ..] => return test::run(&test_options(rest)?),
        ["crash", rest @ ..] => return test::run(&crash_options(rest)?),
        ["layers"] => return layers(),
        ["deny"] => return report("deny", &deny::violations(&graph::all()?)?),
        [other, ..] => bail!("no command {other}; see cargo xtask --help"),
    }
    Ok(ExitCode::SUCCESS)
}

fn test_options(words: &[&str]) -> Result<test::Options> {
    let mut options = test::Options::default();
    for word in words {
        match *word {
            "--verbose" | "-v" => options.verbose = true,
            flag if flag.starts_with('-') => bail!("no option {flag}; see cargo xtask --help"),
            name => options.suites.push(Suite::named(name)?),
        }
    }
    if options.suites.is_empty() {
        options.suites = Suite::ALL.to_vec();
    }
    Ok(options)
}

fn crash_options(words: &[&str]) -> Result<test::Options> {
    let mut options =
        test::Options { suites: vec![Suite::Crash], rounds: Some(25), ..test::Options::default() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut number = || {
            let value = words.next().with_context(|| format!("{word} needs a number"))?;
            value.parse::<u64>().with_context(|| format!("{word} {value} is no number"))
        };
        match *word {
            "--rounds" => options.rounds = Some(number()?),
            "--seed" => options.seed = Some(number()?),
            "--verbose" | "-v" => options.verbose = true,
            other => bail!("no option {other}; see cargo xtask --help"),
        }
    }
    Ok(options)
}

/// Prints the circles of files and what breaks the rules about crates and files.
fn layers() -> Result<ExitCode> {
    let packages = graph::own()?.packages;
    let circles = circles::all(&packages)?;
    for circle in &circles {
        println!("{circle}");
    }
    let violations = [layers::violations(&packages), circles::violations(&circles)].concat();
    report("layers", &violations)
}

/// Prints what a check found and turns it into an exit code.
fn report(name: &str, violations: &[String]) -> Result<ExitCode> {
    for violation in violations {
        println!("{violation}");
    }
    if violations.is_empty() {
        println!("{name}: nothing found");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

fn help() {
    println!("{HELP}");
    for suite in Suite::ALL {
        println!("  {:9} {}", suite.name(), suite.about());
    }
    println!("{HELP_ENVIRONMENT}");
}

const HELP: &str = "\
The project's own chores.

  cargo xtask test [SUITE…] [--verbose]   run everything, or only these suites
  cargo xtask crash [--rounds N] [--seed S] [--verbose]
                                          the crash test alone, with more rounds (25)
  cargo xtask bench [--help]              measure, beside peers, and write docs/benchmarks.md
  cargo xtask layers                      check which crate may use which, and circles of files
  cargo xtask deny                        check licences, bans and sources against deny.toml
  cargo xtask --help                      this page

test prints one line per suite and ends with what failed; exit 1 if anything did. What a suite
said is kept as target/xtask/SUITE.log; --verbose shows it at once as well.

Suites:";

const HELP_ENVIRONMENT: &str = "
Environment:
  CI=true              what is missing is installed (apt-get as root, npm); a skip is a failure
  OIS_CHROMIUM         another browser than the first chromium in PATH
  OIS_OPENCLAW_CACHE   where the OpenClaw gateway is installed (target/openclaw, about 0.8 GB)

Without CI=true the suites that need a browser, Node or Python are skipped, in words, on a machine
that has none.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_names_every_suite_runs() {
        assert_eq!(test_options(&[]).expect("options").suites, Suite::ALL);
    }

    #[test]
    fn named_suites_run_alone_and_unknown_names_are_refused() {
        let options = test_options(&["unit", "-v", "browser"]).expect("options");
        assert_eq!(options.suites, [Suite::Unit, Suite::Browser]);
        assert!(options.verbose);
        assert!(test_options(&["unitt"]).is_err());
        assert!(test_options(&["--fast"]).is_err());
    }

    #[test]
    fn crash_takes_rounds_and_seed() {
        let options = crash_options(&["--rounds", "3", "--seed", "9"]).expect("options");
        assert_eq!((options.rounds, options.seed), (Some(3), Some(9)));
        assert!(crash_options(&["--rounds"]).is_err());
        assert!(crash_options(&["--rounds", "many"]).is_err());
    }
}
