//! A store that is damaged when the gateway starts, and is mended beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kabao_client::Client;
use kabao_gateway::config::{MemorySettings, Settings};
use kabao_gateway::{Dev, DevOptions, Gateway, StartError};
use kabao_proto::kabao::officialaccount::v1::ModifyCardStockRequest;
use kabao_proto::kabao::officialaccount::v1::card_service_client::CardServiceClient;
use kabao_proto::kabao::v1::account_service_client::AccountServiceClient;
use kabao_proto::kabao::v1::adjust_points_request::Change;
use kabao_proto::kabao::v1::change_service_client::ChangeServiceClient;
use kabao_proto::kabao::v1::{
    AdjustPointsRequest, AdjustPointsResponse, BatchAdjustPointsRequest, GetAccountRequest,
    GetChangeRequest, ListChangesRequest, Member,
};
use kabao_sandbox::Running;
use kabao_store::create_key_file;
use tokio::time::{sleep, timeout};
use tonic::{Code, Request, Response, Status};

use crate::demo::{Demo, MERCHANT, OFFICIAL_ACCOUNT};
use crate::refusal::refused;
use crate::refused_by_wechat::merchant;
use crate::told::metrics;
use crate::world::{PATIENCE, World};

/// A folder that is gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("kabao-e2e-late-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn clients(sandbox: &Running) -> Vec<Client> {
    vec![
        World::official_account(OFFICIAL_ACCOUNT.account, sandbox, false),
        merchant(sandbox, |_| {}),
    ]
}

/// A gateway over a store in a folder that had one before.
async fn again(world: World, folder: &Path) -> World {
    let (gateway, sandbox) = world.into_parts();
    gateway.drain().await;
    let sandbox = sandbox.unwrap();
    World::over(folder, clients(&sandbox), sandbox).await
}

fn add(demo: &Demo, points: i64, request_id: &str) -> AdjustPointsRequest {
    AdjustPointsRequest {
        name: demo.member(),
        change: Some(Change::Add(points)),
        request_id: request_id.to_owned(),
        ..AdjustPointsRequest::default()
    }
}

async fn adjusted(
    world: &World,
    demo: &Demo,
    request_id: &str,
) -> Result<Response<AdjustPointsResponse>, Status> {
    world
        .members()
        .adjust_points(add(demo, 5, request_id))
        .await
}

/// Every way to change something, and to ask what became of it.
async fn refuses_changes(world: &World) {
    let store = || refused(Code::Unavailable, "STORE");
    for demo in [&OFFICIAL_ACCOUNT, &MERCHANT] {
        // Its repeat is not told apart from a new change, so it is not sent either.
        for request_id in ["", "before", "meanwhile"] {
            store().check(adjusted(world, demo, request_id).await);
        }
        let raised = Member {
            level: "金卡".to_owned(),
            ..Member::default()
        };
        store().check(world.update_member(demo, raised, &["level"]).await);
        let batch = BatchAdjustPointsRequest {
            parent: demo.account(),
            request_id: "batch".to_owned(),
            items: vec![add(demo, 1, "")],
            ..BatchAdjustPointsRequest::default()
        };
        let batch = world.members().batch_adjust_points(batch).await;
        store().check(batch);
        let mut changes = ChangeServiceClient::new(world.channel());
        let get = GetChangeRequest {
            name: format!("{}/changes/before", demo.account()),
        };
        store().check(changes.get_change(get).await);
        let list = ListChangesRequest {
            parent: demo.account(),
            ..ListChangesRequest::default()
        };
        store().check(changes.list_changes(list).await);
    }
    // The operations of a family, with an id and without one.
    let mut cards = CardServiceClient::new(world.channel());
    for request_id in [None, Some("stock")] {
        let mut request = Request::new(ModifyCardStockRequest {
            account: OFFICIAL_ACCOUNT.account(),
            card_id: OFFICIAL_ACCOUNT.card_id.to_owned(),
            increase_stock_value: Some(1),
            ..ModifyCardStockRequest::default()
        });
        if let Some(id) = request_id {
            let id = id.parse().unwrap();
            request.metadata_mut().insert("idempotency-key", id);
        }
        store().check(cards.modify_card_stock(request).await);
    }
}

