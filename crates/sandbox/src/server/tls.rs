//! The TLS side of the WeChat port.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::error::StartError;

/// Makes an acceptor for TLS 1.2 and 1.3 that speaks HTTP/1.1 only, as the service does.
pub(crate) fn acceptor(certificate_pem: &str, key_pem: &str) -> Result<TlsAcceptor, StartError> {
    let unreadable = |error: rustls_pki_types::pem::Error| {
        StartError::internal(format!("the server certificate cannot be read: {error}"))
    };
    let certificates = CertificateDer::pem_slice_iter(certificate_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(unreadable)?;
    // The provider is named, so that other crates of the process cannot change the choice.
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(StartError::tls)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(StartError::tls)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
