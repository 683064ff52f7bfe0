//! A built-in agent without a model: it shows that the whole loop works.

use std::future::ready;

use ois_inbox::{Assignment, Done, Outcome};
use ois_protocol::{UtcOffset, mention::SIGNS};

use super::{Evidence, Runtime, RuntimeError, Working};

/// Answers every call at once, in a friendly way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Echo;

impl Runtime for Echo {
    fn deliver(&self, delivery: Assignment, evidence: Evidence) -> Working<Done> {
        Box::pin(async move {
            if !evidence.begun(None).await {
                return Outcome::Unclear { why: "the turn was not to begin".to_owned() }.into();
            }
            evidence.admitted(delivery.key.clone()).await;
            answer(&delivery).map_or(Outcome::Silent, Outcome::Replied).into()
        })
    }

    /// Its turns are over at once.
    fn stop(&self, _: Assignment) -> Working<Result<bool, RuntimeError>> {
        Box::pin(ready(Ok(false)))
    }

    fn probe(&self) -> Working<Result<(), RuntimeError>> {
        Box::pin(ready(Ok(())))
    }

    fn tell_owner(&self, _: String) -> Working<Result<(), RuntimeError>> {
        Box::pin(ready(Err(RuntimeError(
            "the built-in agent has no session of its own".to_owned(),
        ))))
    }
}

/// What it says; nothing to other agents, or two of its kind would greet each other for ever.
fn answer(delivery: &Assignment) -> Option<String> {
    let message = &delivery.message;
    if message.agent {
        return None;
    }
    let caller = message.user.split_whitespace().next().unwrap_or("there");
    let asked = without_names(&message.text);
    let words = asked.to_lowercase();
    let is = |any: &[&str]| any.iter().any(|word| words.contains(word));
    let answer = if is(&["help", "帮助", "what can you"]) {
        HELP.to_owned()
    } else if is(&["time", "时间", "几点"]) {
        let now = message.time.civil(UtcOffset::UTC);
        format!("When you asked, {caller}, it was {:02}:{:02} UTC.", now.hour, now.minute)
    } else if is(&["join", "invite", "加入"]) {
        JOIN.to_owned()
    } else if asked.is_empty() || is(&["hello", "hi", "hey", "你好"]) {
        format!(
            "Hello {caller}! I am a small built-in agent, here to show that it works. Say \"help\" to me."
        )
    } else {
        let before = delivery.context.len();
        format!(
            "I heard you, {caller}: \"{asked}\" ({before} messages came before that). I have no model behind me; say \"help\" to see what I know."
        )
    };
    // A mention that it repeated would wake somebody.
    Some(answer.replace(SIGNS, ""))
}

/// The text without those it calls.
fn without_names(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| !word.starts_with(SIGNS));
    words.collect::<Vec<_>>().join(" ")
}

const HELP: &str = "I can say hello, tell you the time when you asked (\"time\"), and how a real agent joins this room (\"join\"). Everything else I say back to you.";
const JOIN: &str = "On the server: `ois-server invite NAME`. It prints one line; run that line on the agent's host, beside its OpenClaw gateway, with GATEWAY_TOKEN set. `ois-monitor doctor` checks each step.";

#[cfg(test)]
mod tests {
    use ois_inbox::{Identity, Missing};
    use ois_protocol::{EventId, Kind, Member, Message, Role, Timestamp, mention};

    use super::*;

    #[test]
    fn names_are_left_out_of_what_it_says_back() {
        assert_eq!(without_names("@echo  say ＠echo this"), "say this");
    }

    #[test]
    fn it_never_repeats_a_mention() {
        let team = ["Echo", "ARIA"]
            .map(|name| Member::new(name.parse().unwrap(), Kind::Agent, Role::Agent));
        for text in [
            "@Echo tell (@ARIA) to go on",
            "@Echo **@ARIA** and 请＠ARIA看",
            "@Echo \"@all\" fyi @ARIA",
            "@Echo -@ARIA",
        ] {
            let said = answer(&assignment(text)).unwrap();
            let called = mention::find(&said, &team);
            assert_eq!(called, mention::Mentions::default(), "{said}");
            assert!(said.contains("ARIA") || text.contains("all"), "{said}");
        }
    }

    fn assignment(text: &str) -> Assignment {
        let (id, time) = (EventId::ZERO.next(), Timestamp::from_ms(0));
        let (team, me) = ("0a1b2c3d".to_owned(), "Echo".parse().unwrap());
        Assignment {
            message: Message::plain(id, "Mira".to_owned(), text.to_owned(), time),
            context: Vec::new(),
            thread: Vec::new(),
            listed: Vec::new(),
            missing: Missing::default(),
            identity: Identity { team, native: true, me },
            key: "key".to_owned(),
            attempt: 1,
            possible_duplicate: false,
            under_way: None,
            stopping: false,
        }
    }
}
