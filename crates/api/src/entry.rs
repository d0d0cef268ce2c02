//! What a journal, a backend and the pipeline tell each other about one change.

use std::any::Any;

use crate::PlannedValue;

/// The entry of a journal for the change that a call is part of.
///
/// A backend that plans a value tells it here before it writes, and asks first whether it was planned
/// before: a change that is taken up again has to become what it was meant to be the first time.
pub trait Entry: Any + Send + Sync {
    /// Returns the value that was planned for this very change before.
    fn planned(&self) -> Option<PlannedValue>;

    /// Says which value the change will write.
    fn plan(&self, value: PlannedValue);

    /// Tells whether a request may leave now. Asked right before each attempt of a write; false if
    /// another process may have taken the change over meanwhile.
    fn may_send(&self) -> bool;

    /// Tells the same once more, when the request is about to leave: a connection may have taken a while.
    fn may_still_leave(&self) -> bool;
}
