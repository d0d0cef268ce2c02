//! Several gateways with one memory: a database of PostgreSQL, which goes away and comes back.

mod late;
mod outage;
mod portions;
mod tokens;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use kabao_client::Client;
use kabao_gateway::config::{AccountSettings, MemorySettings, Settings};
use kabao_gateway::{Dev, DevOptions, Gateway};
use kabao_proto::kabao::v1::adjust_points_request::Change;
use kabao_proto::kabao::v1::batch_adjust_points_response::Result as Item;
use kabao_proto::kabao::v1::member_service_client::MemberServiceClient;
use kabao_proto::kabao::v1::{AdjustPointsRequest, AdjustPointsResponse, BatchAdjustPointsRequest};
use kabao_sandbox::{Fault, FaultRule, Running};
use kabao_store::testing::PostgresServer;
use kabao_store::{DatabaseUrl, PostgresSettings};
use tokio::time::{sleep, timeout};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};

use crate::demo::{Demo, MERCHANT, OFFICIAL_ACCOUNT};
use crate::refusal::refused;
use crate::refused_by_wechat::merchant;
use crate::world::{PATIENCE, World, get_member};

const OPERATION: &str = "official_account.member.update_user";

/// Gateways in front of one sandbox, with one database between them.
struct Replicas {
    sandbox: Running,
    gateways: Vec<(Gateway, Channel)>,
    database: String,
    folder: PathBuf,
    clients: fn(&Running) -> Vec<Client>,
}

fn server() -> &'static PostgresServer {
    static SERVER: OnceLock<PostgresServer> = OnceLock::new();
    SERVER.get_or_init(|| PostgresServer::start().unwrap())
}

impl Replicas {
    async fn start(server: &PostgresServer) -> Self {
        Self::start_with(server, |sandbox| {
            vec![
                World::official_account(OFFICIAL_ACCOUNT.account, sandbox, false),
                merchant(sandbox, |_| {}),
            ]
        })
        .await
    }

