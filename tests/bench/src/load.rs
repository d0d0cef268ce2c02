//! The callers of a gateway: gRPC over mTLS, so many calls at a time, for so long.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE, TE};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};
use tokio_rustls::TlsConnector;

use crate::clock::{float, float_of, now};
use crate::member::Question;
use crate::{Error, Result, tls};

/// As many calls share a connection as a busy caller's usually do.
const CALLS_A_CONNECTION: usize = 16;

/// Open connections to a gRPC server.
pub(crate) struct Callers {
    connections: Vec<SendRequest<Full<Bytes>>>,
    /// What each call shows.
    authorization: Option<HeaderValue>,
    series: u64,
    calls: Arc<AtomicU64>,
}

impl Callers {
    /// Opens so many connections, from an address of the machine's own if one is given.
    pub(crate) async fn connect(
        tls: &TlsConnector,
        own: Option<IpAddr>,
        address: &str,
        count: usize,
    ) -> Result<Self> {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            let stream = match own {
                Some(own) => tls::connect_from(tls, own, address).await?,
                None => tls::connect(tls, address).await?,
            };
            let stream = TokioIo::new(stream);
            let (sender, connection) = handshake(TokioExecutor::new(), stream).await?;
            tokio::spawn(connection);
            connections.push(sender);
        }
        Ok(Self {
            connections,
            authorization: None,
            series: u64::from(std::process::id()),
            calls: Arc::default(),
        })
    }

    /// Returns a caller with a token over the same connections, with calls of its own number.
    pub(crate) fn with_token(&self, token: &str) -> Result<Self> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {token}"))?;
        authorization.set_sensitive(true);
        Ok(Self {
            connections: self.connections.clone(),
            authorization: Some(authorization),
            series: self.series,
            calls: Arc::clone(&self.calls),
        })
    }

    /// Asks one question so many times at once, and returns how many have which status; none has no status.
    pub(crate) async fn at_once(
        &self,
        question: Question,
        count: usize,
    ) -> Result<BTreeMap<String, usize>> {
        let mut running = JoinSet::new();
        for (connection, _) in self.connections.iter().cycle().zip(0..count) {
            let mut connection = connection.clone();
            let (message, authorization) = (
                question.message(self.series, self.number()),
                self.authorization.clone(),
            );
            running.spawn(async move {
                let path = question.path();
                ask(&mut connection, path, &message, None, authorization).await
            });
        }
        let mut statuses = BTreeMap::new();
        while let Some(asked) = running.join_next().await {
            let status = asked??.ok_or("an answer without status")?;
            *statuses.entry(status).or_default() += 1;
        }
        Ok(statuses)
    }

    /// Asks one question over and over, `in_flight` at a time, and returns how many were answered in time.
    pub(crate) async fn served(
        &self,
        question: Question,
        in_flight: usize,
        from: Instant,
        to: Instant,
    ) -> Result<usize> {
        let mut running = JoinSet::new();
        for (connection, _) in self.connections.iter().cycle().zip(0..in_flight) {
            let (mut connection, calls) = (connection.clone(), Arc::clone(&self.calls));
            let (series, authorization) = (self.series, self.authorization.clone());
            running.spawn(async move {
                let mut served = 0;
                while now() < to {
                    let message = question.message(series, calls.fetch_add(1, Ordering::Relaxed));
                    let authorization = authorization.clone();
                    let path = question.path();
                    let status = ask(&mut connection, path, &message, None, authorization).await?;
                    if status.as_deref() != Some("0") {
                        return Err(format!("{path}: grpc-status {status:?}").into());
                    }
                    let answered = now();
                    served += usize::from(from <= answered && answered < to);
                }
                Ok::<_, Error>(served)
            });
        }
        let mut served = 0;
        while let Some(caller) = running.join_next().await {
            served += caller??;
        }
        Ok(served)
    }

    /// Makes one call on every connection.
    pub(crate) async fn once_each(&self, path: &'static str, message: &[u8]) -> Result<()> {
        for connection in &self.connections {
            call(&mut connection.clone(), path, message).await?;
        }
        Ok(())
    }

    /// Asks one question so many times, one after the other.
    pub(crate) async fn times(&self, question: Question, count: usize) -> Result<()> {
        let connection = self.connections.first().ok_or("no connection")?;
        for _ in 0..count {
            let message = question.message(self.series, self.number());
            call(&mut connection.clone(), question.path(), &message).await?;
        }
        Ok(())
    }

    /// Asks one question over and over, `in_flight` at a time.
    pub(crate) async fn run(
        &self,
        question: Question,
        in_flight: usize,
        length: Duration,
    ) -> Result<Load> {
        let started = now();
        let ends = started + length;
        let mut running = Vec::new();
        for index in 0..in_flight {
            let connection = index / CALLS_A_CONNECTION % self.connections.len().max(1);
            let connection = self.connections.get(connection).ok_or("no connection")?;
            let (mut connection, calls) = (connection.clone(), Arc::clone(&self.calls));
            let series = self.series;
            running.push(tokio::spawn(async move {
                let mut times = Times::default();
                loop {
                    let started = now();
                    if started >= ends {
                        return Ok::<_, Error>(times);
                    }
                    let message = question.message(series, calls.fetch_add(1, Ordering::Relaxed));
                    answered(&mut connection, question, &message).await?;
                    times.add(started.elapsed());
                }
            }));
        }
        let mut times = Times::default();
        for running in running {
            times.extend(running.await??);
        }
        Ok(times.finish(started.elapsed()))
    }

    /// Asks one question at a steady rate, whether answers come or not. Whoever asks waits for so long.
    pub(crate) async fn flood(
        &self,
        question: Question,
        per_second: f64,
        patience: Duration,
        length: Duration,
    ) -> Result<Flood> {
        const BEAT: Duration = Duration::from_millis(5);
        let mut running = JoinSet::new();
        let mut beats = interval(BEAT);
        let (started, mut due, mut asked) = (now(), 0.0, 0_u64);
        while started.elapsed() < length {
            beats.tick().await;
            due = started.elapsed().as_secs_f64() * per_second;
            while float(asked) < due {
                asked += 1;
                let number = self.number();
                let count = u64::try_from(self.connections.len())?;
                let index = usize::try_from(number.checked_rem(count).ok_or("no connection")?)?;
                let connection = self.connections.get(index).ok_or("no connection")?;
                let mut connection = connection.clone();
                let message = question.message(self.series, number);
                running.spawn(async move {
                    let path = question.path();
                    let answered = ask(&mut connection, path, &message, Some(patience), None);
                    match timeout(patience, answered).await {
                        Ok(Ok(status)) => status,
                        _ => None,
                    }
                });
            }
        }
        let mut flood = Flood {
            seconds: started.elapsed().as_secs_f64(),
            ..Flood::default()
        };
        while let Some(status) = running.join_next().await {
            match status?.as_deref() {
                // That somebody is not there is an answer of WeChat as well.
                Some("0" | "5") => flood.good += 1.0,
                Some("8") => flood.refused += 1.0,
                _ => flood.late += 1.0,
            }
        }
        match due > 0.0 && flood.good + flood.refused > 0.0 {
            true => Ok(flood),
            false => Err("nobody was answered".into()),
        }
    }

    fn number(&self) -> u64 {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }
}

