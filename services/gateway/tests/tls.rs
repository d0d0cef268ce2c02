//! TLS and client certificates on the gRPC port.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a step that fails fails the test"
)]

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use kabao_gateway::Gateway;
use kabao_gateway::config::{self, Environment};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName,
    ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

const PATIENCE: Duration = Duration::from_secs(20);

/// An authority and a certificate that it signed, with its key.
struct Issued {
    ca: String,
    certificate: String,
    key: String,
}

fn issue(usage: ExtendedKeyUsagePurpose) -> Issued {
    issue_named(usage, Some("localhost"))
}

/// A certificate with a DNS name, or with no name at all.
fn issue_named(usage: ExtendedKeyUsagePurpose, name: Option<&str>) -> Issued {
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    let mut leaf = CertificateParams::new(Vec::from_iter(name.map(str::to_owned))).unwrap();
    leaf.distinguished_name = DistinguishedName::new();
    leaf.extended_key_usages = vec![usage];
    let key = KeyPair::generate().unwrap();
    Issued {
        ca: ca.pem(),
        certificate: leaf.signed_by(&key, &ca).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tls-{name}"));
    fs::create_dir_all(&folder).unwrap();
    folder
}

async fn start(name: &str, server: &Issued, clients: Option<&Issued>) -> Gateway {
    start_with(name, server, clients, ("", "")).await
}

/// The same with more settings: in `[grpc]`, and at the end.
async fn start_with(
    name: &str,
    server: &Issued,
    clients: Option<&Issued>,
    (grpc, rest): (&str, &str),
) -> Gateway {
    let folder = folder(name);
    fs::write(folder.join("cert.pem"), &server.certificate).unwrap();
    fs::write(folder.join("key.pem"), &server.key).unwrap();
    fs::write(folder.join("secret"), "hush-hush").unwrap();
    fs::set_permissions(folder.join("key.pem"), Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(folder.join("secret"), Permissions::from_mode(0o600)).unwrap();
    let mut tls = "certificate_file = \"cert.pem\"\nprivate_key_file = \"key.pem\"\n".to_owned();
    if let Some(clients) = clients {
        fs::write(folder.join("clients.pem"), &clients.ca).unwrap();
        tls.push_str("client_ca_file = \"clients.pem\"\n");
    }
    let text = format!(
        "[grpc]\nlisten = \"127.0.0.1:0\"\n{grpc}[grpc.tls]\n{tls}[admin]\nlisten = \"127.0.0.1:0\"\n\
         [[accounts]]\nid = \"wechat\"\nfamily = \"official_account\"\nappid = \"wx1\"\napp_secret_file = \"secret\"\nbase_url = \"https://127.0.0.1:1\"\n{rest}"
    );
    let settings = config::parse("kabao.toml", &text, &folder, &Environment::default(), 0).unwrap();
    let gateway = Gateway::start(&settings).await.unwrap();
    gateway.ready();
    gateway
}

/// A TLS client that trusts `server` and shows `identity` if there is one.
fn connector(server: &Issued, identity: Option<&Issued>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(server.ca.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let chain =
                vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

async fn channel(
    gateway: &Gateway,
    connector: TlsConnector,
) -> Result<Channel, tonic::transport::Error> {
    let address = gateway.grpc();
    let connect = tower::service_fn(move |_: http::Uri| {
        let connector = connector.clone();
        async move {
            let stream = TcpStream::connect(address).await?;
            let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
            io::Result::Ok(TokioIo::new(connector.connect(name, stream).await?))
        }
    });
    Endpoint::from_static("http://localhost")
        .connect_with_connector(connect)
        .await
}

async fn is_served(gateway: &Gateway, connector: TlsConnector) -> bool {
    let Ok(channel) = channel(gateway, connector).await else {
        return false;
    };
    let request = HealthCheckRequest::default();
    match HealthClient::new(channel).check(request).await {
        Ok(answer) => answer.into_inner().status() == ServingStatus::Serving,
        Err(_) => false,
    }
}

#[tokio::test]
async fn calls_go_through_tls() {
    let server = issue(ExtendedKeyUsagePurpose::ServerAuth);
    let gateway = start("plain", &server, None).await;
    assert!(is_served(&gateway, connector(&server, None)).await);
    let stranger = issue(ExtendedKeyUsagePurpose::ServerAuth);
    assert!(!is_served(&gateway, connector(&stranger, None)).await);
}

#[tokio::test]
async fn clients_need_a_certificate_of_the_configured_authority() {
    let server = issue(ExtendedKeyUsagePurpose::ServerAuth);
    let client = issue(ExtendedKeyUsagePurpose::ClientAuth);
    let stranger = issue(ExtendedKeyUsagePurpose::ClientAuth);
    let gateway = start("mutual", &server, Some(&client)).await;
    assert!(is_served(&gateway, connector(&server, Some(&client))).await);
    assert!(!is_served(&gateway, connector(&server, None)).await);
    assert!(!is_served(&gateway, connector(&server, Some(&stranger))).await);
}

#[tokio::test]
async fn a_handshake_that_does_not_go_on_is_cut_off() {
    let server = issue(ExtendedKeyUsagePurpose::ServerAuth);
    let soon = "[grpc.timeouts]\nhandshake = \"500ms\"\n";
    let gateway = start_with("stuck", &server, None, ("", soon)).await;
    let mut silent = TcpStream::connect(gateway.grpc()).await.unwrap();
    let mut said = Vec::new();
    let reading = silent.read_to_end(&mut said);
    tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("the connection is cut")
        .unwrap();
    assert_eq!(said, b"");
    assert!(is_served(&gateway, connector(&server, None)).await);
}

/// Exit code, standard output and standard error of `kabao export` with options.
async fn export(
    folder: &Path,
    gateway: &Gateway,
    options: &[&str],
) -> (Option<i32>, String, String) {
    let list = r#"{"name": "accounts/wechat/templates/t/members/1"}"#;
    fs::write(folder.join("list.jsonl"), list).unwrap();
    let server = format!("localhost:{}", gateway.grpc().port());
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_kabao"))
        .args([
            "export",
            "--file",
            "list.jsonl",
            "--output",
            "out.jsonl",
            "--tries",
            "1",
        ])
        .args(
            ["--server", &server]
                .iter()
                .filter(|_| !options.contains(&"--server")),
        )
        .args(options)
        .current_dir(folder)
        .env_clear()
        .output();
    let output = tokio::time::timeout(PATIENCE, output)
        .await
        .unwrap()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_that_are_clients_check_the_gateway_and_show_their_certificate() {
    let server = issue(ExtendedKeyUsagePurpose::ServerAuth);
    let client = issue(ExtendedKeyUsagePurpose::ClientAuth);
    let gateway = start("commands", &server, Some(&client)).await;
    let folder = folder("commands-client");
    for (name, text) in [
        ("ca.pem", &server.ca),
        ("me.pem", &client.certificate),
        ("me.key", &client.key),
        ("stranger.pem", &client.ca),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
    let identity = ["--cert", "me.pem", "--key", "me.key"];
    let (code, out, err) = export(
        &folder,
        &gateway,
        &[&["--ca", "ca.pem"], &identity[..]].concat(),
    )
    .await;
    // The call got through; only WeChat is not there.
    assert_eq!(code, Some(1));
    assert!(
        err.contains("1 refused: UPSTREAM_UNAVAILABLE"),
        "{out}{err}"
    );
    for options in [
        &[&["--ca", "stranger.pem"], &identity[..]].concat(),
        &vec!["--ca", "ca.pem"],
        &Vec::new(),
    ] {
        let (code, _, err) = export(&folder, &gateway, options).await;
        assert_eq!(code, Some(1), "{options:?}");
        let is_unreached = err.contains("cannot be reached") || err.contains("does not answer");
        assert!(is_unreached, "{options:?}: {err}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_that_are_clients_show_a_token_and_never_in_plain_text_to_another_machine() {
    let server = issue(ExtendedKeyUsagePurpose::ServerAuth);
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let callers = format!("[[callers]]\nname = \"office\"\ntoken_sha256 = [\"{abc}\"]\n");
    let gateway = start_with("token", &server, None, ("", callers.as_str())).await;
    let folder = folder("token-client");
    for (name, text) in [
        ("ca.pem", server.ca.as_str()),
        ("token", "abc\n"),
        ("other", "abd\n"),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
    for (options, said) in [
        (&["--token-file", "token"][..], "UPSTREAM_UNAVAILABLE"),
        (&["--token-file", "other"], "UNAUTHENTICATED"),
        (&[], "UNAUTHENTICATED"),
        (&["--token-file", "missing"], "cannot read missing"),
    ] {
        let options = [&["--ca", "ca.pem"], options].concat();
        let (code, out, err) = export(&folder, &gateway, &options).await;
        assert_eq!(code, Some(1), "{options:?}");
        assert!(err.contains(said), "{options:?}: {out}{err}");
        assert!(!format!("{out}{err}").contains("abc"), "{out}{err}");
    }
    let plain = ["--token-file", "token", "--server", "gateway.example:50051"];
    let (code, _, err) = export(&folder, &gateway, &plain).await;
    assert_ne!(code, Some(0));
    assert!(err.contains("plain text"), "{err}");
}

/// What a call of `GetAccount` comes to.
async fn asked(gateway: &Gateway, connector: TlsConnector, token: Option<&str>) -> tonic::Code {
    use kabao_proto::kabao::v1::account_service_client::AccountServiceClient;
    let channel = channel(gateway, connector).await.unwrap();
    let mut request = tonic::Request::new(kabao_proto::kabao::v1::GetAccountRequest {
        name: "accounts/wechat".to_owned(),
    });
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    match AccountServiceClient::new(channel)
        .get_account(request)
        .await
    {
        Ok(_) => tonic::Code::Ok,
        Err(status) => status.code(),
    }
}

#[tokio::test]
async fn a_certificate_or_a_token_says_who_calls_and_the_policy_what_they_may() {
    use tonic::Code;
    let server = issue(ExtendedKeyUsagePurpose::ServerAuth);
    let client = issue_named(
        ExtendedKeyUsagePurpose::ClientAuth,
        Some("till.acme.example"),
    );
    let folder = folder("policy");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("policy.toml"),
        "[[callers]]\nname = \"*.acme.example\"\naccounts = [\"wechat\"]\nmethods = [\"read\"]\n\
         [[callers]]\nname = \"elsewhere\"\naccounts = [\"other\"]\nmethods = [\"read\"]\n",
    )
    .unwrap();
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let callers = format!("[[callers]]\nname = \"elsewhere\"\ntoken_sha256 = [\"{abc}\"]\n");
    let policy = ("policy_file = \"policy.toml\"\n", callers.as_str());
    let gateway = start_with("policy", &server, Some(&client), policy).await;
    let me = || connector(&server, Some(&client));
    assert_eq!(asked(&gateway, me(), None).await, Code::Ok);
    // A token goes before the certificate.
    assert_eq!(
        asked(&gateway, me(), Some("abc")).await,
        Code::PermissionDenied
    );
    assert_eq!(
        asked(&gateway, me(), Some("abd")).await,
        Code::Unauthenticated
    );
}

#[tokio::test]
async fn a_certificate_that_names_nobody_is_refused() {
    let server = issue(ExtendedKeyUsagePurpose::ServerAuth);
    let client = issue_named(ExtendedKeyUsagePurpose::ClientAuth, None);
    let gateway = start("nameless", &server, Some(&client)).await;
    assert!(!is_served(&gateway, connector(&server, Some(&client))).await);
}
