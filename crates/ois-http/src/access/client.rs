//! From where a request comes.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use hyper::header::{FORWARDED, HeaderMap, VIA};

use crate::settings::Settings;

/// The address a request comes from, as far as it can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    address: IpAddr,
    /// Whether somebody passed the request on who is not known to say the truth about it.
    passed_on: bool,
}

impl Client {
    /// Reads `X-Forwarded-For` from the right for as long as trusted proxies wrote it.
    pub(crate) fn of(headers: &HeaderMap, peer: SocketAddr, settings: &Settings) -> Self {
        let trusted =
            |address: IpAddr| settings.trusted_proxies.iter().any(|block| block.contains(address));
        let mut address = peer.ip().to_canonical();
        if !trusted(address) {
            let passed_on = headers.contains_key(X_FORWARDED_FOR)
                || headers.contains_key(FORWARDED)
                || headers.contains_key(VIA);
            return Self { address, passed_on };
        }
        let values = headers.get_all(X_FORWARDED_FOR);
        let written: Vec<&str> = values
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|v| v.split(','))
            .collect();
        for entry in written.into_iter().rev() {
            let Some(before) = parse(entry.trim()) else {
                return Self { address, passed_on: true };
            };
            address = before;
            if !trusted(address) {
                break;
            }
        }
        Self { address, passed_on: false }
    }

    /// Whether the request was made on the server's own host. A proxy beside the server that was
    /// not declared as trusted gives itself away by its headers.
    pub(crate) fn is_local(&self) -> bool {
        self.address.is_loopback() && !self.passed_on
    }

    /// Under which the throttle counts: for IPv6 the first 64 bits, as one host has all the rest.
    pub(crate) fn key(&self) -> String {
        match self.address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let start = u128::from(address) >> 64 << 64;
                Ipv6Addr::from(start).to_string()
            }
        }
    }
}

/// An address, with or without a port.
fn parse(text: &str) -> Option<IpAddr> {
    let plain = text.trim_matches(['[', ']']).parse().ok();
    let address = plain.or_else(|| text.parse::<SocketAddr>().ok().map(|both| both.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

const X_FORWARDED_FOR: &str = "x-forwarded-for";

#[cfg(test)]
mod tests {
    use super::*;

    const NEAR: &str = "127.0.0.1:5000";
    const FAR: &str = "203.0.113.9:5000";

    fn client(peer: &str, forwarded: &[&'static str], trusted: &[&str]) -> Client {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, value.parse().unwrap());
        }
        let trusted_proxies = trusted.iter().map(|block| block.parse().unwrap()).collect();
        let settings = Settings { trusted_proxies, ..Settings::default() };
        Client::of(&headers, peer.parse().unwrap(), &settings)
    }

    #[test]
    fn nobody_is_believed_about_an_address_unless_trusted() {
        assert_eq!(client(FAR, &["198.51.100.7"], &[]).key(), "203.0.113.9");
        assert_eq!(client(FAR, &["198.51.100.7"], &["10.0.0.0/8"]).key(), "203.0.113.9");
        assert_eq!(client(NEAR, &["198.51.100.7"], &["127.0.0.0/8"]).key(), "198.51.100.7");
    }

    #[test]
    fn what_the_client_itself_wrote_before_the_proxies_is_not_believed() {
        let trusted = ["127.0.0.1", "10.0.0.0/8"];
        let client = client(NEAR, &["1.1.1.1, 198.51.100.7", "10.0.0.2"], &trusted);
        assert_eq!(client.key(), "198.51.100.7");
    }

    #[test]
    fn a_proxy_on_the_same_host_makes_nobody_local() {
        assert!(client(NEAR, &[], &[]).is_local());
        assert!(!client(NEAR, &["198.51.100.7"], &[]).is_local());
        assert!(!client(NEAR, &["127.0.0.1"], &[]).is_local());
        assert!(!client(NEAR, &["198.51.100.7"], &["127.0.0.1"]).is_local());
        assert!(!client(NEAR, &["gibberish"], &["127.0.0.1"]).is_local());
        assert!(!client(FAR, &[], &[]).is_local());
    }

    #[test]
    fn hosts_of_one_ipv6_network_are_one_to_the_throttle() {
        let key = |peer: &str| client(peer, &[], &[]).key();
        assert_eq!(key("[2001:db8::1]:80"), key("[2001:db8::ffff:2]:80"));
        assert_ne!(key("[2001:db8::1]:80"), key("[2001:db8:0:1::1]:80"));
        assert_eq!(key("[::ffff:192.0.2.1]:80"), "192.0.2.1");
    }

    #[test]
    fn addresses_may_be_written_with_ports() {
        let written = ["[2001:db8::1]:443"];
        assert_eq!(client(NEAR, &written, &["127.0.0.1"]).key(), "2001:db8::");
        assert_eq!(client(NEAR, &["192.0.2.1:80"], &["127.0.0.1"]).key(), "192.0.2.1");
    }
}
