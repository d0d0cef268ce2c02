//! Futures beside each other, and futures that are given up, on whatever runtime.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

/// Waits for all of them at once.
pub(super) async fn all<F: Future<Output = ()>>(futures: impl Iterator<Item = F>) {
    let mut waiting: Vec<Pin<Box<F>>> = futures.map(Box::pin).collect();
    poll_fn(|context| {
        waiting.retain_mut(|future| future.as_mut().poll(context).is_pending());
        match waiting.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}

/// Begins, and gives up at once.
pub(super) async fn leave_early<F: Future>(future: F) {
    let mut future = pin!(future);
    poll_fn(|context| {
        // Whether it was done already does not matter.
        let _ = future.as_mut().poll(context);
        Poll::Ready(())
    })
    .await;
}
