//! What a client of HTTP/2 says first: 24 bytes and its settings.
//!
//! hyper waits for the former without a limit, and a graceful shutdown waits with it, and does without the latter. So both
//! are read here, under a timeout, and handed to hyper afterwards. A peer that speaks HTTP/1 gets one sentence about its
//! mistake.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::frames::Head;

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes of the preface, without the settings.
pub(super) const LENGTH: usize = PREFACE.len();

/// The most that a frame has before anything else was agreed upon.
const FRAME: u32 = 16 * 1024;

const WRONG_PROTOCOL: &[u8] = b"HTTP/1.1 505 HTTP Version Not Supported\r\n\
    content-type: text/plain\r\n\
    content-length: 40\r\n\
    connection: close\r\n\
    \r\n\
    This port speaks gRPC over HTTP/2 only.\n";

/// How much of a misguided request is read before the connection is closed.
const TOLERATED: usize = 16 * 1024;

/// Reads the preface; fails if the peer says anything else.
pub(super) async fn expect<T>(mut inner: T) -> io::Result<Prefaced<T>>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut received = [0; PREFACE.len()];
    let mut length = 0;
    while let Some(rest) = received.get_mut(length..).filter(|rest| !rest.is_empty()) {
        let count = inner.read(rest).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        length += count;
        let (said, expected) = (received.get(..length), PREFACE.get(..length));
        if said != expected {
            if said.is_some_and(|said| said.first().is_some_and(u8::is_ascii_uppercase)) {
                refuse(&mut inner).await?;
            }
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not HTTP/2"));
        }
    }
    let mut unread = BytesMut::from(&PREFACE[..]);
    let mut head = [0; Head::LENGTH];
    inner.read_exact(&mut head).await?;
    unread.extend_from_slice(&head);
    let head = Head::read(head);
    if !head.opens_connection() || head.length > FRAME {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no settings"));
    }
    let mut settings = (&mut inner).take(u64::from(head.length));
    while settings.limit() > 0 {
        if settings.read_buf(&mut unread).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Prefaced { inner, unread })
}

/// Answers an HTTP/1 request. What the peer still sends is read, so that closing does not destroy the answer.
async fn refuse<T: AsyncRead + AsyncWrite + Unpin>(inner: &mut T) -> io::Result<()> {
    inner.write_all(WRONG_PROTOCOL).await?;
    inner.shutdown().await?;
    let mut sink = [0; 1024];
    let mut left = TOLERATED;
    while left > 0 {
        match inner.read(&mut sink).await? {
            0 => break,
            count => left = left.saturating_sub(count),
        }
    }
    Ok(())
}

/// A stream whose beginning was read already and is read once more.
#[derive(Debug)]
pub(super) struct Prefaced<T> {
    inner: T,
    unread: BytesMut,
}

impl<T: AsyncRead + Unpin> AsyncRead for Prefaced<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            return Pin::new(&mut self.inner).poll_read(cx, buffer);
        }
        let count = self.unread.len().min(buffer.remaining());
        buffer.put_slice(&self.unread.split_to(count));
        if self.unread.is_empty() {
            // Connections live for long.
            self.unread = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Prefaced<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn said(chunks: &[&[u8]]) -> (io::Result<Vec<u8>>, Vec<u8>) {
        let (mut client, server) = tokio::io::duplex(1024);
        let serving = tokio::spawn(async move {
            let mut stream = expect(server).await?;
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await?;
            Ok(all)
        });
        for chunk in chunks {
            client.write_all(chunk).await.unwrap();
            tokio::task::yield_now().await;
        }
        client.shutdown().await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        (serving.await.unwrap(), answer)
    }

    const HELLO: &[u8] =
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0more";

    #[tokio::test]
    async fn preface_and_settings_are_handed_on_with_what_follows_wherever_they_are_split() {
        for at in 0..HELLO.len() {
            let (one, two) = HELLO.split_at(at);
            let (stream, answer) = said(&[one, two]).await;
            assert_eq!(stream.unwrap(), HELLO, "{at}");
            assert_eq!(answer, b"");
        }
    }

    #[tokio::test]
    async fn a_peer_that_begins_with_anything_but_settings_is_not_let_in() {
        for (place, byte) in [(24, 1), (27, 6), (28, 1), (32, 1)] {
            let mut hello = HELLO.to_vec();
            hello[place] = byte;
            let (stream, _) = said(&[&hello]).await;
            let error = stream.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{place}");
        }
        let (stream, _) = said(&[&HELLO[..36]]).await;
        assert_eq!(stream.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn http1_is_told_that_this_is_http2() {
        let (stream, answer) = said(&[b"GET / HTTP/1.1\r\n", b"host: x\r\n\r\n"]).await;
        assert_eq!(stream.unwrap_err().kind(), io::ErrorKind::InvalidData);
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 505 "), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(answer.contains(&format!("content-length: {}\r\n", body.len())));
    }

    #[tokio::test]
    async fn tls_on_a_plain_port_and_a_silent_peer_get_nothing() {
        let (stream, answer) = said(&[&[0x16, 0x03, 0x01]]).await;
        assert_eq!(stream.unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(answer, b"");
        let (stream, _) = said(&[b"PRI"]).await;
        assert_eq!(stream.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
