//! The TLS configuration: one provider, named explicitly, and the trusted roots.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// The roots that a server's certificate may lead to.
#[derive(Clone, Debug)]
pub(crate) struct Roots {
    store: RootCertStore,
}

impl Roots {
    /// Starts with the roots that Mozilla trusts.
    pub(crate) fn public() -> Self {
        Self {
            store: webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(),
        }
    }

    /// Adds every certificate of a PEM text, such as the CA of a sandbox.
    ///
    /// # Errors
    ///
    /// Says in a few words what is wrong with the text.
    pub(crate) fn add_pem(&mut self, pem: &str) -> Result<(), &'static str> {
        let mut count = 0_usize;
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|_| "holds a damaged PEM block")?;
            self.store
                .add(certificate)
                .map_err(|_| "holds a certificate that cannot be a root")?;
            count += 1;
        }
        if count == 0 {
            Err("holds no certificate")
        } else {
            Ok(())
        }
    }

    /// Builds the configuration of a client that presents no certificate.
    ///
    /// # Errors
    ///
    /// Fails if the provider supports no safe version of TLS, which it does.
    pub(crate) fn into_config(self) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        Ok(ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(self.store)
            .with_no_client_auth())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_a_certificate_is_refused() {
        let mut roots = Roots::public();
        assert_eq!(roots.add_pem("ca.pem").unwrap_err(), "holds no certificate");
        assert!(
            roots
                .add_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
                .is_err()
        );
        assert!(roots.into_config().is_ok());
    }
}
