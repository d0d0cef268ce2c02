//! `kabao reload`

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::output::{complain, fail, print};

const EXAMPLES: &str = "\
The gateway reads its configuration, and every file that it names, as it does on SIGHUP and when one of them has
changed. What is good is served from the next call on; calls in flight end as they would have. If anything is wrong, all
of it is listed and what was served before still is.

Accounts, callers and the policy are taken over, and so is what is in the files of [grpc.tls] and [grpc.jwt].
Everything else waits until the gateway is started again, and is told.

Examples:
  kabao reload
  kabao reload --admin 127.0.0.1:9464

Exit codes:
  0  what the files say is served
  1  it is refused, or the gateway cannot be reached; standard error says why
  2  the command line cannot be understood";

/// Has a running gateway read its configuration again, and tells what came of it.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(super) struct ReloadArguments {
    /// The gateway's admin.listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9464")]
    admin: SocketAddr,
}

/// Longer than the gateway takes before it answers that it is not done yet.
const PATIENCE: Duration = Duration::from_secs(15);

/// Mistakes in a configuration of ten thousand accounts.
const MOST: usize = 64 * 1024 * 1024;

pub(super) async fn run(arguments: ReloadArguments) -> Result<ExitCode, ExitCode> {
    let address = reachable(arguments.admin);
    let asked = timeout(PATIENCE, ask(address)).await;
    let (status, body) = match asked {
        Ok(Ok(answer)) => answer,
        Ok(Err(why)) => return Err(fail(&format!("the gateway at {address}: {why}"))),
        Err(_) => return Err(fail(&format!("the gateway at {address} does not answer"))),
    };
    match (status, serde_json::from_str::<Value>(&body)) {
        (StatusCode::OK, Ok(report)) => {
            print(&served(&report));
            Ok(ExitCode::SUCCESS)
        }
        (StatusCode::UNPROCESSABLE_ENTITY, Ok(report)) => Err(refused(&report)),
        (StatusCode::ACCEPTED, _) => Err(fail(
            "the configuration is still being read; the log of the gateway will say what came of it",
        )),
        (status, _) => Err(fail(&format!(
            "the gateway at {address} answers {status}: {}",
            body.trim_end()
        ))),
    }
}

/// Who listens on all addresses is on this machine, too.
fn reachable(admin: SocketAddr) -> SocketAddr {
    let ip = match admin.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, admin.port())
}

async fn ask(address: SocketAddr) -> Result<(StatusCode, String), String> {
    let stream = TcpStream::connect(address)
        .await
        .map_err(|error| format!("cannot be reached: {error}"))?;
    let told = |error: hyper::Error| format!("does not answer as it should: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(told)?;
    // It ends with the answer.
    tokio::spawn(connection);
    let request = Request::builder()
        .method(Method::POST)
        .uri("/reload")
        .header(header::HOST, address.to_string())
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let answer = sender.send_request(request).await.map_err(told)?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), MOST).collect().await;
    let body = body.map_err(|error| format!("does not answer to the end: {error}"))?;
    let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    Ok((status, body))
}

fn served(report: &Value) -> String {
    let generation = &report["generation"];
    let mut text = match report["outcome"].as_str() {
        Some("unchanged") => {
            format!("generation {generation} is served, which is what the files say\n")
        }
        _ => format!("generation {generation} is served\n"),
    };
    for what in ["added", "changed", "removed"] {
        let names = texts(&report[what]);
        if !names.is_empty() {
            // Writing to a text does not fail.
            let _ = writeln!(text, "{what:<8} {}", names.join(", "));
        }
    }
    let waiting = texts(&report["needs_restart"]);
    if !waiting.is_empty() {
        let _ = writeln!(text, "after a restart: {}", waiting.join(", "));
    }
    text
}

fn refused(report: &Value) -> ExitCode {
    let mistakes = report["mistakes"].as_array();
    for mistake in mistakes.into_iter().flatten() {
        let part = |name: &str| mistake[name].as_str().unwrap_or_default();
        match part("key") {
            "" => complain(&format_args!("{}: {}", part("place"), part("message"))),
            key => complain(&format_args!(
                "{}: {key}: {}",
                part("place"),
                part("message")
            )),
        }
    }
    let count = mistakes.map_or(0, Vec::len);
    fail(&format!(
        "the configuration is refused, mistakes: {count}; generation {} is served on",
        report["generation"]
    ))
}

fn texts(list: &Value) -> Vec<&str> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).collect()
}
