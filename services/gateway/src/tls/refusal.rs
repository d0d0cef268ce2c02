//! Why somebody is not taken, as a label.

use std::io;

use rustls::{CertificateError, Error};

use super::clients::Nameless;

/// The kind of those whom a revocation list names.
pub(crate) const REVOKED: &str = "revoked";

/// What is wrong with a handshake; `tls` if it is none of what is told apart.
pub(crate) fn kind_of_handshake(error: &io::Error) -> &'static str {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    inner.map_or("tls", kind_of)
}

/// The same for an error of TLS.
pub(crate) fn kind_of(error: &Error) -> &'static str {
    match error {
        Error::NoCertificatesPresented => "no_certificate",
        Error::InvalidCertificate(error) => match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired",
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "not_yet_valid"
            }
            CertificateError::Revoked => REVOKED,
            CertificateError::UnknownRevocationStatus
            | CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. } => "revocation_unknown",
            // An authority of the same name that is another one shows by the signature.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => "foreign",
            CertificateError::Other(other) if other.0.is::<Nameless>() => "no_name",
            _ => "bad_certificate",
        },
        Error::InvalidCertRevocationList(_) => "revocation_unknown",
        // The caller does not take our certificate, or gives up.
        Error::AlertReceived(_) => "caller_refused",
        _ => "tls",
    }
}

#[cfg(test)]
mod tests {
    use rustls::AlertDescription;

    use super::*;

    #[test]
    fn what_has_no_kind_of_its_own_is_still_counted() {
        for (error, expected) in [
            (Error::DecryptError, "tls"),
            (CertificateError::BadEncoding.into(), "bad_certificate"),
            (
                Error::AlertReceived(AlertDescription::UnknownCA),
                "caller_refused",
            ),
        ] {
            let error = io::Error::new(io::ErrorKind::InvalidData, error);
            assert_eq!(kind_of_handshake(&error), expected);
        }
        let reset = io::ErrorKind::ConnectionReset.into();
        assert_eq!(kind_of_handshake(&reset), "tls");
    }
}
