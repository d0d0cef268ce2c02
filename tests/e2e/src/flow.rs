//! WeChat hangs, is away, or comes back: what the callers of other accounts notice, and how much is sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kabao_client::{Client, Settings};
use kabao_proto::kabao::v1::Member;
use kabao_proto::kabao::v1::member_service_client::MemberServiceClient;
use kabao_sandbox::{Fault, FaultRule, Running};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::transport::Endpoint;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::demo::{BRAND, Demo, MERCHANT, OFFICIAL_ACCOUNT};
use crate::refusal::refused;
use crate::refused_by_wechat::demo_credential;
use crate::world::{PATIENCE, World, get_member};

const GET: &str = "merchant.user_cards.get";
const TOKEN: &str = "official_account.stable_token.get";

/// The demo merchant at some hosts.
fn merchant(sandbox: &Running, main: &str, backup: Option<&str>, settings: Settings) -> Client {
    let builder = Client::merchant(MERCHANT.account)
        .base_url(main)
        .root_certificates(sandbox.ca_pem())
        .credential(demo_credential(sandbox))
        .settings(settings);
    match backup {
        Some(backup) => builder.backup_base_url(backup),
        None => builder,
    }
    .build()
    .unwrap()
}

/// Pauses that a test can wait for, and one attempt a call.
fn short_pauses() -> Settings {
    let mut settings = Settings::default();
    settings.retry.max_attempts = 1;
    settings.breaker.first_pause = Duration::from_millis(500);
    settings.breaker.max_pause = Duration::from_millis(500);
    settings
}

/// Repeats a read until it goes as it should.
async fn until(world: &World, demo: &Demo, good: impl Fn(&Result<(), Status>) -> bool) {
    let trying = async {
        loop {
            let answer = world.get_member(demo).await.map(drop);
            if good(&answer) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let done = tokio::time::timeout(PATIENCE, trying).await;
    done.expect("it gets there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_hangs_takes_no_other_account_with_it() {
    const FLOOD: usize = 800;
    let world = Arc::new(World::start().await);
    let hang = FaultRule {
        account: Some(MERCHANT.account.to_owned()),
        ..FaultRule::next(Fault::Hang { applied: false }).times(100_000)
    };
    world.sandbox().inject(hang).unwrap();

    let mut flood = JoinSet::new();
    for number in 0..FLOOD {
        let world = Arc::clone(&world);
        flood.spawn(async move {
            // Of different members: identical reads would share a call.
            let mut read = get_member(&MERCHANT);
            read.name = format!("{}/members/{number:012}", MERCHANT.template());
            let mut request = tonic::Request::new(read);
            request
                .metadata_mut()
                .insert("grpc-timeout", "5S".parse().unwrap());
            world.members().get_member(request).await.map(drop)
        });
    }
    // The others go on while the account hangs, over a connection of their own: one has only so many streams.
    let gateway = format!("http://{}", world.gateway().grpc());
    let channel = Endpoint::from_shared(gateway).unwrap().connect().await;
    let mut others = MemberServiceClient::new(channel.unwrap());
    let mut good = 0;
    let (mut refused, mut late) = (0, 0);
    while !flood.is_empty() {
        for demo in [&BRAND, &OFFICIAL_ACCOUNT] {
            others.get_member(get_member(demo)).await.unwrap();
            good += 1;
        }
        while let Some(ended) = flood.try_join_next() {
            let status = ended.unwrap().unwrap_err();
            let details = status.get_error_details();
            let Some(info) = details.error_info() else {
                // The stub watches the deadline as well, and may be the first to see it pass.
                let code = status.code();
                assert!(
                    matches!(code, Code::DeadlineExceeded | Code::Cancelled),
                    "{status:?}"
                );
                late += 1;
                continue;
            };
            let reason = info.reason.clone();
            match (status.code(), reason.as_str()) {
                (Code::ResourceExhausted, "OVERLOADED")
                | (Code::Unavailable, "UPSTREAM_UNAVAILABLE") => {
                    refused += 1;
                    let delay = details.retry_info().unwrap().retry_delay.unwrap();
                    let pushback = status.metadata().get("grpc-retry-pushback-ms").unwrap();
                    assert_eq!(pushback.to_str().unwrap(), delay.as_millis().to_string());
                }
                (Code::DeadlineExceeded, "DEADLINE_EXCEEDED") => late += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(refused + late, FLOOD);
    assert!(late <= FLOOD / 4, "{late} calls hung");
    assert!(good > 50, "{good}");
    // As many as may be in flight, and the few that have their turn before the host is left alone.
    assert!(world.requests_of(GET) <= 80, "{}", world.requests_of(GET));
}

#[tokio::test]
async fn a_host_that_fails_is_left_alone_and_asked_again_after_a_pause() {
    let world =
        World::with_account(|sandbox| merchant(sandbox, &sandbox.base_url(), None, short_pauses()))
            .await;
    let down = Fault::DropConnection { applied: false };
    world.inject(GET, 10_000, down);
    for _ in 0..5 {
        let answer = world.get_member(&MERCHANT).await;
        refused(Code::Unavailable, "UPSTREAM_UNAVAILABLE").check(answer);
    }
    assert_eq!(world.requests_of(GET), 5);
    // While the pause lasts nothing arrives, whatever is called.
    let left_alone = |answer: &Result<(), Status>| {
        let status = answer.as_ref().unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        status.get_details_retry_info().is_some()
    };
    until(&world, &MERCHANT, left_alone).await;
    // A refusal that says when to come back is no call to WeChat; a probe is one.
    let before = world.requests_of(GET);
    let mut probes = 0;
    for _ in 0..50 {
        let answer = world.get_member(&MERCHANT).await.map(drop);
        probes += usize::from(!left_alone(&answer));
    }
    assert_eq!(world.requests_of(GET), before + probes);
    assert!(probes < 25, "{probes} probes of 50 calls");

    world.clear_faults().await;
    until(&world, &MERCHANT, Result::is_ok).await;
    for _ in 0..10 {
        world.get_member(&MERCHANT).await.unwrap();
    }
}

/// A host in front of the sandbox that comes and goes.
struct Host {
    address: SocketAddr,
    target: watch::Sender<Option<SocketAddr>>,
    /// Connections that it took and passed on.
    served: Arc<AtomicUsize>,
    /// Connections that it closed at once, because it was away.
    refused: Arc<AtomicUsize>,
}

impl Host {
    /// Is away.
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = Self {
            address: listener.local_addr().unwrap(),
            target: watch::Sender::new(None),
            served: Arc::default(),
            refused: Arc::default(),
        };
        let (target, served, refused) = (
            host.target.subscribe(),
            Arc::clone(&host.served),
            Arc::clone(&host.refused),
        );
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let present = *target.borrow();
                match present {
                    None => refused.fetch_add(1, Ordering::SeqCst),
                    Some(to) => {
                        tokio::spawn(pass_on(stream, to, target.clone()));
                        served.fetch_add(1, Ordering::SeqCst)
                    }
                };
            }
        });
        host
    }

    fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }

    fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }
}

