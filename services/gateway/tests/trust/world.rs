//! A gateway with TLS out of a folder, and clients of it.

use std::fs::{self, Permissions};
use std::io;
use std::ops::RangeInclusive;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use kabao_gateway::Gateway;
use kabao_gateway::config::{self, Environment, Mistakes, Settings};
use kabao_proto::kabao::v1::GetAccountRequest;
use kabao_proto::kabao::v1::account_service_client::AccountServiceClient;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};

use crate::authority::{Authority, Identity, now};

/// Longer than anything here takes; only a failure waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The folder of a configuration.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("trust-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("secret"), "hush-hush").unwrap();
        fs::set_permissions(folder.join("secret"), Permissions::from_mode(0o600)).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Puts a file there as a whole, in place of the one that was.
    pub(crate) fn put(&self, name: &str, text: &str) {
        let beside = self.path(&format!("{name}.new"));
        fs::write(&beside, text).unwrap();
        fs::set_permissions(&beside, Permissions::from_mode(0o600)).unwrap();
        fs::rename(beside, self.path(name)).unwrap();
    }

    /// Puts what the gateway proves itself with there.
    pub(crate) fn put_server(&self, server: &Identity) {
        self.put("cert.pem", &server.certificate);
        self.put("key.pem", &server.key);
    }

    /// Reads a configuration with more in `[grpc]`, in `[grpc.tls]`, and at the end.
    pub(crate) fn settings(&self, grpc: &str, tls: &str, rest: &str) -> Result<Settings, Mistakes> {
        self.settings_of("", grpc, tls, rest)
    }

    /// The same with more before the first section.
    pub(crate) fn settings_of(
        &self,
        first: &str,
        grpc: &str,
        tls: &str,
        rest: &str,
    ) -> Result<Settings, Mistakes> {
        let now = i64::try_from(now().as_secs()).unwrap();
        let text = format!("{first}{}", configuration(grpc, tls, rest));
        let environment = Environment::default();
        config::parse("kabao.toml", &text, &self.0, &environment, now)
    }

    pub(crate) async fn start(&self, grpc: &str, tls: &str, rest: &str) -> Gateway {
        let settings = self.settings(grpc, tls, rest).unwrap();
        let gateway = Gateway::start(&settings).await.unwrap();
        gateway.ready();
        gateway
    }
}

/// A configuration with more in `[grpc]`, in `[grpc.tls]`, and at the end.
pub(crate) fn configuration(grpc: &str, tls: &str, rest: &str) -> String {
    format!(
        "[grpc]\nlisten = \"127.0.0.1:0\"\n{grpc}\n[grpc.tls]\ncertificate_file = \"cert.pem\"\nprivate_key_file = \"key.pem\"\n{tls}\n\
             [reload]\npoll = \"100ms\"\n[admin]\nlisten = \"127.0.0.1:0\"\n\
             [[accounts]]\nid = \"wechat\"\nfamily = \"official_account\"\nappid = \"wx1\"\napp_secret_file = \"secret\"\nbase_url = \"https://127.0.0.1:1\"\n{rest}"
    )
}

/// TLS that trusts an authority and shows a certificate if there is one.
pub(crate) fn trusting(authority: &Authority, identity: Option<&Identity>) -> Arc<ClientConfig> {
    trusting_all(&[authority], identity)
}

/// The same for several authorities.
pub(crate) fn trusting_all(
    authorities: &[&Authority],
    identity: Option<&Identity>,
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        let root = CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap();
        roots.add(root).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let (chain, key) = identity.der();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

/// Opens a connection of TLS, which the gateway may still refuse.
pub(crate) async fn connect(
    gateway: &Gateway,
    config: &Arc<ClientConfig>,
) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(gateway.grpc()).await?;
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    TlsConnector::from(Arc::clone(config))
        .connect(name, stream)
        .await
}

/// A channel that connects when it is used first.
pub(crate) fn channel(gateway: &Gateway, config: &Arc<ClientConfig>) -> Channel {
    let (address, config) = (gateway.grpc(), Arc::clone(config));
    let connect = tower::service_fn(move |_: http::Uri| {
        let config = Arc::clone(&config);
        async move {
            let stream = TcpStream::connect(address).await?;
            let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
            let connector = TlsConnector::from(config);
            io::Result::Ok(TokioIo::new(connector.connect(name, stream).await?))
        }
    });
    Endpoint::from_static("http://localhost").connect_with_connector_lazy(connect)
}

/// What a call comes to that the gateway answers by itself.
pub(crate) async fn ask(channel: &Channel, token: Option<&str>) -> Code {
    let mut request = Request::new(GetAccountRequest {
        name: "accounts/wechat".to_owned(),
    });
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    let mut client = AccountServiceClient::new(channel.clone());
    match timeout(PATIENCE, client.get_account(request))
        .await
        .unwrap()
    {
        Ok(_) => Code::Ok,
        // What TLS says against it, tonic has no code for.
        Err(status) if std::error::Error::source(&status).is_some() => Code::Unavailable,
        Err(status) => status.code(),
    }
}

/// Waits until a series of `/metrics` has a value.
pub(crate) async fn until(gateway: &Gateway, series: &str, wanted: i64) {
    until_among(gateway, series, wanted..=wanted).await;
}

/// Waits until a series of `/metrics` has one of some values.
pub(crate) async fn until_among(gateway: &Gateway, series: &str, wanted: RangeInclusive<i64>) {
    let is_reached = |value: Option<i64>| value.is_some_and(|value| wanted.contains(&value));
    let reached = async {
        while !is_reached(metric(gateway, series).await) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    if timeout(PATIENCE, reached).await.is_err() {
        let now = metric(gateway, series).await;
        panic!("{series} is {now:?} and not among {wanted:?}");
    }
}

/// What the admin listener answers to a request.
pub(crate) async fn say(gateway: &Gateway, request: &str) -> String {
    let mut stream = TcpStream::connect(gateway.admin()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut said = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut said))
        .await
        .expect("an answer")
        .unwrap();
    said
}

/// A series of `/metrics`, without a fraction.
pub(crate) async fn metric(gateway: &Gateway, series: &str) -> Option<i64> {
    let said = say(gateway, "GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let value = said
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map(|value| value.parse().unwrap())
}

/// The series of failed handshakes of a kind.
pub(crate) fn failed(kind: &str) -> String {
    format!(r#"kabao_connections_handshakes_failed_total{{kabao_cause="{kind}"}}"#)
}

/// The series of connections that were closed for a cause.
pub(crate) fn evicted(kind: &str) -> String {
    format!(r#"kabao_connections_evicted_total{{kabao_cause="{kind}"}}"#)
}

pub(crate) const REFUSED: &str = r#"kabao_files_refused{kabao_files="tls"}"#;
