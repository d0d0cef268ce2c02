//! The body of a request, of which the beginning was looked at.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};

/// Flag and length before a message.
const PREFIX: usize = 5;

/// The body of a request whose beginning was looked at.
pub(crate) struct Begun<B: HttpBody> {
    first: Option<Result<Frame<Bytes>, B::Error>>,
    body: B,
}

impl<B> Begun<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    pub(super) fn new(body: B) -> Self {
        Self { first: None, body }
    }

    /// Returns the only message, if it is there already and as it is.
    pub(super) fn whole(&mut self) -> Option<Bytes> {
        if self.first.is_none() && !self.body.is_end_stream() {
            // Whoever reads the body afterwards asks once more to be woken.
            let mut unheard = Context::from_waker(Waker::noop());
            match Pin::new(&mut self.body).poll_frame(&mut unheard) {
                Poll::Ready(frame) => self.first = frame,
                Poll::Pending => return None,
            }
        }
        if !self.body.is_end_stream() {
            return None;
        }
        let mut data = self.first.as_ref()?.as_ref().ok()?.data_ref()?.clone();
        if data.remaining() < PREFIX || data.get_u8() != 0 {
            return None;
        }
        let length = usize::try_from(data.get_u32()).ok()?;
        (data.len() == length).then_some(data)
    }
}

impl<B> HttpBody for Begun<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        match this.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => Pin::new(&mut this.body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().and_then(|first| first.as_ref().ok());
        let first = first.and_then(Frame::data_ref).map_or(0, Bytes::len);
        let first = u64::try_from(first).unwrap_or(u64::MAX);
        let rest = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(first));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(first)) {
            hint.set_upper(upper);
        }
        hint
    }
}
