//! A response body with a hook at its end.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

/// What is told about a response body. It is dropped when the body is: after the last frame, or
/// when the caller went away.
pub(crate) trait Hook: Send + Unpin + 'static {
    /// Sees the trailers before they are sent.
    fn trailers(&mut self, trailers: &mut HeaderMap) {
        let _ = trailers;
    }
}

/// Attaches `hook` to `body`.
pub(crate) fn hooked(body: Body, hook: impl Hook) -> Body {
    Body::new(Hooked { body, hook })
}

struct Hooked<H> {
    body: Body,
    hook: H,
}

impl<H: Hook> http_body::Body for Hooked<H> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let mut polled = Pin::new(&mut this.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &mut polled
            && let Some(trailers) = frame.trailers_mut()
        {
            this.hook.trailers(trailers);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
