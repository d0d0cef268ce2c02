//! `kabao dev` from outside: whose directory it is, what it starts with, and what hangs up on it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a step that fails fails the test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use kabao_proto::kabao::v1::account_service_client::AccountServiceClient;
use kabao_proto::kabao::v1::template_service_client::TemplateServiceClient;
use kabao_proto::kabao::v1::{
    CheckAccountRequest, Family, ListAccountsRequest, ListTemplatesRequest,
};
use serde_json::{Value, json};
use tonic::transport::{Channel, Endpoint};

const FREE_PORTS: [&str; 8] = [
    "--grpc",
    "127.0.0.1:0",
    "--admin",
    "127.0.0.1:0",
    "--sandbox",
    "127.0.0.1:0",
    "--control",
    "127.0.0.1:0",
];

/// A running `kabao dev` on free ports; killed at the end.
struct Dev {
    process: Child,
    directory: PathBuf,
    said: String,
}

impl Dev {
    fn command(directory: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kabao"));
        command
            .args(["dev", "--dir"])
            .arg(directory)
            .args(FREE_PORTS)
            .args(arguments)
            .env_clear()
            .stdin(Stdio::null());
        command
    }

    /// Starts it and waits until it is ready.
    fn start(directory: &Path, arguments: &[&str]) -> Self {
        Self::of(Self::command(directory, arguments), directory)
    }

    /// The same with a command that was changed.
    fn of(mut command: Command, directory: &Path) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        while !said.ends_with("kabao ready\n") {
            assert_ne!(out.read_line(&mut said).unwrap(), 0, "it ended: {said}");
        }
        Self {
            process,
            directory: directory.to_owned(),
            said,
        }
    }

    fn address(&self, listener: &str) -> String {
        let ready = fs::read(self.directory.join("ready.json")).unwrap();
        let ready: Value = serde_json::from_slice(&ready).unwrap();
        ready[listener].as_str().unwrap().to_owned()
    }

    /// Gives an order to the control API of the sandbox.
    fn order(&self, method: &str, path: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(self.address("control")).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    async fn channel(&self) -> Channel {
        let address = self.address("grpc");
        Endpoint::from_shared(format!("http://{address}"))
            .unwrap()
            .connect()
            .await
            .unwrap()
    }

    /// Ends it as a crash would.
    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("dev-{name}"));
    let _ = fs::remove_dir_all(&folder);
    folder
}

