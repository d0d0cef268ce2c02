//! Whether WeChat still takes a credential, as the calls of late have shown.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use kabao_api::{CredentialProblem, Error, Reason};

use crate::portable::unix_seconds;

/// The last problem of one credential and of the keys that belong to it.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// Spares good calls the lock.
    ill: AtomicBool,
    problem: Mutex<Option<Noted>>,
}

#[derive(Debug)]
struct Noted {
    problem: CredentialProblem,
    /// Only a call that encrypts proves that the key to encrypt with is good again.
    by_encryption: bool,
}

impl Health {
    /// Notes that a call was believed and not refused for its credentials.
    pub(crate) fn well(&self, encrypts: bool) {
        if !self.ill.load(Ordering::Acquire) {
            return;
        }
        let mut noted = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        if noted
            .as_ref()
            .is_some_and(|noted| encrypts || !noted.by_encryption)
        {
            *noted = None;
            self.ill.store(false, Ordering::Release);
            tracing::info!("WeChat takes the credential again");
        }
    }

    /// Notes a failure if it is one of the credential or the keys; the first one of a row keeps its
    /// time.
    pub(crate) fn failed(&self, error: &Error, encrypts: bool, now: i64) {
        let reason = error.reason();
        if !matches!(reason, Reason::CredentialRejected | Reason::KeyUnavailable) {
            return;
        }
        let mut noted = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        let since = match noted.as_ref() {
            Some(noted) if noted.problem.reason == reason => Some(noted.problem.since),
            _ => unix_seconds(now),
        };
        let Some(since) = since else { return };
        *noted = Some(Noted {
            problem: CredentialProblem {
                reason,
                message: error.to_string(),
                since,
            },
            // What failed before anything was sent would have failed without a field to encrypt, too.
            by_encryption: encrypts
                && reason == Reason::KeyUnavailable
                && error.upstream().is_some(),
        });
        self.ill.store(true, Ordering::Release);
    }

    /// Returns what is wrong.
    pub(crate) fn problem(&self) -> Option<CredentialProblem> {
        let noted = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        noted.as_ref().map(|noted| noted.problem.clone())
    }
}

#[cfg(test)]
mod tests {
    use kabao_api::UpstreamError;

    use super::*;
    use crate::testing::NOW;

    fn error(reason: Reason) -> Error {
        Error::new(reason, "a test")
    }

    #[test]
    fn a_problem_stays_until_a_call_proves_the_opposite() {
        let health = Health::default();
        health.failed(&error(Reason::UpstreamTimeout), false, NOW);
        health.failed(&error(Reason::MemberNotFound), true, NOW);
        assert_eq!(health.problem(), None);

        health.failed(&error(Reason::CredentialRejected), false, NOW);
        health.failed(&error(Reason::CredentialRejected), false, NOW + 60);
        let problem = health.problem().unwrap();
        assert_eq!(problem.reason, Reason::CredentialRejected);
        assert_eq!(Some(problem.since), unix_seconds(NOW), "since the first");
        health.well(false);
        assert_eq!(health.problem(), None);

        // Reading says nothing about the key that fields are encrypted with.
        let refused = error(Reason::KeyUnavailable).with_upstream(UpstreamError::default());
        health.failed(&refused, true, NOW);
        health.well(false);
        assert!(health.problem().is_some());
        health.well(true);
        assert_eq!(health.problem(), None);
        // It does say that there is a key to sign with.
        health.failed(&error(Reason::KeyUnavailable), true, NOW);
        health.well(false);
        assert_eq!(health.problem(), None);
    }
}
