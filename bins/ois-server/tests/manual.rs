//! `docs/manual.md` and `--help` name the same settings, and `docs/monitor-protocol.md` shows frames.

use std::{collections::BTreeSet, path::Path, process::Command};

use ois_protocol::{ClientFrame, ServerFrame};

#[test]
fn the_manual_lists_every_setting_of_the_help_and_no_other() {
    let help = help(&[]);
    let rows = settings("## Settings of `ois-server`");
    let named: BTreeSet<String> = rows.iter().map(|row| row.flag.clone()).collect();
    let with: BTreeSet<String> = rows.into_iter().filter_map(|row| row.variable).collect();
    assert_eq!(named, flags(&help));
    assert_eq!(with, variables(&help));
}

#[test]
fn every_command_and_its_flags_stand_in_the_manual() {
    let section = section("## Commands of `ois-server`");
    let own = flags(&help(&[]));
    for command in COMMANDS {
        let words = command.join(" ");
        assert!(section.contains(&words), "{words}");
        for flag in flags(&help(command)).difference(&own) {
            assert!(section.contains(flag.as_str()), "{words} {flag}");
        }
    }
    assert_eq!(commands(&help(&[])), COMMANDS.iter().map(|words| words[0].to_owned()).collect());
}

#[test]
fn the_root_page_ends_with_the_register_that_init_lays() {
    let page = read("AGENTS.md");
    let register = read("bins/ois-server/templates/AGENTS.md");
    assert!(page.ends_with(&register), "AGENTS.md and the template have drifted apart");
}

#[test]
fn every_frame_of_the_monitors_page_is_one_and_says_what_it_means() {
    let page = read("docs/monitor-protocol.md");
    let mut sent = BTreeSet::new();
    for line in page.lines() {
        let parsed = if let Some(json) = line.strip_prefix("→ ") {
            let frame = ClientFrame::parse(json.as_bytes());
            let frame = frame.unwrap_or_else(|error| panic!("{line}: {error:?}"));
            (json, serde_json::to_value(frame))
        } else if let Some(json) = line.strip_prefix("← ") {
            let frame: Result<ServerFrame, _> = serde_json::from_str(json);
            (json, frame.and_then(serde_json::to_value))
        } else {
            continue;
        };
        let (json, frame) = (parsed.0, parsed.1.unwrap_or_else(|error| panic!("{line}: {error}")));
        let shown: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
        for (name, value) in shown.as_object().into_iter().flatten() {
            assert_eq!(frame.get(name), Some(value), "{name} in {line}");
        }
        sent.insert(shown["type"].as_str().unwrap_or_default().to_owned());
    }
    for kind in ["delivery", "run", "activity", "presence", "stop", "stopped", "error"] {
        assert!(sent.contains(kind), "no {kind} frame is shown");
    }
}

const COMMANDS: &[&[&str]] = &[
    &["init"],
    &["agent", "add"],
    &["agent", "list"],
    &["agent", "remove"],
    &["user", "add"],
    &["user", "list"],
    &["user", "remove"],
    &["user", "password"],
    &["invite"],
    &["import"],
    &["budget", "list"],
    &["budget", "set"],
    &["budget", "remove"],
    &["usage"],
    &["deliveries"],
    &["retry"],
    &["verify"],
];

/// One row of a table of settings.
struct Row {
    flag: String,
    variable: Option<String>,
}

/// Returns the rows of a section's tables that begin with a flag.
fn settings(heading: &str) -> Vec<Row> {
    let section = section(heading);
    let rows = section.lines().filter(|line| line.starts_with("| `--"));
    rows.map(|row| {
        let mut cells = row.split('|').map(|cell| cell.trim().trim_matches('`'));
        let flag = cells.nth(1).unwrap_or_default().split(' ').next().unwrap_or_default();
        let variable = cells.next().filter(|cell| !cell.is_empty());
        Row { flag: flag.to_owned(), variable: variable.map(str::to_owned) }
    })
    .collect()
}

/// Returns the manual from a heading to the next one of its rank.
fn section(heading: &str) -> String {
    let manual = read("docs/manual.md");
    let after = manual.split_once(&format!("{heading}\n")).map(|(_, after)| after);
    let after = after.unwrap_or_else(|| panic!("no {heading} in docs/manual.md"));
    after.split("\n## ").next().unwrap_or_default().to_owned()
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn help(command: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_ois-server"));
    let output = program.env_clear().args(command).arg("--help").output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}");
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

/// Returns the commands that a help text lists.
fn commands(help: &str) -> BTreeSet<String> {
    let list = help.split_once("Commands:\n").map_or("", |(_, after)| after);
    let lines = list.lines().take_while(|line| line.starts_with("  "));
    let names = lines
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}
