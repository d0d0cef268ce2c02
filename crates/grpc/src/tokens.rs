//! Who holds which bearer token.

use std::time::Duration;

use kabao_api::CallerId;

/// Knows the holders of bearer tokens.
pub trait Tokens: Send + Sync {
    /// Returns who holds this token; `None` if nobody does. Takes the same time whoever it is.
    fn holder(&self, token: &str) -> Option<CallerId>;

    /// Returns who holds this token, with which a call began so long ago; `None` if it was taken away since. That its own
    /// time is over by now takes nothing away.
    fn still_holder(&self, token: &str, began: Duration) -> Option<CallerId> {
        let _ = began;
        self.holder(token)
    }
}
