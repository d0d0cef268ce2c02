//! A connector with one bound over name resolution, TCP and TLS.

use std::error::Error as StdError;
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Duration;

use http::Uri;
use tower_service::Service;

use super::error::ConnectTimedOut;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Bounds the whole of a connection attempt.
#[derive(Clone)]
pub(super) struct BoundedConnector<C> {
    inner: C,
    limit: Duration,
}

impl<C> BoundedConnector<C> {
    pub(super) fn new(inner: C, limit: Duration) -> Self {
        Self { inner, limit }
    }
}

impl<C> Service<Uri> for BoundedConnector<C>
where
    C: Service<Uri>,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut task::Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.inner.call(uri);
        let limit = self.limit;
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_) => Err(ConnectTimedOut.into()),
            }
        })
    }
}
