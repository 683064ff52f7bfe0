//! Whom we trust when a server is reached over TLS.
//!
//! Nothing is loaded before the first `wss://` connection: the roots of a system take memory that a
//! monitor without TLS does not need.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore};

/// A client that proves nothing about itself and trusts the certificates of this machine.
pub(crate) fn config() -> Arc<ClientConfig> {
    static LOADED: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = LOADED.get() {
        return Arc::clone(config);
    }
    let mut store = RootCertStore::empty();
    // Some systems hold roots that no longer parse; the others are good all the same. Without any,
    // every handshake fails and says so.
    let (_good, _bad) =
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Arc::clone(LOADED.get_or_init(|| trusting(store)))
}

/// A client that trusts these roots.
pub(crate) fn trusting(store: RootCertStore) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring provides the default versions of TLS")
        .with_root_certificates(store)
        .with_no_client_auth();
    Arc::new(config)
}
