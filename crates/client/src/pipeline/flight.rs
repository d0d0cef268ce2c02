//! One attempt as those see it who judge WeChat by it.

use std::time::Duration;

use kabao_models::Operation;
use tokio::time::Instant;

use super::admission::{Permit, Sign};
use super::answer::Accepted;
use super::failure::Failure;

/// Follows an attempt from its sending to the verdict over it. Dropped before that, it was broken off.
pub(crate) struct Flight<'p> {
    permit: &'p Permit,
    operation: &'static Operation,
    /// When the request left.
    left: Option<Instant>,
    /// How long it took until an answer came, or it was clear that none comes.
    took: Option<Duration>,
}

impl<'p> Flight<'p> {
    pub(crate) fn new(permit: &'p Permit, operation: &'static Operation) -> Self {
        Self {
            permit,
            operation,
            left: None,
            took: None,
        }
    }

    /// The request leaves now.
    pub(crate) fn leave(&mut self) {
        self.left = Some(Instant::now());
        self.took = None;
    }

    /// An answer has come, or will not come.
    pub(crate) fn land(&mut self) {
        self.took = self.left.map(|left| left.elapsed());
    }

    /// The verdict. What never left says nothing.
    pub(crate) fn judge(mut self, result: &Result<Accepted, Failure>) {
        let sign = match result {
            Err(failure) if failure.blames_host() => Sign::Failed,
            _ => Sign::Answered,
        };
        if let (Some(_), Some(took)) = (self.left.take(), self.took) {
            self.permit.note(self.operation, sign, took);
        }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if let Some(left) = self.left.take() {
            let took = left.elapsed();
            self.permit.note(self.operation, Sign::BrokenOff, took);
        }
    }
}
