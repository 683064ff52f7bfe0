//! The settings: flags, each with its environment variable. The original's names are kept.

use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};
use ois_bridge::openclaw;
use ois_cli::{Logging, duration_ms};
use ois_protocol::UtcOffset;

/// Wakes an agent when it is mentioned in the OIS room, and brings its answer back.
///
/// It runs beside the agent's OpenClaw gateway. Whatever it has received is kept on disk, so that
/// each mention is answered once, no matter what was down in between. The agent on this host speaks
/// through the local port: POST /send {"text"} says it in the room, POST /send_to_user {"text"}
/// says it in the agent's own main session.
#[derive(Debug, Clone, Parser)]
#[command(name = "ois-monitor", version, args_override_self = true, max_term_width = 100)]
pub(crate) struct Settings {
    /// `doctor` checks each link of the chain, from the settings to the agent's session, says what
    /// to do about a broken one, and fails if there is one. Without it the monitor runs
    #[arg(value_enum)]
    pub(crate) command: Option<Command>,
    /// With doctor: answer as JSON
    #[arg(long, requires = "command")]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) room: Room,
    #[command(flatten)]
    pub(crate) gateway: Gateway,
    #[command(flatten)]
    pub(crate) handling: Handling,
    #[command(flatten)]
    pub(crate) host: Host,
    #[command(flatten)]
    pub(crate) logging: Logging,
}

/// What the monitor does instead of running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Command {
    /// Check each link of the chain.
    Doctor,
}

/// The room, and the agent's name and token there.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Room")]
pub(crate) struct Room {
    /// The server, as ws://HOST:PORT or wss://HOST
    #[arg(long, env = "OIS_URL", default_value = "ws://127.0.0.1:8800", value_name = "URL")]
    pub(crate) url: String,
    /// The agent's token there; `ois-server invite NAME` prints one
    #[arg(long, env = "OIS_AGENT_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// The agent's name; the server knows it from the token, so this only has to agree
    #[arg(long, env = "OIS_AGENT_NAME", value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// The agent's runtime.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Agent")]
pub(crate) struct Gateway {
    /// What wakes the agent
    #[arg(long, env = "OIS_RUNTIME", default_value = "openclaw", value_name = "RUNTIME")]
    pub(crate) runtime: Runtime,
    /// The host of the OpenClaw gateway
    #[arg(long, env = "GATEWAY_HOST", default_value = "127.0.0.1", value_name = "HOST")]
    pub(crate) gateway_host: String,
    /// The port of the gateway
    #[arg(long, env = "GATEWAY_PORT", default_value_t = 18789, value_name = "PORT")]
    pub(crate) gateway_port: u16,
    /// The gateway's whole address, as wss://HOST/PATH; goes before host and port
    #[arg(long, env = "GATEWAY_URL", value_name = "URL")]
    pub(crate) gateway_url: Option<String>,
    /// The gateway's token (gateway.auth.token in its configuration)
    #[arg(long, env = "GATEWAY_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) gateway_token: Option<String>,
    /// How the gateway is spoken to
    #[arg(long, env = "OIS_GATEWAY_MODE", default_value = "auto", value_name = "MODE")]
    pub(crate) gateway_mode: Mode,
    /// The agent's id at the gateway
    #[arg(long, env = "OIS_GATEWAY_AGENT", default_value = "main", value_name = "ID")]
    pub(crate) gateway_agent: String,
    /// The session that gets the room's messages [default: agent:<id>:ois:<team>:<room>; with
    /// legacy agent:<id>:webchat]
    #[arg(long, env = "OIS_SESSION_KEY", value_name = "KEY")]
    pub(crate) session_key: Option<String>,
}

/// How mentions are handled.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Handling")]
pub(crate) struct Handling {
    /// How many messages before a mention go with it, at the most
    #[arg(long, env = "OIS_CONTEXT_COUNT", default_value_t = 10, value_name = "NUMBER")]
    pub(crate) context_count: usize,
    /// How many tokens, by estimate, the agent is handed at the most
    #[arg(long, env = "OIS_CONTEXT_TOKENS", default_value_t = 6000, value_name = "NUMBER")]
    pub(crate) context_tokens: usize,
    /// How long a mention may wait for its turn before it counts as failed, as 24h, 30m or 90s
    #[arg(long, env = "OIS_DEADLINE", default_value = "24h", value_parser = duration_ms, value_name = "TIME")]
    pub(crate) deadline: u64,
    /// How long a turn may go on before it is stopped; 0s for no limit
    #[arg(long, env = "OIS_TURN_LIMIT", default_value = "6h", value_parser = duration_ms, value_name = "TIME")]
    pub(crate) turn_limit: u64,
    /// How many turns may be begun for one mention
    #[arg(long, env = "OIS_ATTEMPTS", default_value_t = 3, value_name = "NUMBER")]
    pub(crate) attempts: u32,
    /// How many mentions may be under way at once
    #[arg(long, env = "OIS_AT_ONCE", default_value_t = 1, value_name = "NUMBER")]
    pub(crate) at_once: usize,
    /// At the very first start, mentions up to this old are taken up if nobody answered them
    #[arg(long, env = "OIS_LOOK_BACK", default_value = "10m", value_parser = duration_ms, value_name = "TIME")]
    pub(crate) look_back: u64,
    /// How often the gateway is asked whether it lives; no model is asked
    #[arg(long, env = "OIS_PROBE_EVERY", default_value = "60s", value_parser = duration_ms, value_name = "TIME")]
    pub(crate) probe_every: u64,
    /// The zone of the times that the agent is told, as +08:00
    #[arg(
        long,
        env = "OIS_UTC_OFFSET",
        default_value = "+00:00",
        allow_hyphen_values = true,
        value_name = "OFFSET"
    )]
    pub(crate) utc_offset: UtcOffset,
}

