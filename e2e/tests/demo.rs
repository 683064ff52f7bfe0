//! The whole loop a minute after the build: `--demo` answers a mention.

use anyhow::Result;
use e2e::server::Server;

#[test]
fn the_built_in_agent_answers_a_mention_once_also_after_a_restart() -> Result<()> {
    let mut server = Server::with_flags(&["--demo"])?;
    for text in ["@echo good morning", "@Echo good evening"] {
        let (_rest, mut room) = server.person("tester")?;
        let said = room.say(text)?;
        let answer = room.hear("Echo", |_| true)?;
        assert_eq!((&answer["replyTo"], &answer["agent"]), (&said["id"], &serde_json::json!(true)));
        let more = room.drain()?;
        assert!(more.iter().all(|frame| frame["message"]["replyTo"].is_null()), "{more:?}");
        server.restart()?;
    }
    Ok(())
}
