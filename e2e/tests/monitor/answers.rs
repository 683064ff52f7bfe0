//! The messages that wake the agent, and the ways of its answers.

use anyhow::{Context, Result};
use e2e::fake_gateway::{End, Step};

use crate::team::{ARIA, Team};

#[test]
fn a_mention_is_answered_as_a_reply_that_names_its_cause() -> Result<()> {
    let mut team = Team::start()?;
    let call = team.call("@aria is the build green?")?;
    let turn = team.turn_for(call)?;
    assert!(turn.message.contains("| @aria is the build green?"), "{}", turn.message);
    assert_eq!(turn.params["inputProvenance"]["kind"], "inter_session");
    assert!(turn.session.starts_with("agent:main:ois:"), "{}", turn.session);
    team.gateway.finish(&turn, End::Text("it is".to_owned()));
    let answer = team.answer(call)?;
    assert_eq!(answer["text"], "it is");
    assert_eq!(answer["cause"], call);
    assert_eq!(answer["agent"], true);
    // Everybody in the room has it, not only the history.
    team.bob.room().hear("ARIA", |text| text == "it is")?;
    team.close(&[(call, "it is")])
}

#[test]
fn no_reply_and_an_empty_answer_stay_silent() -> Result<()> {
    let mut team = Team::start()?;
    let ends = [End::Silent, End::Text("NO_REPLY".to_owned()), End::Text(" \n".to_owned())];
    for (at, end) in ends.into_iter().enumerate() {
        let call = team.call(&format!("@ARIA silence {at}"))?;
        let turn = team.turn_for(call)?;
        team.gateway.finish(&turn, end);
    }
    team.close(&[])
}

#[test]
fn all_wakes_and_what_mentions_somebody_else_does_not() -> Result<()> {
    let mut team = Team::start()?;
    team.call("@Mikasa hello, and mail@aria.example is no mention")?;
    let english = team.call("@all hands")?;
    team.reply(english, "here")?;
    team.answer(english)?;
    let chinese = team.call("大家好@所有人看这里")?;
    team.reply(chinese, "在")?;
    team.close(&[(english, "here"), (chinese, "在")])
}

#[test]
fn the_agents_own_words_never_wake_it() -> Result<()> {
    let mut team = Team::start()?;
    // As by a script of its own, with its own token.
    let mut own = team.server.agent(ARIA)?;
    own.say("@all I begin")?;
    own.say("@ARIA do not forget")?;
    let call = team.call("@ARIA go on")?;
    let turn = team.turn_for(call)?;
    team.gateway.finish(&turn, End::Text("@ARIA and @all: done".to_owned()));
    team.answer(call)?;
    // The next turn is for what bob says next.
    let last = team.call("@ARIA still there?")?;
    team.reply(last, "yes")?;
    team.answer(last)?;
    team.stop()
}

#[test]
fn several_mentions_are_handled_one_after_the_other_in_order() -> Result<()> {
    let mut team = Team::start()?;
    let calls: Vec<u64> = ["one", "two", "three", "four"]
        .iter()
        .map(|word| team.call(&format!("@ARIA {word}")))
        .collect::<Result<_>>()?;
    for call in &calls {
        team.reply(*call, &format!("to {call}"))?;
    }
    let last = *calls.last().context("there are four")?;
    team.answer(last)?;
    for two in team.gateway.steps().chunks(2) {
        let [Step::Begun(begun), Step::Ended(ended)] = two else { panic!("at once: {two:?}") };
        assert_eq!(begun, ended);
    }
    let texts: Vec<String> = calls.iter().map(|call| format!("to {call}")).collect();
    let answers: Vec<(u64, &str)> =
        calls.iter().copied().zip(texts.iter().map(String::as_str)).collect();
    team.close(&answers)
}
