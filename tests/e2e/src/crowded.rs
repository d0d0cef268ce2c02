//! An account that has no more places: most calls are refused before anything is begun for them, and all are counted.

use std::sync::Arc;
use std::time::Duration;

use kabao_client::{Client, Settings};
use kabao_proto::kabao::merchant::v1::GetUserCardRequest;
use kabao_proto::kabao::merchant::v1::user_card_service_client::UserCardServiceClient;
use kabao_sandbox::Fault;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::demo::MERCHANT;
use crate::refused_by_wechat::demo_credential;
use crate::told::metrics;
use crate::world::{PATIENCE, World};

const GET: &str = "merchant.user_cards.get";
const METHOD: &str = "kabao.merchant.v1.UserCardService/GetUserCard";
const PLACES: usize = 2;

/// The number of a series, 0 if there is none.
fn count(page: &str, series: &str) -> usize {
    let line = page.lines().find_map(|line| line.strip_prefix(series));
    line.map_or(0, |number| number.trim().parse().unwrap())
}

async fn refusals(world: &World) -> [usize; 3] {
    let page = metrics(world).await;
    let account = MERCHANT.account;
    [
        format!(
            "grpc_server_call_duration_seconds_count{{grpc_method=\"{METHOD}\",grpc_status=\"RESOURCE_EXHAUSTED\"}}"
        ),
        format!("kabao_upstream_calls_refused_total{{kabao_account=\"{account}\"}}"),
        format!(
            "kabao_upstream_calls_total{{kabao_account=\"{account}\",kabao_reason=\"OVERLOADED\"}}"
        ),
    ]
    .map(|series| count(&page, &series))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_account_has_no_place_for_is_refused_at_once_and_counted_whatever_its_way() {
    const ROUNDS: usize = 5;
    const AT_ONCE: usize = 60;
    let world = World::with_account(|sandbox| {
        let mut settings = Settings::default();
        settings.max_concurrent_calls = PLACES;
        settings.max_queued_calls = 0;
        Client::merchant(MERCHANT.account)
            .base_url(sandbox.base_url())
            .root_certificates(sandbox.ca_pem())
            .credential(demo_credential(sandbox))
            .settings(settings)
            .build()
            .unwrap()
    })
    .await;
    let world = Arc::new(world);
    world.inject(GET, 1000, Fault::Hang { applied: false });

    let read = |number: usize| {
        let mut cards = UserCardServiceClient::new(world.channel());
        let mut request = Request::new(GetUserCardRequest {
            account: MERCHANT.account(),
            card_id: MERCHANT.card_id.to_owned(),
            code: format!("{number:012}"),
        });
        request.set_timeout(Duration::from_secs(20));
        async move { cards.get_user_card(request).await.map(drop) }
    };
    let mut held = JoinSet::new();
    for number in 0..PLACES {
        held.spawn(read(number));
    }
    while world.requests_of(GET) < PLACES {
        tokio::task::yield_now().await;
    }
    for round in 1..=ROUNDS {
        let start = Arc::new(Barrier::new(AT_ONCE));
        let mut calls = JoinSet::new();
        for number in 0..AT_ONCE {
            let (read, start) = (read(round * 1000 + number), Arc::clone(&start));
            calls.spawn(async move {
                start.wait().await;
                read.await
            });
        }
        while let Some(ended) = calls.join_next().await {
            let status: Status = ended.unwrap().unwrap_err();
            assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
            let details = status.get_error_details();
            let info = details.error_info().unwrap();
            assert_eq!(info.reason, "OVERLOADED");
            assert_eq!(info.metadata["operation"], GET);
            assert_eq!(info.metadata["account"], MERCHANT.account);
            let delay = details.retry_info().unwrap().retry_delay.unwrap();
            let pushback = status.metadata().get("grpc-retry-pushback-ms").unwrap();
            assert_eq!(pushback.to_str().unwrap(), delay.as_millis().to_string());
        }
        // What is told of an answer may be told a moment after it has come.
        let counted = async {
            while refusals(&world).await != [round * AT_ONCE; 3] {
                tokio::task::yield_now().await;
            }
        };
        let counted = timeout(PATIENCE, counted).await;
        assert!(counted.is_ok(), "{:?}", refusals(&world).await);
    }
    assert_eq!(world.requests_of(GET), PLACES, "nothing else was sent");

    // Whoever may come back finds a place, and is answered.
    held.abort_all();
    while held.join_next().await.is_some() {}
    world.clear_faults().await;
    let back = async {
        while let Err(status) = read(9).await {
            if status.code() == Code::NotFound {
                return;
            }
            assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
        }
    };
    timeout(PATIENCE, back).await.expect("there is room again");
}
