//! `kabao import`, `adjust`, `update` and `export`: the binary against a gateway and a sandbox in this process, with the
//! sandbox's ledger as judge.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a step that fails fails the test"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use kabao_gateway::{Dev, DevOptions};
use kabao_sandbox::{Fault, FaultRule};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Only a failure waits for so long.
const PATIENCE: Duration = Duration::from_secs(120);

const BRAND: &str = "accounts/demo-brand/templates/pbLatjvWOibDc5-TBnbUk1pD12o0";
const MERCHANT: &str = "accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0";
const OFFICIAL: &str = "accounts/demo-official-account/templates/ph_gmt7cUVrlRk8swPwx7aDyF-pg";
const MERCHANT_CODE: &str = "478515832665";
const OFFICIAL_CODE: &str = "916679873278";
const IMPORT: &str = "brand.user_cards.import_by_openid";
const ADD: &str = "merchant.user_card_rights.update";

/// A gateway, a sandbox, and a folder of files.
struct World {
    dev: Dev,
    folder: PathBuf,
    /// How often WeChat was asked before the test began.
    asked: usize,
}

/// What a command said, and how it ended.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl World {
    async fn start(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bulk-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let dev = Dev::start(DevOptions::default()).await.unwrap();
        let asked = dev.sandbox().requests(&Default::default()).len();
        Self { dev, folder, asked }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn spawn(&self, arguments: &[&str]) -> Child {
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

    async fn run(&self, arguments: &[&str]) -> Said {
        ended(self.spawn(arguments)).await
    }

    /// How many effects an operation had, by member.
    fn effects(&self, operation: &str) -> BTreeMap<String, usize> {
        let mut effects = BTreeMap::new();
        for entry in self.dev.sandbox().ledger() {
            if entry.operation == operation {
                *effects.entry(entry.member.unwrap_or_default()).or_default() += 1;
            }
        }
        effects
    }

    /// How often WeChat was asked.
    fn requests(&self) -> usize {
        self.dev.sandbox().requests(&Default::default()).len() - self.asked
    }

    fn inject(&self, operation: &str, times: u32, fault: Value) {
        let fault: Fault = serde_json::from_value(fault).unwrap();
        let rule = FaultRule::next(fault).on(operation).times(times);
        self.dev.sandbox().inject(rule).unwrap();
    }

    async fn clear_faults(&self) {
        let address = self.dev.sandbox().control_addr();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = "DELETE /faults HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }

    async fn until(&self, what: impl Fn(&Self) -> bool) {
        let seen = self.dev.sandbox().wait_until(|_| what(self));
        timeout(PATIENCE, seen).await.expect("it happens");
    }
}

async fn ended(child: Child) -> Said {
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    let output = output.expect("the command ends").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said {
        code: output.status.code().expect("no signal ends it"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

fn interrupt(child: &Child) {
    let id = child.id().unwrap().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(sent.unwrap().success());
}

/// New members of the brand from a number on.
fn members(count: u32) -> String {
    let mut text = "openid,code,initial_values.level\n".to_owned();
    for number in 0..count {
        writeln!(text, "oBulk{number:023},bulk-{number},Gold").unwrap();
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_members_are_imported_once_each_however_often_it_is_broken_off() {
    const ROWS: u32 = 1000;
    let world = World::start("import").await;
    world.write("members.csv", &members(ROWS));
    let command = [
        "import",
        "--file",
        "members.csv",
        "--parent",
        BRAND,
        "--rate",
        "10000",
    ];

    let first = world.spawn(&command);
    world.until(|world| world.effects(IMPORT).len() > 150).await;
    interrupt(&first);
    let first = ended(first).await;
    assert_eq!(first.code, 130, "{}", first.err);
    assert!(
        first.err.contains("the very same command goes on"),
        "{}",
        first.err
    );
    let done = world.effects(IMPORT).len();
    assert!(done < usize::try_from(ROWS).unwrap(), "it was broken off");
    // Clean: everything that was in flight has ended, and is written down.
    assert!(
        first
            .out
            .contains(&format!("{done} done, 0 refused, 0 unknown")),
        "{}",
        first.out
    );

    // Killed in the middle, with nothing written down of what was in flight.
    let mut second = world.spawn(&command);
    world
        .until(|world| world.effects(IMPORT).len() > done + 150)
        .await;
    second.kill().await.unwrap();

    let last = world.run(&command).await;
    assert_eq!(
        (last.code, &*last.out),
        (
            0,
            "import members.csv: 1000 rows; 1000 done, 0 refused, 0 unknown, 0 not sent\n"
        ),
        "{}",
        last.err
    );
    let effects = world.effects(IMPORT);
    assert_eq!(effects.len(), usize::try_from(ROWS).unwrap());
    assert!(
        effects.values().all(|times| *times == 1),
        "each exactly once"
    );

    // Once more: nothing is asked for, and the same is said.
    let before = world.requests();
    let again = world.run(&command).await;
    assert_eq!((again.code, &again.out), (0, &last.out));
    assert!(
        again.err.contains("1000 were done by an earlier run"),
        "{}",
        again.err
    );
    assert_eq!(world.requests(), before);

    // Without its state, the gateway's memory answers.
    fs::remove_file(world.path("members.csv.state")).unwrap();
    let again = world.run(&command).await;
    assert_eq!((again.code, &again.out), (0, &last.out), "{}", again.err);
    assert_eq!(world.requests(), before);
    assert!(world.effects(IMPORT).values().all(|times| *times == 1));
    for text in [&first, &last, &again].map(|said| format!("{}{}", said.out, said.err)) {
        assert!(
            !text.contains("oBulk0") && !text.contains("bulk-1"),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_rows_come_back_in_a_file_that_can_be_corrected_and_given() {
    let world = World::start("refused").await;
    let text = format!(
        "note,name,add\n\
         ,{MERCHANT}/members/{MERCHANT_CODE},1\n\
         ,{MERCHANT}/members/nobody,2\n\
         ,{MERCHANT}/members/{MERCHANT_CODE},-100000\n"
    );
    world.write("points.csv", &text);
    let command = ["adjust", "--file", "points.csv"];
    let unknown = world.run(&command).await;
    assert_eq!(unknown.code, 1);
    assert!(
        unknown.err.contains("points.csv:1: note: is no column"),
        "{}",
        unknown.err
    );
    assert_eq!(world.requests(), 0);

    let text = text.replace("note,", "").replace("\n,", "\n");
    world.write("points.csv", &text);
    let first = world.run(&command).await;
    assert_eq!(first.code, 1);
    assert_eq!(
        first.out,
        "adjust points.csv: 3 rows; 1 done, 2 refused, 0 unknown, 0 not sent\n"
    );
    for reason in [
        "1 refused: MEMBER_NOT_FOUND",
        "1 refused: PRECONDITION_FAILED",
        "points.errors.csv",
    ] {
        assert!(first.err.contains(reason), "{}", first.err);
    }
    let errors = world.read("points.errors.csv");
    let lines: Vec<_> = errors.lines().collect();
    assert_eq!(lines[0], "name,add,reason,message");
    assert_eq!(lines.len(), 3, "{errors}");
    assert!(
        lines[1].starts_with(&format!("{MERCHANT}/members/nobody,2,MEMBER_NOT_FOUND,")),
        "{errors}"
    );
    let mode = |name| fs::metadata(world.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode("points.errors.csv"), mode("points.csv.state")),
        (0o600, 0o600)
    );

    // Repeated, nothing is sent, and the file is not written once more.
    let before = world.requests();
    fs::remove_file(world.path("points.errors.csv")).unwrap();
    let again = world.run(&command).await;
    assert_eq!((again.code, &again.out), (1, &first.out));
    assert_eq!(world.requests(), before);
    assert!(!world.path("points.errors.csv").exists());

    // Corrected and given: both are done.
    let corrected = errors
        .replace("nobody", MERCHANT_CODE)
        .replace("-100000", "-1");
    world.write("points.errors.csv", &corrected);
    let last = world.run(&["adjust", "--file", "points.errors.csv"]).await;
    assert_eq!(last.code, 0, "{}", last.err);
    assert_eq!(world.effects(ADD), [(MERCHANT_CODE.to_owned(), 3)].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_edited_is_refused_and_nothing_is_sent() {
    let world = World::start("edited").await;
    world.write("points.csv", "code,add\n478515832665,1\n478515832665,2\n");
    let id = ["--batch-id", "birthdays"];
    let command = ["adjust", "--parent", MERCHANT, "--file", "points.csv"];
    let with_id = [&command[..], &id].concat();
    for command in [&command[..], &with_id] {
        // Also a row that is put in front, which moves the others.
        let _ = fs::remove_file(world.path("points.csv.state"));
        world.write("points.csv", "code,add\n478515832665,1\n478515832665,2\n");
        let said = world.run(command).await;
        assert_eq!(said.code, 0, "{}", said.err);
        let before = (world.effects(ADD), world.requests());
        for edited in [
            "code,add\n478515832665,1\n478515832665,3\n",
            "code,add\n478515832665,9\n478515832665,1\n478515832665,2\n",
            "code,add\n478515832665,1\n",
        ] {
            world.write("points.csv", edited);
            let said = world.run(command).await;
            assert_eq!((said.code, &*said.out), (1, ""), "{edited}");
            assert!(
                said.err.contains("not what was sent under the batch id"),
                "{}",
                said.err
            );
        }
        assert_eq!((world.effects(ADD), world.requests()), before);
    }
    let before = (world.effects(ADD), world.requests());
    assert_eq!(
        before.0,
        [(MERCHANT_CODE.to_owned(), 4)].into(),
        "two ids, two rows"
    );

    // Without its state, nobody can tell whether the file is the same.
    fs::remove_file(world.path("points.csv.state")).unwrap();
    world.write(
        "points.csv",
        "code,add\n478515832665,9\n478515832665,1\n478515832665,2\n",
    );
    let said = world.run(&with_id).await;
    assert_eq!((said.code, &*said.out), (1, ""));
    assert!(
        said.err.contains("the state beside the file is missing"),
        "{}",
        said.err
    );
    assert_eq!((world.effects(ADD), world.requests()), before);

    // Under a new id, and beside another state, it is another file.
    let other = [
        &command[..],
        &["--batch-id", "more", "--state", "more.state"],
    ]
    .concat();
    let said = world.run(&other).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(world.effects(ADD), [(MERCHANT_CODE.to_owned(), 7)].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_with_ids_of_their_own_are_done_once_in_whatever_file_they_stand() {
    let world = World::start("own").await;
    let row = |code: &str, add: i64, id: &str| {
        format!("{}\n", json!({"code": code, "add": add, "request_id": id}))
    };
    let (first, second) = (
        row(MERCHANT_CODE, 5, "order-1"),
        row(MERCHANT_CODE, 5, "order-2"),
    );
    let adjust = |file| ["adjust", "--parent", MERCHANT, "--file", file];
    world.write("monday.jsonl", &first);
    assert_eq!(world.run(&adjust("monday.jsonl")).await.code, 0);
    world.write("tuesday.jsonl", &(second + &first));
    let said = world.run(&adjust("tuesday.jsonl")).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(world.effects(ADD), [(MERCHANT_CODE.to_owned(), 2)].into());

    // Another content under the same id is refused, alone.
    world.write(
        "wednesday.jsonl",
        &(row(MERCHANT_CODE, 6, "order-1") + &row(MERCHANT_CODE, 1, "order-3")),
    );
    let said = world.run(&adjust("wednesday.jsonl")).await;
    assert_eq!(said.code, 1);
    assert!(
        said.out.contains("1 done, 1 refused"),
        "{}{}",
        said.out,
        said.err
    );
    let errors: Value = serde_json::from_str(&world.read("wednesday.errors.jsonl")).unwrap();
    assert_eq!(errors["reason"], "REQUEST_ID_REUSED");
    assert_eq!(
        (&errors["add"], &errors["request_id"]),
        (&json!(6), &json!("order-1"))
    );
    assert_eq!(world.effects(ADD), [(MERCHANT_CODE.to_owned(), 3)].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_whose_answer_is_lost_is_unknown_until_a_later_run_has_proof() {
    let world = World::start("unknown").await;
    world.write("points.csv", "code,add\n478515832665,5\n");
    world.inject(
        ADD,
        1000,
        json!({"kind": "drop_connection", "applied": true}),
    );
    let command = ["adjust", "--parent", MERCHANT, "--file", "points.csv"];
    let said = world.run(&command).await;
    assert_eq!(said.code, 1);
    assert!(
        said.out.contains("0 done, 0 refused, 1 unknown"),
        "{}{}",
        said.out,
        said.err
    );
    assert!(
        said.err
            .contains("points.csv:2: not known: OUTCOME_UNKNOWN"),
        "{}",
        said.err
    );
    assert!(
        !world.path("points.errors.csv").exists(),
        "it is none that may be corrected"
    );
    world.clear_faults().await;
    let said = world.run(&command).await;
    assert_eq!(
        (said.code, &*said.out),
        (
            0,
            "adjust points.csv: 1 rows; 1 done, 0 refused, 0 unknown, 0 not sent\n"
        ),
        "{}",
        said.err
    );
    assert!(
        said.err.contains("1 had been sent by an earlier run"),
        "{}",
        said.err
    );
    assert_eq!(world.effects(ADD), [(MERCHANT_CODE.to_owned(), 1)].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_has_forgotten_what_it_has_done_is_not_gone_on_with() {
    let world = World::start("forgotten").await;
    world.write("points.csv", "code,add\n478515832665,5\n478515832665,6\n");
    let command = ["adjust", "--parent", MERCHANT, "--file", "points.csv"];
    assert_eq!(world.run(&command).await.code, 0);
    let state = world.read("points.csv.state");
    let server = world.dev.gateway().grpc().to_string();

    let world = World::start("forgetful").await;
    let other = world.dev.gateway().grpc().to_string();
    world.write("points.csv", "code,add\n478515832665,5\n478515832665,6\n");
    world.write("points.csv.state", &state);
    let said = world.run(&command).await;
    assert_eq!((said.code, &*said.out), (1, ""));
    assert!(
        said.err.contains(&format!("begun with --server {server}")),
        "{}",
        said.err
    );
    world.write("points.csv.state", &state.replace(&server, &other));
    let said = world.run(&command).await;
    assert_eq!((said.code, &*said.out), (1, ""));
    assert!(said.err.contains("has lost its store"), "{}", said.err);
    assert_eq!(world.requests(), 0);
}

/// The gateway may have forgotten it, and would do it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_too_long_ago_is_not_sent_again() {
    let world = World::start("old").await;
    world.write(
        "points.csv",
        "code,add\n478515832665,5\n478515832665,6\n478515832665,7\n",
    );
    let command = ["adjust", "--parent", MERCHANT, "--file", "points.csv"];
    assert_eq!(world.run(&command).await.code, 0);
    let effects = world.effects(ADD);
    let old = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        if let Some(at) = line.get_mut("at") {
            *at = json!(at.as_i64().unwrap() - 72 * 3600);
        }
        (line.get("done") != Some(&json!(1))).then(|| format!("{line}\n"))
    };
    let state: String = world
        .read("points.csv.state")
        .lines()
        .filter_map(old)
        .collect();
    world.write("points.csv.state", &state);
    let said = world.run(&command).await;
    assert_eq!(said.code, 1);
    assert!(
        said.out
            .contains("2 done, 0 refused, 1 unknown, 0 not sent"),
        "{}",
        said.out
    );
    assert!(
        said.err
            .contains("points.csv:3: not known: was sent so long ago"),
        "{}",
        said.err
    );
    assert_eq!(world.effects(ADD), effects);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_with_faults_are_all_told_and_left_out_only_if_that_is_asked_for() {
    let world = World::start("faults").await;
    world.write(
        "points.csv",
        "code,add,notify\n478515832665,ten,\n478515832665,1,\n478515832665,1,perhaps\n",
    );
    let command = ["adjust", "--parent", MERCHANT, "--file", "points.csv"];
    let said = world.run(&command).await;
    assert_eq!((said.code, &*said.out), (1, ""));
    let lines: Vec<_> = said.err.lines().collect();
    assert_eq!(lines.len(), 3, "{}", said.err);
    assert!(
        lines[0].starts_with("points.csv:2: add: must be a whole number"),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("points.csv:4: notify: must be true or false"),
        "{lines:?}"
    );
    assert!(
        !said.err.contains("ten,") && !said.err.contains("perhaps"),
        "{}",
        said.err
    );
    assert_eq!(world.requests(), 0);
    assert!(!world.path("points.csv.state").exists());

    let said = world
        .run(&[&command[..], &["--skip-invalid"]].concat())
        .await;
    assert_eq!(said.code, 1);
    assert!(
        said.out.contains("1 done, 2 refused"),
        "{}{}",
        said.out,
        said.err
    );
    let errors = world.read("points.errors.csv");
    assert_eq!(
        errors
            .lines()
            .filter(|line| line.contains("FIELD_INVALID"))
            .count(),
        2,
        "{errors}"
    );
    assert_eq!(world.effects(ADD), [(MERCHANT_CODE.to_owned(), 1)].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_meet_every_row_stops_the_run_and_is_no_fault_of_the_rows() {
    let world = World::start("stops").await;
    world.write("points.csv", "name,add\naccounts/nobody/templates/t/members/1,1\naccounts/nobody/templates/t/members/2,1\n");
    let said = world.run(&["adjust", "--file", "points.csv"]).await;
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("stopped: ACCOUNT_NOT_FOUND"),
        "{}",
        said.err
    );
    assert!(
        said.out
            .contains("0 done, 0 refused, 0 unknown, 2 not sent"),
        "{}",
        said.out
    );
    let unreachable = ["adjust", "--file", "points.csv", "--state", "other.state"];
    let output = Command::new(env!("CARGO_BIN_EXE_kabao"))
        .args(unreachable)
        .args(["--server", "127.0.0.1:1"])
        .current_dir(&world.folder)
        .output();
    let output = output.await.unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err.contains("the gateway at 127.0.0.1:1 cannot be reached"),
        "{err}"
    );
    assert!(!world.path("other.state").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_are_updated_and_members_exported_and_the_export_goes_on() {
    let world = World::start("export").await;
    world.write("levels.csv", "code,points\n916679873278,321\n");
    let said = world
        .run(&["update", "--parent", OFFICIAL, "--file", "levels.csv"])
        .await;
    assert_eq!(said.code, 0, "{}", said.err);

    world.write("members.csv", &members(40));
    let said = world
        .run(&[
            "import",
            "--file",
            "members.csv",
            "--parent",
            BRAND,
            "--rate",
            "1000",
        ])
        .await;
    assert_eq!(said.code, 0, "{}", said.err);
    let mut list = "code,openid\nmissing,oBulk00000000000000000000001\n".to_owned();
    for number in 0..40 {
        writeln!(list, "bulk-{number},oBulk{number:023}").unwrap();
    }
    world.write("list.csv", &list);
    for output in ["out.csv", "out.jsonl"] {
        let command = [
            "export", "--parent", BRAND, "--file", "list.csv", "--output", output, "--rate", "1000",
        ];
        let said = world.run(&command).await;
        assert_eq!(said.code, 1, "{}", said.err);
        let expected =
            format!("export list.csv: 41 rows; 40 written to {output}, 1 refused, 0 not read\n");
        assert_eq!(said.out, expected, "{}", said.err);
        let whole = world.read(output);
        assert!(world.read("out.errors.csv").contains("MEMBER_NOT_FOUND"));
        let mode = fs::metadata(world.path(output))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(
            !said.err.contains("oBulk0") && !said.err.contains("bulk-1"),
            "{}",
            said.err
        );

        // Cut off in the middle, it goes on, and is the same in the end.
        let half = whole.len() / 2;
        world.write(output, &whole[..half]);
        let again = world.run(&command).await;
        assert_eq!(again.out, expected);
        assert!(
            again.err.contains("were in the file already"),
            "{}",
            again.err
        );
        let mut lines: Vec<_> = whole.lines().collect();
        let again = world.read(output);
        let mut found: Vec<_> = again.lines().collect();
        lines.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, lines);
    }
    let out = world.read("out.jsonl");
    let member: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(member["name"], format!("{BRAND}/members/bulk-0"));
    assert_eq!(
        (&member["state"], &member["level"]),
        (&json!("ACTIVE"), &json!("Gold"))
    );

    // The list may come from a pipe.
    let name = format!("{OFFICIAL}/members/{OFFICIAL_CODE}");
    let server = world.dev.gateway().grpc().to_string();
    let script = format!(
        "printf '{{\"name\": \"{name}\"}}\\n' | \"$0\" export --file - --format jsonl --output one.jsonl --server {server}"
    );
    let output = Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_kabao")])
        .current_dir(&world.folder)
        .output();
    assert!(output.await.unwrap().status.success());
    let member: Value = serde_json::from_str(&world.read("one.jsonl")).unwrap();
    assert_eq!(
        (&member["points"], &member["name"]),
        (&json!(321), &json!(name))
    );
}
