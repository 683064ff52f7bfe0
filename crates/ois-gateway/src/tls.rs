//! Whom we trust when a gateway is reached over TLS: the certificates of this machine.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// The machine's trusted roots; none if it has none, so that every handshake fails with a reason.
pub(crate) fn roots() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}

/// A client that proves nothing about itself.
pub(crate) fn client() -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut store = RootCertStore::empty();
    // Some systems hold roots that no longer parse; the others are good all the same.
    let (_good, _bad) = store.add_parsable_certificates(roots());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
