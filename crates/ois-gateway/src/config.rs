//! The address of a gateway and the credentials for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;

/// A gateway's shared token (`gateway.auth.token`). `Debug` hides it.
///
/// ```
/// let token = ois_gateway::GatewayToken::new("s3cret");
/// assert_eq!(format!("{token:?}"), "GatewayToken(hidden)");
/// ```
#[derive(Clone)]
pub struct GatewayToken(Arc<str>);

impl GatewayToken {
    /// Creates a token from the text of the gateway's configuration, without white space around it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().into())
    }

    /// Returns the secret itself, for the one place that sends it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for GatewayToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GatewayToken(hidden)")
    }
}

/// Everything that [`Gateway::connect`](crate::Gateway::connect) needs.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// The address, `ws://HOST:PORT` or `wss://HOST:PORT`; `http` and `https` mean the same. The
    /// default port is that of the scheme.
    pub url: String,
    /// The gateway's shared token.
    pub token: GatewayToken,
    /// The name under which the gateway lists this client, for example `ois-monitor`.
    pub display_name: String,
    /// How long connecting may take, including the gateway's greeting. A gateway that has just
    /// started answers its first requests slowly: 30 s is a good value.
    pub connect_within: Duration,
}

impl GatewayConfig {
    /// Creates a configuration with the usual display name and 30 s to connect.
    #[must_use]
    pub fn new(url: &str, token: GatewayToken) -> Self {
        Self {
            url: url.to_owned(),
            token,
            display_name: "ois".to_owned(),
            connect_within: Duration::from_secs(30),
        }
    }
}

/// An address, parsed from the configured URL. Its text contains no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) secure: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) path: String,
}

impl Address {
    /// Parses a URL. The error says what is wrong with the URL without repeating it, because it may
    /// hold a secret.
    pub(crate) fn parse(url: &str) -> Result<Self, &'static str> {
        let url = url.trim();
        let (scheme, _) = url.split_once("://").ok_or("no scheme")?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "ws" | "http" => false,
            "wss" | "https" => true,
            _ => return Err("the scheme is none of ws, wss, http, https"),
        };
        // The library leaves a fragment out without a word.
        if url.contains(['?', '#']) {
            return Err("a query or fragment stands in it");
        }
        let uri: Uri = url.parse().map_err(|_| "no host or no port")?;
        let authority = uri.authority().ok_or("no host")?;
        if authority.as_str().contains('@') {
            return Err("a name or password stands in it; the token has its own setting");
        }
        let shown = authority.host();
        let port = match authority.port_u16() {
            Some(port) => port,
            None if authority.as_str() == shown => {
                if secure {
                    443
                } else {
                    80
                }
            }
            None => return Err("the port is no number up to 65535"),
        };
        let host = shown.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err("no host");
        }
        let path = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { secure, host, port, path })
    }

    /// Returns the URL for a WebSocket handshake.
    pub(crate) fn websocket(&self) -> String {
        let scheme = if self.secure { "wss" } else { "ws" };
        format!("{scheme}://{self}{}/", self.path)
    }

    /// Returns the URL of an HTTP route such as `/healthz`.
    pub(crate) fn http(&self, route: &str) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{self}{}{route}", self.path)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_address_is_read_and_written() {
        let address = Address::parse("ws://127.0.0.1:18789/").unwrap();
        assert_eq!(address.websocket(), "ws://127.0.0.1:18789/");
        assert_eq!(address.http("/healthz"), "http://127.0.0.1:18789/healthz");
    }

    #[test]
    fn ports_schemes_brackets_and_prefixes_are_understood() {
        assert_eq!(Address::parse("wss://gw.example").unwrap().port, 443);
        assert_eq!(Address::parse("http://gw.example").unwrap().port, 80);
        assert_eq!(Address::parse("ws://[::1]:7/claw/").unwrap().websocket(), "ws://[::1]:7/claw/");
    }

    #[test]
    fn a_bad_address_is_refused_in_words() {
        for bad in [
            "gw:1",
            "ftp://gw",
            "ws://",
            "ws://u:p@gw",
            "ws://gw:x",
            "ws://gw:",
            "ws://gw/?token=x",
            "ws://gw/#x",
            "ws://[::1",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}
