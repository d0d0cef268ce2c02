//! Tasks that end with a value.

use tokio::task::AbortHandle;

/// A task that ends with this value.
#[derive(Debug)]
pub(crate) struct AbortOnDrop(pub(crate) AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
