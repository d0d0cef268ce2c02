//! A failed attempt and what follows from it.

mod proxy;

use kabao_api::{Error, Reason};
use kabao_models::Operation;

use crate::breaker::Outcome;
use crate::call::Sending;
use crate::route::Verdict;
use crate::transport::{ProxyFault, TransportError};

/// Whether the failed attempt may have taken effect upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// Nothing was sent, or WeChat refused before doing anything.
    NotExecuted,
    /// The request left the machine and nothing believable says what became of it.
    MaybeExecuted,
}

/// Whether a further attempt makes sense, all else allowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// The same request would fail again.
    Never,
    /// The fault may pass.
    Transient,
    /// The rate is limited: wait longer.
    Throttled,
    /// The answer was not believable: one more attempt, then it is a finding.
    Once,
    /// WeChat has accepted the request and not finished it: it asks for the same request again,
    /// for as long as the caller waits.
    Accepted,
}

/// One failed attempt. The error is written as if the call were a read; [`Failure::conclude`]
/// turns it into what the caller gets.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) certainty: Certainty,
    pub(crate) repeat: Repeat,
}

impl Failure {
    /// WeChat, or we, refused; nothing was done.
    pub(crate) fn refused(error: Error) -> Self {
        Self {
            error,
            certainty: Certainty::NotExecuted,
            repeat: Repeat::Never,
        }
    }

    /// The rate is limited; nothing was done.
    pub(crate) fn throttled(error: Error) -> Self {
        Self {
            error,
            certainty: Certainty::NotExecuted,
            repeat: Repeat::Throttled,
        }
    }

    /// The request left, and its fate is open.
    pub(crate) fn uncertain(error: Error, repeat: Repeat) -> Self {
        Self {
            error,
            certainty: Certainty::MaybeExecuted,
            repeat,
        }
    }

    /// No complete answer came.
    pub(crate) fn transport(error: TransportError) -> Self {
        let (reason, message, repeat) = match &error {
            TransportError::ForeignHost => (
                Reason::Internal,
                "the request would leave the configured host",
                Repeat::Never,
            ),
            TransportError::Connect(_) | TransportError::ConnectTimeout => (
                Reason::UpstreamUnavailable,
                "WeChat cannot be reached",
                Repeat::Transient,
            ),
            TransportError::Proxy(fault, _) => proxy::told(*fault),
            TransportError::Tls(_) => (
                Reason::UpstreamTls,
                "WeChat's server could not prove who it is",
                Repeat::Transient,
            ),
            TransportError::Broken(_) => (
                Reason::UpstreamUnavailable,
                "the connection to WeChat broke",
                Repeat::Transient,
            ),
            TransportError::KeptBack => (
                Reason::Store,
                "the gateway has lost touch with its store, so that another replica may run the change",
                Repeat::Never,
            ),
            TransportError::Timeout => (
                Reason::UpstreamTimeout,
                "WeChat did not answer in time",
                Repeat::Transient,
            ),
            TransportError::TooLarge { .. } => (
                Reason::UpstreamTooLarge,
                "the answer is larger than the bound",
                Repeat::Never,
            ),
        };
        let certainty = if error.nothing_sent() {
            Certainty::NotExecuted
        } else {
            Certainty::MaybeExecuted
        };
        let mut told = Error::new(reason, message);
        if let TransportError::Proxy(fault, _) = &error {
            told = told.with_remedy(proxy::remedy(*fault));
        }
        Self {
            error: told.with_source(error),
            certainty,
            repeat,
        }
    }

    /// Says what it shows of the host, and of the proxy on the way to it. Only what was sent is asked about.
    pub(crate) fn verdict(&self) -> Verdict {
        match self.proxy_fault() {
            Some(fault) => proxy::verdict(fault),
            None if self.blames_host() => Verdict::of_host(Outcome::Bad),
            None => Verdict::of_host(Outcome::Good),
        }
    }

    /// Tells whether it speaks against the host: it could not be reached, gave no answer, one of 5xx, or one
    /// that nobody signed who should have. A refusal, of the rate included, speaks for it; a proxy that does not work
    /// says nothing of it. Only what was sent is asked about.
    pub(crate) fn blames_host(&self) -> bool {
        if let Some(fault) = self.proxy_fault() {
            return proxy::verdict(fault).host == Outcome::Bad;
        }
        match self.error.reason() {
            Reason::UpstreamTimeout | Reason::UpstreamTls | Reason::UpstreamUnverified => true,
            Reason::UpstreamUnavailable => match self.error.upstream() {
                None => true,
                Some(upstream) => upstream.http_status >= 500,
            },
            _ => false,
        }
    }

