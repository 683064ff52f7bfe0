use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{ChangeError, SignInError, entropy::tests::Seeded, password::tests::cheap};

const NOON: Timestamp = Timestamp::from_ms(1_770_379_200_000);
const WEEK_MS: u64 = 7 * 24 * 3_600_000;

fn name(text: &str) -> ShortName {
    text.parse().unwrap()
}

fn new(display: &str, role: Role) -> NewMember {
    NewMember { display: display.parse().unwrap(), role, duties: Vec::new() }
}

fn token(text: &str) -> Token {
    Token::parse(text).unwrap()
}

/// The user Ada (password `lace`), the agent Aria (token `t-aria`) and the agent HKH 🐱 of the
/// settings (token `t-hkh`); the shared password is `ois2026`.
fn keyring() -> Keyring {
    let mut keyring = Keyring::default();
    keyring.add_user(new("Ada Lovelace", Role::Admin), cheap("lace"), NOON).unwrap();
    keyring.add_agent(new("Aria 🎵", Role::Agent), token("t-aria").hash(), NOON).unwrap();
    keyring.configure(AgentTokens::parse("t-hkh:HKH 🐱").unwrap()).unwrap();
    // As after an earlier start: the hash of a test is cheap to compare with.
    keyring.register.shared = Some(cheap("ois2026"));
    keyring.share(Some("ois2026"), &mut Seeded(0));
    keyring
}

/// Signs in with a token of that text.
fn sign_in(
    keyring: &mut Keyring,
    username: &str,
    password: &str,
    text: &str,
) -> Result<Member, SignInError> {
    let verdict = keyring.challenge(username)?.verify(password);
    keyring.open_session(verdict, &token(text), NOON)
}

#[test]
fn an_account_signs_in_with_its_own_password_in_any_case_of_its_name() {
    for username in ["Ada", "ada", "ＡＤＡ", "Ada Lovelace"] {
        let member = sign_in(&mut keyring(), username, "lace", "s").unwrap();
        assert_eq!((member.display.as_str(), member.role), ("Ada Lovelace", Role::Admin));
    }
}

#[test]
fn with_the_shared_password_anybody_else_is_a_plain_member() {
    let member = sign_in(&mut keyring(), "Grace 🐛", "ois2026", "s").unwrap();
    assert_eq!(member.name, name("grace"));
    assert_eq!((member.kind, member.role), (Kind::Human, Role::Member));
}

#[test]
fn with_the_shared_password_nobody_takes_a_registered_name() {
    for username in ["ada", "ARIA", "hkh", "HKH two"] {
        let refused = sign_in(&mut keyring(), username, "ois2026", "s");
        assert_eq!(refused, Err(SignInError::Taken), "{username}");
    }
}

#[test]
fn a_wrong_password_says_nothing_about_the_name() {
    for username in ["ada", "aria", "hkh", "nobody", "all", "🐱"] {
        let refused = sign_in(&mut keyring(), username, "wrong", "s");
        assert_eq!(refused, Err(SignInError::WrongPassword), "{username}");
    }
}

#[test]
fn a_name_is_needed_and_has_to_be_one() {
    for username in ["", "  ", "a\u{202e}b", "all", "🐱"] {
        let refused = sign_in(&mut keyring(), username, "ois2026", "s");
        assert!(matches!(refused, Err(SignInError::Name(_))), "{username:?}: {refused:?}");
    }
}

#[test]
fn nobody_speaks_as_the_server_or_as_an_offer() {
    for username in ["OIS", "ois 🐱", "ＯＩＳ", "one:reviewer"] {
        let refused = sign_in(&mut keyring(), username, "ois2026", "s").unwrap_err();
        assert!(refused.to_string().contains("reserved"), "{username}: {refused}");
    }
}

