//! Configurations that come, go and fail while calls run.

mod configured;
mod rights;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use kabao_sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use self::configured::{Configured, is_unknown, replace, write_account};
use crate::demo::{BRAND, MERCHANT};
use crate::world::World;

const GENERATION: &str = "kabao_config_generation";
const MISTAKES: &str = "kabao_config_mistakes";

fn own_serial(account: &kabao_proto::kabao::v1::Account) -> String {
    account.credentials[0].serial_number.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_come_change_and_go_under_calls_of_which_none_fails() {
    let world = Configured::start("load", "[reload]\npoll = \"0\"").await;
    let callers = world.callers(&MERCHANT, 8);
    callers.have_gone_on().await;
    is_unknown(world.member(&BRAND).await);

    world.write_account("demo-brand");
    let (status, report) = world.reload().await;
    assert_eq!(status, 200, "{report}");
    let mut expected = json!({
        "generation": 2, "outcome": "applied",
        "added": ["demo-brand"], "changed": [], "removed": [], "needs_restart": [],
    });
    assert_eq!(report, expected);
    world.member(&BRAND).await.unwrap();

    // Another key, and the end of the one before as soon as nobody signs with it any more.
    let before = world.account("demo-merchant").await.unwrap();
    let order = json!({ "account": "demo-merchant", "key": "client_certificate" });
    World::order_of(&world.sandbox, "POST", "/keys/rotate", &order).await;
    world.write_account("demo-merchant");
    let (_, report) = world.reload().await;
    expected["generation"] = json!(3);
    expected["added"] = json!([]);
    expected["changed"] = json!(["demo-merchant"]);
    assert_eq!(report, expected);
    callers.have_gone_on().await;
    let order = json!({ "account": "demo-merchant", "serial_no": own_serial(&before) });
    World::order_of(&world.sandbox, "POST", "/keys/revoke", &order).await;
    callers.have_gone_on().await;
    let after = world.account("demo-merchant").await.unwrap();
    assert_ne!(own_serial(&before), own_serial(&after));
    assert_eq!((before.generation, after.generation), (2, 3));
    assert!(after.credentials[0].certificate_expire_time.is_some());
    let key = |serial: String| {
        format!(
            "kabao_credential_key{{kabao_account=\"demo-merchant\",kabao_credential=\"merchant\",kabao_key_id=\"{serial}\",kabao_owner=\"own\"}}"
        )
    };
    assert_eq!(world.metric(&key(own_serial(&after))).await, Some(1));
    assert_eq!(world.metric(&key(own_serial(&before))).await, None);

    // A call that is under way ends as it would have.
    let slow = Fault::Delay { milliseconds: 1500 };
    let slow = FaultRule::next(slow).on("brand.user_cards.get");
    world.sandbox.inject(slow).unwrap();
    let held = async {
        world
            .sandbox
            .wait_until(|sandbox| sandbox.faults().is_empty())
            .await;
        fs::remove_file(world.folder.join("accounts/demo-brand.toml")).unwrap();
        let (_, report) = world.reload().await;
        is_unknown(world.member(&BRAND).await);
        report
    };
    let (answer, report) = tokio::join!(world.member(&BRAND), held);
    answer.unwrap();
    assert_eq!(report["removed"], json!(["demo-brand"]));
    callers.all_succeeded().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_configuration_is_refused_with_all_its_mistakes_and_the_one_before_is_served() {
    let world = Configured::start("bad", "[reload]\npoll = \"0\"").await;
    let accounts = world.folder.join("accounts");
    world.write_account("demo-brand");
    replace(
        &accounts.join("a.toml"),
        "family = \"merchant\"\nmchid = \"19\"\n",
    );
    replace(&accounts.join("b.toml"), "family = \"bra");
    let (status, report) = world.reload().await;
    assert_eq!(status, 422, "{report}");
    assert_eq!(
        (&report["generation"], &report["outcome"]),
        (&json!(1), &json!("refused"))
    );
    let mistakes = report["mistakes"].as_array().unwrap();
    for (file, key) in [
        ("a.toml:1:1", "accounts[a].private_key_file"),
        ("a.toml:1:1", "accounts[a].serial_no"),
        ("b.toml:1:14", ""),
    ] {
        let is_told = |mistake: &Value| {
            mistake["key"] == key && mistake["place"].as_str().unwrap().ends_with(file)
        };
        assert!(mistakes.iter().any(is_told), "{file} {key} in {report:#}");
    }
    assert_eq!(
        world.metric(MISTAKES).await,
        u64::try_from(mistakes.len()).ok()
    );
    // Nothing of it is served, not even what is good.
    is_unknown(world.member(&BRAND).await);
    world.member(&MERCHANT).await.unwrap();
    assert_eq!(world.account("demo-merchant").await.unwrap().generation, 1);

    for file in ["a.toml", "b.toml"] {
        fs::remove_file(accounts.join(file)).unwrap();
    }
    let (status, report) = world.reload().await;
    assert_eq!(
        (status, &report["generation"]),
        (200, &json!(2)),
        "{report}"
    );
    assert_eq!(world.metric(MISTAKES).await, Some(0));
    let (_, report) = world.reload().await;
    assert_eq!(
        report,
        json!({ "generation": 2, "outcome": "unchanged", "needs_restart": [] })
    );
    world.member(&BRAND).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_key_that_others_can_read_is_refused_and_counted() {
    let world = Configured::start("loose", "[reload]\npoll = \"0\"").await;
    world.write_account("demo-brand");
    let accounts = world.folder.join("accounts");
    let serial = world
        .sandbox
        .account("demo-brand")
        .unwrap()
        .serial_no
        .unwrap();
    let key = accounts.join(format!("demo-brand-{serial}-key.pem"));
    for (mode, expected) in [(0o644, 422), (0o600, 200)] {
        fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        let (status, report) = world.reload().await;
        assert_eq!(status, expected, "{report}");
        let mistakes = world.metric(MISTAKES).await;
        if status == 200 {
            assert_eq!(mistakes, Some(0));
            continue;
        }
        assert_eq!(mistakes, Some(1));
        let mistake = &report["mistakes"][0];
        assert_eq!(mistake["key"], "accounts[demo-brand].private_key_file");
        let message = mistake["message"].as_str().unwrap();
        assert!(message.contains("has mode 0644"), "{message}");
        is_unknown(world.member(&BRAND).await);
    }
    world.member(&BRAND).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mounted_folder_that_is_swapped_is_served_without_being_asked() {
    let world = Configured::start("mounted", "[reload]\npoll = \"100ms\"").await;
    let accounts = world.folder.join("accounts");
    // As Kubernetes mounts a secret: links to a folder that one more link points to.
    let mounted = world.folder.join("mounted");
    fs::create_dir_all(mounted.join("..1")).unwrap();
    write_account(&mounted.join("..1"), &world.sandbox, "demo-merchant");
    write_account(&mounted.join("..1"), &world.sandbox, "demo-brand");
    symlink("..1", mounted.join("..data")).unwrap();
    for entry in fs::read_dir(mounted.join("..1")).unwrap() {
        let name = entry.unwrap().file_name();
        symlink(
            format!("..data/{}", name.to_str().unwrap()),
            mounted.join(name),
        )
        .unwrap();
    }
    world.configure("");
    replace(
        &world.folder.join("kabao.toml"),
        &fs::read_to_string(world.folder.join("kabao.toml"))
            .unwrap()
            .replace("\"accounts\"", "\"mounted\"")
            .replace("[grpc]", "[reload]\npoll = \"100ms\"\n[grpc]"),
    );
    world.until(GENERATION, 2).await;
    world.member(&BRAND).await.unwrap();
    fs::remove_dir_all(accounts).unwrap();

    let callers = world.callers(&MERCHANT, 2);
    let before = own_serial(&world.account("demo-brand").await.unwrap());
    let order = json!({ "account": "demo-brand", "key": "client_certificate" });
    World::order_of(&world.sandbox, "POST", "/keys/rotate", &order).await;
    fs::create_dir(mounted.join("..2")).unwrap();
    for entry in fs::read_dir(mounted.join("..1")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), mounted.join("..2").join(entry.file_name())).unwrap();
    }
    // The names stay, what is in them does not.
    let new = world.sandbox.account("demo-brand").unwrap();
    for (what, pem) in [
        ("key", new.private_key_pem.unwrap()),
        ("cert", new.certificate_pem.unwrap()),
    ] {
        let file = mounted
            .join("..2")
            .join(format!("demo-brand-{before}-{what}.pem"));
        fs::write(file, pem).unwrap();
    }
    symlink("..2", mounted.join("..data_tmp")).unwrap();
    fs::rename(mounted.join("..data_tmp"), mounted.join("..data")).unwrap();
    fs::remove_dir_all(mounted.join("..1")).unwrap();
    world.until(GENERATION, 3).await;
    let after = world.account("demo-brand").await.unwrap();
    assert_eq!(Some(own_serial(&after)), new.serial_no);
    world.member(&BRAND).await.unwrap();
    callers.have_gone_on().await;
    callers.all_succeeded().await;
    assert_eq!(world.metric(MISTAKES).await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_a_restart_is_told_and_the_rest_is_served() {
    let world = Configured::start("restart", "[reload]\npoll = \"0\"").await;
    world.write_account("demo-brand");
    world.configure(
        "[reload]\npoll = \"0\"\n[log]\nlevel = \"debug\"\n[store]\nretention = \"100h\"",
    );
    let (_, report) = world.reload().await;
    assert_eq!(report["added"], json!(["demo-brand"]));
    assert_eq!(
        report["needs_restart"],
        json!(["log.level", "store.retention"])
    );
    assert_eq!(world.metric("kabao_config_needs_restart").await, Some(2));
    world.member(&BRAND).await.unwrap();
}
