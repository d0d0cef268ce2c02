//! The least that a call of WeChat can be: hyper, rustls and aws-lc-rs; signed, sent, verified.

use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::task::LocalSet;
use tokio_rustls::TlsConnector;

use super::{Arguments, questions, say};
use crate::clock::now;
use crate::load::Times;
use crate::pay::Merchant;
use crate::{Result, member, tls};

type Connection = SendRequest<Full<Bytes>>;

/// What a connection does over and over.
struct Caller {
    merchant: Merchant,
    address: String,
    tls: TlsConnector,
    series: u64,
}

pub(super) async fn run() -> Result<()> {
    let arguments = Arguments::of_process();
    let folder = arguments.path(0)?;
    let caller = Rc::new(Caller {
        merchant: Merchant::read(&folder.join(arguments.text(1)?))?,
        address: arguments.text(2)?.to_owned(),
        tls: tls::anonymous(&folder.join("ca.pem"))?,
        series: u64::from(std::process::id()),
    });
    let local = LocalSet::new();
    local.run_until(serve(caller)).await
}

/// Answers `run METHOD IN_FLIGHT MILLISECONDS` with what came of it.
async fn serve(caller: Rc<Caller>) -> Result<()> {
    say("ready")?;
    let mut questions = questions();
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut next = 0;
    while let Some(question) = questions.recv().await {
        let words: Vec<&str> = question.split(' ').collect();
        let ["run", method, in_flight, milliseconds] = words.as_slice() else {
            return Err(format!("not a question: {question}").into());
        };
        let (in_flight, length): (usize, u64) = (in_flight.parse()?, milliseconds.parse()?);
        while connections.len() < in_flight {
            connections.push(Some(caller.connect().await?));
        }
        let started = now();
        let ends = started + Duration::from_millis(length);
        let mut running = Vec::new();
        for slot in connections.iter_mut().take(in_flight) {
            let connection = slot.take().ok_or("a connection is lost")?;
            let (caller, write) = (Rc::clone(&caller), *method == "write");
            // Numbers that no other connection uses.
            next += 1;
            let first = next << 24;
            running.push(tokio::task::spawn_local(async move {
                caller.repeat(connection, write, first, ends).await
            }));
        }
        let mut times = Times::default();
        for (slot, running) in connections.iter_mut().zip(running) {
            let (connection, taken) = running.await??;
            *slot = Some(connection);
            times.extend(taken);
        }
        say(&times.finish(started.elapsed()).to_string())?;
    }
    Ok(())
}

impl Caller {
    async fn connect(&self) -> Result<Connection> {
        let stream = tls::connect(&self.tls, &self.address).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::task::spawn_local(connection);
        Ok(sender)
    }

    async fn repeat(
        &self,
        mut connection: Connection,
        write: bool,
        first: u64,
        ends: Instant,
    ) -> Result<(Connection, Times)> {
        let mut times = Times::default();
        let mut number = first;
        loop {
            let started = now();
            if started >= ends {
                return Ok((connection, times));
            }
            number += 1;
            let (method, target, body) = match write {
                true => (
                    "PATCH",
                    member::target(number),
                    member::update(&member::request_number(self.series, number)),
                ),
                false => ("GET", member::target(number), String::new()),
            };
            // The sandbox, like WeChat, ends a connection now and then.
            if connection.ready().await.is_err() {
                connection = self.connect().await?;
            }
            self.call(&mut connection, method, &target, body).await?;
            times.add(started.elapsed());
        }
    }

    async fn call(
        &self,
        connection: &mut Connection,
        method: &str,
        target: &str,
        body: String,
    ) -> Result<()> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(target)
            .header(HOST, &self.address)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, "kabao-bench")
            .header(
                AUTHORIZATION,
                self.merchant.authorization(method, target, &body)?,
            )
            .header("wechatpay-serial", &self.merchant.public_key_id);
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let answer = connection
            .send_request(request.body(Full::from(body))?)
            .await?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        if !head.status.is_success() {
            return Err(format!("{method}: {} {body:?}", head.status).into());
        }
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        self.merchant.verify(header, &body)
    }
}