#[test]
fn nobody_signs_in_under_a_name_that_looks_like_a_given_one() {
    let mut keyring = keyring();
    for username in
        ["O\u{200d}IS", "Ada\u{3164}", "Аda", "Ariа", "НКН", "HKH🌸", "0IS", "aria\u{2800} x"]
    {
        let refused = sign_in(&mut keyring, username, "ois2026", "s").unwrap_err();
        assert!(matches!(refused, SignInError::Name(_)), "{username:?}: {refused}");
        let refused = sign_in(&mut keyring, username, "wrong", "s").unwrap_err();
        assert_eq!(refused, SignInError::WrongPassword, "{username:?}");
    }
    sign_in(&mut keyring, "小明Bot", "ois2026", "s").unwrap();
    let present = sign_in(&mut keyring, "小明B0t", "ois2026", "t");
    assert_eq!(present, Err(SignInError::Name(NameError::Confusable)));
    assert!(
        sign_in(&mut keyring, "小明bot", "ois2026", "t").is_ok(),
        "another browser of the same"
    );
}

#[test]
fn the_name_of_a_removed_user_is_not_free() {
    let mut keyring = keyring();
    keyring.remove(Kind::Human, &name("ada")).unwrap();
    assert_eq!(sign_in(&mut keyring, "Ada", "ois2026", "s"), Err(SignInError::Taken));
    let error = keyring.configure(AgentTokens::parse("t1:Ada").unwrap()).unwrap_err();
    assert_eq!(error.fault, AgentTokensFault::Registered);
    assert!(keyring.add_user(new("ADA 🎀", Role::Member), cheap("satin"), NOON).is_ok());
}

#[test]
fn a_session_ends_when_a_name_that_looks_like_its_own_is_given() {
    let mut keyring = keyring();
    sign_in(&mut keyring, "B0b", "ois2026", "s1").unwrap();
    sign_in(&mut keyring, "Evе", "ois2026", "s2").unwrap();
    keyring.add_user(new("Bob", Role::Member), cheap("lace"), NOON).unwrap();
    assert_eq!(keyring.session(&token("s1"), NOON), None);
    keyring.configure(AgentTokens::parse("t:Eve").unwrap()).unwrap();
    assert_eq!(keyring.session(&token("s2"), NOON), None);
}

#[test]
fn names_of_older_versions_stay_and_are_named() {
    let mut keyring = keyring();
    assert_eq!(keyring.doubtful_names(), []);
    let agents = "t1:Аria,t2:x\u{200d}y";
    keyring.configure(AgentTokens::parse(agents).unwrap()).unwrap();
    let expected = [
        DoubtfulName::LooksLike(name("aria"), name("Аria")),
        DoubtfulName::Unseen(name("x\u{200d}y")),
    ];
    assert_eq!(keyring.doubtful_names(), expected);
    assert!(keyring.agent(&token("t1")).is_some());
}

#[test]
fn without_a_shared_password_none_is_right_for_an_unknown_name() {
    for none in [None, Some("")] {
        let mut keyring = keyring();
        keyring.share(none, &mut Seeded(0));
        for password in ["", "ois2026"] {
            let refused = sign_in(&mut keyring, "bob", password, "s");
            assert_eq!(refused, Err(SignInError::WrongPassword));
        }
    }
}

#[test]
fn a_token_drawn_at_sign_in_is_a_session() {
    let mut keyring = keyring();
    let (token, member) = keyring.sign_in("ada", "lace", NOON, &mut Seeded(0)).unwrap();
    assert_eq!(token.reveal().len(), 64);
    assert_eq!(keyring.session(&token, NOON), Some(member));
}

#[test]
fn a_session_lasts_seven_days_and_no_longer() {
    let mut keyring = keyring();
    sign_in(&mut keyring, "ada", "lace", "s").unwrap();
    assert!(keyring.session(&token("s"), NOON.after_ms(WEEK_MS - 1)).is_some());
    assert_eq!(keyring.session(&token("s"), NOON.after_ms(WEEK_MS)), None);
    assert_eq!(keyring.sweep(NOON.after_ms(WEEK_MS - 1)), 0);
    assert_eq!(keyring.sweep(NOON.after_ms(WEEK_MS)), 1);
    assert!(keyring.sessions().is_empty());
}

