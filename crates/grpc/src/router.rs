//! Sends each request to the service that its path names.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower_service::Service;

use crate::layer::{Answer, at_once};

/// A service of gRPC: what generated servers are, and the family services.
pub(crate) trait GrpcServer:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = Answer>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> GrpcServer for S where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = Answer>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// The services of a server by their names.
#[derive(Clone, Default)]
pub(crate) struct Router(Arc<HashMap<&'static str, Box<dyn Serve>>>);

/// Collects services.
#[derive(Default)]
pub(crate) struct RouterBuilder {
    services: HashMap<&'static str, Box<dyn Serve>>,
    names: Vec<&'static str>,
}

impl RouterBuilder {
    /// Takes one service.
    pub(crate) fn add<S: GrpcServer + NamedService>(&mut self, service: S) {
        self.add_named(S::NAME, service);
    }

    /// Takes one service by its full name.
    pub(crate) fn add_named(&mut self, name: &'static str, service: impl GrpcServer) {
        self.names.push(name);
        self.services.insert(name, Box::new(service));
    }

    /// Takes one service by its full name that is not told to whoever asks which there are.
    pub(crate) fn add_unlisted(&mut self, name: &'static str, service: impl GrpcServer) {
        self.services.insert(name, Box::new(service));
    }

    /// Returns the names of what was taken so far and is listed, in that order.
    pub(crate) fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// Returns the router of what was taken.
    pub(crate) fn build(self) -> Router {
        Router(Arc::new(self.services))
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Service<Request<Body>> for Router {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    /// Generated servers are always ready.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        let path = request.uri().path().strip_prefix('/');
        let service = path
            .and_then(|path| path.split_once('/'))
            .and_then(|(service, _)| self.0.get(service));
        match service {
            Some(service) => service.serve(request),
            None => at_once(unimplemented()),
        }
    }
}

/// The answer to a call of a method that nobody has.
pub(crate) fn unimplemented() -> Response<Body> {
    Status::unimplemented("").into_http()
}

/// A service that many connections share.
trait Serve: Send + Sync {
    fn serve(&self, request: Request<Body>) -> Answer;
}

impl<S: GrpcServer> Serve for S {
    fn serve(&self, request: Request<Body>) -> Answer {
        self.clone().call(request)
    }
}
