//! The results as a page, as JSON and as a plot.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::context::{Bench, workspace};
use crate::machine::Machine;
use crate::plot;

/// All results of one run.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) sections: Vec<Section>,
}

/// The results of one scenario.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// A short paragraph on what was done.
    pub(crate) about: &'static str,
    pub(crate) columns: &'static [&'static str],
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) bars: Vec<Bar>,
}

/// A target and whether it was met.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) case: String,
    pub(crate) target: String,
    pub(crate) measured: String,
    pub(crate) met: bool,
}

/// A throughput for the plot and for the JSON.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) case: String,
    pub(crate) who: &'static str,
    pub(crate) per_second: f64,
    /// The CPU seconds of the server per million deliveries.
    pub(crate) cpu: f64,
}

impl Section {
    /// Creates a section without results.
    pub(crate) fn new(
        name: &'static str,
        title: &'static str,
        about: &'static str,
        columns: &'static [&'static str],
    ) -> Self {
        let (rows, verdicts, bars) = (Vec::new(), Vec::new(), Vec::new());
        Self { name, title, about, columns, rows, verdicts, bars }
    }

    /// Adds a row to the table.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// Returns the section as Markdown: a heading, the paragraph and the table.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n{}\n\n", self.title, self.about);
        line(&mut text, self.columns);
        // Names are aligned to the left, numbers to the right.
        let rules: Vec<&str> = (0..self.columns.len())
            .map(|column| if self.is_number(column) { "---:" } else { "---" })
            .collect();
        line(&mut text, &rules);
        for row in &self.rows {
            line(&mut text, row);
        }
        for verdict in &self.verdicts {
            let met = if verdict.met { "met" } else { "missed" };
            let Verdict { case, target, measured, .. } = verdict;
            text.push_str(&format!("\n* {case}: {target}: {measured} ({met})"));
        }
        text.push_str(if self.verdicts.is_empty() { "" } else { "\n" });
        text
    }

    fn is_number(&self, column: usize) -> bool {
        if column == 0 {
            return false;
        }
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let mut cells = cells.filter(|cell| !cell.is_empty()).peekable();
        cells.peek().is_some()
            && cells.all(|cell| {
                cell.trim_start_matches('-').starts_with(|first: char| first.is_ascii_digit())
            })
    }

    fn json(&self) -> Value {
        let verdicts = self.verdicts.iter().map(|verdict| {
            json!({
                "case": verdict.case,
                "target": verdict.target,
                "measured": verdict.measured,
                "met": verdict.met,
            })
        });
        let bars = self.bars.iter().map(|bar| {
            json!({"case": bar.case, "who": bar.who, "perSecond": bar.per_second, "cpu": bar.cpu})
        });
        json!({
            "scenario": self.name,
            "columns": self.columns,
            "rows": self.rows,
            "targets": verdicts.collect::<Vec<_>>(),
            "rates": bars.collect::<Vec<_>>(),
        })
    }
}

impl Verdict {
    /// Creates the verdict on a target.
    pub(crate) fn new(case: &str, target: &str, measured: String, met: bool) -> Self {
        Self { case: case.to_owned(), target: target.to_owned(), measured, met }
    }
}

impl Report {
    /// Returns all results as one value.
    pub(crate) fn json(&self) -> Value {
        let sections: Vec<Value> = self.sections.iter().map(Section::json).collect();
        json!({"machine": self.machine.facts, "scenarios": sections})
    }

    /// Writes `docs/benchmarks.md` and `docs/benchmarks.svg`.
    ///
    /// # Errors
    /// Fails when a file cannot be written.
    pub(crate) fn write(&self, bench: &Bench) -> Result<()> {
        let docs = workspace().join("docs");
        // Only sections with peers are plotted.
        let plotted = self.sections.iter().filter(|section| section.name != "synced");
        let bars = plotted.flat_map(|section| &section.bars);
        let files = [
            ("benchmarks.md", self.markdown(bench)),
            ("benchmarks.svg", plot::svg(&bars.collect::<Vec<_>>())),
        ];
        for (name, text) in files {
            let file = docs.join(name);
            fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
            bench.say(&format!("wrote docs/{name}"));
        }
        Ok(())
    }

    fn markdown(&self, bench: &Bench) -> String {
        let mut text = format!("{HEAD}\n");
        line(&mut text, &["", ""]);
        line(&mut text, &["---", "---"]);
        for (name, value) in &self.machine.facts {
            line(&mut text, &[name, value]);
        }
        text.push_str(&format!(
            "\nMedians over {} rounds; a ratio is taken within a round, or within a turn where rooms stand side \
             by side, then the median of all.\n",
            bench.options.rounds,
        ));
        for sentence in &bench.fetched.missing {
            text.push_str(&format!("{sentence}.\n"));
        }
        text.push_str("\n![Deliveries in a second](benchmarks.svg)\n\n## Targets\n\n");
        line(&mut text, &["scenario", "case", "target", "measured", ""]);
        line(&mut text, &["---", "---", "---", "---", "---"]);
        for section in &self.sections {
            for verdict in &section.verdicts {
                let met = if verdict.met { "met" } else { "missed" };
                let Verdict { case, target, measured, .. } = verdict;
                line(&mut text, &[section.name, case, target, measured, met]);
            }
        }
        for section in &self.sections {
            let section = section.markdown();
            // The targets of all sections stand together above.
            let table = section.split("\n\n* ").next().unwrap_or_default();
            let table: Vec<&str> =
                table.lines().take_while(|line| !line.starts_with("* ")).collect();
            text.push_str(&format!("\n{}\n", table.join("\n").trim_end()));
        }
        text
    }
}

/// Writes `1234567.0` as `1,234,567`.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn line(text: &mut String, cells: &[impl AsRef<str>]) {
    for cell in cells {
        text.push_str("| ");
        text.push_str(cell.as_ref());
        text.push(' ');
    }
    text.push_str("|\n");
}

const HEAD: &str = "\
# Benchmarks

Written by `cargo xtask bench`; do not edit. To repeat it:

```sh
cargo xtask bench            # everything; about a quarter of an hour; nothing else should run
cargo xtask bench --quick    # to see what a change does; writes nothing
cargo xtask bench --help     # scenarios and options
```

Server, peers and load generator share one machine and speak over loopback. The generator is one
thread that reads the headers of frames and nothing else, so it costs less than any server; it stays
awake for 50 µs after the last message, so that no server pays for waking it. Peers are started
in the same run: for messages they stand beside OIS and are measured in short turns, one after the
other, so that whatever else the machine does falls on all alike; for the rest in alternation.
Beside each throughput stands the CPU time that the server took for it, user and system. The targets
are what OIS set out to reach; nothing fails on them.

## The machine
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_shows_its_table_and_its_targets() {
        let mut section = Section::new("idle", "Idle", "Nothing is said.", &["who", "KiB"]);
        section.row(["OIS".to_owned(), "1.5".to_owned()]);
        section.verdicts.push(Verdict::new("each", "2 KiB", "1.5 KiB".to_owned(), true));
        assert_eq!(
            section.markdown(),
            "## Idle\n\nNothing is said.\n\n| who | KiB |\n| --- | ---: |\n| OIS | 1.5 |\n\
             \n* each: 2 KiB: 1.5 KiB (met)\n",
        );
    }

    #[test]
    fn numbers_are_shown_in_groups_of_three() {
        assert_eq!(thousands(7.4), "7");
        assert_eq!(thousands(123.0), "123");
        assert_eq!(thousands(1_234_567.0), "1,234,567");
    }
}