/// Passes bytes in both directions until the host goes away.
async fn pass_on(
    mut stream: TcpStream,
    to: SocketAddr,
    mut target: watch::Receiver<Option<SocketAddr>>,
) {
    let mut onward = TcpStream::connect(to).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut stream, &mut onward) => {}
        _ = target.wait_for(Option::is_none) => {}
    }
}

#[tokio::test]
async fn calls_go_to_the_backup_while_the_main_host_is_away_and_back() {
    let main = Host::new().await;
    let world = World::with_account(|sandbox| {
        merchant(
            sandbox,
            &main.url(),
            Some(&sandbox.base_url()),
            short_pauses(),
        )
    })
    .await;
    // Reads and writes go through from the first one on, and each has one effect.
    world.get_member(&MERCHANT).await.unwrap();
    let change = Member {
        level: "银卡".to_owned(),
        ..Member::default()
    };
    let update = "merchant.user_cards.update";
    world
        .update_member(&MERCHANT, change, &["level"])
        .await
        .unwrap();
    assert_eq!(world.effects_of(update).len(), 1);
    // Only probes go to the main host meanwhile.
    let before = main.refused();
    assert!(before >= 1);
    for _ in 0..50 {
        world.get_member(&MERCHANT).await.unwrap();
    }
    assert!(
        main.refused() - before < 25,
        "{} probes",
        main.refused() - before
    );

    main.target.send_replace(Some(world.sandbox().addr()));
    until(&world, &MERCHANT, |answer| {
        assert!(answer.is_ok(), "{answer:?}");
        main.served() > 0
    })
    .await;
    // It goes away again, with the connections that were open.
    let before = main.refused();
    main.target.send_replace(None);
    until(&world, &MERCHANT, |answer| {
        assert!(answer.is_ok(), "{answer:?}");
        main.refused() > before
    })
    .await;
}

#[tokio::test]
async fn a_token_endpoint_that_is_down_is_asked_once_a_pause() {
    let world = Arc::new(World::start().await);
    // A token is there from the start; it is refused, and there is no other.
    let revoked = Fault::Errcode {
        errcode: 40001,
        errmsg: None,
        applied: false,
    };
    world.inject("official_account.member.userinfo_get", 1, revoked);
    let down = Fault::Status {
        status: 502,
        code: None,
        message: None,
        body: None,
        applied: false,
        signed: false,
    };
    world.inject(TOKEN, 1_000, down);
    let before = world.requests_of(TOKEN);
    for _ in 0..20 {
        let answer = world.get_member(&OFFICIAL_ACCOUNT).await;
        refused(Code::Unavailable, "UPSTREAM_UNAVAILABLE").check(answer);
    }
    let asked = world.requests_of(TOKEN) - before;
    assert!((1..=3).contains(&asked), "{asked} fetches for 20 calls");
    world.clear_faults().await;
    until(&world, &OFFICIAL_ACCOUNT, Result::is_ok).await;
}

#[tokio::test]
async fn a_wrong_app_secret_costs_one_fetch_a_pause() {
    let world = World::with_account(|sandbox| {
        let account = sandbox.account(OFFICIAL_ACCOUNT.account).unwrap();
        Client::official_account(OFFICIAL_ACCOUNT.account)
            .base_url(account.base_url)
            .root_certificates(sandbox.ca_pem())
            .appid(account.appid.unwrap())
            .app_secret("00000000000000000000000000000000")
            .build()
            .unwrap()
    })
    .await;
    for _ in 0..50 {
        let answer = world.get_member(&OFFICIAL_ACCOUNT).await;
        refused(Code::FailedPrecondition, "CREDENTIAL_REJECTED")
            .upstream("200", "40125")
            .check(answer);
    }
    let asked = world.requests_of(TOKEN);
    assert!((1..=4).contains(&asked), "{asked} fetches for 50 calls");
}
