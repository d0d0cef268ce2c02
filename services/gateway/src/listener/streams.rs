//! Lets go of calls whose caller does not take the answer.
//!
//! hyper hands a piece of an answer to HTTP/2 as soon as the caller's window has room for its first byte, and then waits
//! for room for the next one without a limit, with the call in flight. So an answer is cut into pieces here, and the
//! time between one piece and the next is measured in the task that sends them. What an answer waits for on our side,
//! such as the next message of a watch, is no such time.
//!
//! The last piece is small: it may lie in the connection for as long as that lives, and is all that does.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::rt::Executor;
use tokio::time::{Instant, Sleep, sleep_until};

use super::together::Pace;

/// What a frame of HTTP/2 holds unless the peers agree on more.
const PIECE: usize = 16 * 1024;
/// The most that the last piece of an answer has.
const LAST: usize = 1024;

tokio::task_local! {
    /// Of the stream whose task runs.
    static HANDED: Arc<Handed>;
}

/// Runs the streams of a connection, each in a task of its own if it is not answered already, and resets one whose answer is not taken.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    patience: Duration,
    pace: Pace,
}

impl Streams {
    /// Runs those of the connection of this pace, and waits for `patience` until a caller takes the next piece.
    pub(super) fn new(patience: Duration, pace: Pace) -> Self {
        Self { patience, pace }
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        if !self.pace.is_answered() {
            tokio::spawn(run(stream, self.patience));
            return;
        }
        // It has nothing to wait for but its last step.
        let mut stream = Box::pin(stream);
        let mut unheard = Context::from_waker(Waker::noop());
        if stream.as_mut().poll(&mut unheard).is_pending() {
            tokio::spawn(run(stream, self.patience));
        }
    }
}

/// Runs `stream` to its end, or until the peer has not taken a piece for `patience`: dropping it resets it.
async fn run(stream: impl Future<Output = ()>, patience: Duration) {
    let handed = Arc::new(Handed::default());
    let mut stream = pin!(HANDED.scope(Arc::clone(&handed), stream));
    let mut waiting: Option<Waiting> = None;
    std::future::poll_fn(|cx| {
        if stream.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let Some(piece) = handed.piece() else {
            waiting = None;
            return Poll::Pending;
        };
        if waiting.as_ref().is_none_or(|known| known.piece != piece) {
            let alarm = Box::pin(sleep_until(Instant::now() + patience));
            waiting = Some(Waiting { piece, alarm });
        }
        let late = waiting
            .as_mut()
            .map(|waiting| waiting.alarm.as_mut().poll(cx));
        match late {
            Some(Poll::Ready(())) => {
                tracing::debug!("a caller does not take its answer; the stream is reset");
                Poll::Ready(())
            }
            _ => Poll::Pending,
        }
    })
    .await;
}

/// For a caller that has no room for a piece.
struct Waiting {
    piece: u64,
    alarm: Pin<Box<Sleep>>,
}

/// Counts the pieces of an answer: each once when it is handed over, and once more when the next is asked for.
#[derive(Debug, Default)]
struct Handed(AtomicU64);

impl Handed {
    /// The number of the piece for which there is no room yet, if there is one.
    fn piece(&self) -> Option<u64> {
        let count = self.0.load(Ordering::Relaxed);
        (count % 2 == 1).then_some(count)
    }

    fn hand_over(&self) {
        self.0.fetch_or(1, Ordering::Relaxed);
    }

