//! What connections are served by.

/// The service behind the gRPC listener: takes requests as hyper has them, and never fails.
pub(crate) trait GrpcService:
    tower_service::Service<
        http::Request<hyper::body::Incoming>,
        Response = http::Response<tonic::body::Body>,
        Error = std::convert::Infallible,
        Future = kabao_grpc::GrpcFuture,
    > + Clone
    + Send
    + 'static
{
}

impl<S> GrpcService for S where
    S: tower_service::Service<
            http::Request<hyper::body::Incoming>,
            Response = http::Response<tonic::body::Body>,
            Error = std::convert::Infallible,
            Future = kabao_grpc::GrpcFuture,
        > + Clone
        + Send
        + 'static
{
}