#[test]
fn signing_out_ends_one_session() {
    let mut keyring = keyring();
    sign_in(&mut keyring, "ada", "lace", "s1").unwrap();
    sign_in(&mut keyring, "ada", "lace", "s2").unwrap();
    assert!(keyring.sign_out(&token("s1")));
    assert!(!keyring.sign_out(&token("s1")));
    assert_eq!(keyring.session(&token("s1"), NOON), None);
    assert!(keyring.session(&token("s2"), NOON).is_some());
}

#[test]
fn a_session_token_is_no_agent_token_and_the_reverse() {
    let mut keyring = keyring();
    sign_in(&mut keyring, "ada", "lace", "s").unwrap();
    assert_eq!(keyring.agent(&token("s")), None);
    for agent in ["t-aria", "t-hkh"] {
        assert_eq!(keyring.session(&token(agent), NOON), None);
    }
}

#[test]
fn whose_takes_both_sorts_of_token_and_nothing_else() {
    let mut keyring = keyring();
    sign_in(&mut keyring, "ada", "lace", "s").unwrap();
    let whose = |text| keyring.whose(&token(text), NOON).map(|member| member.name);
    assert_eq!(whose("s"), Some(name("ada")));
    assert_eq!(whose("t-aria"), Some(name("aria")));
    assert_eq!(whose("t-hkh"), Some(name("hkh")));
    assert_eq!(whose("t-hk"), None);
}

#[test]
fn sessions_and_register_survive_a_restart_as_json() {
    let mut before = keyring();
    sign_in(&mut before, "ada", "lace", "s1").unwrap();
    sign_in(&mut before, "bob", "ois2026", "s2").unwrap();
    let register = serde_json::to_string(before.register()).unwrap();
    let sessions = serde_json::to_string(before.sessions()).unwrap();

    let mut after = Keyring::new(
        serde_json::from_str(&register).unwrap(),
        serde_json::from_str(&sessions).unwrap(),
    );
    after.share(Some("ois2026"), &mut Seeded(0));
    assert_eq!(after.session(&token("s1"), NOON).unwrap().name, name("ada"));
    assert_eq!(after.session(&token("s2"), NOON).unwrap().name, name("bob"));
    assert!(after.agent(&token("t-aria")).is_some());
    assert_eq!(after.agent(&token("t-hkh")), None, "the settings are not kept");
}

#[test]
fn what_is_kept_holds_no_secret() {
    let mut keyring = keyring();
    sign_in(&mut keyring, "ada", "lace", "s-secret").unwrap();
    let register = serde_json::to_string(keyring.register()).unwrap();
    let kept = register + &serde_json::to_string(keyring.sessions()).unwrap();
    let shown = format!("{keyring:?}");
    for secret in ["t-aria", "t-hkh", "ois2026", "\"lace\"", "s-secret"] {
        assert!(!kept.contains(secret) && !shown.contains(secret), "{secret}");
    }
}

#[test]
fn another_shared_password_ends_the_sessions_of_the_old_one_only() {
    let mut keyring = keyring();
    sign_in(&mut keyring, "ada", "lace", "s1").unwrap();
    sign_in(&mut keyring, "bob", "ois2026", "s2").unwrap();
    keyring.share(Some("ois2027"), &mut Seeded(0));
    assert!(keyring.session(&token("s1"), NOON).is_some());
    assert_eq!(keyring.session(&token("s2"), NOON), None);
    assert!(keyring.sessions().len() == 1);
}

#[test]
fn removing_a_user_ends_their_sessions() {
    let mut keyring = keyring();
    sign_in(&mut keyring, "ada", "lace", "s").unwrap();
    keyring.remove(Kind::Human, &name("ADA")).unwrap();
    assert_eq!(keyring.session(&token("s"), NOON), None);
    assert!(keyring.sessions().is_empty());
    assert_eq!(sign_in(&mut keyring, "ada", "lace", "s"), Err(SignInError::WrongPassword));
}

