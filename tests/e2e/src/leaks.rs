//! No secret and no personal value leaves the gateway by any way but the answer to its caller.
//!
//! Stories of this suite run once more in a process of their own, which logs at `trace`, exports its spans, keeps
//! changes and writes an audit log. What they send and get in personal and secret fields, by the catalogue, and the
//! secrets of their accounts are the canaries. Everything that the process leaves behind is searched for them.

mod collector;
mod search;
mod stories;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, OnceLock};

use kabao_gateway::Telemetry;
use kabao_gateway::config::{LogSettings, TelemetrySettings};
use kabao_grpc::{Group, group_of, methods};
use kabao_sandbox::Running;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tonic::Status;
use tonic_types::StatusExt;

use self::search::Canaries;
use crate::world::World;

/// Names the folder in the process of its own.
const FOLDER: &str = "KABAO_E2E_LEAKS";

/// Names the collector of spans there.
const COLLECTOR: &str = "KABAO_E2E_COLLECTOR";

/// Tests that are run there, by what their names begin with.
const STORIES: [&str; 9] = [
    "walk_merchant::every",
    "walk_brand::every",
    "walk_official_account::every",
    "life_",
    "portable_",
    "changes::",
    "client_signature::",
    "media::",
    "leaks::stories::",
];

/// Where a world leaves what is searched; `None` unless that is what the process is for.
pub(crate) fn folder() -> Option<PathBuf> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let root = root()?;
    install();
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = root.join(format!("world-{number}"));
    fs::create_dir_all(&folder).unwrap();
    Some(folder)
}

fn root() -> Option<&'static Path> {
    static ROOT: OnceLock<Option<PathBuf>> = OnceLock::new();
    ROOT.get_or_init(|| std::env::var_os(FOLDER).map(PathBuf::from))
        .as_deref()
}

/// Sends spans and lines where `kabao serve` does, with everything that can be told.
fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // It outlives the runtimes of single tests.
        let runtime = Box::leak(Box::new(tokio::runtime::Runtime::new().unwrap()));
        let _inside = runtime.enter();
        let log = LogSettings {
            level: "trace".to_owned(),
            ..LogSettings::default()
        };
        let telemetry = TelemetrySettings {
            otlp_endpoint: std::env::var(COLLECTOR).ok(),
            ..TelemetrySettings::default()
        };
        std::mem::forget(Telemetry::install(&log, &telemetry).unwrap());
    });
}

/// Notes a personal or secret value.
pub(crate) fn note(value: &Value) {
    if let Some(text) = value.as_str() {
        note_text("value", text);
    }
}

/// Notes the secrets of all accounts.
pub(crate) fn note_secrets(sandbox: &Running) {
    if root().is_none() {
        return;
    }
    for account in sandbox.accounts() {
        let texts = [account.app_secret, account.apiv3_key];
        for secret in texts.into_iter().flatten() {
            note_text("secret", &secret);
        }
        for line in account.private_key_pem.unwrap_or_default().lines() {
            if !line.starts_with("-----") {
                note_text("secret", line);
            }
        }
    }
}

pub(crate) fn note_text(kind: &str, text: &str) {
    // Shorter ones would be found in whatever there is.
    let is_telling = match text.is_ascii() {
        true => text.len() >= 8,
        false => text.chars().count() >= 2,
    };
    if is_telling {
        append("canaries", &format!("{kind} {}\n", Value::from(text)));
    }
}

/// Keeps what a caller was refused with.
pub(crate) fn keep_refusal(status: &Status) {
    if root().is_some() {
        let details = status.get_error_details();
        append("refusals", &format!("{} {details:?}\n", status.message()));
    }
}

/// Keeps the pages of the admin listener.
pub(crate) async fn keep_pages(world: &World) {
    if root().is_none() {
        return;
    }
    for path in ["/metrics", "/readyz", "/healthz", "/elsewhere"] {
        let mut stream = TcpStream::connect(world.gateway().admin()).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).await.unwrap();
        assert!(page.starts_with("HTTP/1.1 "), "{page}");
        append("pages", &page);
    }
}

fn append(name: &str, text: &str) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let Some(root) = root() else { return };
    let _turn = ONE_AT_A_TIME.lock().unwrap();
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).open(root.join(name));
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

/// What a process has left behind, by name.
type Left = BTreeMap<String, Vec<u8>>;

/// The files of stores and audit logs, keys left out.
fn files_of_worlds(root: &Path, left: &mut Left) {
    for world in fs::read_dir(root).unwrap() {
        let world = world.unwrap().path();
        if !world.is_dir() {
            continue;
        }
        for folder in [world.join("store"), world] {
            let Ok(files) = fs::read_dir(&folder) else {
                continue;
            };
            for file in files {
                let path = file.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                if path.is_file() && !name.ends_with(".key") && name != "ready.json" {
                    left.insert(path.display().to_string(), fs::read(&path).unwrap());
                }
            }
        }
    }
}

