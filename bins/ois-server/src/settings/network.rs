//! How the server is reached over the network.

use std::net::SocketAddr;

use clap::Args;
use ois_http::{Cidr, PublicUrl};

/// The addresses of the server and its proxies.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct Doors {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, env = "OIS_LISTEN", default_value = "127.0.0.1:8800", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// The port alone, as the original named it; goes before the one in --listen
    #[arg(long, env = "PORT", value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// The address people and monitors use, as https://ois.example.org: for invites, the Origin
    /// check and `Secure` cookies
    #[arg(long, env = "OIS_PUBLIC_URL", global = true, value_name = "URL")]
    pub(crate) public_url: Option<PublicUrl>,
    /// Proxies whose X-Forwarded-For is believed, as 10.0.0.0/8; several with commas
    #[arg(
        long = "trusted-proxy",
        env = "OIS_TRUSTED_PROXY",
        value_delimiter = ',',
        value_name = "CIDR"
    )]
    pub(crate) trusted_proxies: Vec<Cidr>,
}

impl Doors {
    /// Returns the address and port to listen on.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.listen.ip(), self.port.unwrap_or(self.listen.port()))
    }

    /// Returns the address to open in a browser, for a server that listens there.
    pub(crate) fn page(&self, listening: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => {
                format!("{}://{}", if url.is_https() { "https" } else { "http" }, url.authority())
            }
            None if listening.ip().is_unspecified() => {
                format!("http://127.0.0.1:{}", listening.port())
            }
            None => format!("http://{listening}"),
        }
    }
}
