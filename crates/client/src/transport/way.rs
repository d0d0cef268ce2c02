//! The way to a host: a TCP connection to it, or a tunnel through a proxy.

use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Duration;

use bytes::BytesMut;
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use super::error::{BoxError, ProxyError, ProxyFault};
use super::resolver::GraceResolver;
use crate::proxy::Proxy;

/// What the head of a proxy's answer may take.
const MAX_HEAD_BYTES: usize = 8 * 1024;
const HTTPS_PORT: u16 = 443;

/// Connects with a host. Where there is a proxy, the host's name is for the proxy to resolve, and nothing but the proxy
/// is connected with.
#[derive(Clone)]
pub(super) struct Way {
    tcp: HttpConnector<GraceResolver>,
    proxy: Option<Proxy>,
    /// How long it may take until the proxy is reached.
    reach: Duration,
}

impl Way {
    /// A way on which connecting may take `limit` in all. A proxy has half of that to be reached, so that one that is away
    /// is told from one that waits for the host.
    pub(super) fn new(
        tcp: HttpConnector<GraceResolver>,
        proxy: Option<Proxy>,
        limit: Duration,
    ) -> Self {
        Self {
            tcp,
            proxy,
            reach: limit / 2,
        }
    }
}

impl Service<Uri> for Way {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut task::Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, host: Uri) -> Self::Future {
        let Some(proxy) = self.proxy.clone() else {
            let connecting = self.tcp.call(host);
            return Box::pin(async move { Ok(connecting.await?) });
        };
        let reaching = timeout(self.reach, self.tcp.call(proxy.uri().clone()));
        Box::pin(async move {
            let unreachable = |error: BoxError| ProxyError::new(ProxyFault::Unreachable, error);
            let mut stream = reaching
                .await
                .map_err(|late| unreachable(late.into()))?
                .map_err(|error| unreachable(error.into()))?
                .into_inner();
            ask(&mut stream, &host, &proxy).await?;
            Ok(TokioIo::new(stream))
        })
    }
}

/// Asks the proxy for a tunnel to a host.
async fn ask(stream: &mut TcpStream, host: &Uri, proxy: &Proxy) -> Result<(), ProxyError> {
    let port = host.port_u16().unwrap_or(HTTPS_PORT);
    let name = host.host().unwrap_or_default();
    let mut request =
        format!("CONNECT {name}:{port} HTTP/1.1\r\nHost: {name}:{port}\r\n").into_bytes();
    if let Some(authorization) = proxy.authorization() {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(authorization.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    let broken = |error| ProxyError::new(ProxyFault::Broken, error);
    stream.write_all(&request).await.map_err(broken)?;

    let mut answer = BytesMut::new();
    loop {
        if stream.read_buf(&mut answer).await.map_err(broken)? == 0 {
            return Err(ProxyFault::Broken.into());
        }
        if let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let status = status(&answer).ok_or(ProxyFault::Unreadable)?;
            // The host speaks after us in TLS; what comes before that is not from it.
            let is_all = end + 4 == answer.len();
            return match status {
                200..=299 if is_all => Ok(()),
                200..=299 => Err(ProxyFault::Unreadable.into()),
                407 => Err(ProxyFault::Credentials.into()),
                status => Err(ProxyFault::Refused(status).into()),
            };
        }
        if answer.len() > MAX_HEAD_BYTES {
            return Err(ProxyFault::Unreadable.into());
        }
    }
}

/// Reads the status line of an answer.
fn status(answer: &[u8]) -> Option<u16> {
    let rest = answer.strip_prefix(b"HTTP/1.")?;
    match rest {
        [b'0' | b'1', b' ', status @ ..] => {
            let (digits, rest) = status.split_at_checked(3)?;
            let is_end = matches!(rest.first(), Some(b' ' | b'\r'));
            let is_number = digits.iter().all(u8::is_ascii_digit);
            let text = std::str::from_utf8(digits).ok()?;
            match is_end && is_number {
                true => text.parse().ok(),
                false => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_status_line_has_a_status() {
        let rows = [
            ("HTTP/1.1 200 Connection established\r\n", Some(200)),
            ("HTTP/1.0 200\r\n", Some(200)),
            ("HTTP/1.1 407 Proxy Authentication Required\r\n", Some(407)),
            ("HTTP/1.1 2000 OK\r\n", None),
            ("HTTP/1.1 20\r\n", None),
            ("HTTP/1.1 +20 OK\r\n", None),
            ("HTTP/2 200 OK\r\n", None),
            ("SSH-2.0-x\r\n", None),
            ("", None),
        ];
        for (line, expected) in rows {
            assert_eq!(status(line.as_bytes()), expected, "{line:?}");
        }
    }
}
