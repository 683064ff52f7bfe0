//! What stands for TLS where the feature `tls` is off: words that say so.

use std::io;

use tokio::net::TcpStream;
use ureq::{config::ConfigBuilder, typestate::AgentScope};

use crate::dial::Transport;

/// Nothing comes about.
#[expect(clippy::unused_async, reason = "with TLS it waits for the handshake")]
pub(crate) async fn secured(_: &str, _: TcpStream) -> io::Result<Box<dyn Transport>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this program was built without TLS"))
}

/// Nothing to trust: a call says that it needs TLS.
pub(crate) fn trusting(settings: ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope> {
    settings
}