    /// Why the proxy made no tunnel, if that is what has failed.
    fn proxy_fault(&self) -> Option<ProxyFault> {
        let source = std::error::Error::source(&self.error)?;
        match source.downcast_ref::<TransportError>()? {
            TransportError::Proxy(fault, _) => Some(*fault),
            _ => None,
        }
    }

    /// Makes the error that the caller gets.
    ///
    /// After a write whose fate is open, by this attempt or an earlier one, no refusal is a clean
    /// failure: a second attempt may be refused just because the first one ran.
    ///
    /// A used request number speaks for itself: it says that this change, or another one under the
    /// same number, has run.
    pub(crate) fn conclude(self, sending: Sending, earlier: Certainty) -> Error {
        let open =
            self.certainty == Certainty::MaybeExecuted || earlier == Certainty::MaybeExecuted;
        let says_more = self.error.reason() == Reason::RequestNumberUsed;
        let error = if sending.is_write() && open && !says_more {
            outcome_unknown(sending, self.error)
        } else {
            self.error
        };
        named(error, sending.operation)
    }
}

/// Names the operation, unless the failure was that of another one on the way.
pub(crate) fn named(error: Error, operation: &'static Operation) -> Error {
    match error.operation() {
        Some(_) => error,
        None => error.with_operation(operation.id),
    }
}

/// Says that a write may have run; what happened becomes the source, and a hint.
pub(crate) fn outcome_unknown(sending: Sending, cause: Error) -> Error {
    let mut error = Error::new(
        Reason::OutcomeUnknown,
        format!(
            "the request was sent, and no verified answer tells whether it ran: {}",
            cause.message()
        ),
    );
    if let Some(upstream) = cause.upstream() {
        error = error.with_upstream(upstream.clone());
    }
    if let Some(retry_after) = cause.retry_after() {
        error = error.with_retry_after(retry_after);
    }
    if let Some(remedy) = cause.remedy() {
        error = error.with_remedy(remedy);
    }
    if sending.is_repeatable_by_caller {
        // The same number or the same absolute values again cannot act twice.
        error = error.mark_retryable();
    }
    error.with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{READ, WRITE, WRITE_NUMBERED};

    fn refused() -> Failure {
        Failure::refused(Error::new(Reason::UpstreamRefused, "refused"))
    }

    fn timed_out() -> Failure {
        Failure::transport(TransportError::Timeout)
    }

    #[test]
    fn only_a_write_has_an_unknown_outcome() {
        let never = Certainty::NotExecuted;
        assert_eq!(
            timed_out().conclude(READ, never).reason(),
            Reason::UpstreamTimeout
        );
        let error = timed_out().conclude(WRITE, never);
        assert_eq!(error.reason(), Reason::OutcomeUnknown);
        assert!(error.may_have_executed() && !error.is_retryable());
        assert!(timed_out().conclude(WRITE_NUMBERED, never).is_retryable());
        let error = Failure::transport(TransportError::ConnectTimeout).conclude(WRITE, never);
        assert_eq!(error.reason(), Reason::UpstreamUnavailable);
        assert!(!error.may_have_executed());
    }

    #[test]
    fn a_used_request_number_says_more_than_an_unknown_outcome() {
        let used = Failure::refused(Error::new(Reason::RequestNumberUsed, "used"));
        let error = used.conclude(WRITE_NUMBERED, Certainty::MaybeExecuted);
        assert_eq!(error.reason(), Reason::RequestNumberUsed);
        assert!(error.may_have_executed() && !error.is_retryable());
    }

    #[test]
    fn the_hint_of_an_unknown_outcome_is_what_happened() {
        let error = timed_out().conclude(WRITE, Certainty::NotExecuted);
        assert!(
            error.message().contains("did not answer in time"),
            "{error}"
        );
    }

    #[test]
    fn a_refusal_after_an_open_attempt_is_not_a_clean_failure() {
        let open = Certainty::MaybeExecuted;
        assert_eq!(
            refused().conclude(WRITE_NUMBERED, open).reason(),
            Reason::OutcomeUnknown
        );
        assert_eq!(
            refused().conclude(READ, open).reason(),
            Reason::UpstreamRefused
        );
        assert_eq!(
            refused()
                .conclude(WRITE_NUMBERED, Certainty::NotExecuted)
                .reason(),
            Reason::UpstreamRefused
        );
    }
}