/// Keys of stores and of audit logs are secrets as well.
fn keys_of_worlds(root: &Path) -> Vec<String> {
    let mut keys = Vec::new();
    for world in fs::read_dir(root).unwrap() {
        let world = world.unwrap().path();
        for name in ["store/store.key", "audit.key"] {
            let text = fs::read_to_string(world.join(name)).unwrap_or_default();
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            keys.extend(lines.map(str::to_owned));
        }
    }
    keys
}

/// The methods that change something and of which no audit log has a record, though the stories have called them all.
fn unrecorded(left: &Left) -> Vec<&'static str> {
    let mut recorded = BTreeSet::new();
    for (_, log) in left
        .iter()
        .filter(|(name, _)| name.ends_with("audit.jsonl"))
    {
        for line in log
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let record: Value = serde_json::from_slice(line).unwrap();
            if record["kind"] == "change" {
                recorded.insert(record["method"].as_str().unwrap().to_owned());
            }
        }
    }
    let changing = methods().filter(|method| group_of(method) != Some(Group::Read));
    changing
        .filter(|method| !recorded.contains(*method))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_and_no_personal_value_is_left_in_logs_spans_pages_stores_or_audit_logs() {
    let root = std::env::temp_dir().join(format!("kabao-leaks-{}", std::process::id()));
    fs::create_dir_all(&root).unwrap();
    let (collector, spans) = collector::start().await;
    let told = Command::new(std::env::current_exe().unwrap())
        .args(STORIES)
        .args(["--test-threads", "2"])
        .env(FOLDER, &root)
        .env(COLLECTOR, format!("http://{collector}"))
        .env("OTEL_BSP_SCHEDULE_DELAY", "50")
        .env("RUST_BACKTRACE", "0")
        .output()
        .await
        .unwrap();
    let stdout = String::from_utf8_lossy(&told.stdout);
    let log = String::from_utf8_lossy(&told.stderr);
    let panics: Vec<&str> = log.lines().filter(|line| line.contains("panic")).collect();
    assert!(told.status.success(), "{stdout}\n{panics:#?}");

    let canaries = fs::read_to_string(root.join("canaries")).unwrap();
    let mut secrets = keys_of_worlds(&root);
    let mut values: Vec<String> = Vec::new();
    for line in canaries.lines() {
        let (kind, text) = line.split_once(' ').unwrap();
        let text: String = serde_json::from_str(text).unwrap();
        match kind {
            "secret" => secrets.push(text),
            _ => values.push(text),
        }
    }
    for list in [&mut secrets, &mut values] {
        list.sort();
        list.dedup();
    }
    // The stories have told what they are about.
    assert!(secrets.len() > 50, "{}", secrets.len());
    assert!(values.len() > 50, "{}", values.len());

    let mut left = Left::new();
    files_of_worlds(&root, &mut left);
    for file in ["pages", "refusals"] {
        left.insert(file.to_owned(), fs::read(root.join(file)).unwrap());
    }
    // The sandbox plays WeChat, which knows everything.
    let ours = log
        .lines()
        .filter(|line| !line.contains("\"target\":\"kabao_sandbox"))
        .collect::<Vec<_>>();
    left.insert("log".to_owned(), ours.join("\n").into_bytes());
    left.insert("spans".to_owned(), spans.lock().unwrap().clone());
    left.insert(
        "reflection".to_owned(),
        kabao_proto::DESCRIPTOR_SET.to_vec(),
    );
    // Nothing of this is there by accident only.
    for (name, part) in [
        ("log", "\"level\":\"DEBUG\""),
        ("log", "kabao_client"),
        ("spans", "merchant.user_cards.get"),
        ("spans", "official_account"),
        ("pages", "kabao_upstream_calls_total"),
        ("refusals", "ErrorDetails"),
    ] {
        let found = Canaries::new([&part.to_owned()]).found_in(&left[name]);
        assert!(!found.is_empty(), "{name} has no {part}");
    }
    let is_of = |end: &str| left.keys().filter(|name| name.ends_with(end)).count();
    assert!(
        is_of("audit.jsonl") > 10 && is_of("kabao.db") > 10,
        "{:?}",
        left.keys()
    );

    let unrecorded = unrecorded(&left);
    assert!(
        unrecorded.is_empty(),
        "the audit logs have no record of {unrecorded:#?}"
    );

    let (secrets, values) = (Canaries::new(&secrets), Canaries::new(&values));
    let mut leaks = Vec::new();
    for (name, bytes) in &left {
        let found = secrets.found_in(bytes);
        leaks.extend(
            found
                .iter()
                .map(|text| format!("{name}: the secret {text}")),
        );
        // The examples of WeChat's documents stand in the descriptions of the API.
        if name != "reflection" {
            let found = values.found_in(bytes);
            leaks.extend(found.iter().map(|text| format!("{name}: {text}")));
        }
    }
    assert!(leaks.is_empty(), "{leaks:#?}");
    fs::remove_dir_all(&root).unwrap();
}
