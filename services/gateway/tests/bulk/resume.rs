//! Each row once, whatever breaks off, changes or forgets.

use std::fs;

use serde_json::{Value, json};

use crate::world::{ADD, MERCHANT, MERCHANT_CODE, World};

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

    // The second row was done, the first one was not: left out, it leaves its id to the second one.
    let with_id = [&command[..], &["--batch-id", "left"]].concat();
    world.write("points.csv", "code,add\n000000000000,1\n478515832665,2\n");
    let said = world.run(&with_id).await;
    assert!(
        said.out.contains("1 done, 1 refused"),
        "{}{}",
        said.out,
        said.err
    );
    fs::remove_file(world.path("points.csv.state")).unwrap();
    world.write("points.csv", "code,add\n478515832665,2\n");
    let said = world.run(&with_id).await;
    assert_eq!((said.code, &*said.out), (1, ""));
    assert!(said.err.contains("is missing"), "{}", said.err);
    let done = world.effects(ADD);
    assert_eq!(done, [(MERCHANT_CODE.to_owned(), 5)].into());

    // Under a new id, and beside another state, it is another file.
    let other = [
        &command[..],
        &["--batch-id", "more", "--state", "more.state"],
    ]
    .concat();
    let said = world.run(&other).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(world.effects(ADD), [(MERCHANT_CODE.to_owned(), 6)].into());
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
