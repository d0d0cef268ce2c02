//! Operations whose answers are credentials: nobody gets them unless an account says so, and then what the gateway
//! itself holds.

use serde_json::{Value, json};
use tonic::Code;

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
