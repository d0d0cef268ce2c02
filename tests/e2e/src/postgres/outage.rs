//! A database that is away for longer than anything holds that was agreed upon through it.

use kabao_client::Client;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::*;
use crate::demo::{ALL, BRAND, BRAND_ID};
use crate::refused_by_wechat::credential_of;

/// A replica is taken for dead after six seconds without a sign of life, and uses its portion of a limit for three.
const LONG: Duration = Duration::from_secs(9);
/// What every single read may take.
const READ: Duration = Duration::from_secs(5);

fn clients(sandbox: &Running) -> Vec<Client> {
    let brand = Client::brand(BRAND.account)
        .base_url(sandbox.base_url())
        .root_certificates(sandbox.ca_pem())
        .brand_id(BRAND_ID)
        .provider(credential_of(sandbox, BRAND.account));
    vec![
        World::official_account(OFFICIAL_ACCOUNT.account, sandbox, false),
        merchant(sandbox, |_| {}),
        brand.build().unwrap(),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn members_are_read_however_long_the_database_is_away() {
    let server = PostgresServer::start().unwrap();
    let replicas = Replicas::start_with(&server, clients).await;
    let mut settings = replicas.sandbox.settings();
    settings.answers.enforce_rate_limits = true;
    replicas.sandbox.set_settings(settings);
    for demo in ALL {
        let read = replicas.members(0).get_member(get_member(demo)).await;
        read.unwrap();
    }
    server.kill().unwrap();
    let end = Instant::now() + LONG;
    let mut readers = JoinSet::new();
    for index in 0..replicas.gateways.len() {
        for demo in ALL {
            let mut members = replicas.members(index);
            readers.spawn(async move {
                let mut served = 0;
                let mut last = Instant::now();
                while last < end {
                    let mut request = Request::new(get_member(demo));
                    request.set_timeout(READ);
                    let read = members.get_member(request).await;
                    read.unwrap_or_else(|status| panic!("{}: {status}", demo.account));
                    served += 1;
                    last = Instant::now();
                }
                served
            });
        }
    }
    // Nothing is changed meanwhile.
    let effects = replicas.effects();
    while Instant::now() < end {
        let change = replicas.add(0, &OFFICIAL_ACCOUNT, 5, "meanwhile").await;
        refused(Code::Unavailable, "STORE").check(change);
        sleep(Duration::from_millis(200)).await;
    }
    while let Some(served) = readers.join_next().await {
        let served: u32 = served.unwrap();
        assert!(served >= 9, "{served}");
    }
    assert_eq!(replicas.effects(), effects);
}
