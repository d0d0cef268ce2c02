//! Time and randomness, which come from outside.

use std::time::SystemTime;

use kabao_api::RequestId;

/// The wall clock, which only dates records, and the source of request ids that no caller gave.
#[cfg_attr(test, mockall::automock)]
pub trait Clock: Send + Sync {
    /// Returns the time.
    fn now(&self) -> SystemTime;

    /// Makes a request id that nobody has used; `None` if the system gives no randomness.
    fn request_id(&self) -> Option<RequestId>;
}