/// Every file of a folder with its content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[tokio::test]
async fn a_second_one_in_the_same_directory_is_refused_and_touches_nothing() {
    let folder = folder("second");
    let mut first = Dev::start(&folder, &[]);
    let before = files(&folder);
    assert!(before.len() > 10, "{:?}", before.keys());

    let second = Dev::command(&folder, &[]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(second.stdout.is_empty());
    assert_eq!(
        String::from_utf8(second.stderr).unwrap(),
        format!(
            "kabao: {} is in use by process {}; end that one, or choose another directory\n",
            folder.display(),
            first.process.id()
        )
    );
    assert_eq!(files(&folder), before);
    // The first one goes on, with the keys that its files have.
    let accounts = accounts(&first).await;
    assert_eq!(accounts.len(), 4, "{accounts:?}");

    // What a crash leaves behind is in nobody's way, and the keys survive.
    first.kill();
    let after_a_crash = Dev::start(&folder, &[]);
    let key = folder.join("sandbox/demo-merchant/apiclient_key.pem");
    assert_eq!(fs::read(&key).unwrap(), before[&key]);
    drop(after_a_crash);
}

#[tokio::test]
async fn an_empty_one_has_accounts_and_nothing_in_them() {
    let dev = Dev::start(&folder("empty"), &["--empty"]);
    assert!(
        dev.said.contains("no templates and members"),
        "{}",
        dev.said
    );
    assert!(!dev.said.contains("members/"), "{}", dev.said);
    for account in accounts(&dev).await.keys() {
        let request = ListTemplatesRequest {
            parent: account.clone(),
            ..ListTemplatesRequest::default()
        };
        let listed = TemplateServiceClient::new(dev.channel().await)
            .list_templates(request)
            .await
            .unwrap();
        assert!(listed.into_inner().templates.is_empty(), "{account}");
    }
}

#[tokio::test]
async fn accounts_of_ones_own_are_served_and_keep_their_numbers() {
    let folder = folder("accounts");
    let wanted = [
        ("acme-merchant", "merchant", Family::Merchant),
        ("acme-brand", "brand", Family::Brand),
        ("acme-direct", "brand_direct", Family::Brand),
        ("acme", "official_account", Family::OfficialAccount),
    ];
    let arguments: Vec<_> = wanted
        .iter()
        .flat_map(|(name, family, _)| ["--account".to_owned(), format!("{name}={family}")])
        .collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let mut dev = Dev::start(&folder, &arguments);
    let served = accounts(&dev).await;
    assert_eq!(served.len(), 8, "{served:?}");
    for (name, _, family) in wanted {
        assert!(dev.said.contains(&format!("  {name}  ")), "{}", dev.said);
        let name = format!("accounts/{name}");
        assert_eq!(served[&name], family, "{name}");
        // Signed, sent, verified.
        let proven = AccountServiceClient::new(dev.channel().await)
            .check_account(CheckAccountRequest { name: name.clone() })
            .await
            .unwrap();
        assert!(!proven.into_inner().proofs.is_empty(), "{name}");
    }

    let credentials = |name: &str| {
        let text = fs::read(folder.join(format!("sandbox/{name}/account.json"))).unwrap();
        let mut json: Value = serde_json::from_slice(&text).unwrap();
        json["base_url"] = Value::Null;
        let key = folder.join(format!("sandbox/{name}/apiclient_key.pem"));
        (json, fs::read(key).ok())
    };
    let before = wanted.map(|(name, ..)| credentials(name));
    dev.kill();
    let _again = Dev::start(&folder, &arguments);
    assert_eq!(wanted.map(|(name, ..)| credentials(name)), before);
}

#[tokio::test]
async fn accounts_that_were_added_while_it_ran_are_there_after_a_restart() {
    let folder = folder("added");
    let mut dev = Dev::start(&folder, &[]);
    dev.order(
        "POST",
        "/accounts",
        r#"{"name": "acme", "family": "merchant"}"#,
    );
    let demo = dev.order("GET", "/accounts/demo-merchant", "");
    let owners = json!({
        "name": "owners",
        "family": "merchant",
        "certificate_pem": demo["certificate_pem"],
    });
    dev.order("POST", "/accounts", &owners.to_string());
    let served = accounts(&dev).await;
    assert_eq!(served["accounts/acme"], Family::Merchant);
    dev.kill();
    // The sandbox has no key of `owners` to hand to its gateway, and that is no reason not to start.
    let again = Dev::start(&folder, &[]);
    assert_eq!(accounts(&again).await, served);
    assert_eq!(served.len(), 5, "{served:?}");
}

/// The accounts that the gateway lists, with their families.
async fn accounts(dev: &Dev) -> BTreeMap<String, Family> {
    AccountServiceClient::new(dev.channel().await)
        .list_accounts(ListAccountsRequest::default())
        .await
        .unwrap()
        .into_inner()
        .accounts
        .into_iter()
        .map(|account| (account.name.clone(), account.family()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_other_machines_reach_has_to_be_meant() {
    use kabao_gateway::{Dev, DevError, DevOptions};
    let options = |open| DevOptions {
        grpc: "0.0.0.0:0".parse().unwrap(),
        open,
        ..DevOptions::default()
    };
    let refused = Dev::start(options(false)).await.unwrap_err();
    assert!(matches!(refused, DevError::Open(_)), "{refused}");
    assert!(refused.to_string().ends_with("or add --open"), "{refused}");
    let dev = Dev::start(options(true)).await.unwrap();
    assert!(dev.gateway().grpc().ip().is_unspecified());
    dev.stop().await;
}

#[tokio::test]
async fn the_control_api_is_reached_by_the_name_that_it_was_given() {
    let folder = folder("control-host");
    let dev = Dev::start(&folder, &["--control-host", "kabao.acme.example"]);
    for (host, status) in [("kabao.acme.example:8444", 200), ("acme.example", 403)] {
        let mut stream = TcpStream::connect(dev.address("control")).unwrap();
        let request = format!("GET /ledger HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
}

/// Says what a terminal says that is closed, or an operator who wants a configuration to be read.
fn hang_up(process: &Child) {
    let id = process.id().to_string();
    let sent = Command::new("kill").args(["-HUP", &id]).status().unwrap();
    assert!(sent.success());
}

#[tokio::test]
async fn a_hang_up_is_ignored_with_a_line_as_there_is_nothing_to_read_again() {
    let folder = folder("hang-up");
    let mut command = Dev::command(&folder, &[]);
    command.stderr(Stdio::piped());
    let mut dev = Dev::of(command, &folder);
    let log = BufReader::new(dev.process.stderr.take().unwrap());
    hang_up(&dev.process);
    let mut log = log.lines().map_while(Result::ok);
    let told = log.find(|line| line.contains("SIGHUP is ignored"));
    assert!(told.is_some_and(|line| line.contains("WARN")));
    assert_eq!(accounts(&dev).await.len(), 4);
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_is_closed_ends_it_in_order() {
    use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let window = openpt(flags).unwrap();
    grantpt(&window).unwrap();
    unlockpt(&window).unwrap();
    let folder = folder("terminal");
    let mut command = Dev::command(&folder, &[]);
    command
        .stdin(ioctl_tiocgptpeer(&window, flags).unwrap())
        .stderr(Stdio::null());
    let mut dev = Dev::of(command, &folder);
    assert!(folder.join("ready.json").exists());
    drop(window);
    hang_up(&dev.process);
    assert_eq!(dev.process.wait().unwrap().code(), Some(0));
    assert!(!folder.join("ready.json").exists());
}
