//! Why no answer came.

use std::error::Error as StdError;
use std::io;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a request has no complete answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransportError {
    /// The host is not one of the account's, or the target is not a path.
    #[error("the host is not configured for the account")]
    ForeignHost,
    /// No connection was made.
    #[error("no connection could be made")]
    Connect(#[source] BoxError),
    /// No connection was made in time.
    #[error("no connection was made in time")]
    ConnectTimeout,
    /// The TLS handshake failed.
    #[error("the TLS handshake failed")]
    Tls(#[source] BoxError),
    /// The connection broke while sending or receiving.
    #[error("the connection broke before the answer was complete")]
    Broken(#[source] BoxError),
    /// The answer did not come, or did not end, in time.
    #[error("the answer did not come in time")]
    Timeout,
    /// The answer is larger than the bound.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The bound in bytes.
        limit: usize,
    },
}

impl TransportError {
    /// Tells whether it is proved that nothing of the request left the machine.
    pub(crate) fn nothing_sent(&self) -> bool {
        matches!(
            self,
            Self::ForeignHost | Self::Connect(_) | Self::ConnectTimeout | Self::Tls(_)
        )
    }

    /// Sorts the failure of a connection attempt.
    pub(super) fn connecting(error: BoxError) -> Self {
        if has_cause::<ConnectTimedOut>(error.as_ref()) {
            Self::ConnectTimeout
        } else if has_cause::<rustls::Error>(error.as_ref()) {
            Self::Tls(error)
        } else {
            Self::Connect(error)
        }
    }
}

/// Marks a connection attempt that took too long.
#[derive(Debug, thiserror::Error)]
#[error("connecting took too long")]
pub(super) struct ConnectTimedOut;

/// Tells whether `T` is among the causes. An `io::Error` hides the error it wraps from `source`,
/// so that one is asked for it.
fn has_cause<T: StdError + 'static>(error: &(dyn StdError + 'static)) -> bool {
    let mut current = Some(error);
    while let Some(error) = current {
        if error.is::<T>() {
            return true;
        }
        current = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tls_failure_is_found_below_io_errors() {
        let tls = io::Error::other(io::Error::new(
            io::ErrorKind::InvalidData,
            rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer),
        ));
        assert!(matches!(
            TransportError::connecting(tls.into()),
            TransportError::Tls(_)
        ));
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert!(matches!(
            TransportError::connecting(refused.into()),
            TransportError::Connect(_)
        ));
        assert!(matches!(
            TransportError::connecting(ConnectTimedOut.into()),
            TransportError::ConnectTimeout
        ));
    }

    #[test]
    fn only_failures_before_the_request_prove_that_nothing_was_sent() {
        assert!(TransportError::ConnectTimeout.nothing_sent());
        assert!(TransportError::Tls("x".into()).nothing_sent());
        assert!(!TransportError::Timeout.nothing_sent());
        assert!(!TransportError::Broken("x".into()).nothing_sent());
        assert!(!TransportError::TooLarge { limit: 1 }.nothing_sent());
    }
}
