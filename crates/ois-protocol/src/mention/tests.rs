use proptest::prelude::*;

use super::*;
use crate::name::RESERVED;

fn team() -> Vec<ShortName> {
    ["HKH", "ARIA", "Mikasa", "小明", "小明明", "Ann-Lee", "🐱", "Élan", "ΟΔΟΣ"]
        .map(|name| name.parse().unwrap())
        .into()
}

fn called(text: &str) -> Vec<String> {
    find(text, &team()).wire()
}

#[test]
fn the_recorded_mentions_are_found_as_recorded() {
    assert_eq!(called("@HKH please"), ["HKH"]);
    assert_eq!(called("hey @aria and @MIKASA"), ["ARIA", "Mikasa"]);
    assert_eq!(called("ping @all"), ["all"]);
    assert_eq!(called("大家 @所有人 看"), ["all"]);
    assert_eq!(called("@HKH @hkh"), ["HKH"]);
    assert!(called("no mention").is_empty());
}

#[test]
fn a_sign_inside_a_word_or_behind_a_backslash_calls_nobody() {
    for text in [
        "mail@ariadne",
        "mail@aria",
        "a.@aria",
        "a-@aria",
        "a+@aria",
        "_@aria",
        "7@aria",
        "７@aria",
        "é@aria",
        "cafe\u{301}@aria",
        "я@aria",
        r"\@aria",
    ] {
        assert!(called(text).is_empty(), "{text}");
    }
}

#[test]
fn a_latin_name_ends_where_its_word_ends() {
    for text in ["@HKHx", "@HKH2", "@HKH_", "@HKH-x", "@HKHé", "@HKHe\u{301}", "@allx", "@Ann"] {
        assert!(called(text).is_empty(), "{text}");
    }
    for text in ["@HKH", "@HKH.", "@HKH's", "@HKH-", "@HKH - x", "@HKH看", "@HKH는", "(@HKH)"] {
        assert_eq!(called(text), ["HKH"], "{text}");
    }
    assert_eq!(called("@ann-lee: hi"), ["Ann-Lee"]);
}

#[test]
fn names_are_found_between_chinese_characters_and_the_longest_wins() {
    assert_eq!(called("请@ARIA看一下"), ["ARIA"]);
    assert_eq!(called("请＠ａｒｉａ看一下"), ["ARIA"]);
    assert_eq!(called("@小明你好"), ["小明"]);
    assert_eq!(called("@小明明你好"), ["小明明"]);
    assert_eq!(called("@所有人看@小明@小明明"), ["小明", "小明明", "all"]);
    assert_eq!(called("@🐱x"), ["🐱"]);
}

#[test]
fn names_are_found_however_they_are_composed() {
    assert_eq!(called("@e\u{301}lan"), ["Élan"]);
    assert_eq!(called("@οδος @οδοσ"), ["ΟΔΟΣ"]);
    assert!(called("@ARIA\u{301}").is_empty(), "that is another letter");
}

#[test]
fn in_code_nobody_is_called() {
    for text in [
        "`@HKH`",
        "run `a @HKH b` now",
        "``a ` @HKH``",
        "```\n@HKH\n```",
        "text\n~~~sh\n@HKH\n\n@all",
        "`a\n@HKH`",
    ] {
        assert!(called(text).is_empty(), "{text}");
    }
    for text in ["` @HKH", "`a` @HKH `b`", "```\nx\n```\n@HKH", "`a\n\n@HKH`", r"\`@HKH`"] {
        assert_eq!(called(text), ["HKH"], "{text}");
    }
}

#[test]
fn fyi_names_without_calling() {
    let found = find("FYI @HKH @aria, @Mikasa please; 请fyi @小明", &team());
    assert_eq!(found.wire(), ["Mikasa"]);
    assert_eq!(found.fyi, ["HKH", "ARIA", "小明"].map(|name| name.parse().unwrap()));
    assert!(called("fyi @all").is_empty());
    assert_eq!(called("notfyi @HKH"), ["HKH"]);
    assert_eq!(called("fyi\n@HKH"), ["HKH"]);
    let both = find("fyi @HKH: done. @HKH thanks", &team());
    assert_eq!((both.wire(), both.fyi), (vec!["HKH".to_owned()], vec![]));
}

#[test]
fn one_of_a_duty_is_nobody_yet() {
    assert!(called("@one:reviewer @one:HKH @reviewer").is_empty());
}

proptest! {
    #[test]
    fn only_registered_names_come_out_and_none_twice(
        text in r"([@＠`~ \n\\.a-cHK所有人小明]|@HKH|@小明明|@all|fyi |```|\PC){0,60}"
    ) {
        let found = find(&text, &team());
        let named: Vec<_> = found.names.iter().chain(&found.fyi).collect();
        for (at, name) in named.iter().enumerate() {
            prop_assert!(team().iter().any(|member| member.as_str() == name.as_str()));
            prop_assert!(!named[..at].contains(name));
        }
    }

    #[test]
    fn a_mention_between_chinese_characters_is_found(
        before in "[一-龥ぁ-んァ-ヴ가-힣，。]{0,9}", after in "[一-龥ぁ-んァ-ヴ가-힣，。]{0,9}"
    ) {
        for (sign, name) in [("@", "ARIA"), ("＠", "mikasa"), ("@", "🐱")] {
            let found = find(&format!("{before}{sign}{name}{after}"), &team());
            prop_assert_eq!(&found.names, &[name.parse::<ShortName>().unwrap()]);
        }
    }

    #[test]
    fn whoever_can_be_registered_can_be_called(name in r"\PC{1,12}", after in "[ ,!。]?") {
        let Ok(name) = name.parse::<ShortName>() else { return Ok(()) };
        prop_assume!(!RESERVED.contains(&name.folded()));
        for written in [name.as_str(), name.folded()] {
            let found = find(&format!("@{written}{after}"), [&name]);
            prop_assert_eq!(&found.names[..], std::slice::from_ref(&name), "{}", written);
        }
    }
}
