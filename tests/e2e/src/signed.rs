//! A caller without the gateway: speaks to the sandbox over TLS and signs by itself.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use kabao_auth::{
    Certificate, Freshness, Identity, KeySet, PrivateKey, PublicKey, RequestToSign, Scheme,
    SignatureHeaders, TrustedKey, authorization, random_nonce, verify,
};
use kabao_sandbox::{Clock as _, Credentials, Running, SystemClock};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body as JSON; `null` if there is none.
    pub(crate) fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A caller with the credentials of one account.
pub(crate) struct Caller<'w> {
    sandbox: &'w Running,
    credentials: Credentials,
    proof: Proof,
}

/// How a caller shows who it is.
enum Proof {
    /// Signs its requests and trusts WeChat Pay's public key.
    Signature {
        identity: Identity,
        key: PrivateKey,
        trusted: KeySet,
    },
    Token(String),
}

impl<'w> Caller<'w> {
    pub(crate) async fn new(sandbox: &'w Running, account: &str) -> Self {
        let credentials = sandbox.account(account).unwrap();
        let mut caller = Self {
            sandbox,
            proof: Proof::Token(String::new()),
            credentials,
        };
        caller.proof = match caller.credentials.private_key_pem.clone() {
            Some(key) => caller.signature(&key),
            None => Proof::Token(caller.token().await),
        };
        caller
    }

    fn signature(&self, key: &str) -> Proof {
        let known = &self.credentials;
        let certificate = Certificate::from_pem(known.certificate_pem.as_deref().unwrap()).unwrap();
        let (scheme, id) = match &known.mchid {
            Some(mchid) => (Scheme::Merchant, mchid),
            None => (Scheme::Brand, known.brand_id.as_ref().unwrap()),
        };
        let key = PrivateKey::from_pem(key).unwrap();
        let identity = Identity::from_certificate(scheme, id, &certificate, &key).unwrap();
        let public_key = TrustedKey::PublicKey {
            id: known.public_key_id.as_deref().unwrap().parse().unwrap(),
            key: PublicKey::from_pem(known.public_key_pem.as_deref().unwrap()).unwrap(),
        };
        let trusted = KeySet::new(*identity.serial(), [public_key]).unwrap();
        Proof::Signature {
            identity,
            key,
            trusted,
        }
    }

    async fn token(&self) -> String {
        let (appid, secret) = (&self.credentials.appid, &self.credentials.app_secret);
        let target = format!(
            "/cgi-bin/token?grant_type=client_credential&appid={}&secret={}",
            appid.as_deref().unwrap(),
            secret.as_deref().unwrap()
        );
        let answer = self.exchange(Request::get(target), "").await;
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Sends a request as this account. Signed answers are verified.
    pub(crate) async fn send(&self, method: &str, target: &str, body: &str) -> Answer {
        match &self.proof {
            Proof::Token(token) => {
                let target = format!("{target}?access_token={token}");
                self.exchange(Request::builder().method(method).uri(target), body)
                    .await
            }
            Proof::Signature {
                identity,
                key,
                trusted,
            } => {
                let request = Request::builder()
                    .method(method)
                    .uri(target)
                    .header(AUTHORIZATION, sign(identity, key, method, target, body))
                    .header(
                        "Wechatpay-Serial",
                        self.credentials.public_key_id.as_deref().unwrap(),
                    );
                let answer = self.exchange(request, body).await;
                let signature = SignatureHeaders::read(|name| answer.header(name));
                verify(&signature, &answer.body, trusted, Freshness::from(now())).unwrap();
                answer
            }
        }
    }

    async fn exchange(&self, request: http::request::Builder, body: &str) -> Answer {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(self.sandbox.ca_pem().as_bytes()).unwrap();
        roots.add(authority).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let host = match self.proof {
            Proof::Signature { .. } => "api.mch.weixin.qq.com",
            Proof::Token(_) => "api.weixin.qq.com",
        };
        let stream = TcpStream::connect(self.sandbox.addr()).await.unwrap();
        let stream = TlsConnector::from(Arc::new(tls))
            .connect(ServerName::try_from(host).unwrap(), stream)
            .await
            .unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        let mut request = request
            .header(HOST, host)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, "kabao-e2e");
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes())));
        let (head, body) = sender
            .send_request(request.unwrap())
            .await
            .unwrap()
            .into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        connection.abort();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        }
    }
}

fn sign(identity: &Identity, key: &PrivateKey, method: &str, target: &str, body: &str) -> String {
    let nonce = random_nonce().unwrap();
    let request = RequestToSign {
        method,
        target,
        timestamp: now(),
        nonce: &nonce,
        body: body.as_bytes(),
    };
    authorization(identity, key, &request).unwrap()
}

fn now() -> i64 {
    SystemClock.now().as_second()
}
