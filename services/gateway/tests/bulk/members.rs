//! Members that are new, changed and read.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::world::{BRAND, IMPORT, OFFICIAL, OFFICIAL_CODE, World, ended, interrupt};

/// New members of the brand from a number on.
fn members(count: u32) -> String {
    let mut text = "openid,code,initial_values.level\n".to_owned();
    for number in 0..count {
        writeln!(text, "oBulk{number:023},bulk-{number},Gold").unwrap();
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_members_are_imported_once_each_however_often_it_is_broken_off() {
    // WeChat takes ten a second, and no more leave; at that rate a few are in flight at a time.
    const ROWS: u32 = 120;
    let world = World::start("import").await;
    world.write("members.csv", &members(ROWS));
    let command = [
        "import",
        "--file",
        "members.csv",
        "--parent",
        BRAND,
        "--rate",
        "10",
    ];

    let first = world.spawn(&command);
    world.until(|world| world.effects(IMPORT).len() > 25).await;
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
        .until(|world| world.effects(IMPORT).len() > done + 25)
        .await;
    second.kill().await.unwrap();

    let last = world.run(&command).await;
    assert_eq!(
        (last.code, &*last.out),
        (
            0,
            "import members.csv: 120 rows; 120 done, 0 refused, 0 unknown, 0 not sent\n"
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
        again.err.contains("120 were done by an earlier run"),
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
