//! Converts a gateway's error answer into a [`GatewayError`].

use crate::error::GatewayError;
use crate::wire::{PROTOCOL, ResponseError};

/// Returns the error that the gateway's error about `method` means.
pub(crate) fn refusal(method: &str, error: ResponseError) -> GatewayError {
    let ResponseError { code, message, retry_after_ms, .. } = error;
    match error.detail.as_str() {
        "PROTOCOL_MISMATCH" => {
            let theirs = error.expected_protocol.unwrap_or(0);
            return GatewayError::Incompatible { ours: PROTOCOL, theirs };
        }
        "PAIRING_REQUIRED" => {
            let request = error.pairing.as_deref().unwrap_or("REQUEST_ID");
            return GatewayError::Refused {
                what: "a client that is not paired".to_owned(),
                allow: format!("openclaw devices approve {request}"),
            };
        }
        "MISSING_SCOPE" => {
            let scope = error.missing_scope.unwrap_or_else(|| message.clone());
            return GatewayError::Refused {
                what: method.to_owned(),
                allow: format!("grant this client the scope {scope}"),
            };
        }
        code if code.starts_with("AUTH_") || code == "DEVICE_IDENTITY_REQUIRED" => {
            return GatewayError::Unauthorized { why: message };
        }
        _ => {}
    }
    match code.as_str() {
        // This is the one error of its kind that waiting does not mend.
        "UNAVAILABLE" if message.starts_with("Pending input ownership ended") => {
            GatewayError::KeySpent
        }
        "UNAVAILABLE" => GatewayError::Busy { retry_after_ms, why: message },
        "NOT_PAIRED" | "UNAUTHORIZED" => GatewayError::Unauthorized { why: message },
        _ if message.starts_with("unauthorized:") => GatewayError::Unauthorized { why: message },
        _ if message.starts_with("origin not allowed") => GatewayError::Refused {
            what: "this origin".to_owned(),
            allow: "gateway.controlUi.allowedOrigins, or connect without a browser's Origin header"
                .to_owned(),
        },
        _ if message.starts_with("protocol mismatch") => {
            GatewayError::Incompatible { ours: PROTOCOL, theirs: 0 }
        }
        "FORBIDDEN" => GatewayError::Refused { what: method.to_owned(), allow: message },
        _ if retry_after_ms.is_some() => GatewayError::Busy { retry_after_ms, why: message },
        _ => GatewayError::Rejected { what: method.to_owned(), why: message },
    }
}

/// Returns the error for a WebSocket handshake that the gateway answered with this HTTP status.
pub(crate) fn handshake_status(status: u16, retry_after_ms: Option<u64>) -> GatewayError {
    match status {
        401 => GatewayError::Unauthorized { why: "status 401 to the handshake".to_owned() },
        403 => GatewayError::Refused {
            what: "a connection that a proxy forwarded".to_owned(),
            allow: "gateway.trustedProxies: [\"the proxy's address\"]".to_owned(),
        },
        429 | 503 => GatewayError::Busy { retry_after_ms, why: format!("status {status}") },
        _ => GatewayError::bad(format!("status {status} to the WebSocket handshake")),
    }
}

/// Returns the error for a link that the gateway closed with this code and without another message.
pub(crate) fn closed(code: u16, reason: &str) -> GatewayError {
    match code {
        1012 | 1013 => {
            GatewayError::Busy { retry_after_ms: None, why: format!("closed {code} {reason}") }
        }
        _ => GatewayError::lost(format!("closed by the gateway, code {code} {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response_error(code: &str, message: &str, detail: &str) -> ResponseError {
        ResponseError {
            code: code.to_owned(),
            message: message.to_owned(),
            detail: detail.to_owned(),
            ..ResponseError::default()
        }
    }

    #[test]
    fn a_wrong_token_is_unauthorized() {
        let message = "unauthorized: gateway token mismatch (provide gateway auth token)";
        let error =
            refusal("connect", response_error("INVALID_REQUEST", message, "AUTH_TOKEN_MISMATCH"));
        assert!(matches!(error, GatewayError::Unauthorized { .. }));
        let error =
            refusal("connect", response_error("NOT_PAIRED", "device identity required", ""));
        assert!(matches!(error, GatewayError::Unauthorized { .. }));
    }

    #[test]
    fn a_missing_scope_is_named() {
        let mut it = response_error("FORBIDDEN", "missing scope: operator.admin", "MISSING_SCOPE");
        it.missing_scope = Some("operator.admin".to_owned());
        let error = refusal("chat.inject", it);
        let wanted =
            "gateway refuses chat.inject; to allow it: grant this client the scope operator.admin";
        assert_eq!(error.to_string(), wanted);
    }

    #[test]
    fn a_starting_gateway_is_busy_and_says_for_how_long() {
        let mut it = response_error("UNAVAILABLE", "starting", "");
        it.retry_after_ms = Some(700);
        assert!(matches!(
            refusal("connect", it),
            GatewayError::Busy { retry_after_ms: Some(700), .. }
        ));
    }

    #[test]
    fn a_key_given_up_in_a_restart_is_spent_and_not_busy() {
        let message = "Pending input ownership ended; submit a new turn to continue";
        let error = refusal("agent", response_error("UNAVAILABLE", message, ""));
        assert!(matches!(error, GatewayError::KeySpent));
    }

    #[test]
    fn bad_parameters_are_rejected_in_the_gateways_words() {
        let message = "invalid agent params: must have required property 'message'";
        let error = refusal("agent", response_error("INVALID_REQUEST", message, ""));
        assert_eq!(error.to_string(), format!("gateway rejects agent: {message}"));
    }
}
