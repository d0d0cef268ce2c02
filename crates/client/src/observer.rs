//! What a client tells whoever counts.

use kabao_api::AccountId;
use kabao_auth::VerificationError;
use kabao_models::Operation;

/// Hears of what the log alone would bury. Implementations must return at once.
#[cfg_attr(test, mockall::automock)]
pub trait Observer: Send + Sync {
    /// An answer was not believed.
    fn answer_discarded(&self, account: &AccountId, operation: &'static Operation, why: Discarded);
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
