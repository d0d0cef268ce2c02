//! Whom the listener takes: callers whose certificate an authority signed, nobody revoked, and somebody is named in.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};

use super::files::{ClientCertificates, ExpiredCrl, TlsFiles};
use super::identity;

/// Judges client certificates, in a handshake and afterwards.
#[derive(Debug)]
pub(crate) struct Clients(Arc<dyn ClientCertVerifier>);

/// A certificate that is good and names nobody.
#[derive(Debug)]
pub(super) struct Nameless(&'static str);

impl fmt::Display for Nameless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Nameless {}

impl Clients {
    /// Takes those whom the authorities vouch for; with lists, if the list of each authority in their chain has them
    /// not. Who shows no certificate gets through if `files` say so, and is nobody then.
    pub(super) fn new(
        authorities: RootCertStore,
        lists: Vec<CertificateRevocationListDer<'static>>,
        files: &TlsFiles,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, String> {
        let mut builder = WebPkiClientVerifier::builder_with_provider(
            Arc::new(authorities),
            Arc::clone(provider),
        )
        .with_crls(lists);
        if files.expired_crl == ExpiredCrl::Refuse {
            builder = builder.enforce_revocation_expiration();
        }
        if files.client_certificates == ClientCertificates::Optional {
            builder = builder.allow_unauthenticated();
        }
        builder.build().map(Self).map_err(|error| error.to_string())
    }

    /// Judges the chain of a client, its own certificate first.
    pub(crate) fn judge(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<(), Error> {
        let (own, others) = chain.split_first().ok_or(Error::NoCertificatesPresented)?;
        self.verify_client_cert(own, others, now).map(drop)
    }
}

impl ClientCertVerifier for Clients {
    fn offer_client_auth(&self) -> bool {
        self.0.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.0.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.0.verify_client_cert(own, others, now)?;
        match identity::certified(own).0 {
            Ok(_) => Ok(verified),
            Err(why) => {
                let why = OtherError(Arc::new(Nameless(why)));
                Err(CertificateError::Other(why).into())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
