//! The certificates that are trusted when a server is reached over TLS: those of this machine.
//!
//! Nothing is loaded before the first `wss://` connection: the roots of a system take memory that a
//! monitor without TLS does not need.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::net::TcpStream;
use ureq::{
    config::ConfigBuilder,
    tls::{Certificate, RootCerts, TlsConfig},
    typestate::AgentScope,
};

use crate::dial::Transport;

/// TLS on a connection to this host.
pub(crate) async fn secured(host: &str, stream: TcpStream) -> io::Result<Box<dyn Transport>> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    Ok(Box::new(tokio_rustls::TlsConnector::from(config()).connect(name, stream).await?))
}

/// The same trust for HTTP.
pub(crate) fn trusting(settings: ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope> {
    let roots = rustls_native_certs::load_native_certs().certs;
    let roots = roots.iter().map(|root| Certificate::from_der(root).to_owned());
    settings.tls_config(TlsConfig::builder().root_certs(RootCerts::from(roots)).build())
}

/// A client that proves nothing about itself.
fn config() -> Arc<ClientConfig> {
    static LOADED: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = LOADED.get() {
        return Arc::clone(config);
    }
    let mut store = RootCertStore::empty();
    // Some systems hold roots that no longer parse; the others are good all the same. Without any,
    // every handshake fails and says so.
    let (_good, _bad) =
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring provides the default versions of TLS")
        .with_root_certificates(store)
        .with_no_client_auth();
    Arc::clone(LOADED.get_or_init(|| Arc::new(config)))
}
