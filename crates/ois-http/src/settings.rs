//! The settings of the HTTP server and of the hot loop.

use std::{net::IpAddr, str::FromStr};

use hyper::http::uri::Authority;
use ois_chat::{DeskSettings, team::BatchLimits};
use ois_protocol::Limits;

/// The operator's settings, parsed. They are read once, at the start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The limits of lengths and rates.
    pub limits: Limits,
    /// How many bytes of the log's end stay in memory as finished frames. A connection that is further
    /// behind is served from disk.
    pub tail_bytes: usize,
    /// The most that one append takes.
    pub batch: BatchLimits,
    /// How many threads serve HTTP; the hot loop has one of its own.
    pub http_workers: usize,
    /// When deliveries are given up, and when a chain of messages counts as a loop.
    pub desk: DeskSettings,
    /// The address under which people reach the server, if it is not the one it listens on.
    pub public_url: Option<PublicUrl>,
    /// The addresses of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Cidr>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            tail_bytes: 8 << 20,
            batch: BatchLimits::default(),
            http_workers: 2,
            desk: DeskSettings::default(),
            public_url: None,
            trusted_proxies: Vec::new(),
        }
    }
}

/// The scheme and host under which people reach the server, such as `https://ois.example.org`.
///
/// ```
/// use ois_http::PublicUrl;
/// let url: PublicUrl = "https://OIS.example.org/".parse().unwrap();
/// assert!(url.is_https() && url.authority() == "ois.example.org");
/// assert!("ois.example.org".parse::<PublicUrl>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    https: bool,
    authority: String,
}

impl PublicUrl {
    /// Whether browsers reach the server over TLS, so that its cookie may be `Secure`.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Host and port as browsers write them: lower case, without the scheme's own port.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    /// `http://` or `https://`, a host, a port if it is not the scheme's own, and no path.
    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let lower = text.to_ascii_lowercase();
        let (https, rest) = match lower.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => return Err(PublicUrlError),
        };
        let host = rest.strip_suffix('/').unwrap_or(rest);
        let authority: Authority = host.parse().map_err(|_| PublicUrlError)?;
        if authority.host().is_empty() || host.contains('@') {
            return Err(PublicUrlError);
        }
        let own = if https { ":443" } else { ":80" };
        Ok(Self { https, authority: host.strip_suffix(own).unwrap_or(host).to_owned() })
    }
}

/// The error for a text that is not the address of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a public url is http:// or https:// and a host, without a path")]
pub struct PublicUrlError;

/// A block of addresses, such as `10.0.0.0/8`, `fd00::/8` or a single address.
///
/// ```
/// use ois_http::Cidr;
/// let block: Cidr = "10.0.0.0/8".parse().unwrap();
/// assert!(block.contains("10.1.2.3".parse().unwrap()));
/// assert!(!block.contains("11.1.2.3".parse().unwrap()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    start: IpAddr,
    bits: u8,
}

impl Cidr {
    /// Whether this address is in the block. An IPv4 address that is written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.start, address.to_canonical()) {
            (IpAddr::V4(start), IpAddr::V4(address)) => {
                same_start(u32::from(start).into(), u32::from(address).into(), 32, self.bits)
            }
            (IpAddr::V6(start), IpAddr::V6(address)) => {
                same_start(start.into(), address.into(), 128, self.bits)
            }
            _ => false,
        }
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let (start, bits) = match text.split_once('/') {
            Some((start, bits)) => (start, Some(bits.parse().map_err(|_| CidrError)?)),
            None => (text, None),
        };
        let start: IpAddr = start.parse().map_err(|_| CidrError)?;
        let most = if start.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { start, bits }).ok_or(CidrError)
    }
}

/// The error for a text that is not a block of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a block of addresses is written like 10.0.0.0/8, fd00::/8 or 192.0.2.1")]
pub struct CidrError;

fn same_start(a: u128, b: u128, width: u32, bits: u8) -> bool {
    let rest = width - u32::from(bits);
    (a ^ b).checked_shr(rest).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_block_holds_the_addresses_that_begin_as_it_does() {
        assert!(block("0.0.0.0/0").contains(address("203.0.113.9")));
        assert!(block("::/0").contains(address("2001:db8::1")));
        assert!(block("192.0.2.1").contains(address("192.0.2.1")));
        assert!(!block("192.0.2.1").contains(address("192.0.2.2")));
        assert!(block("fd00::/8").contains(address("fdff::1")));
        assert!(!block("0.0.0.0/0").contains(address("::1")));
        assert!(block("127.0.0.0/8").contains(address("::ffff:127.0.0.1")));
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "host/8", "10.0.0.0/-1"] {
            assert_eq!(text.parse::<Cidr>(), Err(CidrError), "{text}");
        }
    }

    #[test]
    fn a_public_url_is_written_as_browsers_write_origins() {
        let authority = |text: &str| text.parse::<PublicUrl>().unwrap().authority().to_owned();
        assert_eq!(authority("https://ois.example.org:443"), "ois.example.org");
        assert_eq!(authority("http://ois.example.org:443/"), "ois.example.org:443");
        for text in ["ftp://a", "https://", "https://a/b", "https://u@a", "a:80"] {
            assert_eq!(text.parse::<PublicUrl>(), Err(PublicUrlError), "{text}");
        }
    }
}