#[tokio::test]
async fn keys_of_another_store_end_the_start() {
    let folder = Folder::new("keys");
    let (gateway, sandbox) = Dev::start(DevOptions::default())
        .await
        .unwrap()
        .into_parts();
    gateway.drain().await;
    let world = World::over(&folder.0, clients(&sandbox), sandbox).await;
    let (gateway, _sandbox) = world.into_parts();
    gateway.drain().await;
    let key_file = folder.file("store.key");
    fs::remove_file(&key_file).unwrap();
    create_key_file(&key_file).unwrap();
    let mut settings = Settings {
        store: Some(MemorySettings::embedded(&folder.0)),
        ..Settings::default()
    };
    settings.grpc.listen.set_port(0);
    settings.admin.listen.set_port(0);
    let refused = timeout(PATIENCE, async {
        loop {
            match Gateway::start(&settings).await {
                Err(StartError::Store(error)) => {
                    let error = error.to_string();
                    // The earlier one may be on its way out.
                    if !error.contains("another process") {
                        break error;
                    }
                    sleep(Duration::from_millis(20)).await;
                }
                other => panic!("{other:?}"),
            }
        }
    });
    let refused = refused.await.unwrap();
    assert!(refused.contains("not that of the store"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_starts_over_a_store_that_does_not_open_and_needs_no_hand_once_it_does() {
    for (name, is_lost) in [("damaged", false), ("lost", true)] {
        let folder = Folder::new(name);
        let dev = Dev::start(DevOptions::default()).await.unwrap();
        let (_, sandbox) = dev.into_parts();
        let world = World::over(&folder.0, clients(&sandbox), sandbox).await;
        let first = adjusted(&world, &MERCHANT, "before").await.unwrap();
        adjusted(&world, &OFFICIAL_ACCOUNT, "before").await.unwrap();
        let (gateway, sandbox) = world.into_parts();
        gateway.drain().await;
        let (file, good) = (folder.file("kabao.db"), folder.file("good"));
        fs::rename(&file, &good).unwrap();
        if !is_lost {
            fs::write(&file, "no database").unwrap();
        }
        let sandbox = sandbox.unwrap();
        let world = World::over(&folder.0, clients(&sandbox), sandbox).await;
        let ledger = world.sandbox().ledger().len();

        // Everything else works, with credentials that nobody kept.
        for demo in [&OFFICIAL_ACCOUNT, &MERCHANT] {
            world.get_member(demo).await.unwrap();
            world.get_template(demo).await.unwrap();
            let account = GetAccountRequest {
                name: demo.account(),
            };
            let mut accounts = AccountServiceClient::new(world.channel());
            accounts.get_account(account).await.unwrap();
        }
        refuses_changes(&world).await;
        assert_eq!(world.sandbox().ledger().len(), ledger, "nothing was sent");
        let page = metrics(&world).await;
        assert!(page.contains("\nkabao_store_takes_changes 0\n"), "{page}");

        // Beside the gateway that runs.
        fs::rename(&good, &file).unwrap();
        let after = timeout(PATIENCE, async {
            loop {
                match adjusted(&world, &MERCHANT, "after").await {
                    Ok(after) => break after.into_inner(),
                    Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status}"),
                }
                sleep(Duration::from_millis(20)).await;
            }
        });
        let after = after.await.unwrap();
        assert_eq!(after.before, Some(first.get_ref().after), "{name}");
        // What was remembered still is.
        let repeat = adjusted(&world, &MERCHANT, "before").await.unwrap();
        assert_eq!(repeat.get_ref(), first.get_ref(), "{name}");
        assert_eq!(world.sandbox().ledger().len(), ledger + 1, "{name}");
        let page = metrics(&world).await;
        assert!(page.contains("\nkabao_store_takes_changes 1\n"), "{page}");
        // It is closed in order, and the next gateway goes on.
        let world = again(world, &folder.0).await;
        let repeat = adjusted(&world, &MERCHANT, "after").await.unwrap();
        assert_eq!(repeat.into_inner(), after, "{name}");
    }
}
