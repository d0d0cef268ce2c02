//! A connection whose peer is watched: it must not flood it, and must take what is sent to it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::conduct::{Conduct, Flood};
use super::evictions::{Cause, Evictions};
use super::frames::Heads;
use super::preface;

/// Bytes that are read at a time of a peer that is suspicious: about a hundred frames that do nothing.
const LITTLE: usize = 1024;

/// Looks at the heads of frames as they pass, between TLS and HTTP/2; bodies are neither copied nor looked at.
#[derive(Debug)]
pub(super) struct Guarded<T> {
    inner: T,
    heard: Heads,
    said: Heads,
    conduct: Conduct,
    patience: Duration,
    /// Runs while the peer takes nothing, which is seldom.
    alarm: Option<Pin<Box<Sleep>>>,
    /// Until it is over, nothing is read.
    pause: Option<Pin<Box<Sleep>>>,
    caller: Option<SocketAddr>,
    evictions: Arc<Evictions>,
}

impl<T> Guarded<T> {
    /// Watches `inner`, which begins with the preface; `patience` is how long the peer may take nothing.
    pub(super) fn new(
        inner: T,
        caller: Option<SocketAddr>,
        patience: Duration,
        evictions: Arc<Evictions>,
    ) -> Self {
        Self {
            inner,
            heard: Heads::after(preface::LENGTH),
            said: Heads::after(0),
            conduct: Conduct::new(Instant::now()),
            patience,
            alarm: None,
            pause: None,
            caller,
            evictions,
        }
    }

    fn evict(&self, cause: Cause) -> io::Error {
        self.evictions.evicted(self.caller, cause);
        io::Error::other(cause.as_str())
    }

    fn hear(&mut self, mut bytes: &[u8]) -> Result<(), Flood> {
        if bytes.is_empty() {
            return Ok(());
        }
        let now = Instant::now();
        while let Some(head) = self.heard.next(&mut bytes) {
            self.conduct.heard(head, now)?;
        }
        self.pause = self.conduct.pause().map(|pause| Box::pin(sleep(pause)));
        Ok(())
    }

    fn say(&mut self, mut bytes: &[u8]) {
        while let Some(head) = self.said.next(&mut bytes) {
            self.conduct.said(head);
        }
    }

    /// Passes on what became of sending, unless the peer has taken nothing for too long.
    fn sent<V>(
        &mut self,
        polled: Poll<io::Result<V>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<V>> {
        if polled.is_ready() {
            self.alarm = None;
            return polled;
        }
        let patience = self.patience;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(patience)));
        match alarm.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(self.evict(Cause::Stall))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Guarded<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(pause) = &mut this.pause {
            ready!(pause.as_mut().poll(cx));
            this.pause = None;
        }
        let before = buffer.filled().len();
        let count = match this.conduct.is_suspicious() {
            true => ready!(read_little(&mut this.inner, cx, buffer))?,
            false => {
                ready!(Pin::new(&mut this.inner).poll_read(cx, buffer))?;
                buffer.filled().len().saturating_sub(before)
            }
        };
        let heard = buffer.filled().get(before..before + count);
        Poll::Ready(match this.hear(heard.unwrap_or_default()) {
            Ok(()) => Ok(()),
            Err(Flood) => Err(this.evict(Cause::Flood)),
        })
    }
}

/// Reads at most [`LITTLE`], and returns how much that was.
fn read_little<T: AsyncRead + Unpin>(
    inner: &mut T,
    cx: &mut Context<'_>,
    buffer: &mut ReadBuf<'_>,
) -> Poll<io::Result<usize>> {
    let room = LITTLE.min(buffer.remaining());
    let mut little = ReadBuf::new(buffer.initialize_unfilled_to(room));
    ready!(Pin::new(inner).poll_read(cx, &mut little))?;
    let count = little.filled().len();
    buffer.advance(count);
    Poll::Ready(Ok(count))
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Guarded<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = &polled {
            this.say(bytes.get(..*count).unwrap_or_default());
        }
        this.sent(polled, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_write_vectored(cx, slices);
        if let Poll::Ready(Ok(count)) = &polled {
            let mut left = *count;
            for slice in slices {
                let part = slice.get(..left.min(slice.len())).unwrap_or_default();
                this.say(part);
                left -= part.len();
            }
        }
        this.sent(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_flush(cx);
        this.sent(polled, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_shutdown(cx);
        this.sent(polled, cx)
    }
}
