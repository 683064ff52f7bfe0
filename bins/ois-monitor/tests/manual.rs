//! `docs/manual.md` and `--help` name the same settings.

use std::{collections::BTreeSet, path::Path, process::Command};

#[test]
fn the_manual_lists_every_setting_of_the_help_and_no_other() {
    let (help, section) = (help(), section());
    let rows = section.lines().filter(|line| line.starts_with("| `--"));
    let (mut named, mut with) = (BTreeSet::new(), BTreeSet::new());
    for row in rows {
        let mut cells = row.split('|').map(|cell| cell.trim().trim_matches('`'));
        named.extend(cells.nth(1).and_then(|cell| cell.split(' ').next()).map(str::to_owned));
        with.extend(cells.next().filter(|cell| !cell.is_empty()).map(str::to_owned));
    }
    // The flag belongs to doctor and is no setting.
    named.insert("--json".to_owned());
    assert!(section.contains("`--json`"));
    assert_eq!(named, flags(&help));
    assert_eq!(with, variables(&help));
}

fn section() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/manual.md");
    let manual = std::fs::read_to_string(path).unwrap_or_default();
    let after = manual.split_once("## Settings of `ois-monitor`\n").map_or("", |(_, after)| after);
    after.split("\n## ").next().unwrap_or_default().to_owned()
}

fn help() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_ois-monitor")).env_clear().arg("--help").output();
    let output = output.unwrap_or_else(|error| panic!("ois-monitor: {error}"));
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns the long flags that a help text describes, without those that every program has.
fn flags(help: &str) -> BTreeSet<String> {
    // The descriptions are indented further.
    let lines = help.lines().filter(|line| line.trim_start().starts_with('-'));
    let lines = lines.filter(|line| line.len() - line.trim_start().len() <= 6);
    let flags = lines.filter_map(|line| line.split([' ', ',', '=']).find(|w| w.starts_with("--")));
    flags.filter(|flag| !["--help", "--version"].contains(flag)).map(str::to_owned).collect()
}

/// Returns the environment variables that a help text names.
fn variables(help: &str) -> BTreeSet<String> {
    let line = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let named = line.split("[env: ").skip(1);
    named.filter_map(|rest| rest.split(['=', ']']).next()).map(str::to_owned).collect()
}
