//! Who hears of ends that no caller hears of.

use kabao_api::ChangeState;

use crate::store::ChangeKey;

/// Hears of changes that ended without a call of their own: the reconciler or a later change has found out. Whoever asks
/// under the id of the change hears of it by the [`Witness`](kabao_api::Witness) of that call instead.
///
/// Implementations return at once.
pub trait ChangeObserver: Send + Sync {
    /// A change has ended, durably. `method` is what was asked for.
    fn ended(&self, key: &ChangeKey, method: &str, state: ChangeState);
}
