//! `kabao check --online` against a WeChat: it finds what callers would find.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a step that fails fails the test"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use kabao_gateway::{Dev, DevOptions};
use kabao_sandbox::Running;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

const MERCHANT: &str = "demo-merchant";
const OFFICIAL_ACCOUNT: &str = "demo-official-account";

/// A sandbox, and a configuration whose accounts it knows.
struct Bench {
    sandbox: Running,
    folder: PathBuf,
}

impl Bench {
    async fn start(name: &str) -> Self {
        let dev = Dev::start(DevOptions::default()).await.unwrap();
        let (gateway, sandbox) = dev.into_parts();
        drop(gateway);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("online-{name}"));
        fs::create_dir_all(&folder).unwrap();
        let bench = Self { sandbox, folder };
        let merchant = bench.sandbox.account(MERCHANT).unwrap();
        let official = bench.sandbox.account(OFFICIAL_ACCOUNT).unwrap();
        let text = format!(
            r#"
            [[accounts]]
            id = "shop"
            family = "merchant"
            mchid = "{}"
            private_key_file = "key.pem"
            serial_no = "{}"
            public_key_file = "public.pem"
            public_key_id = "{}"
            apiv3_key_file = "apiv3"
            base_url = "{}"
            extra_ca_file = "ca.pem"
            [[accounts]]
            id = "page"
            family = "official_account"
            appid = "{}"
            app_secret_file = "secret"
            base_url = "{}"
            extra_ca_file = "ca.pem"
            "#,
            merchant.mchid.unwrap(),
            merchant.serial_no.unwrap(),
            merchant.public_key_id.unwrap(),
            merchant.base_url,
            official.appid.unwrap(),
            official.base_url,
        );
        for (name, text) in [
            ("kabao.toml", text.as_str()),
            ("key.pem", &merchant.private_key_pem.unwrap()),
            ("public.pem", &merchant.public_key_pem.unwrap()),
            ("apiv3", &merchant.apiv3_key.unwrap()),
            ("secret", &official.app_secret.unwrap()),
            ("ca.pem", bench.sandbox.ca_pem()),
        ] {
            bench.write(name, text);
        }
        bench
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.folder.join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Exit code, standard output, standard error.
    async fn check(&self) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_kabao"))
            .args(["check", "--online", "--config"])
            .arg(self.folder.join("kabao.toml"))
            .env_clear()
            .output()
            .await
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }

    /// Gives an order to the control API.
    async fn order(&self, method: &str, path: &str, body: &str) {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(self.sandbox.control_addr())
            .await
            .unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }

    async fn phase(&self, phase: &str) {
        let body = format!(r#"{{"key_phase":"{phase}"}}"#);
        self.order("PATCH", &format!("/accounts/{MERCHANT}"), &body)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_accounts_are_told_and_what_does_not_fit_is_a_warning() {
    let bench = Bench::start("good").await;
    let (code, out, err) = bench.check().await;
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(
        out.contains("shop: WeChat takes it (merchant.cards.list)"),
        "{out}"
    );
    assert!(out.contains("page: WeChat takes it ("), "{out}");
    bench.phase("stopped").await;
    let (code, _, err) = bench.check().await;
    assert_eq!(code, 0, "{err}");
    assert!(
        err.starts_with("warning: shop: requests name the WeChat Pay public key"),
        "{err}"
    );
    bench.phase("public_key").await;
    let (code, _, err) = bench.check().await;
    assert_eq!(code, 0, "{err}");
    assert!(
        err.contains("no platform certificates for the merchant"),
        "{err}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_key_is_found_with_its_remedy_before_callers_find_it() {
    let bench = Bench::start("replaced").await;
    let body = format!(r#"{{"account":"{MERCHANT}","key":"public_key"}}"#);
    bench.order("POST", "/keys/rotate", &body).await;
    let (code, out, err) = bench.check().await;
    assert_eq!(code, 1);
    assert!(
        err.contains("shop: KEY_UNAVAILABLE: ") && err.contains("public key"),
        "{err}"
    );
    assert!(err.contains("kabao: 1 account is not good"), "{err}");
    assert!(out.contains("page: WeChat takes it"), "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_apiv3_key_and_a_wrong_secret_are_found_too() {
    let bench = Bench::start("wrong").await;
    bench.write("apiv3", &"x".repeat(32));
    bench.write("secret", &"0".repeat(32));
    let (code, _, err) = bench.check().await;
    assert_eq!(code, 1);
    assert!(err.contains("shop: KEY_UNAVAILABLE: "), "{err}");
    assert!(err.contains("page: CREDENTIAL_REJECTED: "), "{err}");
    assert!(err.contains("kabao: 2 accounts are not good"), "{err}");
}