/// The settings of this host.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Host")]
pub(crate) struct Host {
    /// The local port on 127.0.0.1 for the agent; 0 takes a free one
    #[arg(long, env = "OIS_LOCAL_PORT", default_value_t = 18790, value_name = "PORT")]
    pub(crate) local_port: u16,
    /// The folder for the monitor's state [default: ois-monitor in the user's state directory]
    #[arg(long, env = "OIS_STATE", value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Several agents of this host: a JSON file {"agents": {"NAME": {"token": …}, …}}; the other
    /// settings give whatever a section leaves out
    #[arg(long, env = "OIS_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Read settings from this file of NAME=VALUE lines, as the original's .env; flags and the
    /// environment go before it
    #[arg(long, env = "OIS_ENV_FILE", value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
}

/// The runtime that wakes the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Runtime {
    /// An OpenClaw gateway.
    Openclaw,
    /// A built-in agent without a model, to try things out.
    Echo,
}

/// The protocol by which a gateway is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// WebSocket, or sessions_send if the gateway is too old for that.
    Auto,
    /// The WebSocket, and nothing else if it fails.
    Rpc,
    /// The tool sessions_send over HTTP, as the original used it.
    #[value(alias = "http")]
    Legacy,
}

impl From<Mode> for openclaw::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Auto => Self::Auto,
            Mode::Rpc => Self::Rpc,
            Mode::Legacy => Self::Legacy,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_settings_fit_together() {
        Settings::command().debug_assert();
    }

    #[test]
    fn the_originals_file_is_understood() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env");
        let file = "export OIS_URL=ws://ois.lan:8800\nOIS_AGENT_TOKEN='t 1'\nOIS_CONTEXT_COUNT=20 # more\nGATEWAY_TOKEN=\"a=b\"\n";
        std::fs::write(&path, file).unwrap();
        let args = ["ois-monitor".into(), "--env-file".into(), path.into()];
        let settings: Settings = ois_cli::settings(args, |_| None).unwrap();
        assert_eq!(settings.room.url, "ws://ois.lan:8800");
        assert_eq!(settings.room.token.as_deref(), Some("t 1"));
        assert_eq!(settings.handling.context_count, 20);
        assert_eq!(settings.gateway.gateway_token.as_deref(), Some("a=b"));
    }

    #[test]
    fn every_flag_has_an_environment_variable_and_help() {
        for arg in Settings::command().get_arguments() {
            let id = arg.get_id().as_str();
            assert!(arg.get_help().is_some() || id == "help" || id == "version", "{id}");
            let plain = ["command", "json", "help", "version"].contains(&id);
            assert_eq!(arg.get_env().is_none(), plain, "{id}");
        }
    }
}
