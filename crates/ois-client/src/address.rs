//! Where a server is.

use std::{fmt, str::FromStr};

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
        let (scheme, rest) = url.trim().split_once("://").ok_or(AddressError("no scheme"))?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "ws" | "http" => false,
            "wss" | "https" => true,
            _ => return Err(AddressError("the scheme is neither ws nor wss")),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(AddressError("a name or password stands in it"));
        }
        if path.contains(['?', '#']) || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AddressError("a query or an unusual character stands in it"));
        }
        let (host, port) = host_and_port(authority)?;
        if host.is_empty() || !host.bytes().all(is_host_byte) {
            return Err(AddressError("no host"));
        }
        let port = port.unwrap_or(if secure { 443 } else { 80 });
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self { secure, host: host.to_owned(), port, path: path.to_owned() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

/// Host and port of `host`, `host:1`, `[::1]` and `[::1]:1`.
fn host_and_port(authority: &str) -> Result<(&str, Option<u16>), AddressError> {
    let (host, rest) = match authority.strip_prefix('[') {
        Some(inner) => inner.split_once(']').ok_or(AddressError("a bracket is not closed"))?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port = match rest.strip_prefix(':') {
        None if rest.is_empty() => None,
        None => return Err(AddressError("something stands between host and port")),
        Some(digits) => Some(digits.parse().map_err(|_| AddressError("the port is no number"))?),
    };
    Ok((host, port))
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'%')
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
            "ws://x/?token=s3cret",
            "ws://[::1",
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
