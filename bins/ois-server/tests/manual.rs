//! `docs/manual.md` and `--help` name the same settings, and `docs/monitor-protocol.md` shows frames.

#[path = "manual/help.rs"]
mod help;

use std::collections::BTreeSet;

use help::{Settings, help, read, section};
use ois_protocol::{ClientFrame, ServerFrame};

#[test]
fn the_manual_lists_every_setting_of_the_help_and_no_other() {
    let listed = Settings::in_section(&section("## Settings of `ois-server`"));
    assert_eq!(listed, Settings::in_help(&help(SERVER, &[])));
}

#[test]
fn every_command_and_its_flags_stand_in_the_manual() {
    let section = section("## Commands of `ois-server`");
    let own = Settings::in_help(&help(SERVER, &[])).flags;
    for command in COMMANDS {
        let words = command.join(" ");
        assert!(section.contains(&words), "{words}");
        for flag in Settings::in_help(&help(SERVER, command)).flags.difference(&own) {
            assert!(section.contains(flag.as_str()), "{words} {flag}");
        }
    }
    assert_eq!(
        commands(&help(SERVER, &[])),
        COMMANDS.iter().map(|words| words[0].to_owned()).collect()
    );
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

const SERVER: &str = env!("CARGO_BIN_EXE_ois-server");

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

/// The commands that a help lists.
fn commands(help: &str) -> BTreeSet<String> {
    let list = help.split_once("Commands:\n").map_or("", |(_, after)| after);
    let lines = list.lines().take_while(|line| line.starts_with("  "));
    let names = lines
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}
