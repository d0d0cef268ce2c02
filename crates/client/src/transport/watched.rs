//! A connection that tells when it ends, or is about to.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use futures_util::FutureExt as _;
use http::Uri;
use hyper_rustls::MaybeHttpsStream;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::HandshakeKind;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What the connector makes.
pub(super) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// The type of the frame that says that a connection takes no more requests (RFC 9113, 6.8).
const GOAWAY: u8 = 7;
/// What a frame begins with: three bytes of length, its type, flags, and four bytes of a stream.
const HEAD: usize = 9;

/// Hears of the ends of connections.
pub(super) trait EndListener: Send + Sync {
    /// A connection with `host` has ended, or takes no more requests.
    fn ended(self: Arc<Self>, host: Uri);
}

/// One connection, and who hears of its end.
pub(super) struct Watched {
    io: TokioIo<Stream>,
    /// What was read before anybody asked for it.
    early: BytesMut,
    /// `None` if it is not HTTP/2, or has said so already.
    frames: Option<Frames>,
    /// Who hears of the end, and of a connection with which host; `None` if it was told already.
    listener: Option<(Weak<dyn EndListener>, Uri)>,
}

impl Watched {
    pub(super) fn new(stream: Stream) -> Self {
        let is_http2 = match &stream {
            MaybeHttpsStream::Https(tls) => {
                tls.inner().get_ref().1.alpn_protocol() == Some(b"h2".as_slice())
            }
            MaybeHttpsStream::Http(_) => false,
        };
        Self {
            io: TokioIo::new(stream),
            early: BytesMut::new(),
            frames: is_http2.then(Frames::default),
            listener: None,
        }
    }

    /// Whether an earlier session was taken up again.
    pub(super) fn is_resumed(&self) -> bool {
        match self.io.inner() {
            MaybeHttpsStream::Https(tls) => {
                tls.inner().get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed)
            }
            MaybeHttpsStream::Http(_) => false,
        }
    }

    /// Takes in what has come meanwhile, and tells whether the other end is still there.
    pub(super) fn is_open(&mut self) -> bool {
        loop {
            match self.io.read_buf(&mut self.early).now_or_never() {
                None => return true,
                Some(Ok(1..)) => {}
                Some(_) => return false,
            }
        }
    }

    /// Lets somebody hear of its end.
    pub(super) fn tells(mut self, listener: Weak<dyn EndListener>, host: Uri) -> Self {
        self.listener = Some((listener, host));
        self
    }

    /// Tells of the end, once.
    fn tell(&mut self) {
        if let Some((listener, host)) = self.listener.take()
            && let Some(listener) = listener.upgrade()
        {
            listener.ended(host);
        }
    }

    fn scan(&mut self, bytes: &[u8]) {
        if self
            .frames
            .as_mut()
            .is_some_and(|frames| frames.say_goodbye(bytes))
        {
            self.frames = None;
            self.tell();
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.tell();
    }
}

impl Connection for Watched {
    fn connected(&self) -> Connected {
        self.io.inner().connected()
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        if self.early.is_empty() {
            std::task::ready!(Pin::new(&mut self.io).poll_read(context, into))?;
        } else {
            let length = self.early.len().min(into.remaining());
            into.put_slice(self.early.get(..length).unwrap_or_default());
            self.early.advance(length);
        }
        if self.frames.is_some() {
            let read = into.filled().get(before..).unwrap_or_default();
            self.scan(read);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

/// Where in the frames of the other end a connection is.
#[derive(Debug, Default)]
struct Frames {
    head: [u8; HEAD],
    filled: usize,
    /// What is left of the frame after its head.
    rest: usize,
}

impl Frames {
    /// Tells whether these bytes have the head of a frame that says that there will be no more requests.
    fn say_goodbye(&mut self, mut bytes: &[u8]) -> bool {
        let mut is_leaving = false;
        while !bytes.is_empty() {
            let skipped = self.rest.min(bytes.len());
            self.rest -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            for (place, byte) in self.head.iter_mut().skip(self.filled).zip(bytes) {
                *place = *byte;
            }
            let taken = (HEAD - self.filled).min(bytes.len());
            bytes = bytes.get(taken..).unwrap_or_default();
            self.filled += taken;
            if self.filled == HEAD {
                let [high, middle, low, kind, ..] = self.head;
                let length = u32::from_be_bytes([0, high, middle, low]);
                self.rest = usize::try_from(length).unwrap_or(usize::MAX);
                self.filled = 0;
                is_leaving |= kind == GOAWAY;
            }
        }
        is_leaving
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, length: u8) -> Vec<u8> {
        let mut frame = vec![0, 0, length, kind, 0, 0, 0, 0, 0];
        // What looks like another frame's head in it is none.
        frame.extend(std::iter::repeat_n(GOAWAY, length.into()));
        frame
    }

    #[test]
    fn a_goodbye_is_seen_however_the_bytes_are_cut() {
        let others = [frame(4, 0), frame(0, 40), frame(1, 7), frame(6, 8)].concat();
        let all = [others.clone(), frame(GOAWAY, 8), frame(0, 3)].concat();
        for size in 1..=all.len() {
            let mut frames = Frames::default();
            assert!(!others.chunks(size).any(|part| frames.say_goodbye(part)));
            let mut frames = Frames::default();
            let seen = all.chunks(size).filter(|part| frames.say_goodbye(part));
            assert_eq!(seen.count(), 1, "{size}");
        }
    }
}
