use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{
    member::{Kind, Role},
    name::RESERVED,
};

fn agent(name: &str, duties: &[&str]) -> Member {
    let duties = duties.iter().map(|duty| duty.parse().unwrap()).collect();
    Member { duties, ..Member::new(name.parse().unwrap(), Kind::Agent, Role::Agent) }
}

fn team() -> Vec<Member> {
    ["HKH", "ARIA", "Mikasa", "小明", "小明明", "Ann-Lee", "🐱", "Élan", "ΟΔΟΣ"]
        .map(|name| agent(name, &[]))
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

/// A team in which HKH, ARIA and the person Mira review, and 小明 and ARIA keep the peace.
fn crew() -> Vec<Member> {
    let mira = agent("Mira", &["reviewer"]);
    vec![
        agent("HKH", &["reviewer"]),
        Member { kind: Kind::Human, role: Role::Member, ..mira },
        agent("ARIA", &["Reviewer", "治安"]),
        agent("小明", &["治安", "ARIA", "治安"]),
    ]
}

/// Returns the lists on one line: `calls | duty: offered; … | fyi`.
fn lists(text: &str) -> String {
    let found = find(text, &crew());
    let line =
        |names: &[ShortName]| names.iter().map(ShortName::as_str).collect::<Vec<_>>().join(" ");
    let offers: Vec<_> =
        found.offers.iter().map(|one| format!("{}: {}", one.duty, line(&one.agents))).collect();
    format!("{} | {} | {}", found.wire().join(" "), offers.join("; "), line(&found.fyi))
}

#[test]
fn a_duty_calls_all_who_have_it_in_the_order_of_the_register() {
    assert_eq!(lists("@reviewer, please"), "HKH Mira ARIA |  | ");
    assert_eq!(lists("请＠ＲＥＶＩＥＷＥＲ看一下"), "HKH Mira ARIA |  | ");
    assert_eq!(lists("@小明 @治安管"), "小明 ARIA |  | ");
    assert_eq!(lists("@ARIA and @reviewer"), "ARIA HKH Mira |  | ");
    assert_eq!(lists("fyi @reviewer: @HKH does it"), "HKH |  | Mira ARIA");
    assert_eq!(lists("@reviewers `@reviewer` a@reviewer"), " |  | ");
}

#[test]
fn a_members_name_wins_over_a_duty_of_the_same_word() {
    assert_eq!(lists("@aria"), "ARIA |  | ");
    assert_eq!(lists("@one:aria"), "ARIA |  | ");
}

#[test]
fn one_of_a_duty_is_an_offer_to_the_agents_that_have_it() {
    for text in [
        "@one:reviewer",
        "看@One：Reviewer！",
        "＠ｏｎｅ：ｒｅｖｉｅｗｅｒ",
        "@one:reviewer @one:REVIEWER",
    ] {
        assert_eq!(lists(text), " | reviewer: HKH ARIA | ", "{text}");
    }
    assert_eq!(lists("@one:治安 @one:reviewer"), " | 治安: ARIA 小明; reviewer: HKH ARIA | ");
}

#[test]
fn one_of_a_member_is_that_member_and_one_of_anything_else_nobody() {
    assert_eq!(lists("@one:HKH fyi @one:小明"), "HKH |  | 小明");
    let texts =
        ["@one:x", "@one:", "@one", "@one: reviewer", "@one:all", "@one:one:HKH", "@one:@HKHx"];
    for text in texts {
        assert_eq!(lists(text), " |  | ", "{text}");
    }
    let texts = ["@one:reviewers", "@one:reviewer-x", "x@one:reviewer", "`@one:reviewer`"];
    for text in texts {
        assert_eq!(lists(text), " |  | ", "{text}");
    }
}

#[test]
fn somebody_may_be_called_like_an_offer() {
    let team = [agent("one:", &[]), agent("one:dev", &[]), agent("HKH", &["dev", "devops"])];
    assert_eq!(find("@one:dev", &team).wire(), ["one:dev"]);
    assert_eq!(find("@one:devops", &team).offers[0].agents, [team[2].name.clone()]);
    assert_eq!(find("@one:x", &team).wire(), ["one:"]);
}

#[test]
fn who_is_called_is_not_offered_it_as_well() {
    assert_eq!(lists("@one:reviewer, @HKH knows"), "HKH | reviewer: ARIA | ");
    assert_eq!(lists("@one:reviewer @HKH @aria"), "HKH ARIA |  | ");
    assert_eq!(lists("@one:治安 @reviewer"), "HKH Mira ARIA | 治安: 小明 | ");
    assert_eq!(lists("@one:reviewer @all"), "all |  | ");
}

#[test]
fn who_is_offered_it_is_not_told_as_well() {
    assert_eq!(lists("fyi @reviewer, @one:治安"), " | 治安: ARIA 小明 | HKH Mira");
    assert_eq!(lists("fyi @one:reviewer"), " |  | HKH Mira ARIA");
}

#[test]
fn a_duty_that_only_people_have_is_offered_to_nobody() {
    let mira = Member { kind: Kind::Human, ..agent("Mira", &["host"]) };
    assert_eq!(find("@one:host", [&mira]), Mentions::default());
    assert_eq!(find("@host", [&mira]).wire(), ["Mira"]);
}

proptest! {
    #[test]
    fn only_registered_names_come_out_and_none_twice(
        text in r"([@＠`~ \n\\.a-cHK所有人小明]|@HKH|@小明明|@all|fyi |```|\PC){0,60}"
    ) {
        let found = find(&text, &team());
        let named: Vec<_> = found.names.iter().chain(&found.fyi).collect();
        for (at, name) in named.iter().enumerate() {
            prop_assert!(team().iter().any(|member| member.name.as_str() == name.as_str()));
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
        let member = Member { name: name.clone(), ..agent("x", &[]) };
        for written in [name.as_str(), name.folded()] {
            let found = find(&format!("@{written}{after}"), [&member]);
            prop_assert_eq!(&found.names[..], std::slice::from_ref(&name), "{}", written);
        }
    }

    #[test]
    fn duties_change_nothing_in_a_text_that_names_none(
        text in r"([@＠`~ \n\\.a-cHK所有人小明:：]|@HKH|@小明明|@all|fyi |```|one|\PC){0,60}"
    ) {
        let mut on_duty = team();
        for member in &mut on_duty {
            member.duties = vec!["zz".parse().unwrap(), "鼹鼠".parse().unwrap()];
        }
        let folded = crate::name::fold(&text);
        prop_assume!(!["@zz", ":zz", "鼹", "one:"].iter().any(|word| folded.contains(word)));
        prop_assert_eq!(find(&text, &on_duty), find(&text, &team()));
    }

    #[test]
    fn nobody_stands_in_two_of_the_lists(
        text in r"( |, |`|fyi |[@＠](one[:：])?(HKH|mira|aria|小明|reviewer|治安|all)){0,12}"
    ) {
        let found = find(&text, &crew());
        let offered: BTreeSet<_> = found.offers.iter().flat_map(|offer| &offer.agents).collect();
        let named: Vec<_> = found.names.iter().chain(offered).chain(&found.fyi).collect();
        let each: BTreeSet<_> = named.iter().collect();
        prop_assert_eq!(named.len(), each.len(), "{:?}", found);
        for offer in &found.offers {
            let holders = crew().into_iter().filter(|one| one.duties.contains(&offer.duty));
            let agents: Vec<_> = holders.filter(Member::is_agent).map(|one| one.name).collect();
            prop_assert!(!offer.agents.is_empty());
            let mut rest = agents.iter();
            prop_assert!(offer.agents.iter().all(|agent| rest.any(|one| one == agent)), "in order");
        }
    }

    #[test]
    fn a_duty_is_found_wherever_a_name_would_be(name in r"\PC{1,12}", after in "[ ,!。x]?") {
        let Ok(word) = name.parse::<ShortName>() else { return Ok(()) };
        prop_assume!(!RESERVED.contains(&word.folded()));
        prop_assume!(!word.folded().starts_with("one:"));
        let named = Member { name: word.clone(), ..agent("x", &[]) };
        let on_duty = Member { duties: vec![word.clone()], ..agent("Mikasa-Ackermann", &[]) };
        for sign in ["@", "看＠", "@one:"] {
            let text = format!("{sign}{name}{after}");
            let duty = find(&text, [&on_duty]);
            let called = !duty.names.is_empty() || !duty.offers.is_empty();
            prop_assert_eq!(called, !find(&text, [&named]).names.is_empty(), "{}", text);
        }
    }
}
