//! What a client tells whoever counts.

use std::time::Duration;

use kabao_api::{AccountId, Reason};
use kabao_auth::VerificationError;
use kabao_models::Operation;

/// The target of the spans of attempts, for whoever exports or leaves out spans. They hold an operation, an account, a
/// host, a status and a reason, and nothing that was sent.
pub const ATTEMPTS: &str = "kabao_client::attempts";

/// Hears of what the log alone would bury. Implementations must return at once.
#[cfg_attr(test, mockall::automock)]
pub trait Observer: Send + Sync {
    /// An answer was not believed.
    fn answer_discarded(&self, account: &AccountId, operation: &'static Operation, why: Discarded);

    /// A call has ended, with all its attempts.
    fn call_ended(&self, account: &AccountId, operation: &'static Operation, end: End) {
        let _ = (account, operation, end);
    }

    /// An attempt at one host has ended. `status` is that of the last HTTP answer, if there was one.
    fn attempt_ended(
        &self,
        operation: &'static Operation,
        host: Host,
        status: Option<u16>,
        end: End,
    ) {
        let _ = (operation, host, status, end);
    }

    /// The time of a write's caller was up while the request was in flight: the caller was told
    /// `OUTCOME_UNKNOWN`, and the call goes on.
    fn call_released(&self, account: &AccountId, operation: &'static Operation) {
        let _ = (account, operation);
    }
}

/// How a call or an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct End {
    /// Why it failed; `None` for a success. What nobody waited for any more is `CANCELLED`.
    pub failure: Option<Reason>,
    /// How long it took.
    pub took: Duration,
}

impl End {
    /// Says how something ended, and after how long.
    pub const fn new(failure: Option<Reason>, took: Duration) -> Self {
        Self { failure, took }
    }
}

/// Which of an account's hosts an attempt went to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Host {
    /// The one that is used as a rule.
    Main,
    /// The one that stands in for it.
    Backup,
}

impl Host {
    /// Returns the name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Backup => "backup",
        }
    }
}

/// Why an answer was not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Discarded {
    /// It carries no signature.
    Unsigned,
    /// WeChat probes whether signatures are checked.
    Probe,
    /// Its timestamp is too far from the clock.
    Stale,
    /// It was received before.
    Replayed,
    /// It names a key that the account does not trust.
    UnknownKey,
    /// Its signature does not hold.
    WrongSignature,
    /// It is about something else than was asked for.
    Foreign,
}

impl Discarded {
    /// Returns the name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Probe => "probe",
            Self::Stale => "stale",
            Self::Replayed => "replayed",
            Self::UnknownKey => "unknown_key",
            Self::WrongSignature => "wrong_signature",
            Self::Foreign => "foreign",
        }
    }
}

impl From<&VerificationError> for Discarded {
    fn from(error: &VerificationError) -> Self {
        match error {
            VerificationError::Probe => Self::Probe,
            VerificationError::StaleTimestamp => Self::Stale,
            VerificationError::UnknownKey(_) => Self::UnknownKey,
            _ => Self::WrongSignature,
        }
    }
}
