//! The example of task delegation: one agent asks, another does it, the room reads along.

use std::process::Command;

use anyhow::{Result, ensure};
use e2e::TIMEOUT;
use e2e::binary;
use e2e::process::Process;
use e2e::server::{AGENTS, Server};

#[test]
fn a_task_comes_back_done_and_the_room_reads_along() -> Result<()> {
    let server = Server::fresh()?;
    let (_, mut room) = server.person("Mira")?;
    let agent = |token: &str, words: &[&str]| -> Result<Process> {
        let mut command = Command::new(binary::path("task-delegation")?);
        command.args(words).env("OIS_URL", server.ws_url()).env("OIS_AGENT_TOKEN", token);
        Process::start("task-delegation", command)
    };
    let (hkh, aria) = (AGENTS[0].0, AGENTS[1].0);
    let worker = agent(aria, &["work"])?;
    worker.line(TIMEOUT, |line| (line == "at work").then_some(()))?;
    let asker = agent(hkh, &["ask", "ARIA", "to be or not to be"])?;
    ensure!(asker.ended()?.success(), "{}", asker.log());
    ensure!(asker.log().contains("6 words"), "{}", asker.log());
    room.hear("HKH", |text| text.starts_with("Task Request:"))?;
    room.hear("ARIA", |text| text.starts_with("Task Complete:") && text.contains("Output: 6"))?;
    Ok(())
}