#[test]
fn a_new_password_ends_the_sessions_of_the_old_one() {
    let mut keyring = keyring();
    sign_in(&mut keyring, "ada", "lace", "s").unwrap();
    keyring.reset_password(&name("ada"), cheap("satin")).unwrap();
    assert_eq!(keyring.session(&token("s"), NOON), None);
    assert_eq!(sign_in(&mut keyring, "ada", "lace", "s"), Err(SignInError::WrongPassword));
    assert!(sign_in(&mut keyring, "ada", "satin", "s").is_ok());
}

#[test]
fn a_new_token_takes_the_place_of_the_old_one() {
    let mut keyring = keyring();
    keyring.reset_token(&name("aria"), token("t-new").hash()).unwrap();
    assert_eq!(keyring.agent(&token("t-aria")), None);
    assert_eq!(keyring.agent(&token("t-new")).unwrap().name, name("aria"));
}

#[test]
fn a_removed_agent_is_not_recognised() {
    let mut keyring = keyring();
    keyring.remove(Kind::Agent, &name("aria")).unwrap();
    assert_eq!(keyring.agent(&token("t-aria")), None);
}

#[test]
fn agents_of_the_settings_are_changed_there() {
    let mut keyring = keyring();
    let refused = Err(ChangeError::Configured(name("hkh")));
    assert_eq!(keyring.remove(Kind::Agent, &name("hkh")), refused);
    assert_eq!(keyring.reset_token(&name("hkh"), token("t").hash()), refused);
    let added = keyring.add_user(new("hkh", Role::Member), cheap("lace"), NOON);
    assert_eq!(added, Err(AddError::Taken(name("hkh"))));
}

#[test]
fn an_agent_of_the_settings_whose_name_is_registered_is_named_by_position() {
    let mut keyring = keyring();
    let agents = AgentTokens::parse("t1:New,t2:ada").unwrap();
    let error = keyring.configure(agents).unwrap_err();
    assert_eq!((error.position, error.fault), (2, AgentTokensFault::Registered));
    assert!(keyring.agent(&token("t-hkh")).is_some() && keyring.agent(&token("t1")).is_none());
}

#[test]
fn who_is_added_under_a_name_ends_the_sessions_others_had_under_it() {
    let mut keyring = keyring();
    sign_in(&mut keyring, "bob", "ois2026", "s").unwrap();
    keyring.add_agent(new("Bob 🤖", Role::Agent), token("t-bob").hash(), NOON).unwrap();
    assert_eq!(keyring.session(&token("s"), NOON), None);
    keyring.remove(Kind::Agent, &name("bob")).unwrap();
    assert_eq!(keyring.session(&token("s"), NOON), None);
}

#[test]
fn what_changes_while_a_password_is_verified_is_noticed() {
    let mut keyring = keyring();
    let ada = keyring.challenge("ada").unwrap().verify("lace");
    let bob = keyring.challenge("bob").unwrap().verify("ois2026");
    let eve = keyring.challenge("eve").unwrap().verify("ois2026");
    keyring.reset_password(&name("ada"), cheap("satin")).unwrap();
    keyring.add_user(new("Bob", Role::Member), cheap("lace"), NOON).unwrap();
    let stale = keyring.open_session(ada, &token("s"), NOON);
    assert_eq!(stale, Err(SignInError::WrongPassword));
    assert_eq!(keyring.open_session(bob, &token("s"), NOON), Err(SignInError::Taken));
    keyring.share(None, &mut Seeded(0));
    let stale = keyring.open_session(eve, &token("s"), NOON);
    assert_eq!(stale, Err(SignInError::WrongPassword));
    assert!(keyring.sessions().is_empty());
}

#[test]
fn the_first_start_makes_an_administrator_and_later_ones_do_not() {
    let mut keyring = Keyring::default();
    let password = keyring.first_admin(NOON, &mut Seeded(0)).unwrap().unwrap();
    let member = sign_in(&mut keyring, "admin", &password, "s").unwrap();
    assert_eq!(member.role, Role::Admin);

    keyring.remove(Kind::Human, &name("admin")).unwrap();
    let mut later = Keyring::new(keyring.register().clone(), Sessions::default());
    assert_eq!(later.first_admin(NOON, &mut Seeded(0)), Ok(None));
    assert_eq!(later.members().count(), 0);
}