    fn ask(&self) {
        if self.piece().is_some() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The body of an answer, in pieces.
#[derive(Debug)]
pub(super) struct Pieces<B> {
    body: B,
    rest: Bytes,
    handed: Option<Arc<Handed>>,
}

impl<B> Pieces<B> {
    /// Cuts `body` into pieces and tells of them to the stream whose task runs.
    pub(super) fn new(body: B) -> Self {
        Self {
            body,
            rest: Bytes::new(),
            handed: HANDED.try_with(Arc::clone).ok(),
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Pieces<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        if let Some(handed) = &this.handed {
            handed.ask();
        }
        let data = match this.rest.is_empty() {
            false => std::mem::take(&mut this.rest),
            true => match std::task::ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => return Poll::Ready(other),
            },
        };
        this.rest = data;
        let piece = this.rest.split_to(cut(this.rest.len()));
        if let Some(handed) = &this.handed {
            handed.hand_over();
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        let inner = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(rest));
        if let Some(upper) = inner.upper().and_then(|upper| upper.checked_add(rest)) {
            hint.set_upper(upper);
        }
        hint
    }
}

/// Bytes of the next piece of `length`.
fn cut(length: usize) -> usize {
    match length {
        0..=LAST => length,
        _ => PIECE.min(length - LAST),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::{BodyExt, Full};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn an_answer_stays_the_same_and_its_last_piece_is_small() {
        for length in [0, 1, LAST, LAST + 1, PIECE, PIECE + LAST, 5 * PIECE + 7] {
            let all: Vec<u8> = (0..=255).cycle().take(length).collect();
            let mut body = Pieces::new(Full::new(Bytes::from(all.clone())));
            assert_eq!(body.size_hint().exact(), u64::try_from(length).ok());
            let mut got = Vec::new();
            let mut last = 0;
            while let Some(frame) = body.frame().await {
                let piece = frame.unwrap().into_data().unwrap();
                assert!(piece.len() <= PIECE);
                last = piece.len();
                got.extend_from_slice(&piece);
                let left = u64::try_from(length - got.len()).ok();
                assert_eq!(body.size_hint().exact(), left);
            }
            assert!(body.is_end_stream());
            assert_eq!(got, all);
            assert!(last <= LAST, "{last} of {length}");
        }
    }

    /// Takes a piece after each of `waits`, as hyper does when the peer's window opens, and then none any more. Returns
    /// whether the stream was let go of.
    async fn taking(length: usize, waits: impl IntoIterator<Item = Duration>) -> bool {
        let whole = Arc::new(());
        let alive = Arc::downgrade(&whole);
        let waits: Vec<_> = waits.into_iter().collect();
        let stream = async move {
            let _whole = whole;
            let mut body = Pieces::new(Full::new(Bytes::from(vec![0; length])));
            for wait in waits {
                let _ = body.frame().await;
                tokio::time::sleep(wait).await;
            }
            if body.frame().await.is_some() {
                std::future::pending::<()>().await;
            }
        };
        Streams::new(10 * SECOND, Pace::default()).execute(stream);
        tokio::time::sleep(1000 * SECOND).await;
        alive.upgrade().is_none()
    }

    #[tokio::test(start_paused = true)]
    async fn a_piece_that_is_not_taken_ends_the_stream() {
        assert!(taking(1, []).await);
        assert!(taking(100 * PIECE, [9 * SECOND, 9 * SECOND]).await);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_counts_for_each_piece() {
        let start = Instant::now();
        let ended = Arc::new(std::sync::Mutex::new(None));
        let note = Arc::clone(&ended);
        let stream = async move {
            let mut body = Pieces::new(Full::new(Bytes::from(vec![0; 100 * PIECE])));
            for _ in 0..5 {
                let _ = body.frame().await;
                tokio::time::sleep(9 * SECOND).await;
            }
            *note.lock().unwrap() = Some(start.elapsed());
        };
        Streams::new(10 * SECOND, Pace::default()).execute(stream);
        tokio::time::sleep(100 * SECOND).await;
        assert_eq!(*ended.lock().unwrap(), Some(45 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_has_nothing_to_say_is_waited_for() {
        let (said, hear) = tokio::sync::oneshot::channel();
        let stream = async move {
            let mut body = Pieces::new(Silent);
            let _ = tokio::time::timeout(900 * SECOND, body.frame()).await;
            said.send(()).unwrap();
        };
        Streams::new(10 * SECOND, Pace::default()).execute(stream);
        hear.await.unwrap();
    }

    /// A body that is open and says nothing.
    struct Silent;

    impl Body for Silent {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }
}
