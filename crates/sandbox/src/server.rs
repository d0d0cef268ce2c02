//! Sockets: TLS, HTTP/1.1 with limits, bounded shutdown.

mod body;
mod connections;
mod outcome;
mod tls;

pub(crate) use self::body::AnswerBody;
pub(crate) use self::connections::{Service, serve};
pub(crate) use self::outcome::Outcome;
pub(crate) use self::tls::acceptor;
