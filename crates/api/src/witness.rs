//! Who writes down what a call has changed.

use crate::ChangeState;

/// Hears what becomes of the change that a call asks for, also once its caller has left.
///
/// It travels in the [`CallContext`](crate::CallContext). Implementations return at once.
pub trait Witness: Send + Sync {
    /// An answer to a write of the call names this id of WeChat's (`Request-ID`), whether or not the answer is believed.
    fn answered(&self, upstream_request_id: &str);

    /// The journal has written, durably, how the change stands.
    fn written(&self, state: ChangeState);
}
