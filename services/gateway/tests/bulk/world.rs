//! A gateway, a sandbox, and the binary beside them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use kabao_gateway::{Dev, DevOptions};
use kabao_sandbox::{Fault, FaultRule};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Only a failure waits for so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) const BRAND: &str = "accounts/demo-brand/templates/pbLatjvWOibDc5-TBnbUk1pD12o0";
pub(crate) const MERCHANT: &str = "accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0";
pub(crate) const OFFICIAL: &str =
    "accounts/demo-official-account/templates/ph_gmt7cUVrlRk8swPwx7aDyF-pg";
pub(crate) const MERCHANT_CODE: &str = "478515832665";
pub(crate) const OFFICIAL_CODE: &str = "916679873278";
pub(crate) const IMPORT: &str = "brand.user_cards.import_by_openid";
pub(crate) const ADD: &str = "merchant.user_card_rights.update";

/// A gateway, a sandbox, and a folder of files.
pub(crate) struct World {
    pub(crate) dev: Dev,
    pub(crate) folder: PathBuf,
    /// How often WeChat was asked before the test began.
    asked: usize,
}

/// What a command said, and how it ended.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    pub(crate) async fn start(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bulk-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let dev = Dev::start(DevOptions::default()).await.unwrap();
        let asked = dev.sandbox().requests(&Default::default()).len();
        Self { dev, folder, asked }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        let server = self.dev.gateway().grpc().to_string();
        Command::new(env!("CARGO_BIN_EXE_kabao"))
            .args(arguments)
            .args(["--server", &server, "--tries", "3"])
            .current_dir(&self.folder)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Said {
        ended(self.spawn(arguments)).await
    }

    /// How many effects an operation had, by member.
    pub(crate) fn effects(&self, operation: &str) -> BTreeMap<String, usize> {
        let mut effects = BTreeMap::new();
        for entry in self.dev.sandbox().ledger() {
            if entry.operation == operation {
                *effects.entry(entry.member.unwrap_or_default()).or_default() += 1;
            }
        }
        effects
    }

    /// How often WeChat was asked.
    pub(crate) fn requests(&self) -> usize {
        self.dev.sandbox().requests(&Default::default()).len() - self.asked
    }

    pub(crate) fn inject(&self, operation: &str, times: u32, fault: Value) {
        let fault: Fault = serde_json::from_value(fault).unwrap();
        let rule = FaultRule::next(fault).on(operation).times(times);
        self.dev.sandbox().inject(rule).unwrap();
    }

    pub(crate) async fn clear_faults(&self) {
        let address = self.dev.sandbox().control_addr();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = "DELETE /faults HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }

    pub(crate) async fn until(&self, what: impl Fn(&Self) -> bool) {
        let seen = self.dev.sandbox().wait_until(|_| what(self));
        timeout(PATIENCE, seen).await.expect("it happens");
    }
}

pub(crate) async fn ended(child: Child) -> Said {
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    let output = output.expect("the command ends").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said {
        code: output.status.code().expect("no signal ends it"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

pub(crate) fn interrupt(child: &Child) {
    let id = child.id().unwrap().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(sent.unwrap().success());
}
