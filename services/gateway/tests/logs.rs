//! What refusals leave in the log. A process of its own: whether an event is recorded is cached for the whole
//! process, and tests without a subscriber would decide it.

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
use std::path::Path;
use std::sync::{Arc, Mutex};

use kabao_auth::PrivateKey;
use kabao_gateway::config::{self, Environment};
use kabao_gateway::{Dev, DevOptions, Gateway};
use kabao_proto::kabao::v1::GetMemberRequest;
use kabao_proto::kabao::v1::member_service_client::MemberServiceClient;
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::transport::Endpoint;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    /// The gateway runs on the thread of the test, so its events come here.
    fn collect(&self) -> DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::INFO)
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn with(&self, message: &str) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|line| {
                line["fields"]["message"]
                    .as_str()
                    .unwrap()
                    .starts_with(message)
            })
            .collect()
    }
}

#[tokio::test]
async fn a_no_of_wechat_is_information_and_no_warning() {
    let lines = Lines::default();
    let _guard = lines.collect();
    let dev = Dev::start(DevOptions::default()).await.unwrap();
    let (gateway, _sandbox) = dev.into_parts();
    let endpoint = Endpoint::from_shared(format!("http://{}", gateway.grpc())).unwrap();
    let mut members = MemberServiceClient::new(endpoint.connect().await.unwrap());
    let request = GetMemberRequest {
        name: "accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/000000000000"
            .to_owned(),
        ..GetMemberRequest::default()
    };
    members.get_member(request).await.unwrap_err();
    for message in ["WeChat refused the upstream call", "call refused"] {
        let found = lines.with(message);
        assert_eq!(found.len(), 1, "{message}");
        assert_eq!(found[0]["level"], "INFO");
        let fields = &found[0]["fields"];
        assert_eq!(fields["reason"], "MEMBER_NOT_FOUND");
        assert_eq!(fields["upstream_code"], "INVALID_REQUEST");
        assert!(!found[0].to_string().contains("000000000000"));
    }
    assert_eq!(lines.with("upstream call failed").len(), 0);
}

#[tokio::test]
async fn a_failed_handshake_is_one_line_with_its_cause() {
    let lines = Lines::default();
    let _guard = lines.collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("logs-handshake");
    fs::create_dir_all(&folder).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    fs::write(
        folder.join("cert.pem"),
        leaf.self_signed(&key).unwrap().pem(),
    )
    .unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    fs::write(folder.join("secret"), "hush-hush").unwrap();
    fs::set_permissions(folder.join("key.pem"), Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(folder.join("secret"), Permissions::from_mode(0o600)).unwrap();
    let text = "[grpc]\nlisten = \"127.0.0.1:0\"\n[grpc.tls]\ncertificate_file = \"cert.pem\"\nprivate_key_file = \"key.pem\"\n[admin]\nlisten = \"127.0.0.1:0\"\n\
         [[accounts]]\nid = \"wechat\"\nfamily = \"official_account\"\nappid = \"wx1\"\napp_secret_file = \"secret\"\nbase_url = \"https://127.0.0.1:1\"\n";
    let settings = config::parse("kabao.toml", text, &folder, &Environment::default(), 0).unwrap();
    let gateway = Gateway::start(&settings).await.unwrap();
    for _ in 0..5 {
        let mut stream = TcpStream::connect(gateway.grpc()).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut said = Vec::new();
        // The connection is reset or closed, whichever comes first.
        let _ = stream.read_to_end(&mut said).await;
    }
    let found = lines.with("TLS handshake with a caller failed");
    assert_eq!(found.len(), 1, "the rest is counted");
    let fields = &found[0]["fields"];
    assert_eq!(found[0]["level"], "WARN");
    assert!(fields["caller"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert!(
        fields["cause"].as_str().unwrap().contains("corrupt"),
        "{fields}"
    );
    assert_eq!(fields["untold"], 0);
}

#[tokio::test]
async fn first_keys_of_many_accounts_are_one_line_and_what_fails_is_told_for_some() {
    const WITHOUT: usize = 60;
    let lines = Lines::default();
    let _guard = lines.collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("logs-keys");
    fs::create_dir_all(&folder).unwrap();
    let key = PrivateKey::generate_pem().unwrap();
    let key = key.to_str().unwrap();
    let public = PrivateKey::from_pem(key).unwrap().public_key().to_pem();
    for (name, content) in [
        ("key.pem", key),
        ("pub.pem", &public),
        ("secret", "hush-hush"),
    ] {
        fs::write(folder.join(name), content).unwrap();
        fs::set_permissions(folder.join(name), Permissions::from_mode(0o600)).unwrap();
    }
    let mut text =
        "[grpc]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n".to_owned();
    // These need nothing of WeChat before their first call, and those get nothing.
    for number in 0..3 {
        text.push_str(&format!(
            "[[accounts]]\nid = \"shop-{number}\"\nfamily = \"merchant\"\nmchid = \"190000000{number}\"\nprivate_key_file = \"key.pem\"\n\
             serial_no = \"5157F09EFDC096DE15EBE81A47057A720000000{number}\"\npublic_key_file = \"pub.pem\"\n\
             public_key_id = \"PUB_KEY_ID_0119000000012025010100000000000001\"\n"
        ));
    }
    for number in 0..WITHOUT {
        text.push_str(&format!(
            "[[accounts]]\nid = \"page-{number}\"\nfamily = \"official_account\"\nappid = \"wx{number}\"\napp_secret_file = \"secret\"\n\
             base_url = \"https://127.0.0.1:1\"\n"
        ));
    }
    let settings = config::parse("kabao.toml", &text, &folder, &Environment::default(), 0).unwrap();
    let _gateway = Gateway::start(&settings).await.unwrap();
    while lines.with("keys are there").is_empty() {
        tokio::task::yield_now().await;
    }
    let sum = &lines.with("keys are there")[0];
    assert_eq!(sum["level"], "INFO");
    assert_eq!(sum["fields"]["accounts"], 3);
    assert_eq!(sum["fields"]["without"], WITHOUT);
    let told = lines.with("the account has no keys yet");
    assert_eq!(told.len(), 50);
    assert!(told.iter().all(|line| line["level"] == "WARN"));
}
