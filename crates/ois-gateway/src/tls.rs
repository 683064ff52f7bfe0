//! The certificates that are trusted when a gateway is reached over TLS: those of this machine.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// Returns the machine's trusted roots. If it has none, the list is empty and every handshake fails
/// with a reason.
pub(crate) fn roots() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}

/// Creates a client configuration without a client certificate.
pub(crate) fn client() -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut store = RootCertStore::empty();
    // Some systems hold roots that no longer parse; the others are used all the same.
    let (_good, _bad) = store.add_parsable_certificates(roots());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
