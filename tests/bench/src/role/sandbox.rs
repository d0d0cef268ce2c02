//! The sandbox, with its demo data, the files of its accounts, and members that can be written.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use kabao_sandbox::Sandbox;
use serde_json::json;
use tokio::net::TcpStream;

use super::{Arguments, questions, say};
use crate::{Result, member};

pub(super) async fn run() -> Result<()> {
    let folder = Arguments::of_process().path(0)?;
    let sandbox = Sandbox::builder()
        .listen("127.0.0.1:0")
        .control("127.0.0.1:0")
        .directory(folder)
        .start()
        .await?;
    claim(sandbox.control_addr()).await?;
    say(&format!("ready {}", sandbox.addr()))?;
    let mut questions = questions();
    while questions.recv().await.is_some() {}
    Ok(())
}

/// Lets users take the cards that writes are about.
async fn claim(control: SocketAddr) -> Result<()> {
    let stream = TokioIo::new(TcpStream::connect(control).await?);
    let (mut sender, connection) = handshake::<_, Full<Bytes>>(stream).await?;
    tokio::spawn(connection);
    for index in 0..member::MEMBERS {
        let order = json!({
            "account": member::ACCOUNT,
            "card_id": member::CARD,
            "openid": format!("obLatjbench{index:017}"),
            "code": member::code(index),
        });
        let request = http::Request::post("/cards/claim")
            .header(HOST, control.to_string())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(order.to_string()))?;
        sender.ready().await?;
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        if !head.status.is_success() {
            return Err(format!("a card cannot be claimed: {body:?}").into());
        }
    }
    Ok(())
}
