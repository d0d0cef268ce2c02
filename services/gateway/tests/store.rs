//! `kabao store` from outside, beside a `kabao dev` that runs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a step that fails fails the test"
)]

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use kabao_gateway::{Dev, DevOptions};
use kabao_proto::kabao::v1::AdjustPointsRequest;
use kabao_proto::kabao::v1::adjust_points_request::Change;
use kabao_proto::kabao::v1::member_service_client::MemberServiceClient;
use serde_json::{Value, json};
use tonic::transport::Endpoint;

/// Exit code, standard output, standard error.
fn store(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_kabao"))
        .arg("store")
        .args(arguments)
        .env_clear()
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("store-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

async fn add(gateway: SocketAddr, count: usize) {
    let channel = Endpoint::from_shared(format!("http://{gateway}")).unwrap();
    let mut members = MemberServiceClient::new(channel.connect().await.unwrap());
    for number in 0..count {
        let request = AdjustPointsRequest {
            name:
                "accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665"
                    .to_owned(),
            change: Some(Change::Add(1)),
            request_id: format!("order-{number}"),
            ..AdjustPointsRequest::default()
        };
        members.adjust_points(request).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_checked_copied_and_counted_while_its_gateway_runs_and_afterwards() {
    let folder = folder("running");
    let options = DevOptions {
        directory: Some(folder.join("dev")),
        ..DevOptions::default()
    };
    let dev = Dev::start(options).await.unwrap();
    add(dev.gateway().grpc(), 5).await;
    let directory = folder.join("dev/store").display().to_string();
    let copy = folder.join("copy.db");
    let target = copy.display().to_string();

    let (code, out, err) = store(&["check", "--directory", &directory]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("every payload of 5 changes opens"), "{out}");
    let process = format!("is used by process {}", std::process::id());
    assert!(err.contains(&process), "{err}");

    let (code, out, err) = store(&["stats", "--directory", &directory, "--format", "json"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let stats: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(stats["accounts"], json!({"demo-merchant": {"APPLIED": 5}}));
    assert_eq!(stats["process"], std::process::id());
    assert_eq!(stats["oldest_open"], Value::Null);
    assert!(stats["oldest"].as_str().unwrap().ends_with('Z'), "{stats}");
    assert!(!out.contains("478515832665"), "{out}");

    let (code, out, err) = store(&["backup", "--directory", &directory, &target]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("5 changes"), "{out}");
    assert!(out.contains("store.key"), "{out}");
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let (code, _, err) = store(&["backup", "--directory", &directory, &target]);
    assert_eq!(code, 1);
    assert!(err.contains("is there already"), "{err}");

    // The gateway has noticed nothing of it.
    add(dev.gateway().grpc(), 6).await;
    dev.stop().await;

    let restored = folder.join("restored");
    fs::create_dir(&restored).unwrap();
    fs::rename(&copy, restored.join("kabao.db")).unwrap();
    let key = folder.join("dev/store/store.key").display().to_string();
    let restored = restored.display().to_string();
    let arguments = ["--directory", &restored, "--key-file", &key];
    let (code, out, err) = store(&[&["check"], &arguments[..]].concat());
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("every payload of 5 changes opens"), "{out}");
    let (code, out, _) = store(&[&["stats"], &arguments[..]].concat());
    assert_eq!(code, 0);
    for line in [
        "used by      nobody",
        "oldest open  none",
        "accounts/demo-merchant  5 APPLIED",
    ] {
        assert!(out.lines().any(|found| found == line), "{out}");
    }
}

#[test]
fn faults_are_lines_with_remedies_and_the_exit_code_is_1() {
    let folder = folder("faults");
    let directory = folder.display().to_string();
    for command in [
        &["check", "--directory", &directory][..],
        &["stats", "--directory", &directory],
        &["backup", "--directory", &directory, "copy.db"],
    ] {
        let (code, out, err) = store(command);
        assert_eq!((code, out.as_str()), (1, ""), "{command:?}");
        assert!(err.contains("there is no store"), "{err}");
    }
    let (code, _, err) = store(&["check", "--config", "nowhere.toml"]);
    assert_eq!(code, 1);
    assert!(err.contains("nowhere.toml: cannot be read"), "{err}");
}
