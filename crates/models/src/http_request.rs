//! Requests as HTTP has them.

use std::fmt;

use bytes::Bytes;
use http::Method;

/// A request ready to be signed and sent.
#[derive(Clone)]
pub struct Outgoing {
    /// The HTTP method.
    pub method: Method,
    /// Path and query, percent-encoded once; these bytes are signed and sent.
    pub target: String,
    /// The `Content-Type`, absent without a body.
    pub content_type: Option<String>,
    /// The body; these bytes are sent.
    pub body: Bytes,
    /// What is signed in place of the body: the body itself, or the `meta` part of an upload.
    pub signed: Bytes,
}

/// Shows sizes only: target and body hold personal data.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("method", &self.method)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A request as a server received it, already matched against an operation's path.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// The path, percent-encoded as received.
    pub path: &'a str,
    /// The query without `?`, percent-encoded as received.
    pub query: &'a str,
    /// The `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}
