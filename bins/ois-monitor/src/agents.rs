//! Makes agents of the settings: the one that the flags describe, or those of the configuration
//! file.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use ois_bridge::{AgentConfig, Echo, OpenClaw, Runtime, doctor::Patient, openclaw};
use ois_client::Token;
use ois_gateway::{GatewayConfig, GatewayToken};
use ois_inbox::packet::Bounds;
use serde::Deserialize;

use crate::settings::{self, Mode, Settings};

/// The configuration file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The sections of the agents, by the agents' names.
    agents: BTreeMap<String, Section>,
}

/// The settings of one agent; the flags give every setting that is absent here.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Section {
    url: Option<String>,
    token: Option<String>,
    gateway_url: Option<String>,
    gateway_host: Option<String>,
    gateway_port: Option<u16>,
    gateway_token: Option<String>,
    gateway_mode: Option<Mode>,
    gateway_agent: Option<String>,
    session_key: Option<String>,
    context_count: Option<usize>,
}

/// Returns every agent that this process serves.
pub(crate) fn patients(settings: &Settings) -> Result<Vec<Patient>> {
    let Some(path) = &settings.host.config else {
        return Ok(vec![patient(settings, &Section::default(), settings.room.name.clone())?]);
    };
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    // serde's message names a field and a line, never a value.
    let file: File =
        serde_json::from_str(&text).with_context(|| format!("in {}", path.display()))?;
    ensure!(!file.agents.is_empty(), "{} names no agent", path.display());
    let each = file.agents.iter().map(|(name, section)| {
        patient(settings, section, Some(name.clone())).with_context(|| format!("agent {name}"))
    });
    each.collect()
}

/// Returns the runtime that wakes this agent.
pub(crate) fn runtime(settings: &Settings, patient: &Patient) -> Arc<dyn Runtime> {
    match settings.gateway.runtime {
        settings::Runtime::Openclaw => Arc::new(OpenClaw::new(patient.gateway.clone())),
        settings::Runtime::Echo => Arc::new(Echo),
    }
}

fn patient(settings: &Settings, section: &Section, name: Option<String>) -> Result<Patient> {
    let (room, handling) = (&settings.room, &settings.handling);
    let token = given(&section.token).or(given(&room.token));
    let Some(token) = token else {
        bail!("OIS_AGENT_TOKEN is not set; `ois-server invite NAME` on the server prints it")
    };
    let url = section.url.as_ref().unwrap_or(&room.url);
    let label = name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| "agent".to_owned());
    let context_count = section.context_count.unwrap_or(handling.context_count);
    let agent = AgentConfig {
        server: url.parse().context("OIS_URL")?,
        token: Token::new(token),
        folder: Some(state(settings)?.join(folder_name(&label))),
        inbox: ois_inbox::Settings {
            deadline_ms: handling.deadline,
            attempts: handling.attempts.max(1),
            at_once: handling.at_once.max(1),
            context_count,
            turn_limit_ms: Some(handling.turn_limit).filter(|ms| *ms > 0),
            look_back_ms: handling.look_back,
            ..ois_inbox::Settings::default()
        },
        probe_every: Duration::from_millis(handling.probe_every.max(1000)),
        label,
    };
    let gateway = gateway(settings, section, context_count);
    Ok(Patient { agent, name: name.filter(|name| !name.is_empty()), gateway })
}

fn gateway(settings: &Settings, section: &Section, context_count: usize) -> openclaw::Settings {
    let flags = &settings.gateway;
    let host = section.gateway_host.as_ref().unwrap_or(&flags.gateway_host);
    let host = if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.clone()
    };
    let port = section.gateway_port.unwrap_or(flags.gateway_port);
    let url = given(&section.gateway_url).or(given(&flags.gateway_url));
    let url = url.map_or_else(|| format!("ws://{host}:{port}"), str::to_owned);
    let token = given(&section.gateway_token).or(given(&flags.gateway_token)).unwrap_or_default();
    let session_key = given(&section.session_key).or(given(&flags.session_key));
    let mut config = GatewayConfig::new(&url, GatewayToken::new(token));
    config.display_name = "ois-monitor".to_owned();
    openclaw::Settings {
        gateway: config,
        mode: section.gateway_mode.unwrap_or(flags.gateway_mode).into(),
        agent: section.gateway_agent.as_ref().unwrap_or(&flags.gateway_agent).clone(),
        session_key: session_key.map(str::to_owned),
        bounds: Bounds {
            context_count,
            tokens: settings.handling.context_tokens,
            offset: settings.handling.utc_offset,
        },
    }
}

/// Returns a setting unless it is empty, because `NAME=` in an environment means that it is not
/// set.
fn given(value: &Option<String>) -> Option<&str> {
    value.as_deref().map(str::trim).filter(|value| !value.is_empty())
}

/// Returns the folder for the monitor's state: the one that is set, or the user's state directory.
fn state(settings: &Settings) -> Result<PathBuf> {
    if let Some(folder) = &settings.host.state {
        return Ok(folder.clone());
    }
    let variable =
        |name: &str| std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    let home = || variable("HOME").map(|home| home.join(".local").join("state"));
    let base = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else {
        variable("XDG_STATE_HOME").or_else(home)
    };
    Ok(base.context("there is no home directory: set --state")?.join("ois-monitor"))
}

/// Converts a label into a folder name that every file system accepts and that no other label has.
fn folder_name(label: &str) -> String {
    let mut name = String::new();
    for c in label.to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' | '-' => name.push(c),
            other => name.push_str(&format!("_{:x}_", u32::from(other))),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn settings(args: &[&str]) -> Settings {
        let fixed = ["ois-monitor", "--state", "/state", "--token", "t"];
        Settings::try_parse_from(fixed.iter().chain(args)).unwrap()
    }

    #[test]
    fn a_section_goes_before_the_flags() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("monitor.json");
        fs::write(
            &path,
            r#"{"agents":{"ARIA":{"token":"a","gatewayPort":7},"小明":{"gatewayMode":"legacy"}}}"#,
        )
        .unwrap();
        let served = patients(&settings(&["--config", path.to_str().unwrap()])).unwrap();
        assert_eq!(served[0].gateway.gateway.url, "ws://127.0.0.1:7");
        assert_eq!(served[0].agent.token, Token::new("a"));
        assert_eq!(served[1].gateway.gateway.url, "ws://127.0.0.1:18789");
        assert_eq!(served[1].gateway.mode, openclaw::Mode::Legacy);
        assert_ne!(served[0].agent.folder, served[1].agent.folder);
    }

    #[test]
    fn a_misspelt_setting_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("monitor.json");
        fs::write(&path, r#"{"agents":{"ARIA":{"tokn":"s3cret"}}}"#).unwrap();
        let error = patients(&settings(&["--config", path.to_str().unwrap()])).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("tokn") && !text.contains("s3cret"), "{text}");
    }

    #[test]
    fn an_empty_variable_is_no_setting() {
        let served = patients(&settings(&["--gateway-url", "", "--session-key", " "])).unwrap();
        assert_eq!(served[0].gateway.gateway.url, "ws://127.0.0.1:18789");
        assert_eq!(served[0].gateway.session_key, None);
    }

    #[test]
    fn labels_make_folders_of_their_own() {
        assert_eq!(folder_name("ARIA"), "aria");
        assert_ne!(folder_name("小明"), folder_name("小红"));
        assert_eq!(folder_name("../x"), "_2e__2e__2f_x");
    }
}
