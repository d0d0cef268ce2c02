//! A bound on the time for which a call waits for the rest of its request.
//!
//! Only waiting for the caller counts: what a service does with a request that is there has the time of the call.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body::{Frame, SizeHint};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tonic::body::Body;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes a body end with `DEADLINE_EXCEEDED` if its caller does not send what it has begun.
///
/// The one message of most methods has `patience` in all, since a caller may also send it byte by byte. Of a stream of
/// messages each piece has so long.
pub(crate) fn bounded<B>(request: Request<B>, patience: Duration) -> Request<Body>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    if request.body().is_end_stream() {
        return request.map(Body::new);
    }
    let wait = match STREAMS.contains(request.uri().path()) {
        true => Wait::ForEach,
        false => Wait::ForAll,
    };
    request.map(|body| {
        Body::new(Arriving {
            body,
            wait,
            patience,
            until: Instant::now() + patience,
            alarm: None,
            is_late: false,
        })
    })
}

/// What has to come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    ForAll,
    ForEach,
}

/// A request body on its way.
struct Arriving<B> {
    body: B,
    wait: Wait,
    patience: Duration,
    until: Instant,
    /// Set once something had to be waited for, which is seldom.
    alarm: Option<Pin<Box<Sleep>>>,
    is_late: bool,
}

impl<B> Arriving<B> {
    /// Returns once there has been no progress for too long.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let until = self.until;
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(sleep_until(until)));
        if alarm.deadline() != until {
            alarm.as_mut().reset(until);
        }
        alarm.as_mut().poll(cx)
    }

    fn late(&self) -> Status {
        let what = match self.wait {
            Wait::ForAll => "the request was not there",
            Wait::ForEach => "nothing more of the request came",
        };
        let patience = self.patience.as_millis();
        Status::deadline_exceeded(format!("{what} within {patience} ms (stall)"))
    }
}

impl<B> http_body::Body for Arriving<B>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if this.is_late {
            return Poll::Ready(None);
        }
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(polled) => {
                let is_progress = matches!(&polled, Some(Ok(frame)) if is_progress(frame));
                if is_progress && this.wait == Wait::ForEach {
                    this.until = Instant::now() + this.patience;
                }
                Poll::Ready(
                    polled.map(|frame| frame.map_err(|error| Status::from_error(error.into()))),
                )
            }
            Poll::Pending => {
                ready!(this.poll_late(cx));
                this.is_late = true;
                Poll::Ready(Some(Err(this.late())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_late || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Frames without a byte are none.
fn is_progress(frame: &Frame<Bytes>) -> bool {
    frame.data_ref().is_some_and(|data| !data.is_empty())
}

/// The methods whose callers send a stream of messages.
static STREAMS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    const REFLECTION: [&str; 2] = [
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ];
    let files = FileDescriptorSet::decode(kabao_proto::DESCRIPTOR_SET).unwrap_or_default();
    let methods = files.file.iter().flat_map(|file| {
        file.service.iter().flat_map(|service| {
            let streams = service
                .method
                .iter()
                .filter(|method| method.client_streaming());
            streams
                .map(|method| format!("/{}.{}/{}", file.package(), service.name(), method.name()))
        })
    });
    methods.chain(REFLECTION.map(String::from)).collect()
});

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::{BodyExt, StreamBody};
    use tokio::sync::mpsc;
    use tokio_stream::StreamExt;
    use tokio_stream::wrappers::ReceiverStream;
    use tonic::Code;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A body to which `sender` adds, and which waits for ten seconds.
    fn arriving(wait: Wait) -> (mpsc::Sender<&'static str>, Arriving<Body>) {
        let (sender, pieces) = mpsc::channel(16);
        let frames = ReceiverStream::new(pieces)
            .map(|piece: &str| Ok::<_, Infallible>(Frame::data(Bytes::from(piece))));
        let body = Arriving {
            body: Body::new(StreamBody::new(frames)),
            wait,
            patience: 10 * SECOND,
            until: Instant::now() + 10 * SECOND,
            alarm: None,
            is_late: false,
        };
        (sender, body)
    }

    /// Sends a piece every nine seconds, and returns when the body gave up.
    async fn trickle(wait: Wait, piece: &'static str) -> Duration {
        let (sender, mut body) = arriving(wait);
        let start = Instant::now();
        let sending = async {
            for _ in 0..10 {
                tokio::time::sleep(9 * SECOND).await;
                if sender.send(piece).await.is_err() {
                    return;
                }
            }
            std::future::pending::<()>().await;
        };
        let reading = async {
            loop {
                match body.frame().await {
                    Some(Ok(_)) => {}
                    Some(Err(status)) => return status,
                    None => unreachable!("the sender stays"),
                }
            }
        };
        tokio::select! {
            () = sending => unreachable!("it goes on sending"),
            status = reading => {
                assert_eq!(status.code(), Code::DeadlineExceeded);
                assert!(status.message().contains("10000 ms (stall)"), "{status}");
            }
        }
        assert!(body.frame().await.is_none());
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn one_message_has_its_time_in_all_however_it_trickles() {
        assert_eq!(trickle(Wait::ForAll, "x").await, 10 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_stream_each_piece_has_its_time_and_what_is_empty_is_none() {
        assert_eq!(trickle(Wait::ForEach, "x").await, 100 * SECOND);
        assert_eq!(trickle(Wait::ForEach, "").await, 10 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_reads_does_not_count() {
        let (sender, mut body) = arriving(Wait::ForAll);
        sender.send("all").await.unwrap();
        drop(sender);
        tokio::time::advance(60 * SECOND).await;
        assert!(body.frame().await.unwrap().is_ok());
        assert!(body.frame().await.is_none());
    }

    #[test]
    fn uploads_and_reflection_are_streams_and_other_calls_are_not() {
        for path in [
            "/kabao.v1.MediaService/UploadImage",
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        ] {
            assert!(STREAMS.contains(path), "{path}");
        }
        for path in [
            "/kabao.v1.MemberService/GetMember",
            "/kabao.v1.MemberService/BatchAdjustPoints",
            "/grpc.health.v1.Health/Watch",
        ] {
            assert!(!STREAMS.contains(path), "{path}");
        }
    }
}
