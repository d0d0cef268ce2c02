//! The connector: what the pool asks for a connection.

use std::pin::Pin;
use std::task::{self, Poll};

use http::Uri;
use hyper_util::rt::TokioIo;
use tower_service::Service;

use super::error::BoxError;
use super::spare::Spares;
use super::watched::Watched;

/// Gives the pool a spare connection, or a new one.
#[derive(Clone)]
pub(super) struct SparingConnector(pub(super) Spares);

impl Service<Uri> for SparingConnector {
    type Response = TokioIo<Watched>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, host: Uri) -> Self::Future {
        let spares = self.0.clone();
        Box::pin(async move { Ok(TokioIo::new(spares.connect(host).await?)) })
    }
}
