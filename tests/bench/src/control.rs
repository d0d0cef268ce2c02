//! The control API of the sandbox.

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HOST};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::Result;

/// Where it listens.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    address: String,
}

impl Control {
    /// Speaks to this `HOST:PORT`.
    pub(crate) fn new(address: impl Into<String>) -> Self {
        let address = address.into();
        Self { address }
    }

    /// Sends a request and returns the answer, which has to be a success.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let stream = TokioIo::new(TcpStream::connect(&self.address).await?);
        let (mut sender, connection) = handshake::<_, Full<Bytes>>(stream).await?;
        tokio::spawn(connection);
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let request = http::Request::builder()
            .method(&method)
            .uri(path)
            .header(HOST, &self.address)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body))?;
        sender.ready().await?;
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        if !head.status.is_success() {
            return Err(format!("{method} {path}: {} {body:?}", head.status).into());
        }
        Ok(serde_json::from_slice(&body)?)
    }

    /// Changes settings.
    pub(crate) async fn set(&self, settings: &Value) -> Result<()> {
        self.send(Method::PATCH, "/settings", settings).await?;
        Ok(())
    }

    /// Lets the next requests of an operation meet a fault.
    pub(crate) async fn fault(&self, operation: &str, times: u32, fault: &Value) -> Result<()> {
        let rule = serde_json::json!({"operation": operation, "times": times, "fault": fault});
        self.send(Method::POST, "/faults", &rule).await?;
        Ok(())
    }

    /// Removes all faults, and forgets all requests.
    pub(crate) async fn calm(&self) -> Result<()> {
        self.send(Method::DELETE, "/faults", &Value::Null).await?;
        self.send(Method::DELETE, "/requests", &Value::Null).await?;
        Ok(())
    }

    /// Returns how many requests of an operation there were since they were forgotten, by what came of them.
    pub(crate) async fn count(&self, operation: &str, outcome: Option<&str>) -> Result<u64> {
        let mut path = format!("/requests?operation={operation}&limit=1");
        if let Some(outcome) = outcome {
            path.push_str(&format!("&outcome={outcome}"));
        }
        let answer = self.send(Method::GET, &path, &Value::Null).await?;
        let number = |name| answer.get(name).and_then(Value::as_u64);
        let shown = answer.get("requests").and_then(Value::as_array);
        let shown = shown.ok_or("the sandbox lists no requests")?.len();
        let left_out = number("left_out").ok_or("the sandbox does not say how many it left out")?;
        Ok(left_out + u64::try_from(shown)?)
    }
}
