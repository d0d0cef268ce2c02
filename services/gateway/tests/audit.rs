//! `kabao audit` from outside, over what a gateway has recorded.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a step that fails fails the test"
)]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use kabao_gateway::{Dev, DevOptions};
use kabao_proto::kabao::v1::adjust_points_request::Change;
use kabao_proto::kabao::v1::change::State;
use kabao_proto::kabao::v1::change_service_client::ChangeServiceClient;
use kabao_proto::kabao::v1::member_service_client::MemberServiceClient;
use kabao_proto::kabao::v1::{
    AdjustPointsRequest, BatchAdjustPointsRequest, GetMemberRequest, WatchChangeRequest,
};
use kabao_sandbox::{Fault, FaultRule};
use serde_json::Value;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

const CODE: &str = "478515832665";
const MEMBER: &str =
    "accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665";

/// Exit code, standard output, standard error.
fn audit(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_kabao"))
        .arg("audit")
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
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("audit-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

async fn start(folder: &Path) -> Dev {
    let options = DevOptions {
        directory: Some(folder.to_owned()),
        ..DevOptions::default()
    };
    Dev::start(options).await.unwrap()
}

async fn channel(gateway: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{gateway}")).unwrap();
    endpoint.connect().await.unwrap()
}

fn add(request_id: &str) -> AdjustPointsRequest {
    AdjustPointsRequest {
        name: MEMBER.to_owned(),
        change: Some(Change::Add(1)),
        request_id: request_id.to_owned(),
        ..AdjustPointsRequest::default()
    }
}

fn records(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("audit.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What the records say of one change.
fn of_change(folder: &Path, request_id: &str) -> Vec<Value> {
    let mut found = records(folder);
    found.retain(|record| record["request_id"] == request_id);
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_gateway_records_is_verified_and_found_by_member() {
    let folder = folder("verified");
    let dev = start(&folder).await;
    let mut members = MemberServiceClient::new(channel(dev.gateway().grpc()).await);
    members.adjust_points(add("order-1")).await.unwrap();
    let batch = BatchAdjustPointsRequest {
        parent: "accounts/demo-merchant".to_owned(),
        request_id: "batch-1".to_owned(),
        items: (0..3).map(|_| add("")).collect(),
        ..BatchAdjustPointsRequest::default()
    };
    let mut results = members
        .batch_adjust_points(batch)
        .await
        .unwrap()
        .into_inner();
    while results.message().await.unwrap().is_some() {}
    let get = GetMemberRequest {
        name: MEMBER.to_owned(),
        ..GetMemberRequest::default()
    };
    members.get_member(get).await.unwrap();
    dev.stop().await;

    let key = folder.join("audit.key").display().to_string();
    let log = folder.join("audit.jsonl").display().to_string();
    let (code, out, err) = audit(&["verify", "--key-file", &key, &log]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.starts_with("whole: records 1 to 7 in 1 file\n"),
        "{out}"
    );
    let last = out
        .lines()
        .find_map(|line| line.strip_prefix("last   "))
        .unwrap();
    let contains = ["verify", "--key-file", &key, "--contains", last, &log];
    assert_eq!(audit(&contains).0, 0);

    // One record for the change and for each item, none for what was read.
    let changes: Vec<_> = records(&folder)
        .into_iter()
        .filter(|record| record["kind"] == "change")
        .collect();
    assert_eq!(changes.len(), 4, "{changes:#?}");
    let first = &changes[0];
    assert_eq!(first["method"], "kabao.v1.MemberService/AdjustPoints");
    assert_eq!(first["account"], "demo-merchant");
    assert_eq!(first["request_id"], "order-1");
    assert_eq!(
        (&first["code"], &first["change"]),
        (&"OK".into(), &"APPLIED".into())
    );
    assert_eq!(first["may_have_executed"], false);
    assert!(first["upstream_request_id"].is_string(), "{first}");
    assert_eq!(first["peer"], "127.0.0.1");
    let items: Vec<_> = changes[1..].iter().map(|record| &record["item"]).collect();
    assert_eq!(items, [0, 1, 2]);

    // Found by the full name as well as by the code, which stand nowhere.
    for name in [MEMBER, CODE] {
        let (code, out, err) = audit(&["hash", "--key-file", &key, name]);
        assert_eq!(code, 0, "{err}");
        let hash = out.trim();
        let names = |record: &&Value| record["names"].as_array().unwrap().contains(&hash.into());
        assert_eq!(changes.iter().filter(names).count(), 4, "{name}");
    }
    let text = fs::read_to_string(&log).unwrap();
    assert!(!text.contains(CODE));

    fs::write(&log, text.replacen("\"OK\"", "\"NO\"", 1)).unwrap();
    let (code, out, err) = audit(&["verify", "--key-file", &key, &log]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains("audit.jsonl:3 was changed, or written without the key"),
        "{err}"
    );
    fs::write(
        &log,
        text.lines().take(4).collect::<Vec<_>>().join("\n") + "\n",
    )
    .unwrap();
    assert_eq!(audit(&["verify", "--key-file", &key, &log]).0, 0);
    let (code, _, err) = audit(&contains);
    assert_eq!(code, 1);
    assert!(err.contains("records were cut off"), "{err}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_change_that_nobody_waited_for_is_recorded_once_it_is_known() {
    let folder = folder("late");
    let dev = start(&folder).await;
    let channel = channel(dev.gateway().grpc()).await;
    // The answer is lost, and so are those of all repeats that the call has time for; it is found out afterwards.
    let lost = serde_json::json!({"kind": "drop_connection", "applied": true});
    let lost: Fault = serde_json::from_value(lost).unwrap();
    let rule = FaultRule::next(lost)
        .on("merchant.user_card_rights.update")
        .times(3);
    dev.sandbox().inject(rule).unwrap();
    let mut members = MemberServiceClient::new(channel.clone());
    let refused = members.adjust_points(add("order-1")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unknown, "{refused}");
    let mut changes = ChangeServiceClient::new(channel);
    let watch = WatchChangeRequest {
        name: "accounts/demo-merchant/changes/order-1".to_owned(),
    };
    let mut states = changes.watch_change(watch).await.unwrap().into_inner();
    let mut last = State::Unspecified;
    while let Some(change) = states.message().await.unwrap() {
        last = change.state();
    }
    assert_eq!(last, State::Applied);
    dev.stop().await;
    let told = of_change(&folder, "order-1");
    let kinds: Vec<_> = told
        .iter()
        .map(|record| record["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["change", "late_end"], "{told:#?}");
    assert_eq!(told[0]["may_have_executed"], true);
    assert_eq!(told[1]["change"], "APPLIED");
    assert_eq!(told[1]["may_have_executed"], false);
}

/// The limits of a process that `kabao serve` is.
#[cfg(target_os = "linux")]
#[test]
fn no_core_dump_is_written_unless_the_configuration_says_so() {
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Stdio;

    let folder = folder("core");
    for (setting, hard_limit_is_zero) in [("", true), ("[process]\ncore_dumps = true\n", false)] {
        let file = folder.join("kabao.toml");
        let listen = "listen = \"127.0.0.1:0\"\n";
        let secret = folder.join("secret");
        fs::write(&secret, "hush-hush").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let account = "[[accounts]]\nid = \"wechat\"\nfamily = \"official_account\"\nappid = \"wx1\"\napp_secret_file = \"secret\"\nbase_url = \"https://127.0.0.1:1\"\n";
        fs::write(
            &file,
            format!("{setting}[grpc]\n{listen}[admin]\n{listen}{account}"),
        )
        .unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_kabao"))
            .args(["serve", "--config"])
            .arg(&file)
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        let ready = out
            .lines()
            .map_while(Result::ok)
            .any(|line| line == "kabao ready");
        let of_process =
            |name: &str| fs::read_to_string(format!("/proc/{}/{name}", process.id())).unwrap();
        let limits = of_process("limits");
        let line = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"))
            .unwrap();
        let own = fs::read_to_string("/proc/self/limits").unwrap();
        let unchanged = own.lines().any(|own| own == line);
        process.kill().unwrap();
        process.wait().unwrap();
        assert!(ready);
        assert!(!line.is_empty());
        let numbers: Vec<_> = line.split_whitespace().skip(4).take(2).collect();
        match hard_limit_is_zero {
            true => assert_eq!(numbers, ["0", "0"], "{line}"),
            false => assert!(unchanged, "{line}"),
        }
    }
}

/// What is recorded goes to standard output, as a chain that the key verifies.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_go_to_standard_output_if_that_is_their_place() {
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Stdio;

    let folder = folder("stdout");
    let secret = folder.join("secret");
    fs::write(&secret, "hush-hush").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let text = "[grpc]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[shutdown]\npre_drain = \"0\"\n\
         [audit]\nstdout = true\nkey_file = \"audit.key\"\n\
         [[accounts]]\nid = \"wechat\"\nfamily = \"official_account\"\nappid = \"wx1\"\napp_secret_file = \"secret\"\nbase_url = \"https://127.0.0.1:1\"\n";
    let file = folder.join("kabao.toml");
    fs::write(&file, text).unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_kabao"))
        .args(["serve", "--config"])
        .arg(&file)
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(process.stderr.take().unwrap()).lines();
    let mut log = log.map_while(Result::ok);
    let ready = log.find_map(|line| {
        let line: Value = serde_json::from_str(&line).ok()?;
        let is_ready = line["message"] == "ready";
        is_ready.then(|| line["grpc"].as_str().unwrap().to_owned())
    });
    let gateway = ready.unwrap().parse().unwrap();
    let mut members = MemberServiceClient::new(channel(gateway).await);
    let mut add = add("order-1");
    add.name = add.name.replace("demo-merchant", "wechat");
    members.adjust_points(add).await.unwrap_err();
    let id = process.id().to_string();
    assert!(Command::new("kill").arg(&id).status().unwrap().success());
    let said = process.wait_with_output().unwrap();
    assert!(said.status.success());

    let out = String::from_utf8(said.stdout).unwrap();
    let records: Vec<_> = out.lines().filter(|line| line.starts_with('{')).collect();
    let told: Vec<Value> = records
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: Vec<_> = told.iter().map(|record| &record["kind"]).collect();
    assert_eq!(kinds, ["open", "start", "change", "stop"]);
    assert_eq!(told[2]["request_id"], "order-1");
    assert!(!out.contains(CODE), "{out}");
    let key = folder.join("audit.key").display().to_string();
    let kept = folder.join("kept.jsonl");
    fs::write(&kept, records.join("\n") + "\n").unwrap();
    let kept = kept.display().to_string();
    let (code, out, err) = audit(&["verify", "--key-file", &key, &kept]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("whole: records 1 to 4"), "{out}");
}

/// Three files, since a new key begins a new one, of which the first is taken away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_without_its_beginning_is_told_by_an_exit_code_of_its_own_unless_it_may_be_gone() {
    let folder = folder("beginning");
    let key = folder.join("audit.key");
    for digits in ["", "11", "22"] {
        if !digits.is_empty() {
            let keys = fs::read_to_string(&key).unwrap();
            fs::write(&key, format!("{}\n{keys}", digits.repeat(32))).unwrap();
        }
        start(&folder).await.stop().await;
    }
    fs::write(folder.join("secret"), "hush-hush").unwrap();
    Command::new("chmod")
        .arg("600")
        .arg(folder.join("secret"))
        .status()
        .unwrap();
    let config = folder.join("kabao.toml");
    let configure = |keep: &str| {
        let account = "[[accounts]]\nid = \"wechat\"\nfamily = \"official_account\"\nappid = \"wx1\"\napp_secret_file = \"secret\"\n";
        let text =
            format!("[audit]\nfile = \"audit.jsonl\"\nkey_file = \"audit.key\"\n{keep}{account}");
        fs::write(&config, text).unwrap();
        config.display().to_string()
    };
    let by_config = |keep: &str| audit(&["verify", "--config", &configure(keep)]);
    assert_eq!(by_config("").0, 0);

    let mut logs: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.display().to_string().contains("audit.jsonl.0"))
        .collect();
    logs.sort();
    assert_eq!(logs.len(), 2, "{logs:?}");
    fs::remove_file(&logs[0]).unwrap();
    let (code, out, err) = by_config("");
    assert_eq!(code, 3, "{out}{err}");
    assert!(out.starts_with("whole: records "), "{out}");
    assert!(
        err.contains(
            " are missing: the oldest files are not there, and nothing says that they may go"
        ),
        "{err}"
    );
    assert_eq!(by_config("keep = 1\n").0, 0);
    let (code, _, err) = by_config("keep = 2\n");
    assert_eq!(code, 3);
    assert!(
        err.contains("fewer old files are there than are kept (`keep = 2`)"),
        "{err}"
    );

    // Whoever names the files may say that others are elsewhere.
    let (key, log) = (key.display().to_string(), logs[1].display().to_string());
    assert_eq!(audit(&["verify", "--key-file", &key, &log]).0, 3);
    assert_eq!(
        audit(&["verify", "--key-file", &key, "--partial", &log]).0,
        0
    );
    // That excuses nothing else.
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replacen("\"start\"", "\"stort\"", 1)).unwrap();
    assert_eq!(
        audit(&["verify", "--key-file", &key, "--partial", &log]).0,
        1
    );
}
