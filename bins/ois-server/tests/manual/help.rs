//! The help of a program and the manual's tables of settings, taken apart.
//!
//! The tests of both programs share this file.

use std::{collections::BTreeSet, path::Path, process::Command};

/// The settings that a table of the manual or a help names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The long flags, with their two dashes.
    pub(crate) flags: BTreeSet<String>,
    /// The environment variables.
    pub(crate) variables: BTreeSet<String>,
}

impl Settings {
    /// The settings in the tables of a section of the manual.
    pub(crate) fn in_section(section: &str) -> Self {
        let mut found = Self::default();
        for row in section.lines().filter(|line| line.starts_with("| `--")) {
            let mut cells = row.split('|').map(|cell| cell.trim().trim_matches('`'));
            let flag = cells.nth(1).and_then(|cell| cell.split(' ').next());
            found.flags.extend(flag.map(str::to_owned));
            let variable = cells.next().filter(|cell| !cell.is_empty());
            found.variables.extend(variable.map(str::to_owned));
        }
        found
    }

    /// The settings that a help describes; the flags of every program are left out.
    pub(crate) fn in_help(help: &str) -> Self {
        // Descriptions are set further in than the flags themselves.
        let lines = help.lines().filter(|line| line.trim_start().starts_with('-'));
        let lines = lines.filter(|line| line.len() - line.trim_start().len() <= 6);
        let flags =
            lines.filter_map(|line| line.split([' ', ',', '=']).find(|w| w.starts_with("--")));
        let flags = flags.filter(|flag| !["--help", "--version"].contains(flag));
        let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let variables = words.split("[env: ").skip(1);
        Self {
            flags: flags.map(str::to_owned).collect(),
            variables: variables
                .filter_map(|rest| rest.split(['=', ']']).next())
                .map(str::to_owned)
                .collect(),
        }
    }
}

/// The help that `program` prints for these words, without any variable of the environment.
pub(crate) fn help(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).env_clear().args(words).arg("--help").output();
    let output = output.unwrap_or_else(|error| panic!("{program} {words:?}: {error}"));
    assert!(output.status.success(), "{program} {words:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The manual from a heading to the next one of its rank.
pub(crate) fn section(heading: &str) -> String {
    let manual = read("docs/manual.md");
    let after = manual.split_once(&format!("{heading}\n")).map(|(_, after)| after);
    let after = after.unwrap_or_else(|| panic!("no {heading} in docs/manual.md"));
    after.split("\n## ").next().unwrap_or_default().to_owned()
}

/// The text of a file of the repository.
pub(crate) fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
