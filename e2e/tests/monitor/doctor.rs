//! `ois-monitor doctor`: each link of the chain, and what to do about a broken one.

use anyhow::{Context, Result, ensure};
use e2e::monitor::{Diagnosis, Settings};
use serde_json::Value;
use tempfile::TempDir;

use crate::team::{Team, names_no_token};

/// The settings of a monitor that is not running, and a folder for it.
fn healthy(team: &Team) -> Result<(Settings, TempDir)> {
    team.monitor.stop()?;
    let state = TempDir::new()?;
    let mut settings = team.monitor.settings().clone();
    settings.state = state.path().to_owned();
    Ok((settings, state))
}

/// The broken links, with advice for each, in words that name no token.
fn broken(diagnosis: &Diagnosis) -> Result<Vec<&str>> {
    names_no_token(&diagnosis.words)?;
    let broken = diagnosis.checks.iter().filter(|check| check["verdict"] == "broken");
    for check in broken {
        let advice = check["advice"].as_str().unwrap_or_default();
        ensure!(!advice.is_empty(), "no advice in {check}");
    }
    ensure!(diagnosis.status.success() == diagnosis.broken().is_empty(), "{diagnosis:?}");
    Ok(diagnosis.broken())
}

#[test]
fn everything_right_is_all_good() -> Result<()> {
    let team = Team::start()?;
    let (settings, _state) = healthy(&team)?;
    let diagnosis = settings.doctor()?;
    assert_eq!(broken(&diagnosis)?, [""; 0]);
    for check in &diagnosis.checks {
        assert_eq!(check["verdict"], "good", "{check}");
        check["link"].as_str().context("a check without a link")?;
        assert!(check["seen"] != Value::Null, "{check}");
    }
    for link in ["server", "token", "gateway", "gateway token", "gateway scopes", "state folder"] {
        let seen = diagnosis.checks.iter().any(|check| check["link"] == link);
        assert!(seen, "{link} was not looked at: {:#?}", diagnosis.checks);
    }
    // It woke nobody.
    assert_eq!(team.gateway.times("agent"), 0);
    Ok(())
}

#[test]
fn a_server_that_is_down_is_found() -> Result<()> {
    let team = Team::start()?;
    let (settings, _state) = healthy(&team)?;
    team.server.kill()?;
    assert_eq!(broken(&settings.doctor()?)?, ["server"]);
    Ok(())
}

#[test]
fn a_wrong_token_is_found() -> Result<()> {
    let team = Team::start()?;
    let (mut settings, _state) = healthy(&team)?;
    settings.token = "token-of-nobody".to_owned();
    let diagnosis = settings.doctor()?;
    assert_eq!(broken(&diagnosis)?, ["token"]);
    ensure!(!diagnosis.words.contains("token-of-nobody"), "{}", diagnosis.words);
    Ok(())
}

#[test]
fn a_gateway_that_is_down_is_found() -> Result<()> {
    let mut team = Team::start()?;
    let (settings, _state) = healthy(&team)?;
    team.gateway.down()?;
    let diagnosis = settings.doctor()?;
    let found = broken(&diagnosis)?;
    assert_eq!(found.first(), Some(&"gateway"), "{found:?}");
    Ok(())
}

#[test]
fn a_wrong_token_for_the_gateway_is_found() -> Result<()> {
    let team = Team::start()?;
    let (mut settings, _state) = healthy(&team)?;
    settings.gateway = Some((team.gateway.port(), "no-such-gateway-token".to_owned()));
    let diagnosis = settings.doctor()?;
    assert_eq!(broken(&diagnosis)?, ["gateway token"]);
    ensure!(!diagnosis.words.contains("no-such-gateway-token"), "{}", diagnosis.words);
    Ok(())
}

#[test]
fn a_monitor_that_runs_is_no_fault() -> Result<()> {
    let team = Team::start()?;
    let settings = team.monitor.settings().clone();
    assert_eq!(broken(&settings.doctor()?)?, [""; 0]);
    team.close(&[])
}
