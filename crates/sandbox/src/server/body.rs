//! Bodies of answers: whole, cut short, or as long as a fault wants.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The chunk of which endless bodies are made.
static BLANKS: [u8; 16 * 1024] = [b' '; 16 * 1024];

/// The body of an answer.
pub(crate) struct AnswerBody(Content);

enum Content {
    Whole(Bytes),
    Nothing {
        told: bool,
    },
    Endless {
        remaining: u64,
    },
    Truncated {
        first: Option<Bytes>,
        announced: u64,
    },
}

impl AnswerBody {
    /// These bytes.
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self(Content::Whole(bytes.into()))
    }

    /// No bytes, announced as such: hyper drops the `Content-Length: 0` of a 204 whose body has
    /// already ended.
    pub(crate) fn nothing() -> Self {
        Self(Content::Nothing { told: false })
    }

    /// Returns what is sent, unless it is made while it is sent.
    pub(crate) fn bytes(&self) -> Bytes {
        match &self.0 {
            Content::Whole(bytes) => bytes.clone(),
            Content::Truncated { first, .. } => first.clone().unwrap_or_default(),
            Content::Endless { .. } | Content::Nothing { .. } => Bytes::new(),
        }
    }

    /// This many blanks, made as they are sent.
    pub(crate) fn endless(bytes: u64) -> Self {
        Self(Content::Endless { remaining: bytes })
    }

    /// Announces all bytes, sends half of them and fails.
    pub(crate) fn truncated(bytes: Bytes) -> Self {
        let announced = bytes.len().max(2);
        let first = bytes.slice(..bytes.len() / 2);
        Self(Content::Truncated {
            first: Some(first),
            announced: u64::try_from(announced).unwrap_or(u64::MAX),
        })
    }
}

/// The rest of a truncated body does not come.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body is cut short on purpose")
    }
}

impl std::error::Error for Cut {}

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let next = match &mut self.0 {
            Content::Whole(bytes) if bytes.is_empty() => None,
            Content::Nothing { told } => {
                *told = true;
                None
            }
            Content::Whole(bytes) => Some(Ok(std::mem::take(bytes))),
            Content::Endless { remaining: 0 } => None,
            Content::Endless { remaining } => {
                let length = usize::try_from(*remaining)
                    .unwrap_or(usize::MAX)
                    .min(BLANKS.len());
                *remaining = remaining.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
                Some(Ok(Bytes::from_static(
                    BLANKS.get(..length).unwrap_or(&BLANKS),
                )))
            }
            Content::Truncated { first, .. } => match first.take() {
                Some(bytes) if !bytes.is_empty() => Some(Ok(bytes)),
                _ => Some(Err(Cut)),
            },
        };
        Poll::Ready(next.map(|next| next.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Nothing { told } => *told,
            Content::Endless { remaining } => *remaining == 0,
            Content::Truncated { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Whole(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            Content::Nothing { .. } => SizeHint::with_exact(0),
            Content::Endless { remaining } => SizeHint::with_exact(*remaining),
            Content::Truncated { announced, .. } => SizeHint::with_exact(*announced),
        }
    }
}
