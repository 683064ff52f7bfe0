//! The gateway: reachable, the token accepted, allowed to do what is needed.

use std::time::Duration;

use ois_gateway::{Gateway, GatewayError, Http};

use super::{Check, broken, good, unsure, words};
use crate::{
    openclaw::{Mode, Settings},
    runtime::openclaw::session_key,
};

pub(super) fn check(settings: &Settings, team: Option<&str>) -> Vec<Check> {
    let mut checks = vec![reachable(settings)];
    if settings.mode == Mode::Legacy {
        checks.push(unsure(
            "gateway token",
            "not examined: in the original's way only a message to the agent would show it",
            "send one: POST /send_to_user on the local port",
        ));
    } else {
        checks.extend(rpc(settings, team));
    }
    checks
}

fn reachable(settings: &Settings) -> Check {
    let url = &settings.gateway.url;
    match Http::new(&settings.gateway).and_then(|http| http.ready(PATIENCE)) {
        Ok(state) if state.ready => good("gateway", format!("{url} is ready")),
        Ok(state) => unsure(
            "gateway",
            format!("{url} waits for {}", state.failing.join(", ")),
            "a gateway needs up to half a minute to start; look at its own log if it stays so",
        ),
        Err(error @ GatewayError::Unreachable { .. }) => broken(
            "gateway",
            words(&error),
            "start it (`openclaw gateway`), or correct GATEWAY_HOST and GATEWAY_PORT",
        ),
        Err(error) => {
            unsure("gateway", words(&error), "an old gateway has no /readyz; else look at its log")
        }
    }
}

fn rpc(settings: &Settings, team: Option<&str>) -> Vec<Check> {
    let gateway = match Gateway::connect(&settings.gateway) {
        Ok(gateway) => gateway,
        Err(error) => return vec![not_connected(settings, &error)],
    };
    let version = gateway.server_version().to_owned();
    let mut checks = vec![
        good("gateway token", format!("accepted by OpenClaw {version}")),
        good("gateway scopes", gateway.scopes().join(", ")),
    ];
    checks.push(match gateway.probe(PATIENCE) {
        Ok(health) if health.ok => good("wake path", "the gateway answers its probe"),
        Ok(_) => unsure(
            "wake path",
            "the gateway answers its probe and does not find itself well",
            "look at its own log; the agent counts as reachable all the same",
        ),
        Err(error) => broken(
            "wake path",
            words(&error),
            "the room sees the agent as deaf until the gateway answers; look at its own log",
        ),
    });
    let session = session_key(settings, team.unwrap_or("00000000"), "main");
    checks.push(match gateway.history(&session, 1, PATIENCE) {
        Ok(_) => good("session", format!("{session} may be used")),
        Err(error) => broken(
            "session",
            format!("{session}: {}", words(&error)),
            "correct --session-key (agent:<agent>:<anything>) or --gateway-agent",
        ),
    });
    checks
}

fn not_connected(settings: &Settings, error: &GatewayError) -> Check {
    let seen = words(error);
    match error {
        GatewayError::Unauthorized { .. } => broken(
            "gateway token",
            seen,
            "set GATEWAY_TOKEN to gateway.auth.token of the gateway's configuration",
        ),
        GatewayError::Refused { allow, .. } => broken("gateway scopes", seen, allow.clone()),
        GatewayError::Incompatible { .. } if settings.mode == Mode::Auto => unsure(
            "gateway protocol",
            seen,
            "an older gateway: messages go by sessions_send, which tells less; an update is better",
        ),
        GatewayError::Incompatible { .. } => {
            broken("gateway protocol", seen, "use --gateway-mode auto, or update the gateway")
        }
        _ => broken("gateway token", seen, "the gateway must be reachable first"),
    }
}

const PATIENCE: Duration = Duration::from_secs(10);
