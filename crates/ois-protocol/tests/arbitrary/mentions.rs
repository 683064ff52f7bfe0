//! Mentions in texts of any content and length.

use ois_protocol::{Kind, Limits, Member, Role, ShortName, mention};
use proptest::{collection::vec, prelude::*, sample::select};

/// Signs, names, duties, and the characters that stand around them.
const PIECES: [&str; 30] = [
    "@",
    "＠",
    "@one:",
    "＠one：",
    "@all",
    "@所有人",
    "@HKH",
    "@hkh",
    "@小明",
    "@小明明",
    "@🐱",
    "@Ann-Lee",
    "@reviewer",
    "@one:reviewer",
    "fyi ",
    "FYI\u{3000}",
    " ",
    "\n",
    "`",
    "``",
    "```",
    "~~~",
    "\\",
    "\u{301}",
    "é",
    "x",
    "看",
    ".",
    "ﬀ",
    "\u{200d}",
];

fn team() -> Vec<Member> {
    let duties: Vec<ShortName> = vec!["reviewer".parse().unwrap()];
    let agent = |name: &str| Member::new(name.parse().unwrap(), Kind::Agent, Role::Agent);
    let mut team = ["HKH", "小明", "小明明", "🐱", "Ann-Lee", "one"].map(agent).to_vec();
    team.iter_mut().skip(3).for_each(|member| member.duties.clone_from(&duties));
    team
}

/// Checks that a text calls only members of the team, and each at most once.
fn hold(text: &str) -> Result<(), TestCaseError> {
    let team = team();
    let found = mention::find(text, &team);
    let named: Vec<&ShortName> = found.names.iter().chain(&found.fyi).collect();
    for (at, name) in named.iter().enumerate() {
        prop_assert!(team.iter().any(|member| member.name == **name));
        prop_assert!(!named[..at].contains(name));
    }
    for name in found.offers.iter().flat_map(|offer| &offer.agents) {
        prop_assert!(team.iter().any(|member| member.name == *name));
        prop_assert!(!named.contains(&name));
    }
    if !text.contains(['@', '＠']) {
        prop_assert_eq!(found, mention::Mentions::default());
    }
    Ok(())
}

proptest! {
    #[test]
    fn only_members_are_called_and_none_twice(text in prop_oneof![
        vec(select(PIECES.to_vec()), 0..40).prop_map(|pieces| pieces.concat()),
        "(?s).{0,60}",
    ]) {
        hold(&text)?;
    }

    #[test]
    fn what_is_said_before_in_another_paragraph_changes_nothing(
        before in vec(select(vec!["@", "@HKH", "fyi ", "\\", "x", "看", "`", "."]), 0..12)
    ) {
        // The pieces do not stand at the start of a line, where three backticks would open a fence
        // over the rest.
        let text = format!("so {}\n\n@小明 look", before.concat());
        let found = mention::find(&text, &team());
        prop_assert!(found.names.iter().any(|name| name.as_str() == "小明"), "{}", text);
    }
}

/// Work that grows with the square of the length would keep this test busy for an hour.
#[test]
fn a_long_text_is_read_whatever_it_is_made_of() {
    let long = Limits::default().text_bytes / 8;
    for piece in PIECES.iter().flat_map(|piece| [(*piece).to_owned(), format!("{piece}@")]) {
        hold(&piece.repeat(long / piece.len())).unwrap();
    }
    // Code spans that open with ever longer runs of backticks and are never closed.
    let stairs: String = (1..350).map(|length| format!("{}@HKH ", "`".repeat(length))).collect();
    hold(&stairs).unwrap();
}
