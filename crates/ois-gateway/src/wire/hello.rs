//! The greeting: `connect` and its answer `hello-ok`.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::GatewayToken;
use crate::error::GatewayError;
use crate::wire::PROTOCOL;

/// The scopes that deliveries, waiting and reading the history need.
const SCOPES: [&str; 2] = ["operator.read", "operator.write"];

/// What a gateway says about itself when it accepts a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The gateway's version, for example `2026.9.6`.
    pub server_version: String,
    /// The id of the gateway's process, which changes with every start; [`turn_outcome`](crate::turn_outcome)
    /// compares it.
    pub boot_id: String,
    /// What this connection may do, for example `operator.read`.
    pub scopes: Vec<String>,
    /// The key of the default agent's main session, for example `agent:main:main`.
    pub main_session_key: Option<String>,
    /// Whether a model is configured; `None` if the gateway does not say.
    pub model_configured: Option<bool>,
    /// The longest frame that the gateway accepts, in bytes.
    pub max_payload_bytes: u64,
    /// The interval between two signs of life of the gateway, in milliseconds.
    pub tick_interval_ms: u64,
}

impl Hello {
    /// Parses the payload of `hello-ok` and checks that the connection has the scopes it needs.
    pub(crate) fn parse(payload: Value) -> Result<Self, GatewayError> {
        let raw: Raw = serde_json::from_value(payload)
            .map_err(|e| GatewayError::bad(format!("hello-ok without what it must hold: {e}")))?;
        if raw.protocol != PROTOCOL {
            return Err(GatewayError::Incompatible { ours: PROTOCOL, theirs: raw.protocol });
        }
        let granted = &raw.auth.scopes;
        if let Some(missing) = SCOPES.iter().find(|scope| !granted.iter().any(|it| it == *scope)) {
            return Err(GatewayError::Refused {
                what: format!("the scope {missing}"),
                allow: "connect over loopback with gateway.auth.token, or grant the scope to this \
                        client by openclaw devices approve"
                    .to_owned(),
            });
        }
        Ok(Self {
            server_version: raw.server.version,
            boot_id: raw.server.boot_id,
            scopes: raw.auth.scopes,
            main_session_key: raw.snapshot.session_defaults.main_session_key,
            model_configured: raw.snapshot.session_defaults.model_configured,
            max_payload_bytes: raw.policy.max_payload,
            // With an interval of zero every link would count as dead.
            tick_interval_ms: raw.policy.tick_interval_ms.max(1000),
        })
    }
}

/// Returns the parameters of `connect`. The gateway refuses them if they hold one unknown field.
///
/// The pair `gateway-client` and `backend` is the one that is granted the scopes it asks for with
/// the shared token alone; the gateway refuses other names, so the client's own name stands in
/// `displayName`.
pub(crate) fn connect_params(token: &GatewayToken, display_name: &str) -> Value {
    json!({
        "minProtocol": PROTOCOL,
        "maxProtocol": PROTOCOL,
        "client": {
            "id": "gateway-client",
            "displayName": display_name,
            "version": env!("CARGO_PKG_VERSION"),
            "platform": std::env::consts::OS,
            "mode": "backend",
        },
        "role": "operator",
        "scopes": SCOPES,
        "auth": { "token": token.reveal() },
    })
}

#[derive(Deserialize)]
struct Raw {
    protocol: u64,
    server: RawServer,
    auth: RawAuth,
    #[serde(default)]
    policy: RawPolicy,
    #[serde(default)]
    snapshot: RawSnapshot,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawServer {
    version: String,
    boot_id: String,
}

#[derive(Deserialize)]
struct RawAuth {
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawPolicy {
    max_payload: u64,
    tick_interval_ms: u64,
}

impl Default for RawPolicy {
    fn default() -> Self {
        Self { max_payload: 25 * 1024 * 1024, tick_interval_ms: 30_000 }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawSnapshot {
    session_defaults: RawDefaults,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawDefaults {
    main_session_key: Option<String>,
    model_configured: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(protocol: u64, scopes: &[&str]) -> Value {
        json!({
            "type": "hello-ok", "protocol": protocol,
            "server": {"version": "2026.9.6", "bootId": "802df5f9", "connId": "5a6f448e"},
            "auth": {"method": "token", "role": "operator", "scopes": scopes},
            "policy": {"maxPayload": 26_214_400, "tickIntervalMs": 30_000},
            "snapshot": {"sessionDefaults": {"mainSessionKey": "agent:main:main", "modelConfigured": true}},
        })
    }

    #[test]
    fn a_greeting_is_read() {
        let hello = Hello::parse(hello(4, &SCOPES)).unwrap();
        assert_eq!(hello.boot_id, "802df5f9");
        assert_eq!(hello.main_session_key.as_deref(), Some("agent:main:main"));
        assert_eq!((hello.max_payload_bytes, hello.tick_interval_ms), (26_214_400, 30_000));
    }

    #[test]
    fn a_connection_without_scopes_is_refused_at_once() {
        let refused = Hello::parse(hello(4, &["operator.read"]));
        assert!(
            matches!(refused, Err(GatewayError::Refused { what, .. }) if what.contains("operator.write"))
        );
    }

    #[test]
    fn another_protocol_is_named() {
        let other = Hello::parse(hello(5, &SCOPES));
        assert!(matches!(other, Err(GatewayError::Incompatible { ours: 4, theirs: 5 })));
    }

    #[test]
    fn the_client_goes_by_the_name_that_gets_its_scopes() {
        let params = connect_params(&GatewayToken::new("t"), "ois-monitor");
        assert_eq!(params["client"]["id"], "gateway-client");
        assert_eq!(params["client"]["mode"], "backend");
        assert_eq!(params["auth"]["token"], "t");
    }
}
