//! Answers that are ready together leave together.
//!
//! hyper has the task of a connection woken by each stream that answers, and writes what is there by then: where many calls
//! are answered at once, because they are refused or need nobody else, each answer would be a record of TLS, a call of the
//! kernel and a packet. So what is written while several calls have come waits for one turn of the runtime, in which the
//! others of them get as far. A call that comes alone is answered without that.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What has so many bytes needs no company.
const ENOUGH: usize = 4 * 1024;

/// What a connection tells whoever writes for it. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// How often the task of the connection had its turn.
    turns: AtomicU64,
    /// How many calls have come.
    calls: AtomicU64,
    /// Whether the call that came last was answered when it came.
    is_answered: AtomicBool,
    /// The last turn in which that was so.
    answered_in: AtomicU64,
}

impl Pace {
    /// Notes that the task of the connection has its turn.
    pub(super) fn turn(&self) {
        self.0.turns.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a call has come.
    pub(super) fn called(&self) {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that the call that came last is answered already.
    pub(super) fn answered(&self) {
        self.0.is_answered.store(true, Ordering::Relaxed);
        self.0.answered_in.store(self.turns(), Ordering::Relaxed);
    }

    /// Tells whether the call that came last was answered already; asked once for each.
    pub(super) fn is_answered(&self) -> bool {
        self.0.is_answered.swap(false, Ordering::Relaxed)
    }

    /// Tells whether a call was answered in this turn as it came, so that others may be.
    fn goes_on(&self) -> bool {
        self.0.answered_in.load(Ordering::Relaxed) == self.turns()
    }

    fn turns(&self) -> u64 {
        self.0.turns.load(Ordering::Relaxed)
    }

    fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }
}

/// Holds what is written back for a turn, if several calls have come since the last time.
#[derive(Debug)]
pub(super) struct Together<T> {
    inner: T,
    pace: Pace,
    /// How many calls had come when everything was written.
    answered: u64,
    state: State,
}

/// What becomes of the next bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Nothing,
    /// They wait until this turn is over.
    Held(u64),
    /// They go out, until everything has.
    Writing,
}

impl<T> Together<T> {
    /// Writes to `inner` at the pace of its connection.
    pub(super) fn new(inner: T, pace: Pace) -> Self {
        Self {
            inner,
            answered: pace.calls(),
            pace,
            state: State::Nothing,
        }
    }

    /// Waits for the next turn, if others are about to have something to say as well.
    fn poll_turn(&mut self, cx: &mut Context<'_>, length: usize) -> Poll<()> {
        let turn = self.pace.turns();
        match self.state {
            State::Writing => return Poll::Ready(()),
            State::Held(held) if held == turn => return Poll::Pending,
            State::Held(_) => {}
            State::Nothing => {
                let are_many = self.pace.calls().wrapping_sub(self.answered) > 1;
                if (are_many || self.pace.goes_on()) && length < ENOUGH {
                    self.state = State::Held(turn);
                    // Behind all that are ready by now.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
        }
        self.state = State::Writing;
        Poll::Ready(())
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Together<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Together<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_turn(cx, bytes.len()));
        Pin::new(&mut this.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let length = slices.iter().map(|slice| slice.len()).sum();
        ready!(this.poll_turn(cx, length));
        Pin::new(&mut this.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.inner).poll_flush(cx))?;
        // HTTP/2 flushes once it has written all that it has.
        if this.state == State::Writing {
            this.state = State::Nothing;
            this.answered = this.pace.calls();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// Takes everything, and counts how often.
    #[derive(Default)]
    struct Sink {
        writes: usize,
        bytes: usize,
    }

    impl AsyncWrite for Sink {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.writes += 1;
            self.bytes += bytes.len();
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    struct Bench {
        pace: Pace,
        writer: Together<Sink>,
    }

    impl Bench {
        fn new() -> Self {
            let pace = Pace::default();
            let writer = Together::new(Sink::default(), pace.clone());
            Self { pace, writer }
        }

        fn calls(&self, count: usize) {
            (0..count).for_each(|_| self.pace.called());
        }

        /// Has a turn, in which so many bytes are to be written as HTTP/2 writes them. Tells whether they were.
        fn turn(&mut self, length: usize) -> bool {
            self.pace.turn();
            self.write(length)
        }

        fn write(&mut self, length: usize) -> bool {
            let mut context = Context::from_waker(Waker::noop());
            let bytes = vec![0; length];
            match Pin::new(&mut self.writer).poll_write(&mut context, &bytes) {
                Poll::Pending => false,
                Poll::Ready(written) => {
                    assert_eq!(written.unwrap(), length);
                    let flushed = Pin::new(&mut self.writer).poll_flush(&mut context);
                    assert!(matches!(flushed, Poll::Ready(Ok(()))));
                    true
                }
            }
        }
    }

    #[test]
    fn what_several_calls_are_answered_waits_for_one_turn_and_no_longer() {
        let mut bench = Bench::new();
        bench.calls(3);
        assert!(!bench.turn(100));
        assert!(!bench.write(200), "it is the same turn");
        assert!(bench.turn(300));
        assert_eq!(
            (bench.writer.inner.writes, bench.writer.inner.bytes),
            (1, 300)
        );
        assert!(bench.turn(100), "nobody has called since");
    }

    #[test]
    fn a_call_that_comes_alone_is_answered_at_once() {
        let mut bench = Bench::new();
        for _ in 0..3 {
            bench.calls(1);
            assert!(bench.turn(100));
        }
        assert!(bench.turn(9), "nor is anything that is no answer held");
        assert_eq!(bench.writer.inner.writes, 4);
    }

    #[test]
    fn what_is_answered_as_it_comes_waits_for_what_comes_with_it() {
        let mut bench = Bench::new();
        bench.pace.turn();
        bench.calls(1);
        bench.pace.answered();
        assert!(!bench.write(100));
        bench.calls(1);
        bench.pace.answered();
        assert!(!bench.write(200));
        assert!(bench.turn(200));
        assert!(bench.pace.is_answered());
        assert!(!bench.pace.is_answered(), "it was said of one call");
    }

    #[test]
    fn what_is_large_goes_at_once_and_so_does_the_rest_of_what_is_being_written() {
        let mut bench = Bench::new();
        bench.calls(2);
        assert!(bench.turn(ENOUGH));
        bench.calls(2);
        let mut context = Context::from_waker(Waker::noop());
        let large = vec![0; ENOUGH];
        let written = Pin::new(&mut bench.writer).poll_write(&mut context, &large);
        assert!(written.is_ready());
        assert!(bench.write(1), "everything was not flushed yet");
    }
}