/// What became of more calls than can be answered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flood {
    /// Answered in time.
    pub(crate) good: f64,
    /// Refused at once.
    pub(crate) refused: f64,
    /// Neither.
    pub(crate) late: f64,
    seconds: f64,
}

impl Flood {
    pub(crate) fn good_per_second(&self) -> f64 {
        self.good / self.seconds
    }
}

/// One call that must be answered as its question is.
async fn answered(
    connection: &mut SendRequest<Full<Bytes>>,
    question: Question,
    message: &[u8],
) -> Result<()> {
    let path = question.path();
    let status = ask(connection, path, message, None, None).await?;
    match (status.as_deref(), question) {
        // That somebody is not there is an answer of WeChat as well.
        (Some("0"), _) | (Some("5"), Question::UnknownRead) => Ok(()),
        (status, _) => Err(format!("{path}: grpc-status {status:?}").into()),
    }
}

/// One call that must succeed.
async fn call(
    connection: &mut SendRequest<Full<Bytes>>,
    path: &'static str,
    message: &[u8],
) -> Result<()> {
    match ask(connection, path, message, None, None).await?.as_deref() {
        Some("0") => Ok(()),
        status => Err(format!("{path}: grpc-status {status:?}").into()),
    }
}

/// Asks, and returns the status; it stands in the trailers, or in the head if there is nothing else.
async fn ask(
    connection: &mut SendRequest<Full<Bytes>>,
    path: &'static str,
    message: &[u8],
    patience: Option<Duration>,
    authorization: Option<HeaderValue>,
) -> Result<Option<String>> {
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len())?);
    frame.put_slice(message);
    let mut request = http::Request::post(format!("https://localhost{path}"))
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers");
    if let Some(patience) = patience {
        request = request.header("grpc-timeout", format!("{}m", patience.as_millis()));
    }
    if let Some(authorization) = authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    let request = request.body(Full::new(frame.freeze()))?;
    connection.ready().await?;
    let answer = connection.send_request(request).await?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await?;
    let status = body.trailers().unwrap_or(&head.headers).get("grpc-status");
    let status = status.and_then(|status| status.to_str().ok());
    Ok(status.map(str::to_owned))
}

