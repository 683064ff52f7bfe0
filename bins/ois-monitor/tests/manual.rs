//! `docs/manual.md` and `--help` name the same settings.

#[path = "../../ois-server/tests/manual/help.rs"]
mod help;

use help::{Settings, help, section};

#[test]
fn the_manual_lists_every_setting_of_the_help_and_no_other() {
    let section = section("## Settings of `ois-monitor`");
    let mut listed = Settings::in_section(&section);
    // It belongs to the command doctor and is no setting.
    assert!(section.contains("`--json`"));
    listed.flags.insert("--json".to_owned());
    assert_eq!(listed, Settings::in_help(&help(env!("CARGO_BIN_EXE_ois-monitor"), &[])));
}
