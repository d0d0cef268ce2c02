//! What a connection is taken for, and how that ends.

use std::sync::Arc;

use kabao_journal::StoreError;
use tokio::time::Instant;

use crate::observer::{Failure, StoreObserver};

/// Tells an observer once how an operation ended, also if its user leaves in the middle.
pub(super) struct Work {
    observer: Arc<dyn StoreObserver>,
    operation: &'static str,
    begun: Instant,
    failure: Option<Failure>,
}

impl Work {
    /// Begins it now.
    pub(super) fn begin(observer: Arc<dyn StoreObserver>, operation: &'static str) -> Self {
        Self {
            observer,
            operation,
            begun: Instant::now(),
            failure: Some(Failure::Cancelled),
        }
    }

    /// It fails with this.
    pub(super) fn fail(&mut self, error: &StoreError) {
        self.failure = Some(Failure::of(error));
    }

    /// Ends it well.
    pub(super) fn done(mut self) {
        self.failure = None;
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let took = self.begun.elapsed();
        self.observer
            .operation_ended(self.operation, took, self.failure);
    }
}
