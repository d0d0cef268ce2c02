//! The port where callers come in.
//!
//! The accept loop is our own and not tonic's, because every stage of a connection needs a bound that tonic does not
//! offer: the number of connections, the TLS handshake, the first bytes of HTTP/2, the age with jitter, and above all
//! the time that a drain may take.

mod bind;
mod complaints;
mod conduct;
mod connection;
mod evictions;
mod frames;
mod grpc;
mod guarded;
mod preface;
mod refusals;
mod service;
mod settings;
mod streams;
mod together;
mod trust;

pub use self::bind::BindError;
pub(crate) use self::bind::bind;
pub(crate) use self::connection::ConnectionOptions;
pub(crate) use self::grpc::Grpc;
pub use self::settings::{Limits, Timeouts};
