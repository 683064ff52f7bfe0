//! Where a server is.

use std::{fmt, str::FromStr};

use http::Uri;

/// A server's address, parsed from `ws://HOST:PORT/PATH` or `wss://…`.
///
/// `http` and `https` are taken as the same; without a port it is the scheme's.
///
/// ```
/// let address: ois_client::Address = "wss://ois.example.org".parse().unwrap();
/// assert_eq!(address.to_string(), "wss://ois.example.org:443/");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub(crate) secure: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    path: String,
}

/// Why a text is no server's address. The text is not repeated: it may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("server address is not usable: {0}")]
pub struct AddressError(&'static str);

impl Address {
    /// The URL of an HTTP route of the same server, such as `/api/members`.
    pub(crate) fn http(&self, route: &str) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}{route}", self.authority())
    }

    fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(url: &str) -> Result<Self, AddressError> {
        let url = url.trim();
        let (scheme, _) = url.split_once("://").ok_or(AddressError("no scheme"))?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "ws" | "http" => false,
            "wss" | "https" => true,
            _ => return Err(AddressError("the scheme is neither ws nor wss")),
        };
        // The library leaves a fragment out without a word.
        if url.contains(['?', '#']) || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AddressError("a query or an unusual character stands in it"));
        }
        let uri: Uri = url.parse().map_err(|_| AddressError("no host or no port"))?;
        let authority = uri.authority().ok_or(AddressError("no host"))?;
        if authority.as_str().contains('@') {
            return Err(AddressError("a name or password stands in it"));
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
            None => return Err(AddressError("the port is no number")),
        };
        let host = shown.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(AddressError("no host"));
        }
        Ok(Self { secure, host: host.to_owned(), port, path: uri.path().to_owned() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (text, shown) in [
            ("ws://127.0.0.1:8800", "ws://127.0.0.1:8800/"),
            (" http://ois.lan ", "ws://ois.lan:80/"),
            ("wss://[::1]:7/ws", "wss://[::1]:7/ws"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), shown);
        }
        let address: Address = "wss://ois.lan/ws".parse().unwrap();
        assert_eq!(address.http("/api/members"), "https://ois.lan:443/api/members");
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for text in [
            "",
            "ois.lan:8800",
            "ftp://x",
            "ws://",
            "ws://u:s3cret@x",
            "ws://x:y",
            "ws://x:",
            "ws://x:65536",
            "ws://x/?token=s3cret",
            "ws://x/#s3cret",
            "ws://x/a b",
            "ws://[::1",
            "ws://[::1]x",
            "ws://[]:1",
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
