//! A client that writes HTTP by hand and signs with `kabao-auth`.

use std::net::SocketAddr;
use std::sync::Arc;

use kabao_auth::{
    Certificate, Freshness, Identity, KeySet, PrivateKey, PublicKey, RequestToSign, Scheme,
    SignatureHeaders, TrustedKey, authorization, random_nonce, verify,
};
use kabao_sandbox::{Builder, Credentials, ManualClock, Running, Sandbox};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub(crate) const NOW: i64 = 1_767_225_600;
pub(crate) const MEMBER: &str =
    "/v3/marketing/membercard-open/cards/pbLatjvWOibDc5-TBnbUk1pD12o0/codes/478515832665";
pub(crate) const CARD: &str = "/v3/marketing/membercard-open/cards/pbLatjvWOibDc5-TBnbUk1pD12o0";
/// WeChat's own example of a balance change.
pub(crate) const OFFICIAL_EXAMPLE: &str = "{\"level\":\"黄金会员\",\"membership_number\":\"478515832665\",\
    \"balance_information\":{\"before_balance\":888,\"balance\":888,\"add_balance\":100},\
    \"out_request_no\":\"1900000109_20260301_0001\"}";

/// Starts a sandbox with a clock that stands still.
pub(crate) async fn start() -> Running {
    start_with(Sandbox::builder()).await
}

pub(crate) async fn start_with(builder: Builder) -> Running {
    builder
        .clock(Arc::new(ManualClock::new(NOW)))
        .start()
        .await
        .unwrap()
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names as spelled.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn signature_headers(&self) -> SignatureHeaders<'_> {
        SignatureHeaders::read(|name| self.header(name))
    }

    pub(crate) fn is_signed(&self) -> bool {
        self.header("wechatpay-signature").is_some()
    }
}

/// A request to be signed.
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) body: &'a str,
    pub(crate) serial: Option<&'a str>,
    pub(crate) language: Option<&'a str>,
}

pub(crate) fn get(target: &str) -> Call<'_> {
    Call {
        method: "GET",
        target,
        body: "",
        serial: None,
        language: None,
    }
}

pub(crate) fn patch<'a>(target: &'a str, body: &'a str) -> Call<'a> {
    Call {
        method: "PATCH",
        target,
        body,
        serial: None,
        language: None,
    }
}

/// A caller with the credentials of one account.
pub(crate) struct Client {
    addr: SocketAddr,
    connector: TlsConnector,
    pub(crate) credentials: Credentials,
    identity: Identity,
    key: PrivateKey,
}

impl Client {
    pub(crate) fn new(running: &Running, account: &str) -> Self {
        let credentials = running.account(account).unwrap();
        let key = credentials.private_key_pem.clone().unwrap();
        Self::with_key(running, credentials, &key)
    }

    /// A caller whose private key is not the sandbox's business.
    pub(crate) fn with_key(running: &Running, credentials: Credentials, key: &str) -> Self {
        let key = PrivateKey::from_pem(key).unwrap();
        let certificate =
            Certificate::from_pem(credentials.certificate_pem.as_deref().unwrap()).unwrap();
        let (scheme, id) = match &credentials.mchid {
            Some(mchid) => (Scheme::Merchant, mchid),
            None => (Scheme::Brand, credentials.brand_id.as_ref().unwrap()),
        };
        let identity = Identity::from_certificate(scheme, id, &certificate, &key).unwrap();
        Self {
            addr: running.addr(),
            connector: connector(running),
            credentials,
            identity,
            key,
        }
    }

    pub(crate) async fn send(&self, call: Call<'_>) -> Answer {
        self.try_send(call).await.unwrap()
    }

    /// Returns nothing if the connection closes without a whole answer.
    pub(crate) async fn try_send(&self, call: Call<'_>) -> Option<Answer> {
        let nonce = random_nonce().unwrap();
        let header = authorization(
            &self.identity,
            &self.key,
            &RequestToSign {
                method: call.method,
                target: call.target,
                timestamp: NOW,
                nonce: &nonce,
                body: call.body.as_bytes(),
            },
        )
        .unwrap();
        let mut headers = vec![
            ("Accept", "application/json"),
            ("User-Agent", "kabao-sandbox-tests"),
            ("Authorization", header.as_str()),
        ];
        if !call.body.is_empty() {
            headers.push(("Content-Type", "application/json"));
        }
        headers.extend(call.serial.map(|serial| ("Wechatpay-Serial", serial)));
        headers.extend(call.language.map(|language| ("Accept-Language", language)));
        let stream = self.connect().await;
        exchange(
            stream,
            call.method,
            call.target,
            &headers,
            call.body.as_bytes(),
        )
        .await
    }

    async fn connect(&self) -> tokio_rustls::client::TlsStream<TcpStream> {
        connect(&self.connector, self.addr).await
    }

    /// Verifies an answer with everything that the account trusts.
    pub(crate) fn verify(
        &self,
        running: &Running,
        answer: &Answer,
    ) -> Result<(), kabao_auth::VerificationError> {
        let public_key = TrustedKey::PublicKey {
            id: self
                .credentials
                .public_key_id
                .as_deref()
                .unwrap()
                .parse()
                .unwrap(),
            key: PublicKey::from_pem(self.credentials.public_key_pem.as_deref().unwrap()).unwrap(),
        };
        let certificates = running.platform_certificates(&self.credentials.name);
        let certificates = certificates
            .iter()
            .map(|pem| TrustedKey::Certificate(Certificate::from_pem(pem).unwrap()));
        let keys = KeySet::new(*self.identity.serial(), certificates.chain([public_key])).unwrap();
        let now = Freshness::from(NOW);
        verify(
            &answer.signature_headers(),
            answer.body.as_slice(),
            &keys,
            now,
        )
        .map(|_| ())
    }
}

/// Trusts the sandbox's own authority and nothing else.
pub(crate) fn connector(running: &Running) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(running.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

pub(crate) async fn connect(
    connector: &TlsConnector,
    addr: SocketAddr,
) -> tokio_rustls::client::TlsStream<TcpStream> {
    let stream = TcpStream::connect(addr).await.unwrap();
    let name = ServerName::try_from("api.mch.weixin.qq.com").unwrap();
    connector.connect(name, stream).await.unwrap()
}

/// Calls the control API.
pub(crate) async fn control(running: &Running, method: &str, path: &str, body: &Value) -> Answer {
    let stream = TcpStream::connect(running.control_addr()).await.unwrap();
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let own = [("Host", "localhost")];
    exchange(stream, method, path, &own, body.as_bytes())
        .await
        .unwrap()
}

/// Writes one request and reads one answer.
pub(crate) async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<Answer> {
    let mut request = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n");
    if headers.iter().all(|(name, _)| *name != "Host") {
        request.push_str("Host: api.mch.weixin.qq.com\r\n");
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    stream.flush().await.unwrap();
    let mut received = Vec::new();
    // A connection that a fault closes ends without the TLS farewell.
    let _ = stream.read_to_end(&mut received).await;
    parse(&received)
}

fn parse(received: &[u8]) -> Option<Answer> {
    let end = received
        .windows(4)
        .position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(received[..end].to_vec()).unwrap();
    let body = received[end + 4..].to_vec();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
    let headers: Vec<_> = lines
        .map(|line| {
            line.split_once(": ")
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .unwrap()
        })
        .collect();
    let answer = Answer {
        status,
        headers,
        body,
    };
    let announced = answer
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    (answer.body.len() == announced).then_some(answer)
}