/// How long each call took.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Sums up what was done within `elapsed`.
    pub(crate) fn finish(mut self, elapsed: Duration) -> Load {
        self.0.sort();
        let at = |permille: usize| {
            let index = self.0.len().saturating_sub(1) * permille / 1000;
            let time = self.0.get(index).copied().unwrap_or_default();
            micros(time)
        };
        Load {
            calls: float_of(self.0.len()),
            seconds: elapsed.as_secs_f64(),
            p50: at(500),
            p99: at(990),
        }
    }
}

/// What callers have done and seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load {
    pub(crate) calls: f64,
    pub(crate) seconds: f64,
    /// Half of the calls took no longer, in microseconds.
    pub(crate) p50: f64,
    /// Ninety-nine of a hundred took no longer.
    pub(crate) p99: f64,
}

impl Load {
    pub(crate) fn per_second(&self) -> f64 {
        self.calls / self.seconds
    }
}

/// A line, for another process to read.
impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            calls,
            seconds,
            p50,
            p99,
        } = self;
        write!(f, "ran {calls} {seconds} {p50} {p99}")
    }
}

impl FromStr for Load {
    type Err = Error;

    /// Reads what follows the word `ran`; programs in other languages leave the latencies out.
    fn from_str(text: &str) -> Result<Self> {
        let numbers: Vec<f64> = text
            .split_ascii_whitespace()
            .map(str::parse)
            .collect::<std::result::Result<_, _>>()?;
        match numbers.as_slice() {
            &[calls, seconds, ref latencies @ ..] if calls > 0.0 => Ok(Self {
                calls,
                seconds,
                p50: latencies.first().copied().unwrap_or_default(),
                p99: latencies.get(1).copied().unwrap_or_default(),
            }),
            _ => Err(format!("no calls were made: {text}").into()),
        }
    }
}

fn micros(time: Duration) -> f64 {
    float(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_goes_from_process_to_process_as_a_line() {
        let mut times = Times::default();
        for milliseconds in (1..=100).rev() {
            times.add(Duration::from_millis(milliseconds));
        }
        let load = times.finish(Duration::from_secs(2));
        assert_eq!(
            (load.per_second(), load.p50, load.p99),
            (50.0, 50_000.0, 99_000.0)
        );
        let line = load.to_string();
        assert_eq!(
            line.strip_prefix("ran ").unwrap().parse::<Load>().unwrap(),
            load
        );
        assert!("7 0.5".parse::<Load>().is_ok());
        assert!("0 0.5".parse::<Load>().is_err());
    }
}
