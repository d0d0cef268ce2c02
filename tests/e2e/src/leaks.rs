//! No secret and no personal value leaves the gateway by any way but the answer to its caller.
//!
//! Stories of this suite run once more in a process of their own, which logs at `trace`, exports its spans, keeps
//! changes and writes an audit log. What they send and get in personal and secret fields, by the catalogue, and the
//! secrets of their accounts are the canaries. Everything that the process leaves behind is searched for them.

mod collector;
mod search;
mod stories;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use kabao_grpc::{Group, group_of, methods};
use serde_json::Value;
use tokio::process::Command;

use self::search::Canaries;
use crate::canaries::{COLLECTOR, FOLDER};

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
