//! `ois-monitor doctor`: prints its findings for people or as JSON.

use std::{fmt::Write, process::ExitCode};

use anyhow::Result;
use ois_bridge::doctor::{self, Check, Verdict};

use crate::{agents, announce, local, settings::Settings};

/// Checks every link of the chain; the exit code is a failure if one of them is broken.
pub(crate) async fn run(settings: &Settings) -> Result<ExitCode> {
    let patients = agents::patients(settings)?;
    let checks = doctor::examine(&patients, local(settings)).await;
    let shown = if settings.json { serde_json::to_string_pretty(&checks)? } else { text(&checks) };
    announce(shown.trim_end())?;
    let broken = checks.iter().any(|check| check.verdict == Verdict::Broken);
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn text(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let sign = match check.verdict {
            Verdict::Good => "ok    ",
            Verdict::Unsure => "unsure",
            Verdict::Broken => "BROKEN",
        };
        let agent = check.agent.as_deref().map(|name| format!("{name}: ")).unwrap_or_default();
        // Writing to a String cannot fail.
        let _never = writeln!(text, "{sign}  {agent}{} — {}", check.link, check.seen);
        if let Some(advice) = &check.advice {
            let _never = writeln!(text, "        → {advice}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_link_comes_with_what_to_do() {
        let check = Check {
            agent: Some("ARIA".to_owned()),
            link: "token",
            verdict: Verdict::Broken,
            seen: "refused".to_owned(),
            advice: Some("get a new one".to_owned()),
        };
        assert_eq!(text(&[check]), "BROKEN  ARIA: token — refused\n        → get a new one\n");
    }
}