    async fn start_with(server: &PostgresServer, clients: fn(&Running) -> Vec<Client>) -> Self {
        let (_, sandbox) = Dev::start(DevOptions::default())
            .await
            .unwrap()
            .into_parts();
        let database = server.database().await.unwrap();
        let name = database.replace(|sign: char| !sign.is_ascii_alphanumeric(), "-");
        let folder = std::env::temp_dir().join(format!("kabao-e2e-{}-{name}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let mut replicas = Self {
            sandbox,
            gateways: Vec::new(),
            database,
            folder,
            clients,
        };
        for _ in 0..2 {
            replicas.join().await;
        }
        replicas
    }

    /// Starts one more, with connections and a name of its own.
    async fn join(&mut self) {
        let url = DatabaseUrl::parse(&self.database, Path::new("")).unwrap();
        let store = PostgresSettings::new(url, self.folder.join("store.key"));
        let mut settings = Settings {
            store: Some(MemorySettings {
                store: store.into(),
                journal: Default::default(),
            }),
            ..Settings::default()
        };
        settings.grpc.listen.set_port(0);
        settings.admin.listen.set_port(0);
        for client in (self.clients)(&self.sandbox) {
            settings.accounts.push(AccountSettings::new(client));
        }
        let gateway = Gateway::start(&settings).await.unwrap();
        gateway.ready();
        let endpoint = Endpoint::from_shared(format!("http://{}", gateway.grpc())).unwrap();
        let channel = endpoint.connect().await.unwrap();
        self.gateways.push((gateway, channel));
    }

    fn members(&self, index: usize) -> MemberServiceClient<Channel> {
        MemberServiceClient::new(self.gateways[index].1.clone())
    }

    /// Asks one of the gateways for an addition.
    async fn add(
        &self,
        index: usize,
        demo: &Demo,
        points: i64,
        request_id: &str,
    ) -> Result<Response<AdjustPointsResponse>, Status> {
        let request = add(demo, points, request_id);
        self.members(index).adjust_points(request).await
    }

    fn effects(&self) -> usize {
        let entries = self.sandbox.ledger();
        let changes = entries.iter().filter(|entry| {
            ["bonus", "bonus_value"]
                .iter()
                .any(|field| entry.changes.iter().any(|change| change.field == *field))
        });
        changes.count()
    }

    async fn points(&self, index: usize, demo: &Demo) -> i64 {
        let member = self.members(index).get_member(get_member(demo)).await;
        member.unwrap().into_inner().points.unwrap()
    }

    async fn execute(&self, statements: &str) {
        server().execute(&self.database, statements).await.unwrap();
    }
}

impl Drop for Replicas {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn add(demo: &Demo, points: i64, request_id: &str) -> AdjustPointsRequest {
    AdjustPointsRequest {
        name: demo.member(),
        change: Some(Change::Add(points)),
        request_id: request_id.to_owned(),
        ..AdjustPointsRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn additions_through_two_gateways_at_once_are_all_there() {
    let replicas = Replicas::start(server()).await;
    for demo in [&OFFICIAL_ACCOUNT, &MERCHANT] {
        let (points, effects) = (replicas.points(0, demo).await, replicas.effects());
        let calls = (0..40).map(|number| {
            let mut members = replicas.members(number % 2);
            let request = add(demo, 1, &format!("n-{number}"));
            tokio::spawn(async move { members.adjust_points(request).await })
        });
        let mut results = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            let adjustment = call.await.unwrap().unwrap().into_inner();
            assert_eq!(adjustment.before.unwrap() + 1, adjustment.after);
            results.push(adjustment.after);
        }
        results.sort_unstable();
        let expected: Vec<i64> = (points + 1..=points + 40).collect();
        assert_eq!(results, expected, "each has seen the one before");
        assert_eq!(replicas.points(1, demo).await, points + 40);
        assert_eq!(replicas.effects(), effects + 40);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn one_id_through_two_gateways_has_one_effect_and_one_answer() {
    let replicas = Replicas::start(server()).await;
    for demo in [&OFFICIAL_ACCOUNT, &MERCHANT] {
        let effects = replicas.effects();
        let calls = (0..100).map(|number| {
            let mut members = replicas.members(number % 2);
            tokio::spawn(async move { members.adjust_points(add(demo, 10, "once")).await })
        });
        let mut answers = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            answers.push(call.await.unwrap().unwrap().into_inner());
        }
        let first = &answers[0];
        assert!(answers.iter().all(|answer| answer == first), "{answers:?}");
        assert_eq!(replicas.effects(), effects + 1);
        let other = replicas.add(1, demo, 11, "once").await;
        refused(Code::InvalidArgument, "REQUEST_ID_REUSED")
            .fields(&["request_id"])
            .check(other);
    }
}

/// Neither gateway knows anything of the batch when the lists come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn two_lists_of_one_batch_through_two_gateways_are_not_both_carried_out() {
    let replicas = Replicas::start(server()).await;
    for demo in [&OFFICIAL_ACCOUNT, &MERCHANT] {
        let (points, effects) = (replicas.points(0, demo).await, replicas.effects());
        let call = |index: usize, list: &[i64]| {
            let batch = BatchAdjustPointsRequest {
                parent: demo.account(),
                request_id: "batch-1".to_owned(),
                items: list.iter().map(|points| add(demo, *points, "")).collect(),
                ..BatchAdjustPointsRequest::default()
            };
            let mut members = replicas.members(index);
            async move {
                let mut results = members.batch_adjust_points(batch).await?.into_inner();
                let mut done = Vec::new();
                while let Some(result) = results.message().await? {
                    match result.result {
                        Some(Item::Adjustment(adjustment)) => done.push(adjustment.after),
                        other => panic!("{other:?}"),
                    }
                }
                Ok::<_, Status>(Response::new(done))
            }
        };
        let (short, long) = (&[10, 20][..], &[5, 10, 20][..]);
        let (first, second) = tokio::join!(call(0, short), call(1, long));
        let (list, refusal) = match first.is_ok() {
            true => (short, second),
            false => (long, first),
        };
        refused(Code::InvalidArgument, "REQUEST_ID_REUSED")
            .fields(&["items[0]"])
            .check(refusal);
        let sum: i64 = list.iter().sum();
        assert_eq!(replicas.points(0, demo).await, points + sum);
        assert_eq!(replicas.effects(), effects + list.len());
        // The same list is answered by either gateway, also by both at once.
        let (first, second) = tokio::join!(call(0, list), call(1, list));
        assert_eq!(first.unwrap().into_inner(), second.unwrap().into_inner());
        assert_eq!(replicas.effects(), effects + list.len());
    }
}

/// The other gateway has the change by then, and what the first one writes late is not taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn a_gateway_that_was_taken_for_dead_writes_no_end() {
    let replicas = Replicas::start(server()).await;
    let points = replicas.points(0, &OFFICIAL_ACCOUNT).await;
    let hang = FaultRule::next(Fault::Hang { applied: true }).on(OPERATION);
    replicas.sandbox.inject(hang.times(1)).unwrap();
    let mut members = replicas.members(0);
    let stale = tokio::spawn(async move {
        let mut request = Request::new(add(&OFFICIAL_ACCOUNT, 10, "a"));
        request.set_timeout(Duration::from_secs(3));
        members.adjust_points(request).await
    });
    let is_taken = replicas
        .sandbox
        .wait_until(|sandbox| sandbox.faults().is_empty());
    timeout(PATIENCE, is_taken).await.unwrap();
    // What the other gateway does when the first one has been silent for too long.
    replicas
        .execute("DELETE FROM kabao.replicas WHERE name = (SELECT owner FROM kabao.changes)")
        .await;
    let answer = replicas.add(1, &OFFICIAL_ACCOUNT, 10, "a");
    let answer = answer.await.unwrap().into_inner();
    assert_eq!((answer.before, answer.after), (Some(points), points + 10));
    refused(Code::Unknown, "OUTCOME_UNKNOWN")
        .may_have_executed()
        .check(stale.await.unwrap());
    replicas
        .execute(
            "DO $$ BEGIN ASSERT (SELECT count(*) FROM kabao.changes JOIN kabao.replicas ON owner = name \
             WHERE state = 'APPLIED' AND fence > 1) = 1; END $$",
        )
        .await;
    assert_eq!(replicas.effects(), 1);
    // It goes on under another name.
    let next = timeout(PATIENCE, async {
        loop {
            let next = replicas.add(0, &OFFICIAL_ACCOUNT, 1, "b");
            match next.await {
                Ok(next) => break next.into_inner(),
                Err(status) => {
                    assert_eq!(status.code(), Code::Unavailable, "{status}");
                    sleep(Duration::from_millis(50)).await;
                }
            }
        }
    });
    assert_eq!(next.await.unwrap().after, points + 11);
    let again = replicas.add(0, &OFFICIAL_ACCOUNT, 10, "a");
    assert_eq!(again.await.unwrap().into_inner(), answer);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn without_its_database_a_gateway_reads_and_changes_nothing_until_it_is_back() {
    let server = PostgresServer::start().unwrap();
    let replicas = Replicas::start(&server).await;
    let points = replicas.points(0, &OFFICIAL_ACCOUNT).await;
    for index in [0, 1] {
        let id = format!("before-{index}");
        replicas
            .add(index, &OFFICIAL_ACCOUNT, 1, &id)
            .await
            .unwrap();
    }
    server.kill().unwrap();
    for index in [0, 1] {
        for id in ["before-0", "x", "y"] {
            let refused_call = replicas.add(index, &OFFICIAL_ACCOUNT, 5, id);
            refused(Code::Unavailable, "STORE").check(refused_call.await);
        }
        assert_eq!(replicas.points(index, &OFFICIAL_ACCOUNT).await, points + 2);
    }
    assert_eq!(replicas.effects(), 2);
    server.restart().unwrap();
    for index in [0, 1] {
        let back = timeout(PATIENCE, async {
            loop {
                let id = format!("after-{index}");
                match replicas.add(index, &OFFICIAL_ACCOUNT, 5, &id).await {
                    Ok(adjustment) => break adjustment.into_inner(),
                    Err(_) => sleep(Duration::from_millis(50)).await,
                }
            }
        });
        back.await.unwrap();
    }
    assert_eq!(replicas.points(0, &OFFICIAL_ACCOUNT).await, points + 12);
    // What was answered before is answered the same.
    let again = replicas.add(0, &OFFICIAL_ACCOUNT, 1, "before-1");
    assert_eq!(again.await.unwrap().into_inner().after, points + 2);
    assert_eq!(replicas.effects(), 4);
}
