//! Why no answer came.

use std::error::Error as StdError;
use std::io;

pub(super) type BoxError = Box<dyn StdError + Send + Sync>;

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
    /// The proxy of the account made no tunnel.
    #[error("no connection was made: {0}")]
    Proxy(ProxyFault, #[source] BoxError),
    /// The TLS handshake failed.
    #[error("the TLS handshake failed")]
    Tls(#[source] BoxError),
    /// The connection broke while sending or receiving.
    #[error("the connection broke before the answer was complete")]
    Broken(#[source] BoxError),
    /// The request was kept back when there was a connection.
    #[error("the request was kept back")]
    KeptBack,
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
            Self::ForeignHost
                | Self::Connect(_)
                | Self::ConnectTimeout
                | Self::Proxy(..)
                | Self::Tls(_)
                | Self::KeptBack
        )
    }

    /// Sorts the failure of a connection attempt.
    pub(super) fn connecting(error: BoxError) -> Self {
        if let Some(proxy) = cause::<ProxyError>(error.as_ref()) {
            Self::Proxy(proxy.fault, error)
        } else if cause::<ConnectTimedOut>(error.as_ref()).is_some() {
            Self::ConnectTimeout
        } else if cause::<rustls::Error>(error.as_ref()).is_some() {
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

/// Why a proxy made no tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProxyFault {
    /// No connection with it was made, in half of the time that connecting may take in all.
    #[error("the proxy cannot be reached")]
    Unreachable,
    /// 407: it wants a user and a password, or others.
    #[error("the proxy does not accept the user and password")]
    Credentials,
    /// Another status than a tunnel has.
    #[error("the proxy answered {0}")]
    Refused(u16),
    /// It closed the connection in place of an answer.
    #[error("the connection with the proxy broke")]
    Broken,
    /// What it says is no answer, or more than that.
    #[error("the proxy does not answer as an HTTP proxy does")]
    Unreadable,
    /// The tunnel, or TLS through it, took too long.
    #[error("no connection was made through the proxy in time")]
    TimedOut,
}

/// A [`ProxyFault`] and what led to it.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub(super) struct ProxyError {
    fault: ProxyFault,
    #[source]
    source: Option<BoxError>,
}

impl ProxyError {
    pub(super) fn new(fault: ProxyFault, source: impl Into<BoxError>) -> Self {
        Self {
            fault,
            source: Some(source.into()),
        }
    }
}

impl From<ProxyFault> for ProxyError {
    fn from(fault: ProxyFault) -> Self {
        Self {
            fault,
            source: None,
        }
    }
}

/// Finds a `T` among the causes. An `io::Error` hides the error it wraps from `source`,
/// so that one is asked for it.
fn cause<'e, T: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e T> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        current = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
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
        assert!(TransportError::Proxy(ProxyFault::Broken, "x".into()).nothing_sent());
        assert!(!TransportError::Timeout.nothing_sent());
        assert!(!TransportError::Broken("x".into()).nothing_sent());
        assert!(!TransportError::TooLarge { limit: 1 }.nothing_sent());
    }
}
