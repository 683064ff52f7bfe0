//! The network address that a request comes from.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use hyper::header::HeaderMap;

use crate::settings::Settings;

/// The network address that a request comes from, as far as it can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    /// An IPv4 address that is written as IPv6 is kept as IPv4.
    address: IpAddr,
    /// Whether a header says that a proxy passed the request on.
    passed_on: bool,
}

impl Client {
    /// The peer's address, or the address that trusted proxies report: `X-Forwarded-For` is read from
    /// the right for as long as trusted proxies wrote it.
    pub(crate) fn of(headers: &HeaderMap, peer: SocketAddr, settings: &Settings) -> Self {
        let trusted =
            |address: IpAddr| settings.trusted_proxies.iter().any(|block| block.contains(address));
        let written = headers.get_all(X_FORWARDED_FOR).into_iter();
        let written = written.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
        let mut address = peer.ip().to_canonical();
        for entry in written.collect::<Vec<_>>().into_iter().rev() {
            match parse(entry.trim()) {
                Some(before) if trusted(address) => address = before,
                _ => break,
            }
        }
        let passed_on = PASSED_ON.iter().any(|name| headers.contains_key(*name));
        Self { address, passed_on }
    }

    /// Whether the request was made on the server's own host. A proxy on the same host is recognised
    /// by its headers, whether it is trusted or not.
    pub(crate) fn is_local(&self) -> bool {
        self.address.is_loopback() && !self.passed_on
    }

    /// The key under which the throttle counts attempts of this sort. Of an IPv6 address the first
    /// 64 bits count, since one host has all the rest.
    pub(crate) fn key(&self, attempt: Attempt) -> String {
        let start = match self.address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let start = u128::from(address) >> 64 << 64;
                Ipv6Addr::from(start).to_string()
            }
        };
        format!("{attempt:?} {start}")
    }
}

/// What a client may get wrong. The throttle counts the two apart, so that a person who mistypes a
/// password does not shut out the agents behind the same address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// A wrong password at a sign-in.
    Password,
    /// A token that stands for nobody.
    Token,
}

/// An address as a proxy writes it, with or without a port.
fn parse(text: &str) -> Option<IpAddr> {
    let plain = text.trim_matches(['[', ']']).parse().ok();
    let address = plain.or_else(|| text.parse::<SocketAddr>().ok().map(|both| both.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The headers by which a proxy is recognised.
const PASSED_ON: [&str; 4] = [X_FORWARDED_FOR, "x-real-ip", "forwarded", "via"];

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

    fn start(client: Client) -> String {
        client.key(Attempt::Token).strip_prefix("Token ").unwrap().to_owned()
    }

    #[test]
    fn nobody_is_believed_about_an_address_unless_trusted() {
        assert_eq!(start(client(FAR, &["198.51.100.7"], &[])), "203.0.113.9");
        assert_eq!(start(client(FAR, &["198.51.100.7"], &["10.0.0.0/8"])), "203.0.113.9");
        assert_eq!(start(client(NEAR, &["198.51.100.7"], &["127.0.0.0/8"])), "198.51.100.7");
    }

    #[test]
    fn what_the_client_itself_wrote_before_the_proxies_is_not_believed() {
        let trusted = ["127.0.0.1", "10.0.0.0/8"];
        let client = client(NEAR, &["1.1.1.1, 198.51.100.7", "10.0.0.2"], &trusted);
        assert_eq!(start(client), "198.51.100.7");
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
        let key = |peer: &str| start(client(peer, &[], &[]));
        assert_eq!(key("[2001:db8::1]:80"), key("[2001:db8::ffff:2]:80"));
        assert_ne!(key("[2001:db8::1]:80"), key("[2001:db8:0:1::1]:80"));
        assert_eq!(key("[::ffff:192.0.2.1]:80"), "192.0.2.1");
    }

    #[test]
    fn addresses_may_be_written_with_ports() {
        let written = ["[2001:db8::1]:443"];
        assert_eq!(start(client(NEAR, &written, &["127.0.0.1"])), "2001:db8::");
        assert_eq!(start(client(NEAR, &["192.0.2.1:80"], &["127.0.0.1"])), "192.0.2.1");
    }
}
