//! Deadlines: every call has one, and who runs out of time hears `DEADLINE_EXCEEDED`.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request};
use kabao_api::{Error, FieldViolation, Reason};
use tokio::time::{Instant, timeout_at};
use tonic::body::Body;

use super::{Answer, Inner, Layer, at_once, call_id};
use crate::status;

/// The share of the caller's time that is kept back for the way home, so that the precise answer
/// ("not sent" or "outcome unknown") arrives before the caller hangs up.
const MARGIN_SHARE: u32 = 10;
const MARGIN_MAX: Duration = Duration::from_millis(100);

/// When something ends, and when work on it has to: a little before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    at: Instant,
    work_until: Instant,
}

impl End {
    fn after(timeout: Duration) -> Self {
        let at = Instant::now() + timeout;
        let margin = (timeout / MARGIN_SHARE).min(MARGIN_MAX);
        Self {
            at,
            work_until: at.checked_sub(margin).unwrap_or(at),
        }
    }
}

/// Until when a call may work. Services find it in the extensions of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline {
    call: End,
    stream: End,
    step: Duration,
}

impl Deadline {
    /// Returns when work on a call that answers once has to end.
    pub(crate) fn work_until(self) -> std::time::Instant {
        self.call.work_until.into_std()
    }

    /// Returns when a stream of answers ends.
    pub(crate) fn stream_until(self) -> Instant {
        self.stream.at
    }

    /// Returns when a step has to end that begins now and is one of many that a stream tells of;
    /// `None` if the stream has no time for another one.
    pub(crate) fn step_until(self) -> Option<Instant> {
        let now = Instant::now();
        (now < self.stream.work_until).then(|| (now + self.step).min(self.stream.work_until))
    }
}

/// Honours `grpc-timeout`.
///
/// The bound is on the time until the response begins. That is the whole call for the methods that
/// answer once. A stream of answers begins at once and has a longer bound, which the service that
/// sends it keeps: what it tells of takes as long as it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines {
    /// For callers that name none; their streams may last for `max_stream`.
    pub(crate) default: Duration,
    /// Longer ones are cut to this.
    pub(crate) max: Duration,
    /// Those of streams are cut to this.
    pub(crate) max_stream: Duration,
}

impl Deadlines {
    /// Returns until when a call with these headers may work; `None` if it has no time, or none that can be read.
    pub(crate) fn work_until(&self, headers: &HeaderMap) -> Option<std::time::Instant> {
        let named = match headers.get("grpc-timeout") {
            Some(value) => Some(parse(value)?),
            None => None,
        };
        let timeout = named.unwrap_or(self.default).min(self.max);
        (!timeout.is_zero()).then(|| End::after(timeout).work_until.into_std())
    }
}

impl Layer for Deadlines {
    fn serve<S: Inner>(&self, mut request: Request<Body>, inner: &mut S) -> Answer {
        let id = call_id(request.extensions());
        let named = match request.headers().get("grpc-timeout").map(parse) {
            Some(None) => return at_once(status::refusal(&unreadable(), &id)),
            None => None,
            Some(named) => named,
        };
        let timeout = named.unwrap_or(self.default).min(self.max);
        if timeout.is_zero() {
            let error = Error::new(
                Reason::DeadlineExceeded,
                "the deadline had passed on arrival",
            );
            return at_once(status::refusal(&error, &id));
        }
        let deadline = Deadline {
            call: End::after(timeout),
            stream: End::after(named.unwrap_or(self.max_stream).min(self.max_stream)),
            step: self.max,
        };
        request.extensions_mut().insert(deadline);
        let answer = inner.call(request);
        Box::pin(async move {
            match timeout_at(deadline.call.at, answer).await {
                Ok(answer) => answer,
                Err(_elapsed) => Ok(status::refusal(&ran_out(timeout), &id)),
            }
        })
    }
}

/// The service was stopped at an unknown point: only it could tell whether a write had left.
fn ran_out(timeout: Duration) -> Error {
    Error::new(
        Reason::DeadlineExceeded,
        format!(
            "no answer within the {} ms of the call",
            timeout.as_millis()
        ),
    )
    .mark_may_have_executed()
    .mark_not_retryable()
}

fn unreadable() -> Error {
    Error::field_invalid([FieldViolation::new(
        "grpc-timeout",
        "must be 1 to 8 digits and one of the units H, M, S, m, u, n",
    )])
}

/// Parses `TimeoutValue TimeoutUnit` of the gRPC protocol.
fn parse(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<Duration> {
        parse(&HeaderValue::from_str(text).unwrap())
    }

    #[test]
    fn every_unit_of_the_protocol_is_read() {
        let rows = [
            ("1H", Duration::from_secs(3600)),
            ("2M", Duration::from_secs(120)),
            ("3S", Duration::from_secs(3)),
            ("250m", Duration::from_millis(250)),
            ("7u", Duration::from_micros(7)),
            ("99999999n", Duration::from_nanos(99_999_999)),
            ("0S", Duration::ZERO),
        ];
        for (text, expected) in rows {
            assert_eq!(parsed(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_unreadable() {
        for text in [
            "",
            "S",
            "1",
            "1s",
            "-1S",
            "+1S",
            "1.5S",
            "123456789S",
            "1 S",
            " 1S",
            "1SS",
        ] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn work_ends_a_little_before_the_caller_hangs_up() {
        let now = Instant::now();
        assert_eq!(
            End::after(Duration::from_millis(200)).work_until,
            now + Duration::from_millis(180)
        );
        assert_eq!(
            End::after(Duration::from_secs(30)).work_until,
            now + Duration::from_millis(29_900)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_of_a_stream_has_the_time_of_a_call_as_long_as_the_stream_has_any() {
        let second = Duration::from_secs(1);
        let now = Instant::now();
        let deadline = Deadline {
            call: End::after(10 * second),
            stream: End::after(100 * second),
            step: 60 * second,
        };
        assert_eq!(deadline.step_until(), Some(now + 60 * second));
        tokio::time::advance(50 * second).await;
        let end = now + Duration::from_millis(99_900);
        assert_eq!(deadline.step_until(), Some(end));
        tokio::time::advance(50 * second).await;
        assert_eq!(deadline.step_until(), None);
        assert_eq!(deadline.stream_until(), now + 100 * second);
    }
}