#[test]
fn where_there_is_an_administrator_none_is_made() {
    let mut keyring = keyring();
    assert_eq!(keyring.first_admin(NOON, &mut Seeded(0)), Ok(None));
    assert!(keyring.member(&name("admin")).is_none());
}

#[test]
fn the_members_are_those_of_register_and_settings() {
    let keyring = keyring();
    let names: Vec<&str> = keyring.members().map(|member| member.display.as_str()).collect();
    assert_eq!(names, ["Ada Lovelace", "Aria 🎵", "HKH 🐱"]);
    assert!(keyring.member(&name("hKh")).unwrap().is_agent());
}

/// Something that happens to a keyring; names and tokens are drawn from a few, so that they meet.
#[derive(Debug, Clone)]
enum Step {
    AddUser(&'static str, Option<&'static str>),
    AddAgent(&'static str, Option<&'static str>),
    Remove(Kind, &'static str),
    Configure(&'static str),
    SignIn(&'static str),
}

fn step() -> impl Strategy<Value = Step> {
    let name = || prop::sample::select(vec!["ada", "ADA", "bob", "ｂｏｂ", "eve"]);
    let duty = || prop::option::of(prop::sample::select(vec!["bob", "eve", "dev"]));
    let kind = prop::sample::select(vec![Kind::Human, Kind::Agent]);
    prop_oneof![
        (name(), duty()).prop_map(|(name, duty)| Step::AddUser(name, duty)),
        (name(), duty()).prop_map(|(name, duty)| Step::AddAgent(name, duty)),
        (kind, name()).prop_map(|(kind, name)| Step::Remove(kind, name)),
        prop::sample::select(vec!["", "t:Eve", "t:dev", "t:Bob,u:eve"]).prop_map(Step::Configure),
        name().prop_map(Step::SignIn),
    ]
}

/// Whether a step is refused does not matter here, only what is true after it.
fn take(keyring: &mut Keyring, step: Step, hash: &PasswordHash) -> bool {
    let with = |display: &str, duty: Option<&str>| {
        let duties = duty.map(name).into_iter().collect();
        NewMember { duties, ..new(display, Role::Member) }
    };
    match step {
        Step::AddUser(who, duty) => keyring.add_user(with(who, duty), hash.clone(), NOON).is_ok(),
        Step::AddAgent(who, duty) => {
            keyring.add_agent(with(who, duty), token(who).hash(), NOON).is_ok()
        }
        Step::Remove(kind, who) => keyring.remove(kind, &name(who)).is_ok(),
        Step::Configure(text) => keyring.configure(AgentTokens::parse(text).unwrap()).is_ok(),
        Step::SignIn(who) => {
            let bearer = match keyring.user(&name(who)) {
                Some(_) => Bearer::Account(name(who)),
                None if keyring.knows(&name(who)) => return false,
                None => Bearer::Shared(who.parse().unwrap()),
            };
            keyring.sessions.open(token(who).hash(), bearer, NOON);
            true
        }
    }
}

proptest! {
    #[test]
    fn every_name_is_one_members_whatever_happens(steps in prop::collection::vec(step(), 1..60)) {
        let (mut keyring, hash) = (keyring(), cheap("lace"));
        for step in steps {
            take(&mut keyring, step, &hash);
            let members: Vec<&Member> = keyring.members().collect();
            let names: BTreeSet<&ShortName> = members.iter().map(|member| &member.name).collect();
            prop_assert_eq!(names.len(), members.len());
            prop_assert!(members.iter().all(|m| m.duties.iter().all(|duty| !names.contains(duty))));
            for who in ["ada", "ADA", "bob", "ｂｏｂ", "eve"] {
                let Some(signed_in) = keyring.session(&token(who), NOON) else { continue };
                match keyring.member(&signed_in.name) {
                    Some(registered) => prop_assert_eq!(registered, &signed_in),
                    None => prop_assert_eq!(signed_in.role, Role::Member),
                }
            }
            let json = serde_json::to_string(keyring.register()).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Register>(&json).unwrap(), keyring.register());
        }
    }
}
