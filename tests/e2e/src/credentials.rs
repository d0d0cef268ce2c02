//! Operations whose answers are credentials: nobody gets them unless an account says so, and then what the gateway
//! itself holds.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kabao_gateway::config::{Environment, Source};
use kabao_gateway::{Dev, DevOptions, Gateway};
use kabao_proto::kabao::officialaccount::v1::token_service_client::TokenServiceClient;
use kabao_proto::kabao::officialaccount::v1::{AccessToken, GetTokenRequest};
use kabao_sandbox::Running;
use serde_json::{Value, json};
use tonic::{Code, Request, Response, Status};

use crate::demo::OFFICIAL_ACCOUNT;
use crate::refusal::refused;
use crate::walk::Walk;
use crate::world::World;

/// The operation, a request, and the member of the answer that is the credential.
fn rows() -> [(&'static str, Value, &'static str); 3] {
    [
        ("official_account.token.get", json!({}), "access_token"),
        (
            "official_account.stable_token.get",
            json!({}),
            "access_token",
        ),
        (
            "official_account.ticket.get",
            json!({ "type": "wx_card" }),
            "ticket",
        ),
    ]
}

#[tokio::test]
async fn they_are_no_methods_where_no_account_lets_callers_see_them() {
    let world = World::start().await;
    let walk = Walk::new(&world, &OFFICIAL_ACCOUNT);
    for (id, request, _) in rows() {
        let refusal = refused(Code::Unimplemented, "METHOD_NOT_FOUND");
        walk.refuse(id, &request, refusal).await;
    }
    assert_eq!(world.requests_of("official_account.token.get"), 0);
    assert_eq!(world.requests_of("official_account.ticket.get"), 0);
}

#[tokio::test]
async fn an_account_that_keeps_them_is_refused_beside_one_that_shows_them() {
    let world = World::with_accounts(|sandbox| {
        vec![
            World::official_account(OFFICIAL_ACCOUNT.account, sandbox, true),
            World::official_account("reserved", sandbox, false),
        ]
    })
    .await;
    let mut walk = Walk::new(&world, &OFFICIAL_ACCOUNT);
    for (id, request, member) in rows() {
        let answer = walk.call(id, request.clone()).await;
        assert!(!answer[member].as_str().unwrap().is_empty());
        let mut request = request;
        request["account"] = json!("accounts/reserved");
        let refusal = refused(Code::PermissionDenied, "CREDENTIAL_NOT_EXPOSED");
        let status = walk.refuse(id, &request, refusal).await;
        let said = status.message();
        assert!(said.contains("expose_tokens = true"), "{said}");
    }
}

#[tokio::test]
async fn the_answer_is_what_the_gateway_holds_and_nobody_ends_it() {
    let world = World::with_exposed_tokens().await;
    let mut walk = Walk::new(&world, &OFFICIAL_ACCOUNT);
    let stable = "official_account.stable_token.get";
    let mut tokens = Vec::new();
    let mut asked = None;
    for _ in 0..3 {
        for (id, request, member) in rows() {
            let answer = walk.call(id, request).await;
            if member == "access_token" {
                tokens.push(answer[member].clone());
            }
        }
        // The gateway fetches its token by itself, too, which is over now.
        asked.get_or_insert_with(|| fetched(&world));
        let forced = json!({ "force_refresh": true });
        let refusal = refused(Code::InvalidArgument, "FIELD_INVALID").fields(&["force_refresh"]);
        walk.refuse(stable, &forced, refusal).await;
        // The token that callers see is the one that calls are made with.
        world.get_member(&OFFICIAL_ACCOUNT).await.unwrap();
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 1, "one token");
    assert_eq!(fetched(&world), asked.unwrap());
    assert_eq!(world.requests_of("official_account.ticket.get"), 1);
}

/// How often WeChat was asked for a token.
fn fetched(world: &World) -> usize {
    TOKENS.map(|id| world.requests_of(id)).into_iter().sum()
}

const TOKENS: [&str; 2] = [
    "official_account.token.get",
    "official_account.stable_token.get",
];

/// A gateway that its operator has configured by files: two callers with tokens, and a policy.
async fn configured(folder: &Path, sandbox: Running) -> World {
    let account = sandbox.account(OFFICIAL_ACCOUNT.account).unwrap();
    let digest = |token: &str| kabao_auth::sha256_hex(token.as_bytes());
    let configuration = format!(
        r#"
        [grpc]
        listen = "127.0.0.1:0"
        policy_file = "policy.toml"
        [admin]
        listen = "127.0.0.1:0"
        [[callers]]
        name = "page"
        token_sha256 = ["{}"]
        [[callers]]
        name = "office"
        token_sha256 = ["{}"]
        [[accounts]]
        id = "{}"
        family = "official_account"
        appid = "{}"
        app_secret_file = "secret"
        base_url = "{}"
        extra_ca_file = "ca.pem"
        expose_tokens = true
        "#,
        digest("token of page"),
        digest("token of office"),
        OFFICIAL_ACCOUNT.account,
        account.appid.unwrap(),
        account.base_url,
    );
    let policy = r#"
        [[callers]]
        name = "page"
        accounts = ["*"]
        methods = ["secrets"]
        [[callers]]
        name = "office"
        accounts = ["*"]
        methods = ["read", "write", "money", "admin"]
        "#;
    for (name, text) in [
        ("kabao.toml", configuration.as_str()),
        ("policy.toml", policy),
        ("secret", &account.app_secret.unwrap()),
        ("ca.pem", sandbox.ca_pem()),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
        let owner = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(folder.join(name), owner).unwrap();
    }
    let source = Source::new(folder.join("kabao.toml"), Environment::default());
    let loaded = source.load(0).unwrap();
    let gateway = Gateway::start(&loaded.settings).await.unwrap();
    gateway.ready();
    World::of(gateway, sandbox).await
}

/// What a caller gets who shows a bearer token.
async fn shown_to(world: &World, bearer: &str) -> Result<Response<AccessToken>, Status> {
    let mut request = Request::new(GetTokenRequest {
        account: OFFICIAL_ACCOUNT.account(),
    });
    let bearer = format!("Bearer {bearer}").parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    let mut tokens = TokenServiceClient::new(world.channel());
    tokens.get_token(request).await
}

#[tokio::test]
async fn a_caller_gets_them_only_if_a_policy_says_so_in_so_many_words() {
    let folder = std::env::temp_dir().join(format!("kabao-e2e-secrets-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let dev = Dev::start(DevOptions::default()).await.unwrap();
    let world = configured(&folder, dev.into_parts().1).await;
    refused(Code::PermissionDenied, "PERMISSION_DENIED")
        .check(shown_to(&world, "token of office").await);
    refused(Code::Unauthenticated, "UNAUTHENTICATED").check(shown_to(&world, "a guess").await);
    let answer = shown_to(&world, "token of page").await.unwrap();
    assert!(!answer.into_inner().access_token().is_empty());
    drop(world);
    std::fs::remove_dir_all(&folder).unwrap();
}
