//! Rows in which something is wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use tokio::process::Command;

use crate::world::{ADD, MERCHANT, MERCHANT_CODE, World};

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
    // No row was looked at, so none can be left out.
    assert!(
        unknown.err.contains("correct them first") && !unknown.err.contains("--skip-invalid"),
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

/// Nothing was changed, so it is neither refused for good nor in doubt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_passes_leaves_rows_unsent_and_the_next_run_sends_them() {
    let world = World::start("passes").await;
    world.write("points.csv", "code,add\n478515832665,5\n478515832665,6\n");
    let command = ["adjust", "--parent", MERCHANT, "--file", "points.csv"];
    // Reading the member, before anything is written, meets a server error every time.
    world.inject(
        "merchant.user_cards.get",
        1000,
        json!({"kind": "status", "status": 503}),
    );
    let said = world.run(&command).await;
    assert_eq!(said.code, 1);
    assert!(
        said.out
            .contains("0 done, 0 refused, 0 unknown, 2 not sent"),
        "{}{}",
        said.out,
        said.err
    );
    assert!(
        said.err
            .contains("2 not sent for now: UPSTREAM_UNAVAILABLE"),
        "{}",
        said.err
    );
    assert!(!world.path("points.errors.csv").exists());
    world.clear_faults().await;
    let said = world.run(&command).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(world.effects(ADD), [(MERCHANT_CODE.to_owned(), 2)].into());
}
