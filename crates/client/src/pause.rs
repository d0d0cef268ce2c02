//! After a failure nothing is tried for a while; what is refused meanwhile hears the failure again.

use std::time::Duration;

use kabao_api::{Error, Reason, UpstreamError};
use tokio::time::Instant;

/// The first pause of a row; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// No pause is longer.
const LONGEST: Duration = Duration::from_secs(60);

/// Failures in a row, and the pause after the last one.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    failures: u32,
    current: Option<Pause>,
}

/// Until when nothing is tried, and what went wrong.
#[derive(Debug)]
struct Pause {
    until: Instant,
    reason: Reason,
    message: String,
    remedy: Option<String>,
    operation: Option<&'static str>,
    upstream: Option<UpstreamError>,
    retryable: bool,
}

impl Pauses {
    /// Notes that something failed at `at`, and gives the failure with the length of the pause, which
    /// helps only if it passes by itself.
    pub(crate) fn failed(&mut self, error: Error, at: Instant) -> Error {
        let length = FIRST.saturating_mul(1 << self.failures.min(6)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.current = Some(Pause {
            until: at + length,
            reason: error.reason(),
            message: error.message().to_owned(),
            remedy: error.remedy().map(str::to_owned),
            operation: error.operation(),
            upstream: error.upstream().cloned(),
            retryable: error.is_retryable(),
        });
        match error.is_retryable() {
            true => error.with_retry_after(length),
            false => error,
        }
    }

    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// Returns the last failure again, with the rest of the pause, while there is one.
    pub(crate) fn refusal(&self, now: Instant) -> Option<Error> {
        let pause = self.current.as_ref().filter(|pause| now < pause.until)?;
        let mut error = Error::new(pause.reason, pause.message.clone());
        if let Some(remedy) = &pause.remedy {
            error = error.with_remedy(remedy.clone());
        }
        if let Some(operation) = pause.operation {
            error = error.with_operation(operation);
        }
        if let Some(upstream) = &pause.upstream {
            error = error.with_upstream(upstream.clone());
        }
        Some(match pause.retryable {
            true => error.with_retry_after(pause.until - now).mark_retryable(),
            false => error.mark_not_retryable(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_with_every_failure_until_a_success() {
        let away = || Error::new(Reason::UpstreamUnavailable, "WeChat is away");
        let mut pauses = Pauses::default();
        let mut now = Instant::now();
        assert!(pauses.refusal(now).is_none());
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            let length = Duration::from_secs(seconds);
            assert_eq!(pauses.failed(away(), now).retry_after(), Some(length));
            let refusal = pauses.refusal(now + length / 4).unwrap();
            assert_eq!(refusal.retry_after(), Some(length - length / 4));
            assert!(refusal.is_retryable() && refusal.message().contains("WeChat is away"));
            now += length;
            assert!(pauses.refusal(now).is_none());
        }
        pauses.succeeded();
        let again = pauses.failed(away(), now);
        assert_eq!(again.retry_after(), Some(Duration::from_secs(1)));
    }

    #[test]
    fn what_does_not_pass_by_itself_invites_nobody_to_repeat() {
        let mut pauses = Pauses::default();
        let now = Instant::now();
        let wrong = Error::new(Reason::CredentialRejected, "the secret is wrong")
            .with_remedy("configure the right one")
            .with_operation("official_account.token.get");
        assert_eq!(pauses.failed(wrong, now).retry_after(), None);
        let refusal = pauses.refusal(now).unwrap();
        assert_eq!(refusal.reason(), Reason::CredentialRejected);
        assert_eq!(refusal.remedy(), Some("configure the right one"));
        assert_eq!(refusal.operation(), Some("official_account.token.get"));
        assert!(!refusal.is_retryable() && refusal.retry_after().is_none());
    }
}
