//! The body of a request, which leaves only if it still may when there is a connection.
//!
//! Whoever may change a member asks before an attempt, and then it takes up to seconds until a connection is there. Without
//! its body no request is whole, so the body asks again.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use kabao_api::Entry;

/// One body in one piece.
pub(super) struct Departing {
    body: Option<Bytes>,
    gate: Option<Arc<Gate>>,
}

/// Whom to ask, and what came of it.
pub(super) struct Gate {
    entry: Arc<dyn Entry>,
    is_closed: AtomicBool,
}

/// The body was kept back.
#[derive(Debug, thiserror::Error)]
#[error("the request may not leave any more")]
pub(super) struct KeptBack;

impl Gate {
    pub(super) fn new(entry: Arc<dyn Entry>) -> Arc<Self> {
        Arc::new(Self {
            entry,
            is_closed: AtomicBool::new(false),
        })
    }

    /// Tells whether the body was kept back, so that the request was never whole.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }
}

impl Departing {
    pub(super) fn new(body: Bytes, gate: Option<Arc<Gate>>) -> Self {
        Self {
            body: Some(body).filter(|body| !body.is_empty()),
            gate,
        }
    }
}

impl Body for Departing {
    type Data = Bytes;
    type Error = KeptBack;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, KeptBack>>> {
        let Some(body) = self.body.take() else {
            return Poll::Ready(None);
        };
        if let Some(gate) = &self.gate
            && !gate.entry.may_still_leave()
        {
            gate.is_closed.store(true, Ordering::Release);
            return Poll::Ready(Some(Err(KeptBack)));
        }
        Poll::Ready(Some(Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.body.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
    }
}
